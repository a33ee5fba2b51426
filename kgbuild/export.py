"""A store as a file: Turtle, N-Triples, N-Quads, TriG or JSON-LD."""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from pyoxigraph import Quad, RdfFormat, Triple, serialize

from kgbuild.stores import GraphStore, StoreError
from kgbuild.stores.mapping import PREFIXES, TYPE
from kgbuild.stores.rdf import RdfStore

FORMATS: dict[str, RdfFormat] = {
    "turtle": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "nq": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "jsonld": RdfFormat.JSON_LD,
}
"""Name of a format -> what Oxigraph calls it. Turtle and N-Triples hold the union of all notes; the others keep, as
one named graph a note, which note says what."""


def export(store: GraphStore, format: str, out: BinaryIO) -> None:
    """Write a store, sorted: the same facts give the same bytes.

    Args:
        store: What to write; it is streamed, a subject or a note at a time.
        format: A key of ``FORMATS``.
        out: Where to; the caller sees to it that a file is whole or absent.

    Raises:
        StoreError: If the format is unknown or the store is not an RDF store.
    """
    if format not in FORMATS:
        raise StoreError(f"export: expected one of {', '.join(FORMATS)}; found {format!r}")
    if not isinstance(store, RdfStore):
        raise StoreError("export: RDF formats need an RDF store")
    rdf = FORMATS[format]
    content: Iterator[Quad] | Iterator[Triple] = _named(store) if rdf.supports_datasets else _union(store)
    serialize(content, out, rdf, prefixes=PREFIXES)


def _union(store: RdfStore) -> Iterator[Triple]:
    """Yield the triples of all notes, each once, by subject."""
    subjects = sorted({quad.subject for quad in store.quads()}, key=str)
    return chain.from_iterable(_sorted(quad.triple for quad in store.quads(subject=subject)) for subject in subjects)


def _named(store: RdfStore) -> Iterator[Quad]:
    """Yield the triples of each note with the note's IRI as the graph's name, by note and subject."""
    for graph in store.graphs():
        for triple in _sorted(quad.triple for quad in store.quads(graph)):
            yield Quad(triple.subject, triple.predicate, triple.object, graph)


def _sorted(triples: Iterator[Triple]) -> list[Triple]:
    """Return triples by subject, the class first."""
    return sorted(triples, key=lambda t: (str(t.subject), t.predicate != TYPE, str(t.predicate), str(t.object)))
