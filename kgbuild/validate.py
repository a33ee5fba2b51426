"""A store against the SHACL shapes as pyshacl reads them: a second opinion on what was checked as it was written."""

import logging
from collections.abc import Iterable, Iterator
from io import BytesIO

from pyoxigraph import RdfFormat, Triple, serialize

from kgbuild import ids
from kgbuild.note import composed
from kgbuild.stores import GraphStore, StoreError
from kgbuild.stores.address import named
from kgbuild.stores.checking import Violation, shown
from kgbuild.stores.graphs import Graphs
from kgbuild.stores.mapping import iri, triples
from kgbuild.stores.shapes import SHAPES

_SH = "http://www.w3.org/ns/shacl#"


def validate(store: GraphStore, notes: Iterable[str] = ()) -> Iterator[tuple[str, list[Violation]]]:
    """Yield each note with what is wrong with it, by note.

    Args:
        store: Any; what an RDF store holds is looked at as it is, whoever wrote it.
        notes: Ids of notes; all by default.

    Raises:
        StoreError: If the store does not know a note, or pyshacl is not installed.
    """
    known = store.note_ids()
    wanted = list(map(composed, notes))
    if unknown := set(wanted) - set(known):
        raise StoreError(f"no note {named(min(unknown))!r}")
    for note in wanted or known:
        yield note, pyshacl_violations(note, _triples(store, note))


def _triples(store: GraphStore, note: str) -> Iterable[Triple]:
    """Return what a note says."""
    if isinstance(store, Graphs):
        return (quad.triple for quad in store.quads(iri(ids.note(note))))
    return (triple for graph in store.note_graphs([note]) for triple in triples(graph))


def pyshacl_violations(note: str, triples: Iterable[Triple]) -> list[Violation]:
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
    serialize(triples, written, RdfFormat.N_TRIPLES)
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
