"""One question, one function, any store: patients, those with a code, timeline, trend, evidence, neighbours, paths.

Ids, codes, labels and words are found in whatever Unicode spelling they are asked for (``note.composed``).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from kgbuild.entity import normalise
from kgbuild.note import composed
from kgbuild.schema import TIMELINE_ASSERTIONS
from kgbuild.stores import EventFacts, Evidence, GraphStore, Link, PatientFacts
from kgbuild.values import convert

_PREFIX_SYSTEMS = ("icd10cm",)  # a code of these begins with the codes above it: K76.9 is a K76
_SHORTEST_PREFIX = 3  # ICD-10-CM's categories


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement.

    Attributes:
        start: First day of its event.
        value: The number, in ``unit``.
        unit: The trend's unit, or the value's own where that measures something else.
        text: The value as written.
        evidence: The mentions behind it.
    """

    start: date
    value: float
    unit: str | None
    text: str = field(repr=False)
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """Measurements of one thing over time; ``unit`` is the commonest of its points."""

    patient: str = field(repr=False)
    what: str
    unit: str | None
    points: tuple[Point, ...]


def patients(store: GraphStore) -> list[PatientFacts]:
    """Return the patients by id, with the number and the span of the events that their timelines show."""
    return store.patients()


def timeline(
    store: GraphStore,
    patient: str,
    *,
    since: date | None = None,
    until: date | None = None,
    labels: Collection[str] | None = None,
    code: str | None = None,
    assertions: Collection[str] = TIMELINE_ASSERTIONS,
) -> list[EventFacts]:
    """Return what happened to a patient, by first day, what has no date last; nothing for an unknown patient.

    An event that several notes tell of appears once, with all its evidence.

    Args:
        store: Where to look.
        patient: The patient's id.
        since: Leave out what ended before this day, and what has no date.
        until: Leave out what began after this day, and what has no date.
        labels: Labels to keep; all by default.
        code: Keep what has this code or one below it: ``icd10cm:K76``, or ``K76`` in any system.
        assertions: Assertions to keep. By default what is present, historical or possible: what is absent,
            conditional, hypothetical or another person's did not happen to the patient.
    """
    wanted = None if labels is None else {composed(label) for label in labels}
    found = [
        event
        for event in store.events(patient)
        if event.assertion in assertions
        and (wanted is None or composed(event.label) in wanted)
        and (code is None or _has_code(event, code))
        and _is_within(event, since, until)
    ]
    return sorted(found, key=lambda event: (event.start or date.max, event.end or date.max, event.id))


def trend(store: GraphStore, patient: str, what: str) -> Trend:
    """Return the numeric results and sizes of one thing over time; no points where there are none.

    Lengths, volumes and masses are given in the commonest unit of the trend; what cannot be converted keeps its own.

    Args:
        store: Where to look.
        patient: The patient's id.
        what: A code (``loinc:718-7``), or words that the name or the mentions of the thing all hold.
    """
    events = [e for e in timeline(store, patient) if e.number is not None and e.start is not None and _is(e, what)]
    units = Counter(event.unit for event in events)
    unit = min(units, key=lambda unit: (-units[unit], unit or ""), default=None)
    return Trend(composed(patient), composed(what), unit, tuple(_point(event, unit) for event in events))


def evidence(store: GraphStore, patient: str, event_id: str) -> tuple[Evidence, ...]:
    """Return the mentions behind an event, by note and offsets; none for an unknown event."""
    return next((event.evidence for event in store.events(patient) if event.id == event_id), ())


def patients_with(store: GraphStore, code: str) -> list[str]:
    """Return, by id, the patients whose timeline has a code or one below it, as ``timeline`` finds it."""
    above = store.concepts()
    below: dict[str, set[str]] = defaultdict(set)
    for curie, parents in above.items():
        for parent in parents:
            below[parent].add(curie)
    found = _reached((curie for curie in above if _is_or_is_below(curie, code)), below)
    return store.coded(found) if found else []


def neighbours(store: GraphStore, patient: str, node: str) -> list[Link]:
    """Return what an event, entity or code of a patient is joined with, sorted; nothing for an unknown one.

    Args:
        store: Where to look.
        patient: The patient's id.
        node: The node's id, as in ``EventFacts.id``.
    """
    return sorted(link for link in store.links(patient) if node in (link.source, link.target))


