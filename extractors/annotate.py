"""What rules add to a model's document: dates it missed, assertion status, normalised time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from extractors.assertion import with_assertions
from extractors.document import Document, Mention
from extractors.timex import find_times, normalize_times


def annotate(document: Document, anchor: date | None) -> Document:
    """Return the document with rule-found times beside the model's mentions, assertions, and the meaning of its times.

    Args:
        document: What a model read.
        anchor: The day the text was written, which relative times count from; None leaves them open.
    """
    found = [time for time in find_times(document.text) if not _overlaps(document, time)]
    wider = sorted([*document.mentions, *found], key=lambda m: (m.start, m.end, m.label))
    asserted = with_assertions(document.text, wider)
    complete = _replaced(document, dict(zip(wider, asserted, strict=True)))
    times = normalize_times(complete.text, complete.mentions, anchor)
    return replace(complete, times=tuple(times))


def _overlaps(document: Document, time: Mention) -> bool:
    """Tell whether a mention of the document covers part of ``time``."""
    return any(mention.start < time.end and time.start < mention.end for mention in document.mentions)


def _replaced(document: Document, becomes: Mapping[Mention, Mention]) -> Document:
    """Return the document with other mentions, its relations between the new ones."""
    new: Callable[[Mention], Mention] = becomes.__getitem__
    relations = tuple(replace(r, head=new(r.head), tail=new(r.tail)) for r in document.relations)
    return Document(document.text, tuple(becomes.values()), relations)
