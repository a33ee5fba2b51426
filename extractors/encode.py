"""A text as subwords in overlapping windows that an encoder can hold; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from extractors.document import ExtractionError
from extractors.text import Span, sentences, words

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of words that is encoded at once.

    Attributes:
        first: Index of the first word in the text; words before ``core`` are context from the window before.
        core: Index of the first word that this window decides on.
        last: Index after the last word.
        ids: Subword ids with the special ones at both ends, ``(subwords,)``.
        heads: Position in ``ids`` of the first subword of each word, ``(last - first,)``.
    """

    first: int
    core: int
    last: int
    ids: IntArray = field(repr=False)
    heads: IntArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subwords:
    """The words of a text and their subwords.

    Attributes:
        words: Offsets of the words.
        ids: Subword ids, ``(subwords,)``.
        offsets: Where the subwords of word ``i`` begin in ``ids``, ``(words + 1,)``.
        breaks: Indices of the words that begin a sentence, with the number of words at the end.
    """

    words: tuple[Span, ...]
    ids: IntArray = field(repr=False)
    offsets: IntArray = field(repr=False)
    breaks: tuple[int, ...]


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model folder, without truncation or padding."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special(tokenizer: Tokenizer, token: str) -> int:
    """Return the id of a special token.

    Raises:
        ExtractionError: If the vocabulary does not have it: it is not one of a BERT.
    """
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ExtractionError(f"tokenizer: no {token} in its vocabulary; expected one of a BERT")
    return int(found)


def subwords(text: str, tokenizer: Tokenizer) -> Subwords:
    """Return the words of a text with their subwords; one that the tokenizer drops (a control character) is unknown."""
    spans = words(text)
    encoding = tokenizer.encode([text[s:e] for s, e in spans], is_pretokenized=True, add_special_tokens=False)
    ids, owners = encoding.ids, encoding.word_ids
    counts = np.bincount(np.asarray(owners, dtype=np.int64), minlength=len(spans)) if owners else np.zeros(len(spans))
    if (counts == 0).any():
        ids, counts = _with_unknowns(ids, counts.astype(np.int64), tokenizer)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Subwords(tuple(spans), np.asarray(ids, dtype=np.int64), offsets, _sentence_breaks(text, spans))


def _with_unknowns(ids: list[int], counts: IntArray, tokenizer: Tokenizer) -> tuple[list[int], IntArray]:
    """Return the ids with the unknown token for each word without any, and the new counts."""
    unknown = special(tokenizer, "[UNK]")
    filled: list[int] = []
    position = 0
    for count in counts.tolist():
        filled += ids[position : position + count] or [unknown]
        position += count
    return filled, np.maximum(counts, 1)


def _sentence_breaks(text: str, spans: Sequence[Span]) -> tuple[int, ...]:
    """Return the indices of the words that begin a sentence, then the number of words."""
    starts = np.asarray([start for start, _ in spans])
    first = np.searchsorted(starts, [start for start, _ in sentences(text)]) if spans else np.asarray([], dtype=int)
    return tuple(sorted({*first.tolist(), 0, len(spans)}))


def windows(text: Subwords, tokenizer: Tokenizer, *, limit: int, context: int) -> list[Window]:
    """Cut a text into windows of whole sentences that share ``context`` subwords with the window before.

    A sentence longer than a window is cut between words. Every word is in the core of exactly one window. A word of
    more subwords than ``limit`` has a longer window of its own (WordPiece makes at most 100 of one word).

    Args:
        text: Words and subwords.
        tokenizer: Gives the ids of the special tokens.
        limit: Most subwords a window, special ones included.
        context: Most subwords taken over from before the core.
    """
    begin, end = special(tokenizer, "[CLS]"), special(tokenizer, "[SEP]")
    found = []
    for core, last in _cores(text, limit, context):
        room = max(text.offsets[core] - context, text.offsets[last] - (limit - 2), 0)
        first = min(int(np.searchsorted(text.offsets, room)), core)
        low, high = int(text.offsets[first]), int(text.offsets[last])
        ids = np.concatenate([[begin], text.ids[low:high], [end]])
        found.append(Window(first, core, last, ids, text.offsets[first:last] - low + 1))
    return found


def _cores(text: Subwords, limit: int, context: int) -> list[tuple[int, int]]:
    """Return the word ranges that the windows decide on; the first may be longer, having no context."""
    cores: list[tuple[int, int]] = []
    first, total = 0, len(text.words)
    while first < total:
        room = int(text.offsets[first]) + limit - 2 - min(context, int(text.offsets[first]))
        last = max(int(np.searchsorted(text.offsets, room, side="right")) - 1, first + 1)
        if last < total:
            whole = text.breaks[int(np.searchsorted(text.breaks, last, side="right")) - 1]
            last = whole if whole > first else last
        cores.append((first, last))
        first = last
    return cores
