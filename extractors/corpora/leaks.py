"""What a training set shares with held-out documents, since abstracts and sentences recur across corpora."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from extractors.corpora.annotated import Annotated
from extractors.text import sentences

LEAST_WORDS = 5
"""Shorter sentences are common property: "She was discharged." """

_PMID = re.compile(r"(?:PMID:?\s?)?(\d{1,8})|PMID:?\s?(\d{1,8})\b.*", re.IGNORECASE)
_RUN = re.compile(r"[^\W_]+")


class Dropped(NamedTuple):
    """A training document that was left out, and why: ``same id`` or ``same sentence``."""

    id: str
    reason: str


def drop_leaks(
    train: Sequence[Annotated], held_out: Iterable[Annotated], *, by_id: bool = True
) -> tuple[list[Annotated], list[Dropped]]:
    """Return the training documents that share nothing with those held out, and those that do.

    A document goes if its id is the one of a held-out document (of ids with a PMID, the PMID counts), if one of its
    sentences of five words or more is one of theirs, or if their whole texts are alike. Only letters and digits are
    compared, without case.

    Args:
        train: What would be learnt from.
        held_out: What will be measured on, validation and test.
        by_id: False compares sentences only, for parts of one corpus that published folds cut by sentence.
    """
    ids, keys = _held(held_out)
    reasons = [_reason(item, ids if by_id else set(), keys) for item in train]
    kept = [item for item, reason in zip(train, reasons, strict=True) if reason is None]
    dropped = [Dropped(item.id, reason) for item, reason in zip(train, reasons, strict=True) if reason is not None]
    return kept, dropped


def drop_sentences(texts: Iterable[str], held_out: Iterable[Annotated]) -> tuple[list[str], int]:
    """Return texts without the sentences of held-out documents, and how many sentences went.

    For texts that are learnt from without their annotations. The white space around a sentence stays; a text of which
    nothing is left goes.
    """
    _, keys = _held(held_out)
    kept, dropped = [], 0
    for text in texts:
        leaking = [(start, end) for start, end in sentences(text) if sentence_key(text[start:end]) in keys]
        dropped += len(leaking)
        place, pieces = 0, []
        for start, end in leaking:
            pieces.append(text[place:start])
            place = end
        left = "".join([*pieces, text[place:]])
        if left.strip():
            kept.append(left)
    return kept, dropped


def leak_report(name: str, kept: int, dropped: Sequence[Dropped]) -> str:
    """Return the line to print before training: counts by reason, no text.

    >>> leak_report("phee", 2, [Dropped("7", "same id")])
    'leak check: phee: dropped 1 of 3 documents (same id 1, same sentence 0)'
    """
    reasons = Counter(reason for _, reason in dropped)
    counts = ", ".join(f"{reason} {reasons[reason]}" for reason in ("same id", "same sentence"))
    return f"leak check: {name}: dropped {len(dropped)} of {kept + len(dropped)} documents ({counts})"


def sentence_key(text: str) -> str:
    """Return what of a sentence is compared: letters and digits without case, so that tokenising changes nothing.

    >>> sentence_key("A 34-year - old lady .") == sentence_key("A 34-year-old lady.")
    True
    """
    return "".join(_RUN.findall(text.casefold()))


def document_key(name: str) -> str:
    """Return the PMID of a document's id, else the id.

    >>> [document_key(name) for name in ("PMID:12/ab", "12", "PMC12", "note-12")]
    ['12', '12', 'PMC12', 'note-12']
    """
    match = _PMID.fullmatch(name)
    return name if match is None else (match[1] or match[2]).lstrip("0")


def _reason(item: Annotated, ids: set[str], keys: set[str]) -> str | None:
    """Return why a document leaks, or None."""
    if document_key(item.id) in ids:
        return "same id"
    return None if keys.isdisjoint(_keys(item.document.text)) else "same sentence"


def _held(items: Iterable[Annotated]) -> tuple[set[str], set[str]]:
    """Return the ids and keys of held-out documents."""
    ids, keys = set(), set()
    for item in items:
        ids.add(document_key(item.id))
        keys |= _keys(item.document.text)
    return ids, keys


def _keys(text: str) -> set[str]:
    """Return the keys of a text's sentences of five words or more, and of the whole text."""
    spans = [text[start:end] for start, end in sentences(text)]
    long = {sentence_key(span) for span in spans if len(_RUN.findall(span)) >= LEAST_WORDS}
    return (long | {sentence_key(text)}) - {""}
