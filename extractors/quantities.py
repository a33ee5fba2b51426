"""Amounts of time in text ("two and a half weeks", "2-3 days") and calendar arithmetic with them."""

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from math import ceil, floor
from typing import NamedTuple

from extractors.text import folded, lower_case

_UNIT_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_TEENS = {"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

NUMBERS: dict[str, int] = {
    **_UNIT_NUMBERS,
    **_TEENS,
    **{"seventeen": 17, "eighteen": 18, "nineteen": 19},
    **_TENS,
    **{
        f"{tens}{joint}{unit}": t + u
        for tens, t in _TENS.items()
        for unit, u in _UNIT_NUMBERS.items()
        for joint in " -"
    },
}
"""Words for numbers up to ninety-nine."""

ORDINALS: dict[str, int] = {
    **{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8},
    **{"ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14},
}

UNITS: dict[str, tuple[str, ...]] = {
    "TS": ("second", "seconds", "sec", "secs"),
    "TM": ("minute", "minutes", "min", "mins"),
    "TH": ("hour", "hours", "hr", "hrs", "h"),
    "D": ("day", "days", "d", "night", "nights"),
    "W": ("week", "weeks", "wk", "wks"),
    "M": ("month", "months", "mo", "mos"),
    "Y": ("year", "years", "yr", "yrs"),
    "E": ("decade", "decades"),
}
"""How each TIMEX3 unit is written (``T`` marks units of the clock, ``E`` stands for ten years)."""

UNIT_OF_WORD = {word: unit for unit, unit_words in UNITS.items() for word in unit_words}

_HOURS = {"TS": 1 / 3600, "TM": 1 / 60, "TH": 1.0}
_DAYS = {"D": 1.0, "W": 7.0}
_MONTHS = {"M": 1, "Y": 12, "E": 120}


def alternatives(words: Iterable[str]) -> str:
    """Return a regular expression that matches any of the words, the longest first.

    >>> alternatives(["mo", "month"])
    '(?:month|mo)'
    """
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


_HALF = r"(?:[\s-]{1,2}and[\s-]{1,2}a[\s-]{1,2}half|\s?½|\s1/2)"
_NUMBER = (
    rf"(?:\d{{1,3}}(?:\.\d{{1,2}})?{_HALF}?|½|{alternatives(NUMBERS)}{_HALF}?|half\s(?:of\s)?an?"
    r"|several|multiple|many|(?:an?\s)?(?:couple(?:\sof)?|few)|an?)"
)
_UNIT = alternatives(word for word in UNIT_OF_WORD if word != "d") + r"|(?<=\s)(?-i:d)"

QUANTITY = re.compile(
    rf"(?:(?<![\w./%$#^])|(?<=\bx))(?=[\d½acefhmnost])(?P<low>{_NUMBER})(?:\s?(?:-|–|to|or)\s?(?P<high>{_NUMBER}))?"  # noqa: RUF001 (a dash in notes)
    rf"(?:(?<=[\d½])|-|\s{{1,3}}-?)\s{{0,3}}(?:consecutive\s|full\s|more\s)?(?P<unit>{_UNIT})(?![\w/])",
    re.IGNORECASE,
)
"""An amount of time: a number, a range or a vague amount, and a unit."""

_SEED = re.compile(QUANTITY.pattern)
"""Finds every amount, and perhaps more, in a text in lower case: ignoring case makes the search twice as slow."""


class Quantity(NamedTuple):
    """An amount of time between ``low`` and ``high`` units; both are None for "several"."""

    low: float | None
    high: float | None
    unit: str

    @property
    def value(self) -> str:
        """The TIMEX3 duration; X stands for an amount that is not one number.

        >>> Quantity(6, 6, "W").value, Quantity(None, None, "M").value, Quantity(30, 30, "TM").value
        ('P6W', 'PXM', 'PT30M')
        """
        number = "X" if self.low is None or self.low != self.high else f"{self.low:g}"
        return f"P{self.unit[:-1]}{number}{self.unit[-1]}"


def quantities(text: str) -> Iterator[re.Match[str]]:
    """Yield the amounts of time in a text, in order.

    >>> [match[0] for match in quantities("Two Weeks of fever, 3-4 days off")]
    ['Two Weeks', '3-4 days']
    """
    lower, at = lower_case(text), 0
    while (seed := _SEED.search(lower, at)) is not None:
        match = QUANTITY.match(text, seed.start())
        at = seed.start() + 1 if match is None else match.end()
        if match is not None:
            yield match


def quantity(match: re.Match[str]) -> Quantity:
    """Return what a match of ``QUANTITY`` says.

    >>> [tuple(quantity(QUANTITY.search(text))) for text in ("2-3 weeks", "two and a half years", "a few days")]
    [(2.0, 3.0, 'W'), (2.5, 2.5, 'Y'), (None, None, 'D')]
    """
    low = number(match["low"])
    high = low if match["high"] is None else number(match["high"])
    unit = UNIT_OF_WORD[folded(match["unit"])]
    return Quantity(None, None, unit) if low is None or high is None else Quantity(low, high, unit)


def number(text: str) -> float | None:
    """Return the number written in a text, or None for a vague amount.

    >>> number("two and a half"), number("2½"), number("half a"), number("Twenty-eight"), number("several")
    (2.5, 2.5, 0.5, 28, None)
    """
    written = folded(text.replace("-", " "))
    whole = re.sub(r"\s?(and a half|½|1/2)$", "", written)
    half = 0.5 if whole != written else 0
    if whole in ("", "half a", "half an", "half of a", "half of an"):
        return 0.5
    if whole in ("a", "an"):
        return 1 + half
    if whole in NUMBERS:
        return NUMBERS[whole] + half
    return float(whole) + half if whole[0].isdigit() else None


def shift(day: date, count: float, unit: str) -> tuple[date, date] | None:
    """Return the first and last day that lie ``count`` units after a day (before it, if negative).

    Days and weeks lead to a day; months lead to that whole month and years to that whole year, because "2 years ago"
    names no day. Hours that are no whole days lead to the two days between which they may end.

    >>> shift(date(2020, 5, 10), -2, "M")
    (datetime.date(2020, 3, 1), datetime.date(2020, 3, 31))

    Returns:
        None if the calendar does not reach that far.
    """
    try:
        if unit in _MONTHS and count == int(count):
            return _whole(add_months(day, int(count) * _MONTHS[unit]), unit)
        if unit in _MONTHS:
            return _whole(add_months(day, round(count * _MONTHS[unit])), "M")
        days = count * _DAYS[unit] if unit in _DAYS else count * _HOURS[unit] / 24
        return day + timedelta(floor(days)), day + timedelta(ceil(days))
    except (ValueError, OverflowError):
        return None


def back(day: date, count: float, unit: str) -> date | None:
    """Return the exact day ``count`` units before a day, where a period of that length begins.

    >>> back(date(2020, 3, 31), 1, "M")
    datetime.date(2020, 2, 29)
    """
    try:
        if unit in _MONTHS:
            return add_months(day, -round(count * _MONTHS[unit]))
        return day - timedelta(ceil(count * _DAYS[unit] if unit in _DAYS else count * _HOURS[unit] / 24))
    except (ValueError, OverflowError):
        return None


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, or its last day where it is shorter.

    Raises:
        ValueError: If the calendar does not reach that far.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, month_length(year, month + 1)))


def month_length(year: int, month: int) -> int:
    """Return the number of days of a month.

    Raises:
        ValueError: If there is no such month or year.
    """
    return calendar.monthrange(date(year, month, 1).year, month)[1]


def _whole(day: date, unit: str) -> tuple[date, date]:
    """Return the month, year or ten years around a day."""
    if unit == "M":
        return day.replace(day=1), day.replace(day=month_length(day.year, day.month))
    return date(day.year, 1, 1), date(day.year, 12, 31)


def timex_value(start: date, end: date) -> str:
    """Return how ISO 8601 writes a closed interval of days: as day, week, month or year where it is one.

    >>> timex_value(date(2019, 3, 1), date(2019, 3, 31)), timex_value(date(2019, 3, 4), date(2019, 3, 6))
    ('2019-03', '2019-03-04/2019-03-06')
    """
    if start == end:
        return start.isoformat()
    if (start, end) == _whole(start, "Y"):
        return f"{start.year:04d}"
    if (start, end) == _whole(start, "M"):
        return f"{start.year:04d}-{start.month:02d}"
    if start.isoweekday() == 1 and end - start == timedelta(6):
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{start.isoformat()}/{end.isoformat()}"
