"""A SPARQL 1.1 server as a store: Fuseki, Oxigraph, RDF4J, or what answers like one of them.

The same named graph a note and the same union in the default graph as in the embedded store, so the data set must be
kgbuild's own. Notes are written by SPARQL Update, a request of some notes being one transaction of the server; every
request can be repeated without doing anything twice, and is when the connection drops.

Whatever a server takes for its default graph, what one note states must be found there once: that is looked at when
it is opened and, if it was empty then, after the first notes.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Self

from pyoxigraph import NamedNode, Quad

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.stores import QUERY_SECONDS, EventFacts, Link, PatientFacts, StoreError, Table, rdf_questions
from kgbuild.stores.graphs import note_graphs
from kgbuild.stores.mapping import iri, lines, literal
from kgbuild.stores.reading import EVENTS, PATIENTS, SPANS, Reader, note_of, patient_facts
from kgbuild.stores.sparql import refuse_calls
from kgbuild.stores.sparql_server import SparqlServer
from kgbuild.stores.statement import bounded, understood
from kgbuild.stores.writing import chunks, written

_WITHDRAW = """DELETE {{ {union} }} WHERE {{ GRAPH {note} {{ ?s ?p ?o }}
  FILTER NOT EXISTS {{ GRAPH ?other {{ ?s ?p ?o }} FILTER(?other != {note}) }} }} ;
DROP SILENT GRAPH {note} ;
"""
"""Takes a note's graph away, and from the union what no other note says."""

_SAID = """SELECT ?said {
  { SELECT ?note { GRAPH ?note { ?note kg:fingerprint ?fingerprint } } LIMIT 1 }
  OPTIONAL { ?note kg:fingerprint ?said } }"""
"""What the union says of what only one note does: to be found once, if there is a note."""

_PATIENT = """CONSTRUCT {{ ?s ?p ?o }} WHERE {{
  {{ BIND({0} AS ?s) }}
  UNION {{ {0} kg:hasEvent ?s }}
  UNION {{ {0} kg:hasEvent/kg:evidencedBy ?s }}
  UNION {{ {0} kg:hasEvent/kg:of ?s }}
  UNION {{ {0} kg:hasEvent/kg:of/kg:codedAs/skos:broader* ?s }}
  ?s ?p ?o }}"""
"""All that a patient's events are told from."""


def open_endpoint(url: str, *, read_only: bool, password: Callable[[str], str] | None) -> "EndpointStore":
    """Open a data set of a server as the user of ``SPARQL_USERNAME``, if that is set.

    Args:
        url: Its address.
        read_only: Only read.
        password: Asks for the password that ``SPARQL_PASSWORD`` does not have.

    Raises:
        StoreError: As ``EndpointStore`` does.
    """
    user, known = os.environ.get("SPARQL_USERNAME"), os.environ.get("SPARQL_PASSWORD")
    if user is not None and known is None and password is not None:
        known = password(user)
    if any("\ud800" <= char <= "\udfff" for char in f"{user or ''}{known or ''}"):
        raise StoreError("SPARQL_USERNAME or SPARQL_PASSWORD: expected UTF-8")
    return EndpointStore(url, read_only=read_only, user=user, password=None if user is None else known)


