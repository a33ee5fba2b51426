"""A text as subwords in overlapping windows that an encoder can hold; no torch."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from extractors.document import ExtractionError
from extractors.text import Span, sentences, words

IntArray = NDArray[np.int64]

Pieces = tuple[int, ...]
"""Subword ids of a word."""

REMEMBERED = 100_000
"""Words after which those cut before are forgotten, so that memory does not grow (ours; MTSamples has 22,000)."""

_LONGEST_REMEMBERED = 100
"""Characters of a word that is remembered at most: no word of a language is longer, and a hundred thousand have to fit
into memory (ours)."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


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
        paragraphs: Those of them that begin the text or stand behind a blank line.
    """

    words: tuple[Span, ...]
    ids: IntArray = field(repr=False)
    offsets: IntArray = field(repr=False)
    breaks: tuple[int, ...]
    paragraphs: tuple[int, ...]

    def is_break(self, word: int) -> bool:
        """Tell whether a word begins a sentence, or stands behind the last."""
        return self.breaks[bisect_left(self.breaks, word)] == word

    def before(self, word: int, count: int) -> int:
        """Return the first of the words that stand, with all their subwords, at most ``count`` subwords before one."""
        room = max(int(self.offsets[word]) - count, 0)
        return min(int(np.searchsorted(self.offsets, room)), word)


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


def subwords(text: str, tokenizer: Tokenizer, known: dict[str, Pieces] | None = None) -> Subwords:
    """Return the words of a text with their subwords; one that the tokenizer drops (a control character) is unknown.

    Args:
        text: The text.
        tokenizer: Cuts each different word once: its subwords do not depend on its neighbours.
        known: Words cut before, to which the new ones are added; notes repeat each other.
    """
    spans = words(text)
    written = [text[start:end] for start, end in spans]
    seen = {} if known is None else known
    if len(seen) > REMEMBERED:
        seen.clear()
    new = [word for word in dict.fromkeys(written) if word not in seen]
    seen.update(zip(new, _pieces(new, tokenizer), strict=True))
    pieces = [seen[word] for word in written]
    for word in new:
        if len(word) > _LONGEST_REMEMBERED:
            del seen[word]
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    ids = np.fromiter(chain.from_iterable(pieces), dtype=np.int64, count=int(offsets[-1]))
    breaks = _first_words(spans, [start for start, _ in sentences(text)])
    paragraphs = _first_words(spans, [match.end() for match in _BLANK_LINE.finditer(text)])
    ends = sorted({*breaks, *paragraphs, 0, len(spans)})
    return Subwords(tuple(spans), ids, offsets, tuple(ends), (0, *paragraphs))


def _pieces(written: list[str], tokenizer: Tokenizer) -> list[Pieces]:
    """Return the subword ids of each of some words; of one that has none, the unknown one."""
    unknown = (special(tokenizer, "[UNK]"),)
    encoding = tokenizer.encode(written, is_pretokenized=True, add_special_tokens=False)
    found: list[list[int]] = [[] for _ in written]
    for owner, piece in zip(encoding.word_ids, encoding.ids, strict=True):
        if owner is not None:
            found[owner].append(piece)
    return [tuple(pieces) or unknown for pieces in found]


def _first_words(spans: Sequence[Span], places: Sequence[int]) -> list[int]:
    """Return the indices of the first words at or behind some places of a text, each once, in order."""
    starts = np.asarray([start for start, _ in spans], dtype=np.int64)
    found = np.unique(np.searchsorted(starts, np.asarray(places, dtype=np.int64)))
    return [int(word) for word in found if 0 < word < len(spans)]


def windows(text: Subwords, tokenizer: Tokenizer, *, limit: int, context: int, sparing: bool = False) -> list[Window]:
    """Cut a text into windows of whole sentences that share ``context`` subwords with the window before.

    A sentence longer than a window is cut between words. Every word is in the core of exactly one window. A word of
    more subwords than a window holds has one of its own with its first subwords alone: a word is decided on by the
    state of its first subword, and what is left out is seen by no other word. (The tokenizers of BERT take each
    ideograph for a subword, so 511 in a row are more than any encoder has positions for.)

    Args:
        text: Words and subwords.
        tokenizer: Gives the ids of the special tokens.
        limit: Most subwords a window, special ones included.
        context: Most subwords taken over from before the core.
        sparing: Whether windows rather begin with a paragraph, and take no context from before their paragraph.
            Context is encoded twice; what stands behind a blank line is seldom about what stands before it.
    """
    begin, end = special(tokenizer, "[CLS]"), special(tokenizer, "[SEP]")
    found = []
    for core, last in _cores(text, limit, context, sparing=sparing):
        room = limit - 2 - int(text.offsets[last] - text.offsets[core])
        first = text.before(core, min(_shared(text, core, context, sparing=sparing), room))
        low, high = int(text.offsets[first]), int(text.offsets[last])
        high = min(high, low + limit - 2)
        ids = np.concatenate([[begin], text.ids[low:high], [end]])
        found.append(Window(first, core, last, ids, text.offsets[first:last] - low + 1))
    return found


def _shared(text: Subwords, core: int, context: int, *, sparing: bool) -> int:
    """Return the most subwords of context for a window that decides on the words from ``core`` on."""
    start = text.paragraphs[bisect_right(text.paragraphs, core) - 1] if sparing else 0
    return min(context, int(text.offsets[core] - text.offsets[start]))


def _cores(text: Subwords, limit: int, context: int, *, sparing: bool) -> list[tuple[int, int]]:
    """Return the word ranges that the windows decide on; one without context is longer."""
    cores: list[tuple[int, int]] = []
    first, total = 0, len(text.words)
    while first < total:
        room = limit - 2 - _shared(text, first, context, sparing=sparing)
        last = max(_last(text, first, room), first + 1)
        if last < total:
            sentence = text.breaks[bisect_right(text.breaks, last) - 1]
            paragraph = text.paragraphs[bisect_right(text.paragraphs, last) - 1] if sparing else 0
            if paragraph >= max(_last(text, first, room // 2), first + 1):
                last = paragraph
            elif sentence > first:
                last = sentence
        cores.append((first, last))
        first = last
    return cores


def _last(text: Subwords, first: int, room: int) -> int:
    """Return the word up to which the words from ``first`` on have at most ``room`` subwords."""
    return int(np.searchsorted(text.offsets, text.offsets[first] + room, side="right")) - 1
