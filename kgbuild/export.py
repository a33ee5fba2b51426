"""A store as a file: RDF in five forms, GraphML; or as a folder of CSV files."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import gettempdir
from typing import BinaryIO

from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, serialize

from kgbuild.export_graphml import write_graphml
from kgbuild.export_tables import write_tables
from kgbuild.graph import Edge, Node
from kgbuild.stores import GraphStore, StoreError
from kgbuild.stores.graphs import nodes_and_edges, said_of
from kgbuild.stores.mapping import PREFIXES, TYPE
from kgbuild.stores.rdf import RdfStore
from kgbuild.temporary import remove_left, temporary_folder
from kgbuild.without_text import without_text

RDF_FORMATS: dict[str, RdfFormat] = {
    "turtle": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "nq": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "jsonld": RdfFormat.JSON_LD,
}
"""Name of a format -> what Oxigraph calls it. Turtle and N-Triples hold the union of all notes; the others keep, as
one named graph a note, which note says what."""

FORMATS = (*RDF_FORMATS, "graphml", "csv")
"""Formats by name; ``csv`` is a folder."""


def export(store: GraphStore, format: str, out: BinaryIO, *, with_text: bool = True) -> None:
    """Write a store, sorted: the same facts give the same bytes.

    Args:
        store: Any; a server's is first copied to a folder, which is gone afterwards.
        format: One of ``FORMATS`` but ``csv``.
        out: Where to; the caller sees to it that a file is whole or absent.
        with_text: Whether what was taken from the notes' texts is written (``without_text.py``).

    Raises:
        StoreError: If the format is unknown.
    """
    if format not in FORMATS or format == "csv":
        raise StoreError(f"export: expected one of {', '.join(FORMATS)}; found {format!r}")
    with _local(store, with_text) as local:
        if format == "graphml":
            write_graphml(_union_graph(local), out)
            return
        rdf = RDF_FORMATS[format]
        content: Iterator[Quad] | Iterator[Triple] = _named(local) if rdf.supports_datasets else _union(local)
        serialize(content, out, rdf, prefixes=PREFIXES)


def export_tables(store: GraphStore, folder: Path, *, with_text: bool = True) -> None:
    """Write a store as CSV files that ``neo4j-admin database import`` reads, into a folder that is whole or absent.

    Raises:
        StoreError: If the folder is there already.
    """
    with _local(store, with_text) as local:
        write_tables(_union_graph(local), folder)


@contextmanager
def _local(store: GraphStore, with_text: bool) -> Iterator[RdfStore]:
    """Return the store if it can be written as it is, else a copy that is gone afterwards."""
    if isinstance(store, RdfStore) and with_text:
        remove_left(Path(gettempdir()))
        yield store
        return
    with temporary_folder(Path(gettempdir())) as folder, _naming_folder_of(folder / "kg"):
        with RdfStore(folder / "kg", create=True) as copy:
            notes = store.note_graphs(store.note_ids())
            copy.put(notes if with_text else map(without_text, notes))
            yield copy


@contextmanager
def _naming_folder_of(copy: Path) -> Iterator[None]:
    """See to it that an error of a copy names the folder that it was to stand in, and not the copy, which is gone."""
    try:
        yield
    except StoreError as error:
        if str(copy) not in str(error):
            raise
        fault = str(error).replace(str(copy), f"{gettempdir()}: the copy that export makes there")
    else:
        return
    raise StoreError(fault)


# --- RDF ----------------------------------------------------------------------------------------------------------
def _union(store: RdfStore) -> Iterator[Triple]:
    """Yield the triples of all notes, each once, by subject."""
    return chain.from_iterable(_sorted(q.triple for q in store.quads(subject=s)) for s in _subjects(store))


def _subjects(store: RdfStore) -> list[NamedNode]:
    """Return what the union speaks of, sorted."""
    subjects = {quad.subject for quad in store.quads() if isinstance(quad.subject, NamedNode)}
    return sorted(subjects, key=lambda subject: subject.value)


def _named(store: RdfStore) -> Iterator[Quad]:
    """Yield the triples of each note with the note's IRI as the graph's name, by note and subject."""
    for graph in store.graphs():
        for triple in _sorted(quad.triple for quad in store.quads(graph)):
            yield Quad(triple.subject, triple.predicate, triple.object, graph)


def _sorted(triples: Iterator[Triple]) -> list[Triple]:
    """Return triples by subject, the class first."""
    return sorted(triples, key=lambda t: (str(t.subject), t.predicate != TYPE, str(t.predicate), str(t.object)))


# --- nodes and edges ----------------------------------------------------------------------------------------------
def _union_graph(store: RdfStore) -> Iterator[Node | Edge]:
    """Yield the nodes and edges of all notes, each once, by subject."""
    return nodes_and_edges(_subjects(store), lambda subject: said_of(q.triple for q in store.quads(subject=subject)))
