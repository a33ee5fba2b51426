"""Calendar dates in text: how they are written, and the days they cover."""

import re
from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, date
from typing import NamedTuple

from extractors.quantities import alternatives, month_length, timex_value
from extractors.text import folded, lower_case

LONGEST_PAST = 80
"""Years before the note up to which a two-digit year is believed; beyond that only of a birth (our choice)."""

_MONTH_NAMES = (
    *(("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",), ("june", "jun")),
    *(("july", "jul"), ("august", "aug"), ("september", "sept", "sep"), ("october", "oct")),
    *(("november", "nov"), ("december", "dec")),
)
MONTHS: dict[str, int] = {name: month for month, names in enumerate(_MONTH_NAMES, start=1) for name in names}

SEASONS: dict[str, tuple[str, int, int]] = {
    "spring": ("SP", 3, 5),
    "summer": ("SU", 6, 8),
    "fall": ("FA", 9, 11),
    "autumn": ("FA", 9, 11),
}
"""TIMEX3 suffix, first and last month in the north. Winter is in two years: "winter of 2018" is read as a year."""

# "may", "march", "mar" and OCT are also other words: with no year beside them they must be written as names.
_OWN_NAMES = r"(?-i:May|MAY|March|MARCH)"
FULL_MONTH = rf"(?:{_OWN_NAMES}|{alternatives(m for m in MONTHS if len(m) > 4 and m != 'march')}|june|july)"
"""A month's name, not shortened."""

_SHORT = alternatives(m for m in MONTHS if m not in ("may", "march", "mar", "oct"))
_MONTH_ALONE = rf"(?P<mon>{_OWN_NAMES}|(?-i:Oct)|{_SHORT})\b"
_MONTH = rf"(?P<mon>{alternatives(MONTHS)})\.?"
_SPACE = r"[\s,]{1,3}"
_PART = r"(?:(?:early|mid|late|(?:the\s)?(?:end|beginning|middle)\sof)[\s-]{1,2})?"
_DAY = r"(?P<d>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_END = r"(?![\w%]|[.,/]\d|-\d(?!\d{3}\b))"
_NO_AMOUNT = (
    r"(?!\s{0,3}-?\s?(?:m[gl]|mc?g|cc|cm|mm(?:\s?hg)?|units?|cells|k?cal(?:ories)?|meq|feet|steps|ft|lbs?|patients|times|tab|doses"
    r"|hours|hrs|strength|systolic|murmur|pain|pills?|positive|fl|liters?|copies|beats)\b)"
)

_ON = (
    r"\b(?:on|since|from|until|till|by|dated?|as\sof|seen|scheduled\sfor|starting|started|beginning|effective|labs?|x-?ray"
    r"|ct|mri|echo|admitted|discharged|(?:morning|night|evening|day)\sof|visit|dos|lmp)[:\s]{1,3}\(?\Z"
)
_IN = (
    r"(?:\b(?:in|since|during|until|till|by|from|circa|before|after|around|between|throughout|year(?:\sof)?|early|mid|late"
    r"|dated?|prior\sto|(?:end|beginning|middle|month|morning)\sof)[\s:-]{1,3}|\(|\[\*\*)\Z"
)


class _Shape(NamedTuple):
    """A way to write a date, and what must stand right before it."""

    pattern: re.Pattern[str]
    before: re.Pattern[str] | None = None


def _shape(pattern: str, before: str | None = None) -> _Shape:
    """Compile a shape."""
    cue = None if before is None else re.compile(before, re.IGNORECASE)
    return _Shape(re.compile(pattern, re.IGNORECASE), cue)


