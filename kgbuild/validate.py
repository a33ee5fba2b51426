"""A store against the SHACL shapes as pyshacl reads them: a second opinion on what was checked as it was written."""

import logging
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Protocol

from pyoxigraph import NamedNode, Quad, RdfFormat, serialize

from kgbuild import ids
from kgbuild.stores import GraphStore, StoreError
from kgbuild.stores.checking import Violation, shown
from kgbuild.stores.mapping import iri
from kgbuild.stores.reading import note_of
from kgbuild.stores.shapes import SHAPES

_SH = "http://www.w3.org/ns/shacl#"


class Graphs(Protocol):
    """A store that keeps a named graph a note."""

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        ...

    def quads(self, graph: NamedNode | None = None) -> Iterator[Quad]:
        """Return what one note says."""
        ...


def validate(store: GraphStore, notes: Iterable[str] = ()) -> Iterator[tuple[str, list[Violation]]]:
    """Yield each note with what is wrong with it, by note.

    Args:
        store: An RDF store.
        notes: Ids of notes; all by default.

    Raises:
        StoreError: If the store keeps no graphs, does not know a note, or pyshacl is not installed.
    """
    graphs = graphs_of(store)
    known = graphs.graphs()
    wanted = [iri(ids.note(note)) for note in notes]
    for name in wanted:
        if name not in known:
            raise StoreError(f"no note {note_of(name)!r}")
    for name in wanted or known:
        yield note_of(name), pyshacl_violations(note_of(name), graphs.quads(name))


def graphs_of(store: GraphStore) -> Graphs:
    """Return a store as one that keeps a graph a note.

    Raises:
        StoreError: If it is of another kind.
    """
    if not hasattr(store, "graphs") or not hasattr(store, "quads"):
        raise StoreError("this needs an RDF store: a path, or the address of a SPARQL endpoint")
    return store  # type: ignore[return-value]  # looked at one line up


def pyshacl_violations(note: str, quads: Iterable[Quad]) -> list[Violation]:
    """Return what pyshacl finds wrong with the triples of a note.

    Raises:
        StoreError: If pyshacl is not installed.
    """
    try:
        import pyshacl
        import rdflib
    except ImportError:
        raise StoreError("validate: pyshacl is not installed: pip install 'kgbuild[validate]'") from None
    written = BytesIO()
    serialize((quad.triple for quad in quads), written, RdfFormat.N_TRIPLES)
    data, shapes = rdflib.Graph(), rdflib.Graph()
    data.parse(data=written.getvalue(), format="nt")
    shapes.parse(data=SHAPES.read_bytes(), format="turtle")
    silent = logging.getLogger("kgbuild.pyshacl")  # its own logger prints values, which are words of the note
    silent.disabled = True
    conforms, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none", logger=silent)
    if conforms:
        return []
    assert isinstance(report, rdflib.Graph)
    sh = rdflib.Namespace(_SH)
    found = set()
    for result in report.subjects(rdflib.RDF.type, sh.ValidationResult):
        source, node = report.value(result, sh.sourceShape), report.value(result, sh.focusNode)
        shape = next(shapes.subjects(sh.property, source), source)
        component = str(report.value(result, sh.sourceConstraintComponent)).removeprefix(_SH)
        path = report.value(result, sh.resultPath)
        rule = f"{_named(path)} {component}" if path is not None else component
        assert node is not None
        found.add(Violation(note, str(shape).partition("#")[2], shown(node.n3()), rule))
    return sorted(found, key=lambda one: (one.shape, one.node, one.rule))


def _named(path: object) -> str:
    """Return the last part of a property's IRI, or what stands for an inverse path."""
    text = str(path)
    return text.replace("#", "/").rpartition("/")[2] if "/" in text else "inverse path"
