"""Answers to the questions of ``query.py`` from RDF: from a store on disk, or from what a server was asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Store, Triple

from kgbuild import ids
from kgbuild.schema import ID_BASE, TIMELINE_ASSERTIONS
from kgbuild.stores import Cell, EventFacts, Evidence, PatientFacts
from kgbuild.stores.mapping import iri, term
from kgbuild.stores.sparql import cell

UNION = DefaultGraph()
_Term = NamedNode | BlankNode | Literal | Triple

PATIENTS = """
SELECT ?key (COUNT(DISTINCT ?note) AS ?notes) WHERE {
  ?patient a kg:Patient ; dcterms:identifier ?key ; kg:hasNote ?note
} GROUP BY ?key"""

# Two questions, because an event without days would leave the least and greatest day of its patient unbound.
_HAPPENED = f"""?patient dcterms:identifier ?key ; kg:hasEvent ?event . ?event kg:assertion ?assertion
  FILTER(?assertion IN ({", ".join(f'"{assertion}"' for assertion in TIMELINE_ASSERTIONS)}))"""
EVENTS = f"SELECT ?key (COUNT(?event) AS ?events) WHERE {{ {_HAPPENED} }} GROUP BY ?key"
SPANS = f"""
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


def patient_facts(
    patients: list[tuple[Cell, ...]], events: list[tuple[Cell, ...]], spans: list[tuple[Cell, ...]]
) -> list[PatientFacts]:
    """Return the patients by id, of what ``PATIENTS``, ``EVENTS`` and ``SPANS`` answer."""
    count_of = {key: count for key, count in events}
    span_of = {key: (_day(first), _day(last)) for key, first, last in spans}
    found = []
    for key, notes in patients:
        happened = count_of.get(key, 0)
        assert isinstance(notes, int)
        assert isinstance(happened, int)
        found.append(PatientFacts(str(key), notes, happened, *span_of.get(key, (None, None))))
    return sorted(found, key=lambda patient: patient.id)


def note_of(graph: NamedNode) -> str:
    """Return the id of the note whose graph this is.

    >>> note_of(NamedNode("urn:kgbuild:note/p1%2F7"))
    'p1/7'
    """
    return ids.parts(graph.value.removeprefix(ID_BASE))[1]


class Reader:
    """Reads the union of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        note = iri(ids.note(note_id))
        found = self._objects(note, "kg:fingerprint", note)
        return str(cell(found[0])) if found else None

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
        for quad in self._store.quads_for_pattern(subject, None, None, UNION):
            by_property[quad.predicate.value].append(quad.object)
        return Facts(by_property)

    def _objects(self, subject: NamedNode, predicate: str, graph: NamedNode | DefaultGraph = UNION) -> list[_Term]:
        """Return the values of a property."""
        return [quad.object for quad in self._store.quads_for_pattern(subject, term(predicate), None, graph)]


def _day(found: Cell) -> date | None:
    return found if isinstance(found, date) else None


def _words(found: Cell) -> str | None:
    return None if found is None else str(found)
