"""Abbreviations that a text defines itself: "polycystic kidney disease (PKD)".

Source: Schwartz and Hearst, A simple algorithm for identifying abbreviation definitions in biomedical text, Pacific
Symposium on Biocomputing 2003.
"""

import re
from collections.abc import Mapping

_BRACKETS = re.compile(r"\(([^()]{2,200})\)")
_SEVERAL = re.compile(r"[;,:]\s")
_END = re.compile(r"[.;:!?]\s")
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*")

_SHORT = 10
"""Most characters of a short form (the paper's)."""

_BEFORE = 400
"""Characters before a bracket in which a long form may begin (ours; more than any of 15 words)."""


def abbreviations(text: str) -> dict[str, str]:
    """Return the long form of each short form that a text defines, as written where it is defined first.

    >>> abbreviations("A case of polycystic kidney disease (PKD). PKD is common.")
    {'PKD': 'polycystic kidney disease'}
    >>> abbreviations("He had a TIA (transient ischemic attack) in May (twice).")
    {'TIA': 'transient ischemic attack'}
    """
    found: dict[str, str] = {}
    for match in _BRACKETS.finditer(text):
        inside = _SEVERAL.split(match[1])[0].strip()
        before = _END.split(text[max(0, match.start() - _BEFORE) : match.start()])[-1]
        for short, long in ((inside, long_form(inside, before)), (_last_word(before), inside)):
            if _is_short(short) and long is not None and long_form(short, long) == long:
                found.setdefault(short, long)
                break
    return found


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Return a text with the short forms in it written out; one whose long form stands there too is left alone.

    >>> expanded("early PKD", {"PKD": "polycystic kidney disease"})
    'early polycystic kidney disease'
    """

    def written_out(match: re.Match[str]) -> str:
        long = known.get(match[0], match[0])
        return match[0] if long in text else long

    return _TOKEN.sub(written_out, text) if known else text


def long_form(short: str, text: str) -> str | None:
    """Return the end of a text that spells a short form out, white space folded, or None.

    From the right, every letter and digit of the short form is found in the text in order; the first begins a word.

    >>> long_form("HTN", "with hypertension")
    'hypertension'
    """
    words = " ".join(text.split())
    place = len(words)
    for index, letter in reversed(list(enumerate(short.lower()))):
        if letter.isalnum():
            place = _before(words, place, letter, begins_word=index == 0)
            if place < 0:
                return None
    found = words[words.rfind(" ", 0, place) + 1 :]
    is_longer = len(found) > len(short) and short.lower() not in found.lower().split()
    return found if is_longer and len(found.split()) <= min(len(short) + 5, 2 * len(short)) else None


def _before(words: str, place: int, letter: str, *, begins_word: bool) -> int:
    """Return the last place before one where a letter stands, at the beginning of a word if asked; -1 if nowhere."""
    folded = words.lower() if len(words.lower()) == len(words) else words
    place = folded.rfind(letter, 0, place)
    while begins_word and place > 0 and folded[place - 1].isalnum():
        place = folded.rfind(letter, 0, place)
    return place


def _is_short(text: str) -> bool:
    """Tell whether something may be a short form: at most two words, one capital at least, not long (the paper's)."""
    return (
        2 <= len(text) <= _SHORT
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(letter.isupper() for letter in text)
    )


def _last_word(text: str) -> str:
    """Return the last word of a text."""
    return text.split()[-1] if text.strip() else ""
