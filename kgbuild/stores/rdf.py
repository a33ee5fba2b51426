"""The embedded RDF store: Oxigraph in a folder of its own.

What a note says is a named graph with the note's IRI. The default graph is their union, a set: a fact that several
notes support is there once, so that queries count right, and it goes when the last note that says it goes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Self

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.schema import ID_BASE, TIMELINE_ASSERTIONS
from kgbuild.stores import Cell, EventFacts, Evidence, PatientFacts, StoreError, Table
from kgbuild.stores.folder import lock, make_folder, unopened
from kgbuild.stores.mapping import iri, term, triples
from kgbuild.stores.sparql import ask, cell

_UNION = DefaultGraph()
_Subject = NamedNode | BlankNode | Triple
_Term = NamedNode | BlankNode | Literal | Triple

_PATIENTS = """
SELECT ?key (COUNT(DISTINCT ?note) AS ?notes) WHERE {
  ?patient a kg:Patient ; dcterms:identifier ?key ; kg:hasNote ?note
} GROUP BY ?key"""

# Two questions, because an event without days would leave the least and greatest day of its patient unbound.
_HAPPENED = f"""?patient dcterms:identifier ?key ; kg:hasEvent ?event . ?event kg:assertion ?assertion
  FILTER(?assertion IN ({", ".join(f'"{assertion}"' for assertion in TIMELINE_ASSERTIONS)}))"""
_EVENTS = f"SELECT ?key (COUNT(?event) AS ?events) WHERE {{ {_HAPPENED} }} GROUP BY ?key"
_SPANS = f"""
SELECT ?key (MIN(?start) AS ?first) (MAX(?end) AS ?last) WHERE {{
  {_HAPPENED} ?event kg:start ?start ; kg:end ?end
}} GROUP BY ?key"""


class Facts:
    """What is said of one subject, by property."""

    def __init__(self, by_property: Mapping[str, list[_Term]]) -> None:
        self._by_property = by_property

    def one(self, predicate: str) -> Cell:
        """Return the value of a property as a plain value, the least of several; None if there is none."""
        found = self._by_property.get(term(predicate).value)
        return None if not found else cell(min(found, key=str))

    def all(self, predicate: str) -> list[NamedNode]:
        """Return the things that a property leads to."""
        return [thing for thing in self._by_property.get(term(predicate).value, ()) if isinstance(thing, NamedNode)]


class RdfStore:
    """A folder with an Oxigraph database; only its owner may enter.

    One process writes; others may read only while none does, which a lock on a file of the folder sees to, and which
    ends with the process however that ends.

    Args:
        path: The folder.
        create: Make it if it is not there.
        read_only: Only read.

    Raises:
        StoreError: If it is not there, is no store, or is in use.
    """

    def __init__(self, path: Path, *, create: bool = False, read_only: bool = False) -> None:
        make_folder(path, create=create)
        self.path = path
        self._is_read_only = read_only
        self._lock = lock(path, shared=read_only)
        try:
            self._store = Store.read_only(str(path)) if read_only else Store(str(path))
        except OSError as error:
            self._lock.close()
            raise unopened(path, error) from None

    # --- writing --------------------------------------------------------------------------------------------------
    def put(self, note_graphs: Iterable[NoteGraph]) -> int:
        """Write each note in one transaction, in place of what it said before; return how many were not there yet.

        Each note is safe from the end of this process as soon as it is written, and from a power cut when this returns.

        Raises:
            StoreError: If a note cannot be written; those before it are.
        """
        written = 0
        try:
            for graph in note_graphs:
                if self.fingerprint(graph.note_id) != graph.fingerprint:
                    self._put(graph)
                    written += 1
        finally:
            if written:
                self._store.flush()
        return written

    def _put(self, graph: NoteGraph) -> None:
        try:
            self._replace(iri(ids.note(graph.note_id)), set(triples(graph)))
        except StoreError:
            raise
        except (OSError, ValueError) as error:
            fault = str(error) if isinstance(error, OSError) else "a text or id that RDF cannot hold"
            raise StoreError(f"note {graph.note_id!r}: not written: {fault}") from None

    def retract(self, note_id: str) -> bool:
        """Withdraw what only this note says; return False if the store does not know the note."""
        if self.fingerprint(note_id) is None:
            return False
        self._replace(iri(ids.note(note_id)), set())
        self._store.flush()
        return True

    def _replace(self, graph: NamedNode, new: set[Triple]) -> None:
        """Make a note's graph these triples, and the union follow, in one transaction."""
        if self._is_read_only:
            raise StoreError(f"{self.path}: opened for reading only")
        old = {quad.triple for quad in self._store.quads_for_pattern(None, None, None, graph)}
        if not old:
            self._store.extend([Quad(t.subject, t.predicate, t.object, name) for name in (graph, _UNION) for t in new])
            return
        gone, come = old - new, new - old
        unsaid = [triple for triple in gone if not self._is_said_elsewhere(triple, graph)]
        self._store.update(
            f"DELETE DATA {{ {_text(unsaid)} GRAPH {graph} {{ {_text(gone)} }} }} ;\n"
            f"INSERT DATA {{ {_text(come)} GRAPH {graph} {{ {_text(come)} }} }}"
            + ("" if new else f" ;\nDROP SILENT GRAPH {graph}")
        )

    def _is_said_elsewhere(self, triple: Triple, graph: NamedNode) -> bool:
        """Tell whether another note says the same."""
        said = self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
        return any(quad.graph_name not in (graph, _UNION) for quad in said)

    # --- reading --------------------------------------------------------------------------------------------------
    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        note = iri(ids.note(note_id))
        found = self._objects(note, "kg:fingerprint", note)
        return str(cell(found[0])) if found else None

    def patients(self) -> list[PatientFacts]:
        """Return the patients by id, with the number and the span of the events that a timeline shows."""
        events = {key: count for key, count in self.query(_EVENTS).rows}
        spans = {key: (_day(first), _day(last)) for key, first, last in self.query(_SPANS).rows}
        found = []
        for key, notes in self.query(_PATIENTS).rows:
            happened = events.get(key, 0)
            assert isinstance(notes, int)
            assert isinstance(happened, int)
            found.append(PatientFacts(str(key), notes, happened, *spans.get(key, (None, None))))
        return sorted(found, key=lambda patient: patient.id)

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        entities: dict[str, tuple[Facts, frozenset[str]]] = {}
        found = []
        for event in self._facts(iri(ids.patient(patient_id))).all("kg:hasEvent"):
            facts = self._facts(event)
            (entity,) = facts.all("kg:of")
            if entity.value not in entities:
                entities[entity.value] = (about := self._facts(entity), self._codes(about))
            found.append(self._event(event, facts, *entities[entity.value]))
        return found

    def query(self, statement: str) -> Table:
        """Answer a SPARQL query over the union of all notes; ``GRAPH ?note { ... }`` tells which note says what.

        Raises:
            StoreError: If it would write or call another server, or is not SPARQL.
        """
        return ask(self._store, statement)

    def quads(self, graph: NamedNode | None = None, subject: _Subject | None = None) -> Iterator[Quad]:
        """Return what one note says, or the union of all; of one subject, or of all."""
        return self._store.quads_for_pattern(subject, None, None, _UNION if graph is None else graph)

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        names = [name for name in self._store.named_graphs() if isinstance(name, NamedNode)]
        return sorted(names, key=lambda name: name.value)

    def close(self) -> None:
        """Let go of the folder; the store is not to be used after that."""
        if hasattr(self, "_store"):
            del self._store
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _event(self, event: NamedNode, facts: Facts, entity: Facts, codes: frozenset[str]) -> EventFacts:
        """Return one event."""
        start, number = _day(facts.one("kg:start")), facts.one("kg:number")
        source = "text" if facts.all("kg:datedBy") else "unknown" if start is None else "note date"
        return EventFacts(
            id=event.value.removeprefix(ID_BASE),
            start=start,
            end=_day(facts.one("kg:end")),
            label=str(entity.one("kg:label")),
            name=str(entity.one("rdfs:label")),
            system=_words(entity.one("kg:system")),
            code=_words(entity.one("kg:code")),
            codes=codes,
            assertion=str(facts.one("kg:assertion")),
            value=_words(facts.one("kg:value")),
            number=number if isinstance(number, float) else None,
            unit=_words(facts.one("kg:unit")),
            source=source,
            evidence=tuple(sorted(self._evidence(facts), key=lambda e: (e.note, e.start, e.end))),
        )

    def _evidence(self, facts: Facts) -> Iterator[Evidence]:
        """Yield the mentions behind an event; their ids say note and offsets."""
        for mention in facts.all("kg:evidencedBy"):
            _, note, offsets, _ = ids.parts(mention.value.removeprefix(ID_BASE))
            start, end = offsets.split("-")
            text = self._objects(mention, "kg:text")
            yield Evidence(note, int(start), int(end), str(cell(text[0])) if text else "")

    def _codes(self, entity: Facts) -> frozenset[str]:
        """Return the curies of an entity's codes and of all their ancestors that the store knows."""
        found: dict[str, str] = {}
        due = entity.all("kg:codedAs")
        while due:
            concept = due.pop()
            if concept.value not in found:
                facts = self._facts(concept)
                found[concept.value] = f"{facts.one('kg:system')}:{facts.one('skos:notation')}"
                due += facts.all("skos:broader")
        return frozenset(found.values())

    def _facts(self, subject: NamedNode) -> Facts:
        """Return what the union says of a subject."""
        by_property: dict[str, list[_Term]] = defaultdict(list)
        for quad in self._store.quads_for_pattern(subject, None, None, _UNION):
            by_property[quad.predicate.value].append(quad.object)
        return Facts(by_property)

    def _objects(self, subject: NamedNode, predicate: str, graph: NamedNode | DefaultGraph = _UNION) -> list[_Term]:
        """Return the values of a property."""
        return [quad.object for quad in self._store.quads_for_pattern(subject, term(predicate), None, graph)]


def _text(triples: Iterable[Triple]) -> str:
    """Return triples as SPARQL writes them."""
    return "\n".join(f"{triple.subject} {triple.predicate} {triple.object} ." for triple in triples)


def _day(found: Cell) -> date | None:
    return found if isinstance(found, date) else None


def _words(found: Cell) -> str | None:
    return None if found is None else str(found)