_SHAPES: tuple[_Shape, ...] = (
    # a, b: numbers whose order says which is the month. The first shape that fits wins.
    _shape(rf"{_YEAR}(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})(?:(?=T\d)|(?!\w|[-/.]\d))"),  # 2019-03-04
    _shape(
        r"(?P<a>\d{1,2})(?P<s>[/-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d\d)(?!\w|[/.]\d)" + _NO_AMOUNT
    ),  # 03/04/2019, 3/4/19
    _shape(rf"(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.{_YEAR}(?!\w|[-/.]\d)"),  # 04.03.2019
    _shape(rf"(?P<m>0?[1-9]|1[0-2])[/-]{_YEAR}{_END}"),  # 03/2019
    _shape(rf"{_MONTH}[\s-]{{0,3}}{_DAY}(?:{_SPACE}|-)(?:of\s)?{_YEAR}{_END}"),  # March 4th, 2019
    _shape(
        rf"{_DAY}(?:[\s-]{{1,3}}|(?<=\d))(?:day\s)?(?:of\s)?{_MONTH}[\s,-]{{0,3}}(?:of\s)?{_YEAR}{_END}"
    ),  # 4 Mar 2019
    _shape(rf"{_DAY}-{_MONTH}-(?P<y>\d\d){_END}"),  # 04-MAR-19
    _shape(rf"{_MONTH}\s{{1,3}}{_DAY},?\s?['’](?P<y>\d\d){_END}"),  # noqa: RUF001 (March 4, '19)
    _shape(rf"{_PART}{_MONTH}[\s,/-]{{0,3}}(?:of\s{{1,3}}(?:the\syear\s)?)?{_YEAR}{_END}"),  # late March of 2019
    _shape(rf"(?P<season>spring|summer|fall|autumn|winter)\s(?:of\s)?{_YEAR}{_END}"),  # spring 2019
    _shape(rf"{_MONTH_ALONE}\.?\s{{1,3}}{_DAY}{_END}{_NO_AMOUNT}"),  # March 4
    _shape(rf"{_DAY}\s(?:of\s)?{_MONTH_ALONE}(?![\w]|\s?\d)"),  # 4 March
    _shape(rf"(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}}){_END}{_NO_AMOUNT}", _ON),  # on 3/4
    _shape(r"(?P<a>\d{1,2})[-/](?P<b>\d{1,2})(?=\*\*\])", r"\[\*\*\Z"),  # [**3-4**], MIMIC without a year
    _shape(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})(?=[ \t]?(?::|-[ \t]))", r"(?:\n|\A)[ \t]*\Z"),  # 3/4: opens a line
    _shape(rf"{_PART}(?P<mon>{FULL_MONTH})(?![\w'’]|\s{{0,3}}\d)", _IN),  # noqa: RUF001 (in March)
    _shape(rf"{_YEAR}{_END}{_NO_AMOUNT}", _IN),  # in 2019
    _shape(rf"{_YEAR}(?=\s?(?:[-–]|to)\s?(?:(?:the\s)?present|now|(?:19|20)\d\d)\b(?![-/.]\d))"),  # noqa: RUF001 (2019-now)
    _shape(r"(?P<y>(?:19|20)\d\d)(?P<m>[01]\d)(?P<d>[0-3]\d)(?!\w|[-/.]\d)", r"\b(?:on|dated?|from)[:\s]{1,3}\Z"),
)

_SEED = re.compile(
    rf"(?<![\w./-])(?=\d|{alternatives(MONTHS)}|early|mid|late|(?:the\s)?(?:end|beginning|middle)\sof"
    rf"|{alternatives([*SEASONS, 'winter'])})"
)
"""Where a date can begin, in a text in lower case: ignoring case makes the search twice as slow."""

TO = re.compile(r"\s?(?:[-–]|\b(?:to|through|thru|until|till|and)\b)\s?", re.IGNORECASE)  # noqa: RUF001 (a dash in notes)
"""What joins the two dates of a range."""

_BEFORE = 20
"""Characters before a date in which its cue stands."""


class WrittenDate(NamedTuple):
    """A date as it is written; what it leaves out is None.

    Attributes:
        start: Its first character.
        end: The character after it.
        year: Four or two digits.
        month: 1 to 12 in a real date, but as written here.
        day: Of the month, as written.
        season: Lower-cased name.
    """

    start: int
    end: int
    year: str | None = None
    month: int | None = None
    day: int | None = None
    season: str | None = None


class Period(NamedTuple):
    """A TIMEX3 value and the closed interval it covers, if that is known."""

    value: str
    start: date | None = None
    end: date | None = None


def between(start: date, end: date) -> Period:
    """Return the period from one day to another."""
    return Period(timex_value(start, end), start, end)


def written_dates(text: str) -> Iterator[WrittenDate]:
    """Yield the calendar dates of a text in order.

    >>> [text[d.start:d.end] for text in ["BP 120/80 on 3/4/19, MI in 2015"] for d in written_dates(text)]
    ['3/4/19', '2015']
    """
    end = 0
    for seed in _SEED.finditer(lower_case(text)):
        found = _date_at(text, seed.start()) if seed.start() >= end else None
        while found is not None:
            yield found
            end = found.end
            joint = TO.match(text, end)  # the second date of "3/4-3/6" needs no word before it
            found = None if joint is None else _date_at(text, joint.end(), is_cued=True)


