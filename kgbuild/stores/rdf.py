"""The embedded RDF store: Oxigraph in a folder of its own.

What a note says is a named graph with the note's IRI. The default graph is their union, a set: a fact that several
notes support is there once, so that queries count right, and it goes when the last note that says it goes.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import IO

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.schema import ID_BASE, TIMELINE_ASSERTIONS
from kgbuild.stores import EventFacts, Evidence, PatientFacts, StoreError, Table
from kgbuild.stores.mapping import PREFIXES, iri, term, triples
from kgbuild.stores.sparql import ask, cell

_LOCK = "kgbuild.lock"
_UNION = DefaultGraph()
_Facts = dict[str, list[NamedNode | BlankNode | Literal | Triple]]

_PATIENTS = """
SELECT ?key (COUNT(DISTINCT ?note) AS ?notes) WHERE {
  ?patient a kg:Patient ; dcterms:identifier ?key ; kg:hasNote ?note
} GROUP BY ?key"""

# OPTIONAL stands last: in the middle of a pattern Oxigraph 0.5 evaluates what follows once a row.
_PATIENT_EVENTS = f"""
SELECT ?key (COUNT(?event) AS ?events) (MIN(?start) AS ?first) (MAX(?end) AS ?last) WHERE {{
  ?patient dcterms:identifier ?key ; kg:hasEvent ?event . ?event kg:assertion ?assertion
  FILTER(?assertion IN ({", ".join(f'"{assertion}"' for assertion in TIMELINE_ASSERTIONS)}))
  OPTIONAL {{ ?event kg:start ?start }} OPTIONAL {{ ?event kg:end ?end }}
}} GROUP BY ?key"""


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
        _make_folder(path, create=create)
        self.path = path
        self._lock = _lock(path, shared=read_only)
        try:
            self._store = Store.read_only(str(path)) if read_only else Store(str(path))
        except OSError as error:
            self._lock.close()
            raise _unopened(path, error) from None

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
        old = {quad.triple for quad in self._store.quads_for_pattern(None, None, None, graph)}
        if not old:
            self._store.extend([Quad(*triple, name) for name in (graph, _UNION) for triple in new])
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
        return any(quad.graph_name not in (graph, _UNION) for quad in self._store.quads_for_pattern(*triple, None))

    # --- reading --------------------------------------------------------------------------------------------------
    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        note = iri(ids.note(note_id))
        found = self._objects(note, "kg:fingerprint", note)
        return str(cell(found[0])) if found else None

    def patients(self) -> list[PatientFacts]:
        """Return the patients by id, with the number and the span of the events that a timeline shows."""
        happened = {str(key): (events, first, last) for key, events, first, last in self.query(_PATIENT_EVENTS).rows}
        found = []
        for key, notes in self.query(_PATIENTS).rows:
            events, first, last = happened.get(str(key), (0, None, None))
            assert isinstance(notes, int)
            assert isinstance(events, int)
            found.append(PatientFacts(str(key), notes, events, _day(first), _day(last)))
        return sorted(found, key=lambda patient: patient.id)

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        entities: dict[str, tuple[_Facts, frozenset[str]]] = {}
        found = []
        for event in self._objects(iri(ids.patient(patient_id)), "kg:hasEvent"):
            assert isinstance(event, NamedNode)
            facts = self._facts(event)
            entity = facts[term("kg:of").value][0]
            assert isinstance(entity, NamedNode)
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

    def quads(self, graph: NamedNode | None = None) -> Iterator[Quad]:
        """Return what one note says, or the union of all."""
        return self._store.quads_for_pattern(None, None, None, _UNION if graph is None else graph)

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        names = [name for name in self._store.named_graphs() if isinstance(name, NamedNode)]
        return sorted(names, key=lambda name: name.value)

    def close(self) -> None:
        """Let go of the folder; the store is not to be used after that."""
        if hasattr(self, "_store"):
            del self._store
        self._lock.close()

    def _event(self, event: NamedNode, facts: _Facts, entity: _Facts, codes: frozenset[str]) -> EventFacts:
        """Return one event."""
        start, number = _first(facts, "kg:start"), _first(facts, "kg:number")
        is_in_text = term("kg:datedBy").value in facts
        return EventFacts(
            id=event.value.removeprefix(ID_BASE),
            start=_day(start),
            end=_day(_first(facts, "kg:end")),
            label=str(_first(entity, "kg:label")),
            name=str(_first(entity, "rdfs:label")),
            system=_text_or_none(_first(entity, "kg:system")),
            code=_text_or_none(_first(entity, "kg:code")),
            codes=codes,
            assertion=str(_first(facts, "kg:assertion")),
            value=_text_or_none(_first(facts, "kg:value")),
            number=float(number) if isinstance(number, int | float) else None,
            unit=_text_or_none(_first(facts, "kg:unit")),
            source="text" if is_in_text else "unknown" if start is None else "note date",
            evidence=tuple(sorted(self._evidence(facts), key=lambda e: (e.note, e.start, e.end))),
        )

    def _evidence(self, facts: _Facts) -> Iterator[Evidence]:
        """Yield the mentions behind an event; their ids say note and offsets."""
        for mention in facts.get(term("kg:evidencedBy").value, ()):
            assert isinstance(mention, NamedNode)
            _, note, offsets, _ = ids.parts(mention.value.removeprefix(ID_BASE))
            start, end = offsets.split("-")
            text = self._objects(mention, "kg:text")
            yield Evidence(note, int(start), int(end), str(cell(text[0])) if text else "")

    def _codes(self, entity: _Facts) -> frozenset[str]:
        """Return the curies of an entity's codes and of all their ancestors that the store knows."""
        found: dict[str, str] = {}
        due = [*entity.get(term("kg:codedAs").value, ())]
        while due:
            concept = due.pop()
            assert isinstance(concept, NamedNode)
            if concept.value not in found:
                facts = self._facts(concept)
                found[concept.value] = f"{_first(facts, 'kg:system')}:{_first(facts, 'skos:notation')}"
                due += facts.get(term("skos:broader").value, ())
        return frozenset(found.values())

    def _facts(self, subject: NamedNode) -> _Facts:
        """Return what the union says of a subject, by property."""
        facts: _Facts = defaultdict(list)
        for quad in self._store.quads_for_pattern(subject, None, None, _UNION):
            facts[quad.predicate.value].append(quad.object)
        return facts

    def _objects(
        self, subject: NamedNode, predicate: str, graph: NamedNode | DefaultGraph = _UNION
    ) -> list[NamedNode | BlankNode | Literal | Triple]:
        """Return the values of a property."""
        return [quad.object for quad in self._store.quads_for_pattern(subject, term(predicate), None, graph)]