class EndpointStore:
    """A data set of a SPARQL server.

    Args:
        url: Address of the data set: ``http://localhost:3030/kg``.
        read_only: Only read.
        user: Who asks; no one by default.
        password: Of the user.

    Raises:
        StoreError: If the address is none, the server does not answer, or answers like none that is known, or does
            not find once what one note says.
    """

    def __init__(
        self, url: str, *, read_only: bool = False, user: str | None = None, password: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._is_read_only = read_only
        self._server = SparqlServer(self.url, user, password)
        self._is_sound = False  # whether the union has been seen to hold what a note says, once
        self._look_at_union()

    def _look_at_union(self, undo: str | None = None) -> None:
        """See whether what one note says is found once, if there is a note.

        Args:
            undo: The update that takes back what was written, if it is not.

        Raises:
            StoreError: If it is not.
        """
        found = self._server.ask(_SAID).rows
        if (None,) in found or len(set(found)) < len(found):
            if undo is not None:
                self._update(undo)
            often = "not" if (None,) in found else "more than once"
            raise StoreError(
                f"{self.url}: what one note says is {often} found where a query names no graph: "
                "the default graph must be a graph of its own, not all graphs at once"
            )
        self._is_sound = bool(found)

    # --- writing --------------------------------------------------------------------------------------------------
    def put(self, note_graphs: Iterable[NoteGraph]) -> int:
        """Write each note whole, in place of what it said before; return how many were not there yet.

        Raises:
            StoreError: If a note cannot be written, or is not as the shapes say; those before it are.
        """
        return sum(self._put(chunk) for chunk in chunks(note_graphs))

    def _put(self, chunk: Sequence[NoteGraph]) -> int:
        """Write some notes, none twice."""
        known = self.fingerprints([graph.note_id for graph in chunk])
        return written([graph for graph in chunk if known.get(graph.note_id) != graph.fingerprint], self._write)

    def _write(self, graphs: Sequence[NoteGraph]) -> None:
        """Write checked notes in one request; one that is there goes first, whoever wrote it since."""
        names = {graph.note_id: str(iri(ids.note(graph.note_id))) for graph in graphs}
        gone = "".join(map(self._withdrawal, names))
        said = ((graph.note_id, " .\n".join(lines(graph))) for graph in graphs)
        come = "\n".join(f"{text} .\nGRAPH {names[note]} {{ {text} }}" for note, text in said)
        self._update(f"{gone}INSERT DATA {{ {come} }}")
        if not self._is_sound:
            self._look_at_union(undo=gone.rstrip(" ;\n"))

    def _withdrawal(self, note: str) -> str:
        """Return the update that withdraws what only this note says."""
        return _WITHDRAW.format(note=iri(ids.note(note)), union=self._server.union("?s ?p ?o"))

    def retract(self, note_id: str) -> bool:
        """Withdraw what only this note says; return False if the store does not know the note."""
        if self.fingerprint(note_id) is None:
            return False
        self._update(self._withdrawal(note_id).rstrip(" ;\n"))
        return True

    def _update(self, update: str) -> None:
        """Have the server change what it holds."""
        if self._is_read_only:
            raise StoreError(f"{self.url}: opened for reading only")
        self._server.update(update)

    # --- reading --------------------------------------------------------------------------------------------------
    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        return self.fingerprints([note_id]).get(note_id)

    def fingerprints(self, note_ids: Collection[str]) -> dict[str, str]:
        """Return the fingerprints of those notes that the store knows, by note id."""
        values = " ".join(f"({iri(ids.note(note))} {literal(note)})" for note in note_ids)
        found = self._server.ask(
            f"SELECT ?id ?fingerprint {{ VALUES (?note ?id) {{ {values} }} "
            "GRAPH ?note { ?note kg:fingerprint ?fingerprint } }"
        )
        with understood(self.url):
            return {str(note): str(fingerprint) for note, fingerprint in found.rows}

    def note_ids(self) -> list[str]:
        """Return the ids of the notes, sorted."""
        with understood(self.url):
            return sorted(map(note_of, self.graphs()))

    def note_graphs(self, note_ids: Iterable[str]) -> Iterator[NoteGraph]:
        """Yield notes as they were put, in this order; those that are not there are left out."""
        with understood(self.url):
            yield from note_graphs(self, note_ids)

    def patients(self) -> list[PatientFacts]:
        """Return the patients by id, with the number and the span of the events that a timeline shows."""
        with understood(self.url):
            return patient_facts(*(self._server.ask(question).rows for question in (PATIENTS, EVENTS, SPANS)))

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        with understood(self.url):
            memory = self._server.constructed(_PATIENT.format(iri(ids.patient(patient_id))))
            return Reader(memory).events(patient_id)

    def links(self, patient_id: str) -> list[Link]:
        """Return what joins a patient's events and entities with each other, their codes and what is above these."""
        with understood(self.url):
            return rdf_questions.links(self._server.ask, patient_id)

    def concepts(self) -> dict[str, frozenset[str]]:
        """Return the curie of each code in the store, with those of the codes above it that the store knows."""
        with understood(self.url):
            return rdf_questions.concepts(self._server.ask)

    def coded(self, curies: Collection[str]) -> list[str]:
        """Return, by id, the patients on whose timeline something has one of these codes (rank 1)."""
        with understood(self.url):
            return rdf_questions.coded(self._server.ask, curies)

    def query(self, statement: str, *, seconds: float = QUERY_SECONDS, may_call: bool = False) -> Table:
        """Answer a SPARQL query over the union of all notes, as ``RdfStore.query`` does; the server parses it."""
        end = time.monotonic() + seconds
        if may_call:
            bounded(statement)
        else:
            refuse_calls(statement, seconds)
        return self._server.query(statement, seconds=max(end - time.monotonic(), 0.001))

    def quads(self, graph: NamedNode | None = None) -> Iterator[Quad]:
        """Return what one note says, or the union of all, by the Graph Store protocol."""
        for triple in self._server.graph(graph):
            yield Quad(triple.subject, triple.predicate, triple.object, graph)

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        found = self._server.ask("SELECT ?note { GRAPH ?note { ?note a kg:Note } }").rows
        with understood(self.url):
            return sorted((NamedNode(str(name)) for (name,) in found), key=lambda name: name.value)

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
