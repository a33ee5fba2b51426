"""What rules add to a model's document: dates it missed, assertion status, normalised time; and what they take away."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from extractors.assertion import with_assertions
from extractors.document import Document, Mention
from extractors.readings import readings
from extractors.sections import Section, sections
from extractors.text import Span
from extractors.timex import find_times, normalize_times

# A report's title: a first line of a few capital words, with nothing in the next line. Models read it as a procedure.
_TITLE = re.compile(r"\s*(?P<title>[A-Z][A-Z/&-]*(?: [A-Z/&-]+){0,5}):?[^\S\n]*\r?\n[^\S\n]*\r?\n")

# Words that a measurement's name ends in. MACCROBAT2020 has these within the mention (training split: count, fraction,
# index, rate, ratio inside 177 times, left out 8 times; score 9 and 9), and level, value, concentration mostly outside.
_MEASURE = re.compile(r"[^\S\r\n](?:scores?|counts?|fraction|index|rate|ratio)\b", re.IGNORECASE)


def annotate(document: Document, anchor: date | None) -> Document:
    """Return the document with rule-found times beside the model's mentions, assertions, and the meaning of its times.

    Mentions inside a section heading or the title go, with their relations: "MEDICATIONS:" is no medication. A
    measurement is called the same in every note: "calcium" before "score" becomes "calcium score".

    Args:
        document: What a model read.
        anchor: The day the text was written, which relative times count from; None leaves them open.
    """
    parts = sections(document.text)
    content = _with_measures(_without_headings(document, parts))
    read = readings(content.text)
    found = [time for time in find_times(content.text, read) if not _overlaps(content, time)]
    wider = sorted([*content.mentions, *found], key=lambda m: (m.start, m.end, m.label))
    asserted = with_assertions(content.text, wider, parts)
    complete = _replaced(content, dict(zip(wider, asserted, strict=True)))
    times = normalize_times(complete.text, complete.mentions, anchor, read, parts)
    return replace(complete, times=tuple(times))


def _without_headings(document: Document, parts: Sequence[Section]) -> Document:
    """Return the document without the mentions that lie inside a heading."""
    spans = _headings(document.text, parts)
    starts = [start for start, _ in spans]

    def is_content(mention: Mention) -> bool:
        i = bisect_right(starts, mention.start) - 1
        return i < 0 or mention.end > spans[i][1]

    kept = {mention for mention in document.mentions if is_content(mention)}
    if len(kept) == len(document.mentions):
        return document
    relations = tuple(r for r in document.relations if r.head in kept and r.tail in kept)
    return replace(document, mentions=tuple(m for m in document.mentions if m in kept), relations=relations)


def _with_measures(document: Document) -> Document:
    """Return the document with each procedure up to the end of what it measures."""
    starts = [mention.start for mention in document.mentions]

    def widened(mention: Mention) -> Mention:
        found = _MEASURE.match(document.text, mention.end) if mention.label == "Diagnostic_procedure" else None
        if found is None or bisect_right(starts, found.end() - 1) > bisect_right(starts, mention.end - 1):
            return mention
        return replace(mention, end=found.end(), text=document.text[mention.start : found.end()])

    becomes = {mention: widened(mention) for mention in document.mentions}
    return document if all(new is old for old, new in becomes.items()) else _replaced(document, becomes)


def _headings(text: str, parts: Sequence[Section]) -> list[Span]:
    """Return the spans of the title and the section headings, in order."""
    title = _TITLE.match(text)
    first = [] if title is None else [title.span("title")]
    return sorted({*first, *(section.heading for section in parts)})


def _overlaps(document: Document, time: Mention) -> bool:
    """Tell whether a mention of the document covers part of ``time``; mentions do not overlap each other."""
    i = bisect_right(document.mentions, time.start, key=lambda m: m.end)
    return i < len(document.mentions) and document.mentions[i].start < time.end


def _replaced(document: Document, becomes: Mapping[Mention, Mention]) -> Document:
    """Return the document with other mentions, its relations between the new ones."""
    new: Callable[[Mention], Mention] = becomes.__getitem__
    relations = tuple(replace(r, head=new(r.head), tail=new(r.tail)) for r in document.relations)
    return Document(document.text, tuple(becomes.values()), relations)
