"""When a mention happened: the days that the text, or else the note's date, gives it."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from extractors.document import Document, Mention, TimeExpression
from extractors.text import sentences
from kgbuild.resolve import ResolvedNote
from kgbuild.schema import ASSERTION_OF_LABEL, EVENT_LABELS, NOTE_DATED_ASSERTIONS, TYING_RELATIONS

_FARTHEST = 2_000
"""Characters within which a date of the same sentence dates a mention (ours; it only bounds the work on texts without
full stops)."""

_Placed = TypeVar("_Placed")

_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\r?\n")
_HEADING_BEFORE = re.compile(r"(?:\A|\n)[^\S\n]*(?:[-*•#>]+[^\S\n]*)?\Z")
_HEADING_AFTER = re.compile(r"[^\S\n]*(?:[:\r\n]|[-–—][^\S\n]|$)")  # noqa: RUF001 (dashes in notes)


class When(NamedTuple):
    """An interval and what it comes from."""

    start: date | None
    end: date | None
    source: str
    dated_by: tuple[Mention, ...] = ()


def assertion_of(mention: Mention) -> str:
    """Return the assertion of a mention; family history is another person's whatever the sentence says."""
    return ASSERTION_OF_LABEL.get(mention.label, "present") if mention.assertion == "present" else mention.assertion


