"""Time expressions that hold no amount of time: "yesterday", "last March", "POD #3", "BID", "8 PM", as a table."""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from extractors import meaning
from extractors.dates import FULL_MONTH, MONTHS
from extractors.frames import event_name
from extractors.meaning import Reader
from extractors.quantities import NUMBERS, ORDINALS, UNIT_OF_WORD, Quantity, alternatives, number, quantity
from extractors.text import folded

WEEKDAYS = {
    name: index for index, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())
}
STEPS = {"last": -1, "past": -1, "previous": -1, "this": 0, "current": 0, "next": 1, "coming": 1, "upcoming": 1}
DAYS = {
    "day before yesterday": -2,
    "yesterday": -1,
    "last": -1,
    "today": 0,
    "this": 0,
    "earlier today": 0,
    "tomorrow": 1,
}
PARTS = {"morning": "MO", "afternoon": "AF", "evening": "EV", "night": "NI"}
HANGING = {"following": 1, "next": 1, "subsequent": 1, "same": 0, "that": 0, "previous": -1, "preceding": -1}

FREQUENCIES: dict[str, str] = {
    **dict.fromkeys(
        ("daily", "every day", "each day", "nightly", "every night", "every morning", "every evening"), "P1D"
    ),
    **dict.fromkeys(("qd", "q.d.", "q.d", "qday", "q day", "qhs", "q.h.s.", "qam", "qpm", "q.a.m.", "q.p.m."), "P1D"),
    **dict.fromkeys(("at bedtime", "o.d."), "P1D"),
    **dict.fromkeys(("bid", "b.i.d.", "b.i.d"), "PT12H"),
    **dict.fromkeys(("tid", "t.i.d.", "t.i.d"), "PT8H"),
    **dict.fromkeys(("qid", "q.i.d.", "q.i.d"), "PT6H"),
    **dict.fromkeys(("qod", "q.o.d.", "every other day", "alternate days", "every second day"), "P2D"),
    **dict.fromkeys(("weekly", "each week", "qweek", "qwk", "q week"), "P1W"),
    **dict.fromkeys(("every other week", "fortnightly"), "P2W"),
    **dict.fromkeys(("monthly", "each month", "qmonth", "q month"), "P1M"),
    **dict.fromkeys(("yearly", "annually", "each year"), "P1Y"),
    **dict.fromkeys(("hourly", "every hour", "each hour"), "PT1H"),
    **{"every week": "P1W", "every month": "P1M", "every year": "P1Y"},
}
"""Set phrases and the time after which they repeat."""

_UNIT_HOURS = {"D": 24, "W": 168}
_TIMES = {"once": 1, "twice": 2, "thrice": 3}
_PER = {"daily": "D", "nightly": "D", "weekly": "W", "monthly": "M", "yearly": "Y", "annually": "Y"}

_NTH = rf"(?P<n>{alternatives([*ORDINALS, *NUMBERS])}|\d{{1,3}})(?:st|nd|rd|th)?"
_LONG_UNIT = r"(?P<unit>week|month|year|decade)"
_PART = rf"(?P<part>{alternatives(PARTS)})"
_COUNT = (
    rf"(?:(?P<word>{alternatives(_TIMES)})|(?P<n>{alternatives(NUMBERS)}|[1-9]\d?)\s?(?:times?|x)|x\s?(?P<x>[1-9]\d?))"
)


class Phrase(NamedTuple):
    """A row: how something is written, its label, and what it means."""

    pattern: re.Pattern[str]
    label: str | None
    read: Callable[[re.Match[str]], Reader]


def _phrase(pattern: str, label: str | None, read: Callable[[re.Match[str]], Reader]) -> Phrase:
    return Phrase(re.compile(pattern, re.IGNORECASE), label, read)


def _whole(word: str) -> int:
    """Return the number that digits or a word for a number give."""
    return NUMBERS[word] if word in NUMBERS else int(word)


def _day_part(match: re.Match[str]) -> Reader:
    return partial(meaning.on_day, DAYS[folded(match["day"])], meaning.note, part=PARTS[folded(match["part"])])


def _one_unit(match: re.Match[str]) -> Reader:
    return partial(meaning.ending, Quantity(1, 1, UNIT_OF_WORD[folded(match["unit"])]), meaning.note)


def _bare_unit(match: re.Match[str]) -> Reader:
    return partial(meaning.duration, Quantity(1, 1, UNIT_OF_WORD[folded(match["unit"])]))


def _neighbour(counted: meaning.Counted, steps: dict[str, int]) -> Callable[[re.Match[str]], Reader]:
    return lambda match: partial(
        meaning.neighbour, UNIT_OF_WORD[folded(match["unit"])], steps[folded(match["step"])], counted
    )


def _hanging_day(match: re.Match[str]) -> Reader:
    part = None if match["part"] is None else PARTS[folded(match["part"])]
    return partial(meaning.on_day, HANGING[folded(match["step"])], meaning.previous, part=part)


