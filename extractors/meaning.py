"""What a time expression means: the days it covers, computed from the note's date or from another expression."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from extractors.dates import Period, WrittenDate, between, full_year, nearest_year, period_of
from extractors.quantities import Quantity, back, shift, timex_value

UNKNOWN_DATE = "XXXX-XX-XX"
"""TIMEX3 for a date that nobody can tell."""


class Meaning(NamedTuple):
    """What one expression means; the fields are those of ``TimeExpression``."""

    type: str
    value: str
    start: date | None = None
    end: date | None = None
    anchor: str | None = None


class Base(NamedTuple):
    """Days from which others are counted, and the name of where they come from."""

    first: date
    last: date
    anchor: str


class Scene(NamedTuple):
    """What is known where an expression stands.

    Attributes:
        note: Date of the note.
        pivot: Date that places two-digit years: the note's, or else the latest full date of the text.
        previous: The nearest expression before it, in its section, with known days.
        following: The one right behind it ("two days after March 3").
        events: Days of admission, surgery and discharge that the text tells.
    """

    note: date | None
    pivot: date | None = None
    previous: Base | None = None
    following: Base | None = None
    events: Mapping[str, Base] = {}


Reader = Callable[[Scene], Meaning]
"""Tells what an expression means in a scene."""

Counted = Callable[[Scene], Base | None]
"""Tells from which days an expression counts."""


def note(scene: Scene) -> Base | None:
    """Count from the note's date."""
    return None if scene.note is None else Base(scene.note, scene.note, "note")


def previous(scene: Scene) -> Base | None:
    """Count from the expression before."""
    return scene.previous


def previous_or_note(scene: Scene) -> Base | None:
    """Count from the expression before, or else from the note's date."""
    return note(scene) if scene.previous is None else scene.previous


def event(name: str | None) -> Counted:
    """Count from an event, or from the date that follows if it has no name."""
    return lambda scene: scene.following if name is None else scene.events.get(name)


# --- readings that name no day ------------------------------------------------------------------------------------
def nothing(scene: Scene) -> Meaning:
    """Return a date that cannot be told."""
    return Meaning("DATE", UNKNOWN_DATE)


def duration(amount: Quantity, scene: Scene) -> Meaning:
    """Return a bare duration."""
    return Meaning("DURATION", amount.value)


def recurring(value: str, scene: Scene) -> Meaning:
    """Return a set: what happens again after each ``value``."""
    return Meaning("SET", value)


def clock(value: str, scene: Scene) -> Meaning:
    """Return a time of a day that is not told."""
    return Meaning("TIME", value)


# --- calendar -----------------------------------------------------------------------------------------------------
def calendar_date(written: WrittenDate, scene: Scene, *, is_ahead: bool = False, is_birth: bool = False) -> Meaning:
    """Return what a written date means; a missing year is the one nearest to the note."""
    is_short = written.year is not None and len(written.year) == 2
    if written.year is not None and not is_short:
        return _dated(period_of(written, int(written.year)), "text")
    if is_short and written.year is not None:
        year = None if scene.pivot is None else full_year(int(written.year), scene.pivot, is_birth=is_birth)
        return _dated(period_of(written, year), "text")
    year = None if scene.note is None else nearest_year(written, scene.note, is_ahead=is_ahead)
    return _dated(period_of(written, year), "note")


def _dated(period: Period, anchor: str) -> Meaning:
    """Return a date; without days it has no anchor either."""
    return Meaning("DATE", *period, None if period.start is None else anchor)


def ranged(first: Reader, last: Reader, scene: Scene) -> Meaning:
    """Return the time from one date to another."""
    opening, closing = first(scene), last(scene)
    value = f"{opening.value}/{closing.value}"
    if opening.start is None or closing.end is None or opening.start > closing.end:
        return Meaning("DURATION", value)
    return Meaning("DURATION", value, opening.start, closing.end, opening.anchor)