def joined(*groups: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions of all groups once, in document order."""
    return tuple(sorted({mention for group in groups for mention in group}, key=_position))


def _position(mention: Mention) -> tuple[int, int, str]:
    return (mention.start, mention.end, mention.label)


class Dates:
    """The time expressions of a note, ready to be asked for the dates of a mention.

    Frequencies never date anything, durations only where they carry an interval and a relation ties them.
    """

    def __init__(self, resolved: ResolvedNote) -> None:
        self.note = resolved.note
        self.document = resolved.document
        self.times = [t for t in self.document.times if t.start is not None and t.type != "SET"]
        self.days = sorted((t for t in self.times if t.type in ("DATE", "TIME")), key=_start)
        self.tied, self.apart = _ties(self.document, self.times)
        self.sentences = sentences(self.document.text) if self.days else []
        self.sentence_starts = [start for start, _ in self.sentences]
        self.paragraph_starts = [0, *(match.end() for match in _PARAGRAPH_END.finditer(self.document.text))]
        self.headings = [t for t in self.days if _is_heading(self.document.text, t)]
        self.events = sorted((m for m in self.document.mentions if m.label in EVENT_LABELS), key=_begin)

    def of(self, mention: Mention) -> list[When]:
        """Return when a mention happened: each interval the text ties to it, or the best guess."""
        if self.tied[mention]:
            return _intervals(self.tied[mention])
        time = self._in_sentence(mention) or self._heading(mention)
        if time is not None:
            return [When(time.start, time.end, "text", (time.mention,))]
        if self.note.date is not None and assertion_of(mention) in NOTE_DATED_ASSERTIONS:
            return [When(self.note.date, self.note.date, "note date")]
        return [When(None, None, "unknown")]

    def of_values(self, mention: Mention, values: Sequence[Mention]) -> list[tuple[Mention, When]]:
        """Return when each value of a mention was measured.

        That is when the text ties it to; else, as many values as days stand in the same order ("9.2 on May 1, 10.1 on
        May 9"); else the day written nearest.
        """
        found = self.of(mention)
        in_order = sorted(found, key=lambda when: when.dated_by[0].start if when.dated_by else 0)
        measured: list[tuple[Mention, When]] = []
        for place, value in enumerate(values):
            if self.tied[value]:
                measured += [(value, when) for when in _intervals(self.tied[value])]
            elif len(found) == len(values):
                measured.append((value, in_order[place]))
            else:
                measured.append((value, found[0] if len(found) == 1 else _nearest(found, value)))
        return measured

    def _in_sentence(self, mention: Mention) -> TimeExpression | None:
        """Return the nearest date of the sentence if all of its dates are the same interval.

        What does not hold on the note's date (what is historical, another person's, only talked of) takes a date only
        if no other event stands nearer to it: "[presented] on May 1 with a history of [stroke]".
        """
        start, end = self._sentence(mention)
        apart = self.apart.get(mention, ())
        times = [t for t in _between(self.days, start, end, _start) if t.mention not in apart]
        if not times or len({(t.start, t.end) for t in times}) > 1:
            return None
        nearest = min(times, key=lambda t: (_gap(t.mention, mention), t.mention.start))
        if assertion_of(mention) not in NOTE_DATED_ASSERTIONS:
            rivals = _between(self.events, start, end, _begin)
            if any(_gap(nearest.mention, other) < _gap(nearest.mention, mention) for other in rivals):
                return None
        return nearest

    def _sentence(self, mention: Mention) -> tuple[int, int]:
        """Return the sentence that a mention begins in, as far as it is near."""
        index = bisect_right(self.sentence_starts, mention.start) - 1
        if index < 0:
            return 0, 0
        start, end = self.sentences[index]
        return max(start, mention.start - _FARTHEST), min(end, mention.start + _FARTHEST)

    def _heading(self, mention: Mention) -> TimeExpression | None:
        """Return the date that heads the part of the paragraph in which a mention stands: "03/04/2019: CT showed"."""
        start = self.paragraph_starts[bisect_right(self.paragraph_starts, mention.start) - 1]
        index = bisect_left(self.headings, mention.start, key=_start) - 1
        last = self.headings[index] if index >= 0 else None
        if last is None or last.mention.start < start or last.mention in self.apart[mention]:
            return None
        return last if assertion_of(mention) in NOTE_DATED_ASSERTIONS else None


def _start(time: TimeExpression) -> int:
    return time.mention.start


def _begin(mention: Mention) -> int:
    return mention.start


def _between(items: Sequence[_Placed], start: int, end: int, place: Callable[[_Placed], int]) -> Sequence[_Placed]:
    """Return those of some items in the order of the text that begin from one place on, before another."""
    return items[bisect_left(items, start, key=place) : bisect_left(items, end, key=place)]


def _ties(
    document: Document, times: Iterable[TimeExpression]
) -> tuple[defaultdict[Mention, list[TimeExpression]], defaultdict[Mention, set[Mention]]]:
    """Return the time expressions that relations tie to each mention, and those they say it lies before or after."""
    time_of = {time.mention: time for time in times}
    tied: defaultdict[Mention, list[TimeExpression]] = defaultdict(list)
    apart: defaultdict[Mention, set[Mention]] = defaultdict(set)
    for relation in document.relations:
        for time, other in ((relation.head, relation.tail), (relation.tail, relation.head)):
            if relation.label in ("BEFORE", "AFTER"):
                apart[other].add(time)
            elif relation.label in TYING_RELATIONS and time in time_of and time_of[time] not in tied[other]:
                tied[other].append(time_of[time])
    return tied, apart


def _intervals(times: Sequence[TimeExpression]) -> list[When]:
    """Return the distinct intervals, of those that overlap the one that says most.

    A duration says more than a date inside it ("for three days from March 1"), a date more than one around it ("March
    1, 2019" and "2019").
    """
    spans = [t for t in times if t.type == "DURATION"]
    days = [t for t in times if t.type != "DURATION" and not any(_covers(span, t) for span in spans)]
    kept = spans + [t for t in days if not any(_covers(t, other) and not _covers(other, t) for other in days)]
    by_interval: dict[tuple[date | None, date | None], list[Mention]] = defaultdict(list)
    for time in kept:
        by_interval[time.start, time.end].append(time.mention)
    return [When(start, end, "text", joined(mentions)) for (start, end), mentions in by_interval.items()]


def _covers(one: TimeExpression, other: TimeExpression) -> bool:
    """Tell whether all days of the other lie within the one; an open end lies far ahead."""
    if one.start is None or other.start is None:
        return False
    return one.start <= other.start and (other.end or date.max) <= (one.end or date.max)


def _nearest(found: Sequence[When], value: Mention) -> When:
    """Return the interval whose expression stands nearest to a value."""
    return min(found, key=lambda when: min(_gap(mention, value) for mention in when.dated_by))


def _gap(one: Mention, other: Mention) -> int:
    """Return the number of characters between two mentions."""
    return max(one.start - other.end, other.start - one.end, 0)


def _is_heading(text: str, time: TimeExpression) -> bool:
    """Tell whether a date begins a line and stands alone on it or before a colon or dash."""
    mention = time.mention
    before = text[max(mention.start - 20, 0) : mention.start]
    begins_line = mention.start <= 20 or "\n" in before
    return (
        begins_line
        and _HEADING_BEFORE.search(before) is not None
        and _HEADING_AFTER.match(text, mention.end) is not None
    )