def _nth_day(match: re.Match[str]) -> Reader:
    """Return the n-th day after surgery, or of a hospital stay, whose first day is the admission."""
    word = folded(match["n"])
    count = ORDINALS[word] if word in ORDINALS else _whole(word)
    is_surgery = folded(match["event"]).startswith("p")
    return partial(
        meaning.on_day, count if is_surgery else count - 1, meaning.event("surgery" if is_surgery else "admission")
    )


def _event_day(match: re.Match[str]) -> Reader:
    steps = {"after": 1, "following": 1, "before": -1, "prior": -1}
    step = 0 if match["step"] is None else steps[folded(match["step"]).split()[0]]
    return partial(meaning.on_day, step, meaning.event(event_name(match["event"])))


def _times_per(match: re.Match[str]) -> Reader:
    """Return the time after which what is done n times a unit repeats: 3 times a week is PT56H, twice a month P0.5M."""
    written = match["n"] if match["x"] is None else match["x"]
    count = _whole(folded(written)) if match["word"] is None else _TIMES[folded(match["word"])]
    unit = _PER[folded(match["per"])] if match["per"] else UNIT_OF_WORD[folded(match["unit"])]
    if count == 1 or unit not in _UNIT_HOURS:
        return partial(meaning.recurring, Quantity(1 / count, 1 / count, unit).value)
    hours = round(_UNIT_HOURS[unit] / count, 1)
    return partial(meaning.recurring, Quantity(hours, hours, "TH").value)


def _age(match: re.Match[str]) -> Reader:
    years = number(match["n"])
    return partial(meaning.duration, Quantity(years, years, "Y"))


def _clock(match: re.Match[str]) -> Reader:
    hour, minute, half = int(match["hour"]), match["minute"], match.groupdict().get("half")
    if half is not None:
        hour = hour % 12 + 12 * (folded(half) == "p")
    return partial(meaning.clock, f"T{hour:02d}:{'00' if minute is None else minute}")


def _frequency(match: re.Match[str]) -> Reader:
    return partial(meaning.recurring, FREQUENCIES[folded(match[0])])


def _weekday(match: re.Match[str]) -> Reader:
    step = 0 if match["step"] is None else STEPS[folded(match["step"]).split()[-1]]
    return partial(meaning.weekday, WEEKDAYS[folded(match["weekday"])], step)


def _named_month(match: re.Match[str]) -> Reader:
    return partial(meaning.named_month, MONTHS[folded(match["month"])], STEPS[folded(match["step"])])


