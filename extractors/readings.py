"""Time expressions of a text and how each is read: what the tables of dates, frames and phrases find in it."""

import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from extractors import meaning
from extractors.dates import TO, WrittenDate, written_dates
from extractors.frames import BARE, FRAMES, Frame, event_name
from extractors.meaning import Reader
from extractors.phrases import PHRASES, SEED
from extractors.quantities import quantities, quantity
from extractors.text import lower_case

_SIDE = 90
"""Characters beside an expression in which the words that tell its meaning stand."""

_AHEAD = re.compile(
    r"\b(?:scheduled|will|appointment|due|upcoming|planned|to\sbe\sseen|returns?\s(?:on|to|in)|next|follow(?:-|\s)?up\s(?:on|in))\b"
    r"[^.;!?\n]*\Z",
    re.IGNORECASE,
)
_BIRTH = re.compile(r"\b(?:dob|d\.o\.b\.?|(?:date\sof\s)?birth|birth\s?date|born)\W{0,3}(?:on\s)?\Z", re.IGNORECASE)
_SINCE = re.compile(r"\b(?:ever\s)?since\s{1,2}(?:the\s)?\Z", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|between)\s{1,2}\Z", re.IGNORECASE)
_TO_NOW = re.compile(r"\s?(?:[-–]|to|until|till|through)\s?(?:the\s)?(?:present|now|date|today)\b", re.IGNORECASE)  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Reading:
    """An expression, the label it would have as a mention (None: no time to report), and what it means in a scene."""

    start: int
    end: int
    label: str | None
    read: Reader
    written: WrittenDate | None = None


def readings(text: str) -> list[Reading]:
    """Return the expressions in order, without overlaps: of two that overlap, the longer one."""
    found = _longest([*_calendar(text), *_amounts(text), *_phrases(text)])
    return [_since(text, reading) for reading in _ranges(text, found)]


def _longest(found: Iterable[Reading]) -> list[Reading]:
    """Return the readings that overlap no longer one, in order."""
    kept: list[tuple[int, int]] = []
    chosen: list[Reading] = []
    for reading in sorted(found, key=lambda r: (r.start - r.end, r.start)):
        place = bisect_right(kept, (reading.start, reading.end))
        is_free = (place == 0 or kept[place - 1][1] <= reading.start) and (
            place == len(kept) or kept[place][0] >= reading.end
        )
        if is_free:
            insort(kept, (reading.start, reading.end))
            chosen.append(reading)
    return sorted(chosen, key=lambda r: r.start)


def _calendar(text: str) -> Iterator[Reading]:
    """Yield the calendar dates."""
    for written in written_dates(text):
        before = text[max(0, written.start - _SIDE) : written.start]
        read = partial(
            meaning.calendar_date,
            written,
            is_ahead=_AHEAD.search(before) is not None,
            is_birth=_BIRTH.search(before) is not None,
        )
        yield Reading(written.start, written.end, "Date", read, written)


def _amounts(text: str) -> Iterator[Reading]:
    """Yield the amounts of time with what stands around them."""
    for match in quantities(text):
        before, after = text[max(0, match.start() - _SIDE) : match.start()], text[match.end() : match.end() + _SIDE]
        readings = (_framed(frame, match, before, after) for frame in FRAMES)
        reading = next((reading for reading in readings if reading is not None), None)
        if reading is not None:
            yield reading
        elif match["low"].lower() not in ("a", "an"):
            label = None if quantity(match).unit == "TS" else BARE.label  # "QTc 0.4 seconds" is a result
            yield Reading(*match.span(), label, BARE.read(quantity(match), None))


def _framed(frame: Frame, match: re.Match[str], before: str, after: str) -> Reading | None:
    """Return the amount as a frame reads it, or None if the frame does not fit."""
    right = frame.after.match(after)
    left = frame.before.search(before) if right is not None else None
    if left is None or right is None:
        return None
    start = match.start() - (len(left["t"]) if "t" in frame.before.groupindex else 0)
    word = right["event"] if "event" in frame.after.groupindex else None
    event = None if word is None else event_name(word)
    return Reading(start, match.end() + right.end(), frame.label, frame.read(quantity(match), event))


def _phrases(text: str) -> Iterator[Reading]:
    """Yield the other phrases: the longest that begins at each place where one can begin."""
    for seed in SEED.finditer(lower_case(text)):
        matches = [(phrase, phrase.pattern.match(text, seed.start())) for phrase in PHRASES]
        found = [(phrase, match) for phrase, match in matches if match is not None]
        if found:
            phrase, match = max(found, key=lambda pair: pair[1].end())
            group = "t" if "t" in phrase.pattern.groupindex else 0
            yield Reading(*match.span(group), phrase.label, phrase.read(match))


def _ranges(text: str, found: list[Reading]) -> Iterator[Reading]:
    """Yield the readings with each pair of dates that a dash, "to" or "between ... and" joins as one duration."""
    waiting: Reading | None = None
    for reading in found:
        joined = None if waiting is None else _range(text, waiting, reading)
        if waiting is not None and joined is None:
            yield waiting
        waiting = reading if joined is None else joined
    if waiting is not None:
        yield waiting


def _range(text: str, first: Reading, last: Reading) -> Reading | None:
    """Return two dates as one range, or None if the text does not join them."""
    between = text[first.end : last.start]
    if first.written is None or last.written is None or TO.fullmatch(between) is None:
        return None
    opening = _FROM.search(text[max(0, first.start - _SIDE) : first.start])
    is_between = opening is not None and opening[0].lower().startswith("between")
    if "and" in between.lower() and not is_between:
        return None
    read = first.read
    if first.written.year is None and last.written.year is not None:  # "January to July 2013"
        read = partial(meaning.calendar_date, first.written._replace(year=last.written.year))
    start = first.start if opening is None else first.start - len(opening[0])
    return Reading(start, last.end, "Duration", partial(meaning.ranged, read, last.read))


def _since(text: str, reading: Reading) -> Reading:
    """Return "since 2015" or "2015 to present" as a duration; other readings as they are."""
    if reading.label not in ("Date", "Time"):
        return reading
    before = _SINCE.search(text[max(0, reading.start - _SIDE) : reading.start])
    after = _TO_NOW.match(text, reading.end)
    if before is None and after is None:
        return reading
    start = reading.start if before is None else reading.start - len(before[0])
    end = reading.end if after is None else after.end()
    return replace(
        reading, start=start, end=end, label="Duration", read=partial(meaning.since, reading.read), written=None
    )
