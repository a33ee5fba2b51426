"""How time is written around an amount: "3 weeks ago", "for the past 3 weeks", "3 weeks after discharge", as a table.

A row with no label is something that looks like a time and is none to report (an age, a 24-hour urine); it keeps later
rows from reading it.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from extractors import meaning
from extractors.meaning import Reader
from extractors.quantities import Quantity

EVENTS: dict[str, str] = {
    "admission": r"admission|admitted|hospitali[sz]ation|hospitali[sz]ed|presentation|presenting|presented|arrival",
    "surgery": r"surgery|operation|procedure|post-?\s?operative(?:ly)?|post-?\s?op|date\sof\soperation",
    "discharge": r"discharged?",
}
"""Events that expressions count from, and the words for them."""

EVENT = rf"(?P<event>{'|'.join(EVENTS.values())})\b"
"""Any word for an event."""

_OF_EVENT = rf"(?:(?:the|his|her|their|this|current|initial|index|hospital|time|of|day|date|being)\s){{0,4}}{EVENT}"
_ABOUT = r"(?:(?:about|approximately|approx|around|roughly|nearly|almost|~|another|further|a\sfurther)\s)?"
_S = r"(?:['’]s?)?"  # noqa: RUF001
_VISIT = (
    r"(?:follow(?:[\s-]?up)?|return|see|seen|recheck|repeat|again|appointment|visit|back|scheduled|removed?|call"
    r"|clinic)"
)
_DOSE = r"(?:m[gl]|mcg|tabs?|tablets?|caps(?:ules?)?|po|p\.o\.|bid|tid|qid|daily|units?|iv)"
_SPECIMEN = (
    r"(?:urine|urinary|holter|eeg|ambulatory|survival|glucose|supply|monitor|recall|film|delay|fast|weight|hold"
    r"|pack|smok|walk|total|(?:nor)?(?:meta)?(?:epi)?neph|protein|creatinine|excretion|collection|telemetry)"
)

MakeReader = Callable[[Quantity, str | None], Reader]
"""Makes a reader from an amount and the event named behind it, if there is one."""


class Frame(NamedTuple):
    """A row: what stands around an amount, and what that makes of it.

    Attributes:
        before: Ends where the amount begins; its group ``t`` joins the mention.
        after: Begins where the amount ends and joins the mention; its group ``event`` names an event.
        label: Label of the mention; None if it is not to be reported.
        read: What the amount then means.
    """

    before: re.Pattern[str]
    after: re.Pattern[str]
    label: str | None
    read: MakeReader


def event_name(word: str) -> str:
    """Return the event that a word stands for.

    >>> event_name("hospitalization")
    'admission'
    """
    return next(name for name, words in EVENTS.items() if re.fullmatch(words, word, re.IGNORECASE))


def _frame(before: str, after: str, label: str | None, read: MakeReader) -> Frame:
    return Frame(re.compile(rf"{before}\Z", re.IGNORECASE), re.compile(after, re.IGNORECASE), label, read)


def _duration(amount: Quantity, event: str | None) -> Reader:
    return partial(meaning.duration, amount)


def _set(amount: Quantity, event: str | None) -> Reader:
    return partial(meaning.recurring, amount.value)


def _ending(amount: Quantity, event: str | None) -> Reader:
    return partial(meaning.ending, amount, meaning.note if event is None else meaning.event(event))


def _moved(sign: int, counted: meaning.Counted) -> MakeReader:
    return lambda amount, event: partial(meaning.moved, amount, sign, counted)


def _from_event(sign: int) -> MakeReader:
    return lambda amount, event: partial(meaning.moved, amount, sign, meaning.event(event))


FRAMES: tuple[Frame, ...] = (
    # An age at which something happened; counting from it needs a date of birth.
    _frame(
        r"\b(?P<t>(?:at|since|until|by|from|after)\s(?:the\s)?(?:(?:age|aged?)\s(?:of\s)?)?)",
        r"\sof\sage\b",
        "Date",
        _duration,
    ),
    _frame(r"\b(?P<t>(?:at|since|until|by|from|after)\s(?:the\s)?age\s(?:of\s)?)", "", "Date", _duration),
    # No times of the illness: ages, pregnancies, 24-hour urine, mg per 2 hours.
    _frame("", rf"{_S}[\s-]{{1,3}}(?:old\b|of\sage\b|(?:of\s)?(?:gestation|pregnan))", None, _duration),
    _frame(r"\b(?:aged?|ages|ages?\sof|age:)\s{1,3}", "", None, _duration),
    _frame("", rf"[\s-]{_SPECIMEN}", None, _duration),
    _frame(r"(?:\bper|/)\s?", "", None, _duration),
    # Sets.
    _frame(r"\b(?P<t>(?:every|each|q\.?)\s{1,2})", "", "Frequency", _set),
    _frame("", r"[\s-]intervals?\b", "Frequency", _set),
    # A bound ("more than 10 years ago") names no day.
    _frame(
        r"\b(?P<t>(?:(?:more|less|longer|greater|fewer)\sthan|over|at\sleast|up\sto|under|within)\s{1,2})",
        r"\s(?:ago|back|prior|before|earlier|previously|later|after)\b",
        "Date",
        _duration,
    ),
    # Time up to the note, or up to an admission: "for the past 3 weeks", "6-week history".
    _frame(
        r"(?P<t>(?:\b(?:for|over|during|in|within|throughout)\s{1,2})?\b(?:(?:the|his|her|these)\s{1,2})?"
        rf"(?:past|last|previous|preceding|prior)\s{{1,2}}{_ABOUT})",
        rf"(?:\s(?:before|prior\sto|preceding)\s{_OF_EVENT})?",
        "Duration",
        _ending,
    ),
    _frame(
        r"\b(?P<t>(?:for|over|during)\s(?:the\s)?)",
        rf"\s(?:before|prior\sto|preceding)\s{_OF_EVENT}",
        "Duration",
        _ending,
    ),
    _frame(rf"\b(?P<t>since\s{{1,2}}{_ABOUT})", "(?!.{0,2}ago)", "Duration", _ending),
    _frame(rf"\b(?P<t>(?:history|hx|h/o)\sof\s{{1,2}}{_ABOUT})", "", "Duration", _ending),
    _frame("", rf"{_S}[\s-]{{1,3}}(?:history|hx|h/o)\b", "Duration", _ending),
    _frame("", rf"(?={_S}[\s-](?:[\w-]{{1,20}}\s){{1,3}}history\b)", "Duration", _ending),
    _frame("", rf"{_S}\s(?:of\s|in\s)?duration\b", "Duration", _ending),
    _frame(rf"\b{_DOSE}\b[^\n;]{{0,40}}(?P<t>[x×]\s{{0,2}})", "", "Duration", _duration),  # noqa: RUF001 (a prescription)
    _frame(r"(?P<t>(?:(?<!\w)x|×)\s{0,2})", "", "Duration", _ending),  # noqa: RUF001 (fever x 3 days)
    # Counted from the note.
    _frame("", r"\s(?:ago|back)\b", "Date", _moved(-1, meaning.note)),
    _frame("", r"\sfrom\s(?:now|today)\b", "Date", _moved(1, meaning.note)),
    _frame(rf"\b{_VISIT}\b[^.;\n]{{0,60}}\b(?P<t>in\s{{1,2}}{_ABOUT})", "", "Date", _moved(1, meaning.note)),
    # Counted from an event or a date named behind the amount.
    _frame(
        "",
        rf"{_S}\s?-?(?:after|following|post|from|since|s/p|status\spost)[\s-]{_OF_EVENT}",
        "Date",
        _from_event(1),
    ),
    _frame("", rf"{_S}\s(?:before|prior\sto|preceding)\s{_OF_EVENT}", "Date", _from_event(-1)),
    _frame("", r"[\s-](?P<event>post-?\s?operative(?:ly)?|post-?\s?op)\b", "Date", _from_event(1)),
    # Counted from the expression before.
    _frame(
        "", r"\s(?:later|thereafter|afterwards?|after\sthat|after(?=\s?[,.;\n]))\b", "Date", _moved(1, meaning.previous)
    ),
    _frame(
        "",
        r"\s(?:earlier|previously|beforehand|prior\b(?!\sto\b)|before(?=\s?[,.;\n]|\sthat\b))",
        "Date",
        _moved(-1, meaning.previous_or_note),
    ),
    _frame("", r"\s(?:after|following|post)\b", "Date", _from_event(1)),
    _frame("", r"\s(?:before|prior\sto|preceding)\b", "Date", _from_event(-1)),
    _frame(rf"\bafter\s{{1,2}}{_ABOUT}", r"(?=\sof\b)", "Duration", _duration),  # after 3 weeks of therapy
    _frame(rf"\b(?P<t>after\s{{1,2}}{_ABOUT})", "", "Date", _moved(1, meaning.previous)),
    _frame("", rf"{_S}[\s-](?:\w{{1,12}}\s)?follow(?:-|\s)?up\b", "Date", _moved(1, meaning.previous)),
    # Bare.
    _frame(
        r"\b(?:for|lasting|lasted|lasts|takes|took|spanning|about|almost|nearly|over)\s{1,2}", "", "Duration", _duration
    ),
)
"""The first row that fits an amount says what it means."""

BARE = _frame("", "", "Duration", _duration)
"""The row for an amount that no other fits; not for "a week", which is as often part of "twice a week"."""