PHRASES: tuple[Phrase, ...] = (
    # Counted from the note.
    _phrase(rf"(?P<day>this|last|yesterday|tomorrow)\s{_PART}\b", "Time", _day_part),
    _phrase(r"tonight\b", "Time", lambda match: partial(meaning.on_day, 0, meaning.note, part="NI")),
    _phrase(
        rf"(?:the\s)?(?P<day>{alternatives(DAYS.keys() - {'last', 'this'})})\b(?!['’]s\sdate)",  # noqa: RUF001
        "Date",
        lambda match: partial(meaning.on_day, DAYS[folded(match["day"])], meaning.note),
    ),
    _phrase(r"(?:the\s)?day\safter\stomorrow\b", "Date", lambda match: partial(meaning.on_day, 2, meaning.note)),
    _phrase(
        r"(?:(?:for|over|during|in|within|throughout)\s(?:the\s)?|the\s)(?:past|last|previous|preceding)\s"
        r"(?P<unit>day|night|week|month|year|decade)\b",
        "Duration",
        _one_unit,
    ),
    _phrase(
        r"(?:for|over|during|in|within|throughout)\s(?:the\s)?(?:next|following|coming|first)\s(?P<unit>day|week|month|year)\b",
        "Duration",
        _bare_unit,
    ),
    _phrase(
        rf"(?:earlier\s|later\s)?(?P<step>last|past|this|next|coming)\s{_LONG_UNIT}\b",
        "Date",
        _neighbour(meaning.note, STEPS),
    ),
    _phrase(
        rf"(?:on\s)?(?P<step>last\s|this\spast\s|past\s|this\s|next\s|this\scoming\s)?(?P<weekday>{alternatives(WEEKDAYS)})\b",
        "Date",
        _weekday,
    ),
    _phrase(rf"(?P<step>last|past|this|next|coming)\s(?P<month>{FULL_MONTH})\b", "Date", _named_month),
    # Counted from the expression before.
    _phrase(
        rf"(?:(?:on\s|at\s)?the\s)?(?P<step>following|next|same|subsequent|previous|preceding)\s(?:day(?!\scase|\ssurg)"
        rf"|{_PART})\b|\bthat\s(?:same\s)?(?:day\b|(?:morning|afternoon|evening|night)\b)",
        "Date",
        lambda match: _hanging_day(match) if match["step"] else partial(meaning.on_day, 0, meaning.previous),
    ),
    _phrase(
        rf"(?:in\s|during\s)?the\s(?P<step>following|subsequent|same|preceding)\s{_LONG_UNIT}\b",
        "Date",
        _neighbour(meaning.previous, HANGING),
    ),
    # Counted from an event.
    _phrase(
        r"(?:(?:on|upon|at)\s(?:the\s)?(?:(?:time|day)\sof\s)?|(?:the\s)?day\sof\s"
        r"|(?:the\s)?day\s(?P<step>after|following|before|prior\sto)\s)(?:(?:the|his|her|hospital|initial)\s)?"
        r"(?P<event>admission|hospitali[sz]ation|presentation|surgery|operation|discharge)\b(?!\s(?:medic|diag|instr|summ))",
        "Date",
        _event_day,
    ),
    _phrase(rf"(?P<event>pod|post-?\s?op(?:erative)?\sday)\s?(?:#|no\.?|number)?\s?{_NTH}(?![\w])", "Date", _nth_day),
    _phrase(rf"{_NTH}\s(?P<event>pod|post-?\s?op(?:erative)?\sday)\b", "Date", _nth_day),
    _phrase(
        rf"(?P<event>hospital\sday|hd\s?(?=#)|day\sof\sadmission)\s?(?:#|no\.?|number)?\s?{_NTH}(?![\w])",
        "Date",
        _nth_day,
    ),
    _phrase(
        rf"(?:the\s)?{_NTH}\s(?P<event>(?:hospital|inpatient)\sday|day\sof\s(?:admission|hospitali[sz]ation))\b",
        "Date",
        _nth_day,
    ),
    # Days and ages that count from nothing a text tells by rule.
    _phrase(rf"(?:on\s)?day\s(?:#\s?)?{_NTH}(?!\w|\scase)", "Date", lambda match: meaning.nothing),
    _phrase(rf"(?:on\s)?the\s{_NTH}\sday\b", "Date", lambda match: meaning.nothing),
    _phrase(rf"(?:at|since|until|by|from)\s(?:the\s)?age\s(?:of\s)?{_NTH}(?![\w-])", "Date", _age),
    # Sets.
    _phrase(
        rf"(?:every|each)\s{alternatives(WEEKDAYS)}\b",
        "Frequency",
        lambda match: partial(meaning.recurring, "P1W"),
    ),
    _phrase(
        rf"{_COUNT}\s?(?:(?P<per>{alternatives(_PER)})|(?:a|per|each|every|/)\s?(?P<unit>hour|day|week|month|year)\b)",
        "Frequency",
        _times_per,
    ),
    _phrase(
        rf"{alternatives(FREQUENCIES)}(?![\w])(?!\s(?:living|activit|life|notes?\b|rounds?\b|weights?\b))",
        "Frequency",
        _frequency,
    ),
    _phrase(
        rf"q\.?\s?(?P<low>\d{{1,2}})(?:\s?(?:-|to)\s?(?P<high>\d{{1,2}}))?\s?(?P<unit>{alternatives(UNIT_OF_WORD)})\b\.?",
        "Frequency",
        lambda match: partial(meaning.recurring, quantity(match).value),
    ),
    # Clock.
    _phrase(r"(?P<hour>0?[1-9]|1[0-2])(?::(?P<minute>[0-5]\d))?\s?(?P<half>[ap])(?:\.\s?m\.?|m\b)", "Time", _clock),
    _phrase(
        r"(?:at|@|around|until|time:)\s{0,2}(?P<t>(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d))(?![\d:%])",
        "Time",
        _clock,
    ),
    _phrase(r"(?P<hour>[01]\d|2[0-3]):?(?P<minute>[0-5]\d)\s?(?:hours|hrs)\b", "Time", _clock),
)
"""At one place of the text the longest match counts."""

_COUNTED = r"(?:(?:times?|x|st|nd|rd|th|hours|hrs|pod|hospital|inpatient|day)\b|post)"
SEED = re.compile(
    r"(?<!\w)(?=[\w@])(?=(?:(?:on|upon|at|in|for|over|during|within|throughout|earlier|later|since|until|by|from|around"
    r"|time:|@)\s{0,2})?"
    r"(?:the\s)?(?:"
    rf"{alternatives([*STEPS, *DAYS, *HANGING, *WEEKDAYS, *FREQUENCIES, *_TIMES])}\b"
    r"|tonight|day\s|time\sof|age\s|pod|post|hd"
    r"|hospital|admission|presentation|surgery|operation|discharge|his\s|her\s|initial|every\s|each\s|first"
    r"|q\.?\s?\d|x\s?\d"
    rf"|{alternatives([*NUMBERS, *ORDINALS])}\s{_COUNTED}"
    rf"|\d{{1,2}}:\d\d|\d{{1,4}}\s?(?:{_COUNTED}|[ap]\.?\s?m)))",
)
"""Where a phrase can begin, in a text in lower case: ignoring case makes the search four times as slow."""
