"""What happened to a patient, when, and how sure: the events of a note."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from extractors.document import Document, Mention
from kgbuild import ids
from kgbuild.dating import Dates, When, assertion_of, joined
from kgbuild.entity import Entity, entities, short
from kgbuild.resolve import ResolvedNote
from kgbuild.schema import (
    EVENT_LABELS,
    MEASURED_LABELS,
)
from kgbuild.values import Value, parse_value

_LINK_TO_VALUE = re.compile(r"\s*(?:of|was|is|at|to|:|=|\(|measur(?:ed|es|ing))?\s*", re.IGNORECASE)

_LONGEST_LINK = len("measuring")  # characters that are no white space


@dataclass(frozen=True, slots=True)
class Event:
    """One dated occurrence of an entity.

    Attributes:
        patient_id: Whose.
        entity: Of what.
        start: First day, or None when unknown.
        end: Last day (closed interval), or None when unknown.
        assertion: As in ``extractors.document.ASSERTIONS``.
        value: The result or size as written, without its unit, or None.
        number: The value as a number where it is one.
        unit: Its unit in the usual form.
        source: Where the interval comes from: ``text``, ``note date`` or ``unknown``.
        note_id: The note that says so.
        evidence: The mentions that say so.
        dated_by: The time expressions that the interval comes from.
        valued_by: The mentions that the value comes from.
    """

    patient_id: str = field(repr=False)
    entity: Entity
    start: date | None
    end: date | None
    assertion: str
    value: str | None = field(repr=False)
    number: float | None = field(repr=False)
    unit: str | None
    source: str
    note_id: str
    evidence: tuple[Mention, ...]
    dated_by: tuple[Mention, ...] = ()
    valued_by: tuple[Mention, ...] = ()

    @property
    def id(self) -> str:
        """The same for every note that says the same: entity, interval, assertion and value."""
        days = f"{_day(self.start)}..{_day(self.end)}"
        measure = () if self.value is None else (f"{short(self.value)} {self.unit or ''}".rstrip(),)
        return f"event{self.entity.id.removeprefix('entity')}/" + ids.path(days, self.assertion, *measure)


def events(resolved: ResolvedNote, entity_of: Mapping[Mention, Entity] | None = None) -> list[Event]:
    """Return what a note says happened, ordered by start (unknown last), then by id.

    Every mention with a label of ``EVENT_LABELS`` is an event, once for each of its values; a coreference ("it
    measured 2.1 cm") is one when it has a value. Mentions that say the same make one event.

    Args:
        resolved: The note.
        entity_of: Its ``entity.entities``, by a caller who has them already.
    """
    document = resolved.document
    entity_of = entities(resolved) if entity_of is None else entity_of
    values = _values(document)
    dates = Dates(resolved)
    found: dict[str, Event] = {}
    for mention in document.mentions:
        if not _is_event(mention, entity_of, values):
            continue
        for value, when in _occurrences(dates, mention, values.get(mention, ())):
            event = _event(resolved, mention, entity_of[mention], value, when)
            event_id = event.id
            found[event_id] = _merged(found[event_id], event) if event_id in found else event
    return [found[event_id] for event_id in sorted(found, key=lambda i: (found[i].start or date.max, i))]


def _is_event(mention: Mention, entity_of: Mapping[Mention, Entity], values: Container[Mention]) -> bool:
    """Tell whether a mention says that something happened."""
    if mention.label in EVENT_LABELS:
        return True
    return mention in values and mention in entity_of and entity_of[mention].label in EVENT_LABELS


def _occurrences(dates: Dates, mention: Mention, values: Sequence[Mention]) -> Sequence[tuple[Mention | None, When]]:
    """Return when a mention happened, with what value: once for each value, or for each interval without any."""
    return dates.of_values(mention, values) if values else [(None, when) for when in dates.of(mention)]


def _event(resolved: ResolvedNote, mention: Mention, entity: Entity, value: Mention | None, when: When) -> Event:
    """Return one event of one mention."""
    measure = Value("") if value is None else parse_value(value.text)
    return Event(
        patient_id=resolved.note.patient_id,
        entity=entity,
        start=when.start,
        end=when.end,
        assertion=assertion_of(mention),
        value=None if value is None else measure.text,
        number=measure.number,
        unit=measure.unit,
        source=when.source,
        note_id=resolved.note.id,
        evidence=(mention,),
        dated_by=when.dated_by,
        valued_by=() if value is None else (value,),
    )


def _merged(one: Event, other: Event) -> Event:
    """Return two statements of the same event as one with the evidence of both; a date in the text is better."""
    best = other if other.source == "text" else one
    return replace(
        best,
        evidence=joined(one.evidence, other.evidence),
        dated_by=joined(one.dated_by, other.dated_by),
        valued_by=joined(one.valued_by, other.valued_by),
    )


def _day(day: date | None) -> str:
    """Return a day as part of an id."""
    return "unknown" if day is None else day.isoformat()


# --- values -------------------------------------------------------------------------------------------------------
def _values(document: Document) -> dict[Mention, tuple[Mention, ...]]:
    """Return the results and sizes of each mention: those that MODIFY ties to it, and untied ones that touch it."""
    found: dict[Mention, list[Mention]] = defaultdict(list)
    tied: set[Mention] = set()
    for relation in document.relations:
        for value, target in ((relation.head, relation.tail), (relation.tail, relation.head)):
            if relation.label == "MODIFY" and target.label in MEASURED_LABELS.get(value.label, ()):
                found[target].append(value)
                tied.add(value)
    targets: dict[str, _Targets] = {}
    for value in document.mentions:
        if value.label in MEASURED_LABELS and value not in tied:
            if value.label not in targets:
                targets[value.label] = _targets(document, value.label)
            touched = _touching(document.text, value, targets[value.label])
            if touched is not None:
                found[touched].append(value)
    return {target: joined(mentions) for target, mentions in found.items()}


class _Targets(NamedTuple):
    """The mentions that values of a label may be of: by their ends, and by their starts."""

    by_end: Sequence[Mention]
    by_start: Sequence[Mention]


def _targets(document: Document, label: str) -> _Targets:
    """Return what values of a label may be of."""
    mentions = [m for m in document.mentions if m.label in MEASURED_LABELS[label]]
    return _Targets(sorted(mentions, key=_end), sorted(mentions, key=_position))


def _end(mention: Mention) -> int:
    return mention.end


def _position(mention: Mention) -> tuple[int, int, str]:
    return mention.start, mention.end, mention.label


def _touching(text: str, value: Mention, targets: _Targets) -> Mention | None:
    """Return the mention that a value stands at: "calcium score of [142]", "[2.1 cm] cyst"."""
    first = bisect_left(targets.by_end, _link_begin(text, value.start), key=_end)
    near = targets.by_end[first : bisect_right(targets.by_end, value.start, key=_end)]
    linked = [target for target in near if _LINK_TO_VALUE.fullmatch(text, target.end, value.start)]
    if linked:
        return min(linked, key=_position)
    following = bisect_left(targets.by_start, value.end, key=lambda target: target.start)
    target = targets.by_start[following] if following < len(targets.by_start) else None
    return None if target is None or text[value.end : target.start].strip(" -") else target


def _link_begin(text: str, place: int) -> int:
    """Return the first place from which on there may be nothing but a link up to a place."""
    visible = 0
    while place > 0 and (visible := visible + (not text[place - 1].isspace())) <= _LONGEST_LINK:
        place -= 1
    return place