def since(first: Reader, scene: Scene) -> Meaning:
    """Return the time from a date to the note; open at its end if the note has no date."""
    opening = first(scene)
    if scene.note is None or opening.start is None or opening.start > scene.note:
        return Meaning("DURATION", f"{opening.value}/..", opening.start, None, opening.anchor)
    return Meaning("DURATION", f"{opening.value}/{scene.note.isoformat()}", opening.start, scene.note, opening.anchor)


# --- counted ------------------------------------------------------------------------------------------------------
def moved(amount: Quantity, sign: int, counted: Counted, scene: Scene) -> Meaning:
    """Return the days that lie an amount of time after (sign 1) or before (-1) the base.

    "Several weeks ago" names no day: it stays a duration, PXW. "2-3 weeks ago" covers the days between.
    """
    base = counted(scene)
    if amount.low is None or amount.high is None:
        return Meaning("DURATION", amount.value, anchor=None if base is None else base.anchor)
    if base is None:
        return nothing(scene)
    ends = (base.first, base.last)
    spans = [shift(day, sign * count, amount.unit) for day in ends for count in (amount.low, amount.high)]
    days = [day for span in spans if span is not None for day in span]
    if None in spans or (counted is previous and scene.note is not None and min(days) > scene.note >= base.last):
        return nothing(scene)  # a story told in the note does not go on after it
    return Meaning("DATE", timex_value(min(days), max(days)), min(days), max(days), base.anchor)


def ending(amount: Quantity, counted: Counted, scene: Scene) -> Meaning:
    """Return the time that an amount of time covers up to the base ("for the past 3 weeks")."""
    base = counted(scene)
    first = None if base is None or amount.high is None else back(base.first, amount.high, amount.unit)
    if base is None or first is None:
        return Meaning("DURATION", amount.value, anchor=None if base is None else base.anchor)
    return Meaning("DURATION", amount.value, first, base.last, base.anchor)


def on_day(offset: int, counted: Counted, scene: Scene, *, part: str | None = None) -> Meaning:
    """Return a day counted from the base; ``part`` is TIMEX3's MO, AF, EV or NI for morning to night."""
    base = counted(scene)
    kind = "DATE" if part is None else "TIME"
    if base is None:
        return Meaning(kind, UNKNOWN_DATE if part is None else f"{UNKNOWN_DATE}T{part}")
    ends = shift(base.first, offset, "D"), shift(base.last, offset, "D")
    if ends[0] is None or ends[1] is None:
        return nothing(scene)
    first, last = ends[0][0], ends[1][1]
    return Meaning(kind, timex_value(first, last) + ("" if part is None else f"T{part}"), first, last, base.anchor)


def neighbour(unit: str, step: int, counted: Counted, scene: Scene) -> Meaning:
    """Return the week, month or year that contains the base (step 0), or the one before (-1) or after (1)."""
    base = counted(scene)
    if base is None:
        return nothing(scene)
    if unit != "W":
        return moved(Quantity(step, step, unit), 1, counted, scene)
    monday = shift(base.first, 7 * step - base.first.weekday(), "D")
    sunday = None if monday is None else shift(monday[0], 6, "D")
    if monday is None or sunday is None:
        return nothing(scene)
    return Meaning("DATE", *between(monday[0], sunday[0]), base.anchor)


def weekday(number: int, step: int, scene: Scene) -> Meaning:
    """Return the last such day before the note (-1), the next one (1), or the last one up to the note (0)."""
    if scene.note is None:
        return nothing(scene)
    behind = (scene.note.weekday() - number) % 7
    days = {0: -behind, -1: -(behind or 7), 1: 7 - behind}
    return on_day(days[step], note, scene)


def named_month(month: int, step: int, scene: Scene) -> Meaning:
    """Return the last such month before the note's (-1), the next one (1), or that of the note's year (0)."""
    if scene.note is None:
        return Meaning("DATE", f"XXXX-{month:02d}")
    is_other_year = (month >= scene.note.month and step < 0) or (month <= scene.note.month and step > 0)
    period = period_of(WrittenDate(0, 0, month=month), scene.note.year + step * is_other_year)
    return Meaning("DATE", *period, None if period.start is None else "note")
