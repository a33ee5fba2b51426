"""From word states to a document: CRF decoding and multi-head selection in numpy, for every runtime alike.

A text is read in one pass over its windows. Their states are held only as far back as a relation can reach, so memory
does not grow with the text.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, tee
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from extractors import selection
from extractors.chain import Chain, best_tags
from extractors.document import Document, Mention, Relation
from extractors.encode import Pieces, Subwords, Window, subwords, windows
from extractors.selection import Places, relation_scores
from extractors.tags import Array, IntArray, to_spans
from extractors.text import Span

TOGETHER = 16
"""Windows of a text that are tagged and related together (ours): few enough to hold their states."""

AGAIN = 32
"""Most subwords of context that are encoded a second time. 64 cost 8 % more of a note and bring nothing: on
MACCROBAT's validation split mentions .652 and relations .383 against .655 and .383 (means of windows of 256, 232 and
208 subwords, first shipped model)."""

States = Callable[[Window], Array]
"""Gives the states of a window's words, ``(words, hidden)``."""

Encode = Callable[[Iterable[Window]], Iterator[Array]]
"""Yields the states of each window, in order; it may work ahead of what is asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a trained joint model reads: its labels and the weights of everything behind the encoder.

    Attributes:
        labels: Mention labels, in the order of the tags.
        relations: Relation labels.
        local: Those of them that hold within a sentence only.
        limit: Most subwords a window.
        context: Subwords before a window's core to which its relations reach back.
        threshold: Least score of a relation that is kept: the probability that it and both its mentions are right.
        mention_threshold: Least probability of a mention that is kept.
        weights: By the names of ``networks.joint.JointModel.state_dict()``, encoder left out.
        sentences: Most sentences from one argument of a relation to the other, 0 if they share it; None is any number.
            Most pairs of a window are far apart, and to score them costs more than everything else behind the encoder.
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    local: tuple[str, ...]
    limit: int
    context: int
    threshold: float
    mention_threshold: float
    weights: Mapping[str, Array] = field(repr=False)
    sentences: int | None = None


class Place(NamedTuple):
    """Where a mention stands, in words, the index of its label, and its probability, the least certain word's.

    The last word's tag stands for its label.
    """

    first: int
    last: int
    label: int
    tag: int
    sentence: int
    score: float


class _Tagged(NamedTuple):
    """The words that some windows decide on: states ``(words, hidden)``, tags and their probability ``(words,)``."""

    windows: list[Window]
    states: Array
    tags: IntArray
    confidence: Array


def laid_out(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights as a text is read with them, in single precision."""
    single = {name: np.asarray(array, dtype=np.float32) for name, array in weights.items()}
    emission = {"emission.weight": np.asfortranarray(single["emission.weight"])}  # BLAS is fastest by columns
    read = {name: single[name] for name in ("emission.bias", "crf.transitions")}
    return read | emission | selection.laid_out(single)


def read_text(text: str, tokenizer: Tokenizer, states: States, reading: Reading) -> Document:
    """Return the document that a model reads in a text."""
    (document,) = read_texts([text], tokenizer, lambda seen: map(states, seen), reading)
    return document


def read_texts(
    texts: Iterable[str],
    tokenizer: Tokenizer,
    encode: Encode,
    reading: Reading,
    known: dict[str, Pieces] | None = None,
) -> Iterator[Document]:
    """Yield the document that a model reads in each text; a text's result does not depend on the others.

    Mentions come from the core of each window. A relation is read when its later argument is: every pair of mentions of
    a window, or less than ``reading.context`` subwords before it, is scored once. ``known`` is as for ``subwords``.
    """
    words_seen = {} if known is None else known
    ahead, behind = tee(cut(text, tokenizer, reading, words_seen) for text in texts)
    states = encode(window for _, _, seen in ahead for window in seen)
    for text, parts, seen in behind:
        yield _document(text, parts, zip(seen, islice(states, len(seen)), strict=True), reading)