def whole_date(text: str) -> WrittenDate | None:
    """Return the date that a text consists of, without asking for a word before it ("2019", "November", "3/4")."""
    for shape in _SHAPES:
        match = shape.pattern.fullmatch(text)
        if match is not None and (found := _written(match)) is not None:
            return found
    return None


def _date_at(text: str, position: int, *, is_cued: bool = False) -> WrittenDate | None:
    """Return the date that begins at a position; ``is_cued`` if no word before it has to say that it is one."""
    for shape in _SHAPES:
        match = shape.pattern.match(text, position)
        if match is None:
            continue
        before = None if is_cued else shape.before
        if before is not None and before.search(text[max(0, position - _BEFORE) : position]) is None:
            continue
        if (found := _written(match)) is not None:
            return found
    return None


def _written(match: re.Match[str]) -> WrittenDate | None:
    """Return the date of a match, or None if it has no full year and cannot be a date."""
    groups = match.groupdict()
    year, season = groups.get("y"), groups.get("season")
    month, day = _month_and_day(groups)
    possible = month is None or (1 <= month <= 12 and (day is None or 1 <= day <= month_length(2000, month)))
    if not possible and (year is None or len(year) == 2):
        return None
    return WrittenDate(*match.span(), year, month, day, None if season is None else folded(season))


def _month_and_day(groups: dict[str, str | None]) -> tuple[int | None, int | None]:
    """Return month and day; of two numbers the first is the month (US order) unless it is above 12."""
    first, second, name = groups.get("a"), groups.get("b"), groups.get("mon")
    if first is not None and second is not None:
        numbers = int(first), int(second)
        return numbers if numbers[0] <= 12 else (numbers[1], numbers[0])
    month, day = groups.get("m"), groups.get("d")
    number = MONTHS[folded(name)] if name is not None else None if month is None else int(month)
    return number, None if day is None else int(day)


def period_of(written: WrittenDate, year: int | None) -> Period:
    """Return the days a date covers in a year; without a year, or for 31 February, only what TIMEX3 writes.

    >>> period_of(WrittenDate(0, 7, "2019", 3), 2019).end
    datetime.date(2019, 3, 31)
    """
    month, day = written.month, written.day
    parts = [_century(written.year) if year is None else f"{year:04d}"]
    if written.season in SEASONS:
        suffix, first, last = SEASONS[written.season]
        value = f"{parts[0]}-{suffix}"
        days = () if year is None else (date(year, first, 1), date(year, last, month_length(year, last)))
        return Period(value, *days)
    parts += [f"{number:02d}" for number in (month, day) if number is not None]
    if year is not None and not _exists(year, month, day):
        return Period(f"{year:04d}-XX-XX")
    if year is None:
        return Period("-".join(parts))
    start = date(year, 1 if month is None else month, 1 if day is None else day)
    last_month = 12 if month is None else month
    return between(start, date(year, last_month, month_length(year, last_month) if day is None else day))


def _century(year: str | None) -> str:
    """Return an unknown year as TIMEX3 has it: XXXX, or XX19 of a two-digit year."""
    return "XXXX" if year is None else year.rjust(4, "X")


def _exists(year: int, month: int | None, day: int | None) -> bool:
    """Tell whether the calendar has this day or month."""
    if month is None:
        return MINYEAR <= year <= MAXYEAR
    return MINYEAR <= year <= MAXYEAR and 1 <= month <= 12 and (day is None or 1 <= day <= month_length(year, month))


def full_year(two_digits: int, pivot: date, *, is_birth: bool = False) -> int | None:
    """Return the latest year with these last two digits that is at most one year after the pivot.

    >>> [full_year(n, date(2026, 5, 1)) for n in (19, 27, 30, 50)]
    [2019, 2027, None, 1950]

    Returns:
        None if that is more than ``LONGEST_PAST`` years ago and not a birth: "30" in 2026 is as little 1930 as 2030.
    """
    year = pivot.year - pivot.year % 100 + 100 + two_digits
    while year > pivot.year + 1:
        year -= 100
    return year if is_birth or pivot.year - year <= LONGEST_PAST else None


def nearest_year(written: WrittenDate, note: date, *, is_ahead: bool) -> int | None:
    """Return the year in which a date without one is nearest to the note: not after it, or not before it if ahead."""
    step = 1 if is_ahead else -1
    for year in range(note.year, note.year + 9 * step, step):  # 9: 29 February may be eight years off
        period = period_of(written, year)
        if period.start is None or period.end is None:
            continue
        if (period.end >= note) if is_ahead else (period.start <= note):
            return year
    return None
