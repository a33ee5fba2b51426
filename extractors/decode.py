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

from extractors.document import Document, Mention, Relation
from extractors.encode import Pieces, Subwords, Window, subwords, windows
from extractors.selection import Places, product, relation_scores
from extractors.tags import Array, IntArray, marginals, to_spans, viterbi
from extractors.text import Span

TOGETHER = 6
"""Windows of a text that are tagged together (ours): enough to share numpy's cost of a call, few enough to hold."""

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
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    local: tuple[str, ...]
    limit: int
    context: int
    threshold: float
    mention_threshold: float
    weights: Mapping[str, Array] = field(repr=False)


class _Place(NamedTuple):
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
    """The words that a window decides on: states ``(words, hidden)``, tags and their probability ``(words,)``."""

    window: Window
    states: Array
    tags: IntArray
    confidence: Array


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
    ahead, behind = tee(_cut(text, tokenizer, reading, words_seen) for text in texts)
    states = encode(window for _, _, seen in ahead for window in seen)
    for text, parts, seen in behind:
        yield _document(text, parts, zip(seen, islice(states, len(seen)), strict=True), reading)


def _cut(
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
    places: list[_Place] = []
    mentions: list[Mention] = []
    relations: list[Relation] = []
    held = np.empty((0, reading.weights["emission.weight"].shape[1]), dtype=np.float32)
    begin = undecided = 0  # the words from which on states are held, and from which on tags are not yet mentions
    for read in _tagged(seen, reading.weights):
        core, last = read.window.core, read.window.last
        tags[core:last], confidence[core:last] = read.tags, read.confidence
        reach = parts.before(core, reading.context)
        held, begin = np.concatenate([held[reach - begin :], read.states]), reach
        spans, undecided = _places(text, parts, tags, confidence, undecided, read.window)
        found = [place for place in spans if place.score >= reading.mention_threshold]
        near = places[bisect_left(places, reach, key=lambda place: place.last - 1) :]
        known = len(places) - len(near)
        places += found
        mentions += [_mention(text, parts.words, place, reading.labels) for place in found]
        relations += [
            Relation(mentions[known + head], mentions[known + tail], reading.relations[r], score)
            for head, tail, r, score in _pairs([*near, *found], len(near), held, begin, reading)
        ]
    return Document(text, tuple(mentions), tuple(relations))


def _tagged(seen: Iterator[tuple[Window, Array]], weights: Mapping[str, Array]) -> Iterator[_Tagged]:
    """Yield the windows of a text with the tags of the words in their cores."""
    crf = (weights["crf.start_transitions"], weights["crf.transitions"], weights["crf.end_transitions"])
    while block := list(islice(seen, TOGETHER)):
        order = sorted(range(len(block)), key=lambda i: -len(block[i][1]))
        lengths = np.asarray([len(block[i][1]) for i in order])
        emissions = np.zeros((len(block), lengths[0], len(crf[0])), dtype=np.float32)
        for row, i in enumerate(order):
            emissions[row, : lengths[row]] = product(block[i][1], weights["emission.weight"]) + weights["emission.bias"]
        paths = viterbi(emissions, lengths, *crf)
        probability = np.take_along_axis(marginals(emissions, lengths, *crf), paths[:, :, None], axis=2)[:, :, 0]
        for row, (window, states) in zip(np.argsort(order), block, strict=True):
            core = slice(window.core - window.first, len(states))
            yield _Tagged(window, states[core], paths[row, core], np.clip(probability[row, core], 0.0, 1.0))


def _places(
    text: str, parts: Subwords, tags: IntArray, confidence: Array, first: int, window: Window
) -> tuple[list[_Place], int]:
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
        found.append(_Place(start, end, label, int(tags[end - 1]), sentence, score))
    return found, following


def _within_sentence(text: str, parts: Subwords, span: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a span of words without what lies behind the end of its sentence, full stop included."""
    first, last, label = span
    after = parts.breaks[bisect_right(parts.breaks, first)]
    if after >= last:
        return span
    is_stop = after - first > 1 and text[slice(*parts.words[after - 1])] in ".:;,"
    return first, after - is_stop, label


def _mention(text: str, words: Sequence[Span], place: _Place, labels: Sequence[str]) -> Mention:
    """Return the mention at a place."""
    start, end = words[place.first][0], words[place.last - 1][1]
    return Mention(start, end, labels[place.label], text[start:end], score=round(place.score, 4))


def _pairs(
    places: Sequence[_Place], earlier: int, states: Array, begin: int, reading: Reading
) -> list[tuple[int, int, int, float]]:
    """Return head, tail, relation and score of the related pairs of mentions, not both among the first ``earlier``.

    A score is the probability that the relation and both its mentions are right, as if these were independent: a
    relation of a doubtful mention is doubtful. ``states`` are those of the words from ``begin`` on.
    """
    if len(places) < 2 or earlier == len(places):
        return []
    first, last, _, tag, sentence = np.asarray([place[:5] for place in places], dtype=np.int64).T
    near = Places(np.maximum(first - begin, 0), last - begin, sentence, tag)
    certain = np.asarray([place.score for place in places], dtype=np.float32)
    scores = relation_scores(states, near, reading.weights) * (certain[:, None] * certain)[:, :, None]
    keep = scores >= reading.threshold
    keep &= (sentence[:, None] == sentence)[:, :, None] | ~np.isin(reading.relations, reading.local)
    keep[np.arange(len(places)), np.arange(len(places))] = False
    keep[:earlier, :earlier] = False
    return [
        (head, tail, r, round(float(scores[tail, head, r]), 4))
        for tail, head, r in zip(*(index.tolist() for index in np.nonzero(keep)), strict=True)
    ]