def cut(
    text: str, tokenizer: Tokenizer, reading: Reading, known: dict[str, Pieces]
) -> tuple[str, Subwords, list[Window]]:
    """Return a text with its subwords and windows."""
    parts = subwords(text, tokenizer, known)
    context = min(reading.context, AGAIN)
    return text, parts, windows(parts, tokenizer, limit=reading.limit, context=context, sparing=True)


def _document(text: str, parts: Subwords, seen: Iterator[tuple[Window, Array]], reading: Reading) -> Document:
    """Return the document of the windows of a text and their states."""
    tags = np.zeros(len(parts.words), dtype=np.int64)
    confidence = np.zeros(len(parts.words), dtype=np.float32)
    places: list[Place] = []
    mentions: list[Mention] = []
    relations: list[Relation] = []
    held = np.empty((0, reading.weights["emission.weight"].shape[1]), dtype=np.float32)
    begin = undecided = 0  # the words from which on states are held, and from which on tags are not yet mentions
    for read in _tagged(seen, parts, reading.weights):
        first, last = read.windows[0].core, read.windows[-1].last
        tags[first:last], confidence[first:last] = read.tags, read.confidence
        reach = parts.before(first, reading.context)
        kept, begin = held[reach - begin :], reach
        held = np.concatenate([kept, read.states]) if len(kept) else read.states
        near = places[bisect_left(places, reach, key=_last_word) :]
        since: list[int] = []
        for window in read.windows:
            spans, undecided = _places(text, parts, tags, confidence, undecided, window)
            found = [place for place in spans if place.score >= reading.mention_threshold]
            earliest = bisect_left(near, parts.before(window.core, reading.context), key=_last_word)
            near, since = [*near, *found], [*since, *([earliest] * len(found))]
        known, new = len(places) + len(since) - len(near), near[len(near) - len(since) :]
        places += new
        mentions += [_mention(text, parts.words, place, reading.labels) for place in new]
        relations += [
            Relation(mentions[known + head], mentions[known + tail], reading.relations[r], score)
            for head, tail, r, score in related(near, since, held, begin, reading)
        ]
    return Document(text, tuple(mentions), tuple(relations))


def _last_word(place: Place) -> int:
    """Return the last word of a mention."""
    return place.last - 1


def _tagged(seen: Iterator[tuple[Window, Array]], parts: Subwords, weights: Mapping[str, Array]) -> Iterator[_Tagged]:
    """Yield the windows of a text, some at a time, with the tags of the words in their cores.

    Each sentence is a sequence of its own: mentions end with their sentence, and many short sequences are tagged
    together faster than a few long ones. A sentence stands between words of no mention, mostly full stops; the CRF's
    own start and end are those of windows.
    """
    moves = weights["crf.transitions"]
    chain = Chain(moves[0], moves, moves[:, 0])
    while block := list(islice(seen, TOGETHER)):
        cuts = [_sentences(window, parts) for window, _ in block]
        states = np.concatenate([found[cut[0] - w.first :] for (w, found), cut in zip(block, cuts, strict=True)])
        emissions = states @ weights["emission.weight"].T + weights["emission.bias"]
        tags, confidence = best_tags(emissions, np.concatenate([np.diff(cut) for cut in cuts]), chain)
        is_core = np.concatenate([np.arange(c[0], c[-1]) >= w.core for (w, _), c in zip(block, cuts, strict=True)])
        if not is_core.all():
            states, tags, confidence = states[is_core], tags[is_core], confidence[is_core]
        yield _Tagged([window for window, _ in block], states, tags, np.clip(confidence, 0.0, 1.0))


def _sentences(window: Window, parts: Subwords) -> list[int]:
    """Return where the sentences of a window's core begin, and where the last one ends.

    One that begins before the core begins with what the window has of it.
    """
    at = bisect_right(parts.breaks, window.core)
    inside = parts.breaks[at : bisect_left(parts.breaks, window.last)]
    return [max(window.first, parts.breaks[at - 1]), *inside, window.last]


