"""Assertion status of mentions by the words around them: ConText with the tables of ``cues.py``.

A cue reaches from where it stands over the list it belongs to ("denies hypertension, psychosis and glaucoma": all
three), up to a stop ("no fever but cough") or the end of the sentence or section. The section and the label count too;
where nothing gives a status, a mention is present.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractors.cues import (
    COMPANY,
    CUES,
    FAMILY,
    PRECEDENCE,
    PSEUDO,
    RELATIVES,
    REPORTING,
    STATUS_OF_LABEL,
    STATUS_OF_SECTION,
    STOPS,
    Cue,
)
from extractors.document import Mention
from extractors.sections import Section, sections
from extractors.text import lower_case, sentences

LABELS = frozenset(
    "Disease_disorder Sign_symptom Diagnostic_procedure Therapeutic_procedure Medication Clinical_event History "
    "Family_history Outcome Activity Coreference".split()
)
"""Labels of what can be absent, possible or past; mentions of other labels stay as they are."""

DONE = frozenset("Diagnostic_procedure Therapeutic_procedure Medication Clinical_event Activity".split())
"""Labels of what is done and can be planned."""

FARTHEST = 80
"""Words over which a cue reaches at most (ours; it only bounds the work on texts without full stops)."""

_TOKEN = re.compile(r"[^\W_]+(?:['/-][^\W_]+)*|[^\w\s]")
_DURING = re.compile(r"(?:.*-)?(?:hour|day|week|month|year|hr|wk|mo|yr)s?(?:['’]s?)?")  # noqa: RUF001
_POSSESSIVE = frozenset(("his", "her", "the", "a", "their", "patient's", "my"))
_LIMITS = frozenset((",", "and", "with"))


class _Found(NamedTuple):
    """Cues at the words ``start:end`` of a sentence; ``limit`` if they reach only mentions that begin before it."""

    start: int
    end: int
    cues: tuple[Cue, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The words of a sentence, where they stand in the text, and the cues and stops among them."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    cues: tuple[_Found, ...]
    stops: Mapping[str, tuple[int, ...]]


_NO_CUES = _Sentence((), (), (), (), {})


def with_assertions(text: str, mentions: Sequence[Mention], parts: Sequence[Section] | None = None) -> list[Mention]:
    """Return the same mentions in the same order, each with the assertion status that the text gives it.

    Args:
        text: The text of the mentions.
        mentions: Of any label.
        parts: The ``sections`` of the text, if they are at hand.

    >>> text = "Denies fever, cough and rash but has pain."
    >>> places = [(text.index(word), word) for word in ("fever", "rash", "pain")]
    >>> [m.assertion for m in with_assertions(text, [Mention(s, s + len(w), "Sign_symptom", w) for s, w in places])]
    ['absent', 'absent', 'present']
    """
    found = sections(text) if parts is None else parts
    headings = [section.heading[0] for section in found]
    spans, lower = list(_spans(text, found)), lower_case(text).replace("’", "'")  # noqa: RUF001 (an apostrophe in notes)
    starts = [start for start, _ in spans]
    read: dict[int, _Sentence] = {}
    result = []
    for mention in mentions:
        index = bisect_right(starts, mention.start) - 1
        if mention.label not in LABELS or index < 0:
            result.append(mention)
            continue
        sentence = read[index] if index in read else read.setdefault(index, _sentence(lower, *spans[index]))
        section = bisect_right(headings, mention.start) - 1
        kind = found[section].kind if section >= 0 else None
        status = _status(mention, sentence, kind)
        result.append(mention if mention.assertion == status else replace(mention, assertion=status))
    return result


def _spans(text: str, found: Sequence[Section]) -> Iterator[tuple[int, int]]:
    """Yield the sentences, cut where a heading begins or ends."""
    cuts = [offset for section in found for offset in section.heading]
    for start, end in sentences(text):
        inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
        yield from zip([start, *inside], [*inside, end], strict=True)


def _status(mention: Mention, sentence: _Sentence, kind: str | None) -> str:
    """Return the first status of ``PRECEDENCE`` that a cue, the section or the label gives."""
    given = {STATUS_OF_SECTION.get(kind), STATUS_OF_LABEL.get(mention.label)}
    first = bisect_right(sentence.ends, mention.start)
    last = max(bisect_left(sentence.starts, mention.end), first + 1)
    nature = "done" if mention.label in DONE else "finding"
    near = sentence.cues[_index(sentence, first - FARTHEST) : _index(sentence, last + FARTHEST)]
    for place in near:
        for cue in place.cues:
            if cue.on in ("", nature) and _reaches(sentence, place, cue, first, last):
                given.add(cue.status)
    return next((status for status in PRECEDENCE if status in given), "present")


def _index(sentence: _Sentence, word: int) -> int:
    """Return the index of the first cue at or after a word."""
    return bisect_left(sentence.cues, word, key=lambda place: place.start)


def _reaches(sentence: _Sentence, place: _Found, cue: Cue, first: int, last: int) -> bool:
    """Tell whether a cue reaches the mention at the words ``first:last``."""
    if cue.side == "before":
        is_inside = place.start == first < place.end  # the mention itself begins with it: "no fever"
        low, high = (first, first) if is_inside else (place.end, first)
        if place.limit is not None and first >= place.limit:
            return False
    else:
        low, high = last, place.start
    if low > high:
        return False
    if cue.reach == "touch":
        return low == high
    if cue.reach == "near" and not _LIMITS.isdisjoint(sentence.words[low:high]):
        return False
    if cue.side == "before":  # a verb right beside the cue belongs to it: "does not have fever", "fever is not seen"
        low += 1
    else:
        high -= 1
    stops = sentence.stops[cue.status]
    return bisect_left(stops, high) <= bisect_left(stops, low)


def _sentence(text: str, start: int, end: int) -> _Sentence:
    """Read a sentence of a text in lower case; without cues, its words do not matter."""
    words = tuple(_TOKEN.findall(text, start, end))
    cues = () if _PHRASES.keys().isdisjoint(words) else tuple(_cues(words))
    if not cues:
        return _NO_CUES
    starts, ends = zip(*(token.span() for token in _TOKEN.finditer(text, start, end)), strict=True)
    stops = {status: tuple(_stops(words, cues, status)) for status in sorted(_statuses(cues))}
    return _Sentence(words, starts, ends, cues, stops)


def _statuses(cues: Iterable[_Found]) -> set[str]:
    """Return the statuses that some cues give."""
    return {cue.status for place in cues for cue in place.cues}


def _cues(words: tuple[str, ...]) -> Iterator[_Found]:
    """Yield the cues in order, the longest at each word; what is part of one is no other."""
    index = 0
    while index < len(words):
        phrases = _PHRASES.get(words[index])
        if phrases is None:
            index += 1
            continue
        tried = (words[index : index + length] for length in phrases.lengths)
        phrase = next((words for words in tried if words in phrases.cues), ())
        length, cues = len(phrase) or 1, phrases.cues.get(phrase, ())
        kept = tuple(cue for cue in cues if not _is_excepted(words, index, index + length, cue))
        if kept:
            yield _Found(index, index + length, kept)
        elif (
            length > 1 and not cues
        ):  # "no change in pneumonia" is no denial, but of a mention "change in vision" it is
            yield _Found(index, index + 1, phrases.cues.get(words[index : index + 1], ()), index + length)
        index += length


def _is_excepted(words: Sequence[str], start: int, end: int, cue: Cue) -> bool:
    """Tell whether the words beside a cue make it none: "mother reports", "with his wife", "6-week history of"."""
    if cue.status == "historical" and words[start] in ("history", "hx", "h/o"):
        return any(_DURING.fullmatch(word) for word in words[max(0, start - 3) : start])
    if cue.status != "associated_with_someone_else" or words[end - 1] not in _RELATIVE_WORDS or cue.side == "after":
        return False
    before = [word for word in words[max(0, start - 3) : start] if word not in _POSSESSIVE][-1:]
    return not COMPANY.isdisjoint(before) or not REPORTING.isdisjoint(words[end : end + 1])


def _stops(words: tuple[str, ...], cues: Sequence[_Found], status: str) -> Iterator[int]:
    """Yield the words at which the reach of a status ends, in order."""
    doubted = {place.start for place in cues if any(cue.status == "possible" for cue in place.cues)}
    for index, word in enumerate(words):
        phrases = _STOPS[status].get(word, ())
        is_stop = phrases and any(words[index : index + len(phrase)] == phrase for phrase in phrases)
        is_item = (
            word.isdigit() and len(word) <= 2 and words[index + 1 : index + 2] == (")",)
        )  # the next of "1) ... 2) ..."
        if is_stop or is_item or (status == "absent" and word == "," and index + 1 in doubted):
            yield index


_RELATIVE_WORDS = frozenset(word for phrase in RELATIVES for word in phrase.split())


def _family_cues() -> Iterator[Cue]:
    """Yield the cues for relatives: "father had a stroke", "family history of", "stroke in his father"."""
    owners = (
        "",
        "his ",
        "her ",
        "the ",
        "a ",
        "their ",
        "patient's ",
        "maternal ",
        "paternal ",
        "her maternal ",
        "his paternal ",
    )
    status = "associated_with_someone_else"
    yield Cue(status, "before", "list", " | ".join([*RELATIVES, *FAMILY, "maternal", "paternal"]))
    behind = [f"in {owner}{relative}" for owner in owners for relative in RELATIVES]
    yield Cue(status, "after", "near", " | ".join([*behind, *(f"( {relative} )" for relative in RELATIVES)]))


class _Phrases(NamedTuple):
    """The phrases that begin with a word, with their cues, and how many words they have, the longest first."""

    cues: Mapping[tuple[str, ...], tuple[Cue, ...]]
    lengths: tuple[int, ...]


def _phrases() -> dict[str, _Phrases]:
    """Return the phrases by first word."""
    cues: dict[tuple[str, ...], tuple[Cue, ...]] = {tuple(phrase.split()): () for phrase in PSEUDO}
    for cue in (*CUES, *_family_cues()):
        for phrase in cue.phrases.split(" | "):
            key = tuple(phrase.split())
            cues[key] = (*cues.get(key, ()), cue)
    table: dict[str, dict[tuple[str, ...], tuple[Cue, ...]]] = {}
    for key, own in cues.items():
        table.setdefault(key[0], {})[key] = own
    return {word: _Phrases(own, tuple(sorted({*map(len, own)}, reverse=True))) for word, own in table.items()}


def _stop_phrases(phrases: frozenset[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return stops by their first word."""
    table: dict[str, list[tuple[str, ...]]] = {}
    for words in sorted(tuple(phrase.split()) for phrase in phrases):
        table.setdefault(words[0], []).append(words)
    return table


_PHRASES = _phrases()
_STOPS = {status: _stop_phrases(phrases) for status, phrases in STOPS.items()}
