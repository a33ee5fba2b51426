"""Answers to the questions of ``query.py`` from RDF: from a store on disk, or from what a server was asked for."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyoxigraph import DefaultGraph, NamedNode, QuerySolutions, Store

from kgbuild import ids
from kgbuild.schema import ID_BASE, TIMELINE_ASSERTIONS
from kgbuild.stores import Cell, EventFacts, Evidence, PatientFacts
from kgbuild.stores.mapping import PREFIXES, iri, term
from kgbuild.stores.sparql import cell

UNION = DefaultGraph()

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


_EVENTS_OF = """
SELECT ?event ?entity ?assertion ?start ?end ?value ?number ?unit {{
  {0} kg:hasEvent ?event . ?event kg:of ?entity ; kg:assertion ?assertion
  OPTIONAL {{ ?event kg:start ?start }} OPTIONAL {{ ?event kg:end ?end }} OPTIONAL {{ ?event kg:value ?value }}
  OPTIONAL {{ ?event kg:number ?number }} OPTIONAL {{ ?event kg:unit ?unit }}
}}"""
_DATED = "SELECT DISTINCT ?event {{ {0} kg:hasEvent ?event . ?event kg:datedBy ?mention }}"
_EVIDENCE = """
SELECT ?event ?mention ?text {{
  {0} kg:hasEvent ?event . ?event kg:evidencedBy ?mention OPTIONAL {{ ?mention kg:text ?text }}
}}"""
_ENTITIES = """
SELECT ?entity ?label ?name ?system ?code {{
  {{ SELECT DISTINCT ?entity {{ {0} kg:hasEvent/kg:of ?entity }} }} ?entity kg:label ?label ; rdfs:label ?name
  OPTIONAL {{ ?entity kg:system ?system }} OPTIONAL {{ ?entity kg:code ?code }}
}}"""
_CODES = """
SELECT DISTINCT ?entity ?system ?code {{
  {0} kg:hasEvent/kg:of ?entity . ?entity kg:codedAs/skos:broader* ?concept .
  ?concept kg:system ?system ; skos:notation ?code
}}"""


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
    """Reads the union of a store.

    A patient's events are asked for in five queries: what costs time is to find things all over the files and to make
    text of IRIs, and a query makes it only of those that it was asked for. They run side by side.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        note = iri(ids.note(note_id))
        found = next(self._store.quads_for_pattern(note, term("kg:fingerprint"), None, note), None)
        return None if found is None else str(cell(found.object))

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        patient = iri(ids.patient(patient_id))
        questions = (question.format(patient) for question in (_CODES, _EVENTS_OF, _EVIDENCE, _ENTITIES, _DATED))
        with ThreadPoolExecutor(5) as pool:
            of_codes, of_events, of_evidence, of_entities, dated = pool.map(self._rows, questions)
        evidence, codes = defaultdict[str, list[Evidence]](list), defaultdict[str, set[str]](set)
        for event, mention, text in of_evidence:
            evidence[str(event)].append(_evidence(str(mention), "" if text is None else str(text)))
        for entity, system, code in of_codes:
            codes[str(entity)].add(f"{system}:{code}")
        entities, is_dated = _least(of_entities), {event for (event,) in dated}
        return [
            _event(event, facts, entities[str(facts[0])], codes[str(facts[0])], evidence[event], event in is_dated)
            for event, facts in _least(of_events).items()
        ]

    def _rows(self, question: str) -> list[tuple[Cell, ...]]:
        """Return the answers to a question as plain values."""
        try:
            return _read(self._store, question)
        except (OSError, RuntimeError) as error:
            fault = type(error)(*error.args)
        raise fault  # without the frame that holds the answer, which may only be dropped by the thread that made it


def _read(store: Store, question: str) -> list[tuple[Cell, ...]]:
    """Return the answers to a question as plain values."""
    answer = store.query(question, prefixes=PREFIXES)
    assert isinstance(answer, QuerySolutions)
    return [tuple(map(cell, row)) for row in answer]


def _least(rows: Iterable[tuple[Cell, ...]]) -> dict[str, tuple[Cell, ...]]:
    """Return by their first value what rows say, the least of several: notes may have had different code tables."""
    found: dict[str, tuple[Cell, ...]] = {}
    for first, *others in rows:
        known = found.get(str(first))
        found[str(first)] = tuple(others) if known is None else tuple(map(_lesser, known, others))
    return found


def _lesser(one: Cell, other: Cell) -> Cell:
    return min(one, other, key=str) if one is not None and other is not None else one if other is None else other


def _event(
    event: str,
    facts: tuple[Cell, ...],
    entity: tuple[Cell, ...],
    codes: Collection[str],
    evidence: Collection[Evidence],
    is_dated: bool,
) -> EventFacts:
    """Return one event."""
    _, assertion, start, end, value, number, unit = facts
    label, name, system, code = entity
    return EventFacts(
        id=event.removeprefix(ID_BASE),
        start=_day(start),
        end=_day(end),
        label=str(label),
        name=str(name),
        system=_words(system),
        code=_words(code),
        codes=frozenset(codes),
        assertion=str(assertion),
        value=_words(value),
        number=number if isinstance(number, float) else None,
        unit=_words(unit),
        source="text" if is_dated else "unknown" if start is None else "note date",
        evidence=tuple(sorted(evidence, key=lambda e: (e.note, e.start, e.end))),
    )


def _evidence(mention: str, text: str) -> Evidence:
    """Return a mention as evidence; its id says note and offsets."""
    _, note, offsets, _ = ids.parts(mention.removeprefix(ID_BASE))
    start, end = offsets.split("-")
    return Evidence(note, int(start), int(end), text)


def _day(found: Cell) -> date | None:
    return found if isinstance(found, date) else None


def _words(found: Cell) -> str | None:
    return None if found is None else str(found)
