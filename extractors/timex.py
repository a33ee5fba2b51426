"""Time expressions: found without a model, and given their TIMEX3 value and the days they cover.

``find_times`` and ``normalize_times`` read a text with the same three tables: calendar dates (``dates.py``), amounts of
time and what stands around them (``frames.py``), and other phrases (``phrases.py``); ``meaning.py`` counts.

What an expression counts from is told in ``TimeExpression.anchor``. Nothing is ever computed from the day of the run;
what cannot be told has no days. The choices made:

* "two weeks ago" is a day, "two months ago" that whole month, "two years ago" that whole year; "2-3 weeks ago" the
  days between; "several weeks ago" and "more than a year ago" are durations (``PXW``, ``P1Y``) without days.
* "two days later" counts from the nearest expression before it, in the same section and at most 500 characters off;
  "6 months earlier" too, or else from the note; "3 days prior to admission" only from a day of admission that the
  text gives. What would hang on a past day and lie after the note has no days.
* ``3/4`` is 4 March (US order) unless the first number is above 12. A date without a year is the nearest one not after
  the note, or not before it after words like "scheduled".
* A two-digit year is the latest one at most a year after the note; see ``dates.full_year``.
* "for the past 3 weeks", "6-week history" and "since 2015" end with the note; a bare "6 weeks" has no days.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date

from extractors import meaning
from extractors.dates import whole_date
from extractors.document import Mention, TimeExpression
from extractors.frames import EVENT, event_name
from extractors.meaning import UNKNOWN_DATE, Base, Meaning, Scene
from extractors.quantities import QUANTITY, quantity
from extractors.readings import Reading, readings
from extractors.sections import Section, sections

TYPE_OF_LABEL = {"Date": "DATE", "Time": "TIME", "Duration": "DURATION", "Frequency": "SET"}
"""Labels of time expressions (MACCROBAT's) and their TIMEX3 type when nothing tells more."""

UNKNOWN = {"DATE": UNKNOWN_DATE, "TIME": f"{UNKNOWN_DATE}TXX:XX", "DURATION": "PXX", "SET": "PXX"}
"""TIMEX3 values of what cannot be told."""

VAGUE: dict[str, str] = {
    **dict.fromkeys(("now", "currently", "at present", "presently", "at this time", "at the moment"), "PRESENT_REF"),
    **dict.fromkeys(("recently", "previously", "formerly", "in the past", "past", "long ago"), "PAST_REF"),
    **dict.fromkeys(("in the future", "soon", "later"), "FUTURE_REF"),
}
"""What only a model takes for a time expression; the present is the day of the note."""

_HANGING = 500
"""Characters within which an expression hangs on the one before it (ours: further off it is seldom the right one)."""

_NEAR = 60
"""Characters beside a date in which the event stands that happened on it."""

_EVENT_BEFORE = re.compile(rf".*\b{EVENT}(?P<gap>[^.;\n\d]{{0,30}})\Z", re.IGNORECASE | re.DOTALL)
_EVENT_AFTER = re.compile(
    r"(?:,|:|\s-)?\s(?:\w+\s){0,4}(?P<event>admitted|hospitali[sz]ed|discharged|presented)\b", re.IGNORECASE
)
_ASIDE = re.compile(r"\b(?:before|after|prior|following|until|since|from|pre|post|follow|labs?)\b", re.IGNORECASE)
"""Words between an event and a date that part them."""


def find_times(text: str, read: Sequence[Reading] | None = None) -> list[Mention]:
    """Return the time expressions that stand in a text, in order and without overlaps, without a model.

    Args:
        text: The text.
        read: Its ``readings``, if they are at hand: they are most of the work.

    >>> [(m.text, m.label) for m in find_times("BP 120/80 on 3/4/19; cough x 3 days, ASA daily")]
    [('3/4/19', 'Date'), ('x 3 days', 'Duration'), ('daily', 'Frequency')]
    """
    every = readings(text) if read is None else read
    found = [(reading.start, reading.end, reading.label) for reading in every]
    return [Mention(start, end, label, text[start:end]) for start, end, label in found if label is not None]


def normalize_times(
    text: str,
    mentions: Sequence[Mention],
    anchor: date | None,
    read: Sequence[Reading] | None = None,
    parts: Sequence[Section] | None = None,
) -> list[TimeExpression]:
    """Return what the time expressions among the mentions mean, in the order given; other mentions are left out.

    Args:
        text: The text of the mentions.
        mentions: From ``find_times`` or from a model, whose spans may be shorter or longer than ours.
        anchor: The note's date, or None if nobody knows it.
        read: The ``readings`` of the text, if they are at hand.
        parts: The ``sections`` of the text, if they are at hand.

    >>> text = "Fell two weeks ago."
    >>> [time.start for time in normalize_times(text, find_times(text), date(2020, 5, 15))]
    [datetime.date(2020, 5, 1)]
    """
    found = readings(text) if read is None else read
    times = [mention for mention in mentions if mention.label in TYPE_OF_LABEL]
    chosen = [_reading_of(mention, found) for mention in times]
    names = {index: (m.start, m.end) for m, index in zip(times, chosen, strict=True) if index is not None}
    headings = [section.heading[0] for section in (sections(text) if parts is None else parts)]
    meanings = _meanings(text, found, names, anchor, headings)
    return [
        TimeExpression(
            mention, *_meaning_of(mention, None if index is None else (found[index], meanings[index]), anchor)
        )
        for mention, index in zip(times, chosen, strict=True)
    ]


def _meaning_of(mention: Mention, read: tuple[Reading, Meaning] | None, note: date | None) -> Meaning:
    """Return what a mention means: by its reading, or by its own words if there is none or it tells less.

    The model's "5 months" (Duration) in "after 5 months of therapy" is P5M where the day it leads to is unknown.
    """
    if read is not None and (read[1].start is not None or read[0].label == mention.label):
        return read[1]
    alone = _alone(mention, note)
    return alone if read is None or "X" not in alone.value else read[1]


def _reading_of(mention: Mention, found: Sequence[Reading]) -> int | None:
    """Return the index of the reading that overlaps a mention: rather one of its label, rather a long one."""
    first = bisect_right(found, mention.start, key=lambda reading: reading.end)
    last = bisect_left(found, mention.end, key=lambda reading: reading.start)

    def fit(index: int) -> tuple[bool, int, int]:
        reading = found[index]
        overlap = min(reading.end, mention.end) - max(reading.start, mention.start)
        return reading.label == mention.label, overlap, -index

    return max(range(first, last), key=fit, default=None)


def _meanings(
    text: str,
    found: Sequence[Reading],
    names: Mapping[int, tuple[int, int]],
    note: date | None,
    headings: Sequence[int],
) -> list[Meaning]:
    """Return what the readings mean, each in the scene of those before it.

    ``names`` gives the offsets under which a reading is known as a mention, else its own are used; ``headings`` where
    sections begin.
    """
    scene = Scene(note, _pivot(found, note))
    places = [names.get(index, (reading.start, reading.end)) for index, reading in enumerate(found)]
    days = [
        _base(reading.read(scene), place) if reading.written else None
        for reading, place in zip(found, places, strict=True)
    ]
    scene = scene._replace(events=_events(text, found, days))
    meanings: list[Meaning] = []
    previous, told = None, 0  # the last expression with days, and where it begins
    for index, reading in enumerate(found):
        is_same_section = bisect_right(headings, told) == bisect_right(headings, reading.start)
        is_near = is_same_section and reading.start - told <= _HANGING
        is_followed = index + 1 < len(found) and found[index + 1].start - reading.end <= len(" the ")
        following = days[index + 1] if is_followed else None
        meanings.append(reading.read(scene._replace(previous=previous if is_near else None, following=following)))
        base = _base(meanings[-1], places[index])
        if base is not None:
            previous, told = base, reading.start
    return meanings


def _base(found: Meaning, place: tuple[int, int]) -> Base | None:
    """Return a date or time of day as what others may count from."""
    if found.type not in ("DATE", "TIME") or found.start is None or found.end is None:
        return None
    return Base(found.start, found.end, f"text:{place[0]}-{place[1]}")


def _pivot(found: Sequence[Reading], note: date | None) -> date | None:
    """Return the day that places two-digit years: the note's, or the latest full date of the text."""
    ends = (reading.read(Scene(None)).end for reading in found if reading.written is not None)
    return max((end for end in ends if end is not None), default=None) if note is None else note


def _events(text: str, found: Sequence[Reading], days: Sequence[Base | None]) -> dict[str, Base]:
    """Return the first day of each event that the text gives ("Admission Date: 3/4/19", "on 3/4/19 was admitted")."""
    events: dict[str, Base] = {}
    for reading, base in zip(found, days, strict=True):
        name = _event_of(text, reading)
        if base is not None and base.first == base.last and name is not None:
            events.setdefault(name, base)
    return events


def _event_of(text: str, reading: Reading) -> str | None:
    """Return the event that happened on a date, by the words before it, or else behind it."""
    match = _EVENT_BEFORE.match(text[max(0, reading.start - _NEAR) : reading.start])
    if match is not None and _ASIDE.search(match["gap"]) is None:
        return event_name(match["event"])
    match = _EVENT_AFTER.match(text, reading.end, reading.end + _NEAR)
    return None if match is None else event_name(match["event"])


def _alone(mention: Mention, note: date | None) -> Meaning:
    """Return what a mention means that only a model found, by its own words ("2012", "a week", "now")."""
    words = " ".join(mention.text.lower().strip(" .,;:()[]").split())
    scene = Scene(note, note)
    if words in VAGUE:
        today = note if VAGUE[words] == "PRESENT_REF" else None
        return Meaning("DATE", VAGUE[words], today, today, None if today is None else "note")
    written = whole_date(words.title()) if mention.label == "Date" else None
    if written is not None:
        return meaning.calendar_date(written, scene)
    amount = QUANTITY.fullmatch(words)
    if amount is not None and mention.label in ("Duration", "Time"):
        return meaning.duration(quantity(amount), scene)
    kind = TYPE_OF_LABEL[mention.label]
    return Meaning(kind, UNKNOWN[kind])