def _places(
    text: str, parts: Subwords, tags: IntArray, confidence: Array, first: int, window: Window
) -> tuple[list[Place], int]:
    """Return the mentions from a word on to the end of a window, and the word from which on there may be others.

    A mention that begins in the window's core and reaches its end inside a sentence waits for the window behind.
    """
    spans = [(first + a, first + b, label) for a, b, label in to_spans(tags[first : window.last].tolist())]
    following = window.last
    if spans and window.core <= spans[-1][0] and spans[-1][1] == following and not parts.is_break(following):
        following = spans.pop()[0]
    found = []
    for span in spans:
        start, end, label = _within_sentence(text, parts, span)
        sentence, score = bisect_right(parts.breaks, end - 1), float(confidence[start:end].min())
        found.append(Place(start, end, label, int(tags[end - 1]), sentence, score))
    return found, following


def _within_sentence(text: str, parts: Subwords, span: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a span of words without what lies behind the end of its sentence, full stop included."""
    first, last, label = span
    after = parts.breaks[bisect_right(parts.breaks, first)]
    if after >= last:
        return span
    is_stop = after - first > 1 and text[slice(*parts.words[after - 1])] in ".:;,"
    return first, after - is_stop, label


def _mention(text: str, words: Sequence[Span], place: Place, labels: Sequence[str]) -> Mention:
    """Return the mention at a place."""
    start, end = words[place.first][0], words[place.last - 1][1]
    return Mention(start, end, labels[place.label], text[start:end], score=round(place.score, 4))


def related(
    places: Sequence[Place], since: Sequence[int], states: Array, begin: int, reading: Reading
) -> list[tuple[int, int, int, float]]:
    """Return head, tail, relation and score of the related pairs of mentions.

    A score is the probability that the relation and both its mentions are right, as if these were independent: a
    relation of a doubtful mention is doubtful.

    Args:
        places: The mentions, ordered by their last word.
        since: For each of the last of them, the earliest mention that it may be related to; those before have been
            asked about.
        states: Of the words from ``begin`` on, ``(words, hidden)``.
        begin: The word.
        reading: The model.
    """
    if len(places) < 2 or not since:
        return []
    first, last, _, tag, sentence = np.asarray([place[:5] for place in places], dtype=np.int64).T
    certain = np.asarray([place.score for place in places], dtype=np.float32)
    is_local = np.asarray([label in reading.local for label in reading.relations])
    sentences = 0 if is_local.all() else reading.sentences
    low, high = _pairs(sentence, since, sentences)
    both = certain[low] * certain[high]
    is_likely = both >= reading.threshold
    low, high, both = low[is_likely], high[is_likely], both[is_likely]
    near = Places(np.maximum(first - begin, 0), last - begin, sentence, tag)
    scores = relation_scores(states, near, reading.weights, low, high) * both[:, None]
    keep = scores >= reading.threshold
    keep &= (sentence[low] == sentence[high])[:, None] | ~is_local
    direction, pair, relation = np.nonzero(keep)
    ends = np.where(direction == 0, [high[pair], low[pair]], [low[pair], high[pair]])  # heads and tails
    found = zip(*ends.tolist(), relation.tolist(), scores[keep].tolist(), strict=True)
    return sorted(((head, tail, r, round(score, 4)) for head, tail, r, score in found), key=lambda one: one[1::-1])


def _pairs(sentence: IntArray, since: Sequence[int], sentences: int | None) -> tuple[IntArray, IntArray]:
    """Return the pairs of mentions that may be related, the earlier and the later one, both ``(pairs,)``."""
    later = np.arange(len(sentence) - len(since), len(sentence))
    earliest = np.asarray(since)
    if sentences is not None:
        earliest = np.maximum(earliest, np.searchsorted(sentence, sentence[later] - sentences))
    count = np.maximum(later - earliest, 0)
    high = np.repeat(later, count)
    return np.arange(len(high)) + np.repeat(earliest + count - np.cumsum(count), count), high