def paths(store: GraphStore, patient: str, source: str, target: str) -> list[tuple[Link, ...]]:
    """Return the shortest ways from one event, entity or code of a patient to another, sorted; none if there is none.

    An edge may be gone either way. What joins two things can be another event, an entity, or a code above both.
    """
    steps: dict[str, set[tuple[str, Link]]] = defaultdict(set)
    for link in store.links(patient):
        steps[link.source].add((link.target, link))
        steps[link.target].add((link.source, link))
    ways: dict[str, list[tuple[Link, ...]]] = {source: [()]}
    seen = {source}
    while ways and target not in ways:
        longer: dict[str, list[tuple[Link, ...]]] = defaultdict(list)
        for node, known in ways.items():
            for other, link in steps[node]:
                if other not in seen:
                    longer[other] += [(*way, link) for way in known]
        seen |= longer.keys()
        ways = longer
    return sorted(ways.get(target, [])) if source != target else []


def timeline_json(patient: str, events: Sequence[EventFacts]) -> dict[str, object]:
    """Return a timeline as ``timeline --format json`` prints it."""
    return {
        "patient": composed(patient),
        "events": [
            {
                "id": event.id,
                "start": _day_json(event.start),
                "end": _day_json(event.end),
                "label": event.label,
                "text": event.text,
                "name": event.name,
                "system": event.system,
                "code": event.code,
                "assertion": event.assertion,
                "value": event.value,
                "unit": event.unit,
                "source": event.source,
                "evidence": _evidence_json(event.evidence),
            }
            for event in events
        ],
    }


def trend_json(found: Trend) -> dict[str, object]:
    """Return a trend as ``trend --format json`` prints it."""
    return {
        "patient": found.patient,
        "what": found.what,
        "unit": found.unit,
        "points": [
            {
                "start": point.start.isoformat(),
                "value": point.value,
                "unit": point.unit,
                "evidence": _evidence_json(point.evidence),
            }
            for point in found.points
        ],
    }


def _reached(begin: Iterable[str], steps: Mapping[str, Collection[str]]) -> set[str]:
    """Return what is there at the beginning and all that steps lead to."""
    found: set[str] = set()
    due = list(begin)
    while due:
        if (one := due.pop()) not in found:
            found.add(one)
            due += steps.get(one, ())
    return found


def _evidence_json(evidence: Sequence[Evidence]) -> list[dict[str, object]]:
    return [{"note": one.note, "start": one.start, "end": one.end} for one in evidence]


def _day_json(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _point(event: EventFacts, unit: str | None) -> Point:
    """Return an event with a number as a point, converted where that is possible."""
    assert event.start is not None
    assert event.number is not None
    converted = convert(event.number, event.unit, unit)
    text = event.value or ""
    if converted is None:
        return Point(event.start, event.number, event.unit, text, event.evidence)
    return Point(event.start, converted, unit, text, event.evidence)


def _is_within(event: EventFacts, since: date | None, until: date | None) -> bool:
    """Tell whether an event touches a window; without one, everything does."""
    if since is None and until is None:
        return True
    if event.start is None and event.end is None:
        return False
    ends_in_time = since is None or (event.end or date.max) >= since
    begins_in_time = until is None or (event.start or date.min) <= until
    return ends_in_time and begins_in_time


def _has_code(event: EventFacts, code: str) -> bool:
    """Tell whether an event has a code or one below it."""
    return any(_is_or_is_below(curie, code) for curie in event.codes)


def _is_or_is_below(known: str, asked: str) -> bool:
    """Tell whether a curie is what is asked for (with or without its system), or says itself that it is below that."""
    curie, wanted = _folded(known), _folded(asked)
    system, _, code = curie.partition(":")
    if wanted in (curie, code):
        return True
    prefix = wanted.removeprefix(f"{system}:")
    return system in _PREFIX_SYSTEMS and len(prefix) >= _SHORTEST_PREFIX and code.startswith(prefix)


@lru_cache(maxsize=100_000)  # one code is held against all that a store has, one store's codes against many
def _folded(code: str) -> str:
    """Return a code for comparison."""
    return composed(composed(code).casefold())


def _is(event: EventFacts, what: str) -> bool:
    """Tell whether an event is of a thing, named by code or by words."""
    named = _words(event.name).union(*(_words(one.text) for one in event.evidence))
    return _has_code(event, what) or (bool(_words(what)) and _words(what) <= named)


def _words(text: str) -> set[str]:
    """Return the words of a name, a plural as its singular: both sides of a comparison lose the same letters."""
    words = normalise(text).replace(",", " ").split()
    return {word.removesuffix("s") if len(word) > 3 else word for word in words}
