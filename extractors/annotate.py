"""What rules add to a model's document: dates it missed, assertion status, normalised time; and what they take away."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from extractors.assertion import with_assertions
from extractors.document import Document, Mention, Relation
from extractors.readings import Reading, readings
from extractors.sections import Section, sections
from extractors.text import Span
from extractors.timex import find_times, normalize_times

# A report's title: a first line of a few capital words, with nothing in the next line. Models read it as a procedure.
_TITLE = re.compile(r"\s*(?P<title>[A-Z][A-Z/&-]*(?: [A-Z/&-]+){0,5}):?[^\S\n]*\r?\n[^\S\n]*\r?\n")

# Words that a measurement's name ends in. MACCROBAT2020 has these within the mention (training split: count, fraction,
# index, rate, ratio inside 177 times, left out 8 times; score 9 and 9), and level, value, concentration mostly outside.
_MEASURE = re.compile(r"[^\S\r\n](?:scores?|counts?|fraction|index|rate|ratio)\b", re.IGNORECASE)

# A calendar date with slashes, and what models take it for: its digits look like a ratio.
_SLASHED = re.compile(r"(?:[01]?\d/[0-3]?\d|[0-3]?\d/[01]?\d)/(?:\d\d|(?:19|20)\d\d)|[01]?\d/(?:19|20)\d\d")
_NUMBERS = frozenset(("Lab_value", "Quantitative_concept", "Detailed_description"))

# What models take "b.i.d." for, or its parts: their words end at each full stop.
_DOSING = frozenset(("Administration", "Dosage", "Frequency"))


def annotate(document: Document, anchor: date | None) -> Document:
    """Return the document with rule-found times beside the model's mentions, assertions, and the meaning of its times.

    Mentions inside a section heading or the title go, with their relations: "MEDICATIONS:" is no medication. A
    measurement is called the same in every note: "calcium" before "score" becomes "calcium score". A date with slashes
    is no lab value, and "b.i.d." is one frequency, not the end of a dose and the beginning of a route.

    Args:
        document: What a model read.
        anchor: The day the text was written, which relative times count from; None leaves them open.
    """
    parts = sections(document.text)
    read = readings(document.text)
    content = _with_times(_with_measures(_without_headings(document, parts)), read)
    found = [time for time in find_times(content.text, read) if not _overlaps(content, time)]
    wider = sorted([*content.mentions, *found], key=lambda m: (m.start, m.end, m.label))
    asserted = with_assertions(content.text, wider, parts)
    complete = _replaced(content, wider, asserted)
    times = normalize_times(complete.text, complete.mentions, anchor, read, parts)
    return replace(complete, times=tuple(times))


def _without_headings(document: Document, parts: Sequence[Section]) -> Document:
    """Return the document without the mentions that lie inside a heading."""
    spans = _headings(document.text, parts)
    starts = [start for start, _ in spans]

    def is_content(mention: Mention) -> bool:
        i = bisect_right(starts, mention.start) - 1
        return i < 0 or mention.end > spans[i][1]

    kept = tuple(mention for mention in document.mentions if is_content(mention))
    if len(kept) == len(document.mentions):
        return document
    relations = tuple(r for r in document.relations if is_content(r.head) and is_content(r.tail))
    return replace(document, mentions=kept, relations=relations)


def _with_measures(document: Document) -> Document:
    """Return the document with each procedure up to the end of what it measures."""
    starts = [mention.start for mention in document.mentions]

    def widened(mention: Mention) -> Mention:
        found = _MEASURE.match(document.text, mention.end) if mention.label == "Diagnostic_procedure" else None
        if found is None or bisect_right(starts, found.end() - 1) > bisect_right(starts, mention.end - 1):
            return mention
        return replace(mention, end=found.end(), text=document.text[mention.start : found.end()])

    return _replaced(document, document.mentions, [widened(mention) for mention in document.mentions])


def _with_times(document: Document, read: Sequence[Reading]) -> Document:
    """Return the document with dates and frequencies as rules read them, where a model read parts or another label."""
    often = [reading for reading in read if reading.label == "Frequency"]
    ends = [reading.end for reading in often]

    def fitted(mention: Mention) -> Mention:
        if mention.label in _NUMBERS and _SLASHED.fullmatch(mention.text):
            return replace(mention, label="Date")
        at = bisect_right(ends, mention.start)
        if mention.label not in _DOSING or at == len(often) or often[at].start >= mention.end:
            return mention
        start, end = often[at].start, often[at].end
        if mention.start < start:
            return mention if end <= mention.end else _part(document.text, mention, mention.start, start)
        if end < mention.end and start == mention.start:
            return mention
        if end < mention.end and any(map(str.isalnum, document.text[end : mention.end])):
            return _part(document.text, mention, end, mention.end)
        return replace(mention, start=start, end=end, label="Frequency", text=document.text[start:end])

    return _replaced(document, document.mentions, [fitted(mention) for mention in document.mentions])


def _part(text: str, mention: Mention, start: int, end: int) -> Mention:
    """Return the mention from ``start`` to ``end``, without white space at its ends."""
    piece = text[start:end]
    start, end = start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
    return replace(mention, start=start, end=end, text=text[start:end])


def _headings(text: str, parts: Sequence[Section]) -> list[Span]:
    """Return the spans of the title and the section headings, in order."""
    title = _TITLE.match(text)
    first = [] if title is None else [title.span("title")]
    return sorted({*first, *(section.heading for section in parts)})


def _overlaps(document: Document, time: Mention) -> bool:
    """Tell whether a mention of the document covers part of ``time``; mentions do not overlap each other."""
    i = bisect_right(document.mentions, time.start, key=lambda m: m.end)
    return i < len(document.mentions) and document.mentions[i].start < time.end


def _replaced(document: Document, olds: Sequence[Mention], news: Sequence[Mention]) -> Document:
    """Return the document with other mentions, its relations between the new ones; some may become one.

    Args:
        document: The document.
        olds: Its mentions, and perhaps others.
        news: What each of them becomes.
    """
    if len(olds) == len(document.mentions) and all(new is old for old, new in zip(olds, news, strict=True)):
        return document
    mentions: dict[tuple[int, int, str], Mention] = {}
    for mention in news:
        mentions.setdefault((mention.start, mention.end, mention.label), mention)
    becomes = {
        (old.start, old.end, old.label): mentions[new.start, new.end, new.label]
        for old, new in zip(olds, news, strict=True)
    }
    relations: dict[tuple[int, int, str], Relation] = {}
    for relation in document.relations:
        head, tail = (becomes[end.start, end.end, end.label] for end in (relation.head, relation.tail))
        if head is not tail:
            relations[id(head), id(tail), relation.label] = Relation(head, tail, relation.label, relation.score)
    return Document(document.text, tuple(mentions[key] for key in sorted(mentions)), tuple(relations.values()))
