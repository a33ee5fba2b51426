"""From word states to a document: CRF decoding and multi-head selection in numpy, for every runtime alike."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from extractors.document import Document, Mention, Relation
from extractors.encode import Subwords, Window, subwords, windows
from extractors.tags import Array, marginals, to_spans, viterbi
from extractors.text import Span

DISTANCE_EDGES = (-64, -32, -16, -8, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 16, 32, 64)
"""Lower edges of the buckets of ``head word - tail word``; our choice: exact when near, coarse when far."""

States = Callable[[Window], Array]
"""Gives the states of a window's words, ``(words, hidden)``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a trained joint model reads: its labels and the weights of everything behind the encoder.

    Attributes:
        labels: Mention labels, in the order of the tags.
        relations: Relation labels.
        local: Those of them that hold within a sentence only.
        limit: Most subwords a window.
        context: Subwords a window shares with the one before.
        threshold: Least probability of a relation that is kept.
        weights: By the names of ``networks.joint.JointModel.state_dict()``, encoder left out.
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    local: tuple[str, ...]
    limit: int
    context: int
    threshold: float
    weights: Mapping[str, Array] = field(repr=False)


def read_text(text: str, tokenizer: Tokenizer, states: States, reading: Reading) -> Document:
    """Return the document that a model reads in a text.

    Mentions come from the core of each window; a relation is read in the window whose core holds its later argument, so
    every pair of mentions at most a window apart is scored once.
    """
    parts = subwords(text, tokenizer)
    seen = windows(parts, tokenizer, limit=reading.limit, context=reading.context)
    word_states = [states(window) for window in seen]
    tags, confidence = _tags(seen, word_states, reading.weights, len(parts.words))
    spans = [_within_sentence(text, parts, span) for span in to_spans(tags)]
    mentions = [_mention(text, parts.words, span, confidence, reading.labels) for span in spans]
    ends = np.asarray([last - 1 for _, last, _ in spans], dtype=np.int64)
    sentence = np.searchsorted(parts.breaks, ends, side="right")
    relations = []
    for window, vectors in zip(seen, word_states, strict=True):
        relations += [
            Relation(mentions[head], mentions[tail], reading.relations[r], score)
            for head, tail, r, score in _pairs(window, vectors, ends, [tags[end] for end in ends], reading)
            if sentence[head] == sentence[tail] or reading.relations[r] not in reading.local
        ]
    return Document(text, tuple(mentions), tuple(relations))


def _within_sentence(text: str, parts: Subwords, span: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a span of words without what lies behind the end of its sentence, full stop included."""
    first, last, label = span
    after = parts.breaks[bisect_right(parts.breaks, first)]
    if after >= last:
        return span
    is_stop = after - first > 1 and text[slice(*parts.words[after - 1])] in ".:;,"
    return first, after - is_stop, label


def _mention(
    text: str, words: Sequence[Span], span: tuple[int, int, int], confidence: Array, labels: Sequence[str]
) -> Mention:
    """Return the mention of some words; its score is the least certain word's."""
    first, last, label = span
    start, end = words[first][0], words[last - 1][1]
    return Mention(start, end, labels[label], text[start:end], score=round(float(confidence[first:last].min()), 4))


def _tags(
    seen: Sequence[Window], states: Sequence[Array], weights: Mapping[str, Array], words: int
) -> tuple[list[int], Array]:
    """Return the tag of every word of a text, and its probability."""
    crf = (weights["crf.start_transitions"], weights["crf.transitions"], weights["crf.end_transitions"])
    tags: list[int] = []
    confidence = np.zeros(words, dtype=np.float32)
    for window, vectors in zip(seen, states, strict=True):
        emissions = vectors @ weights["emission.weight"].T + weights["emission.bias"]
        path = viterbi(emissions, *crf)
        probability = marginals(emissions, *crf)[np.arange(len(path)), path]
        tags += path[window.core - window.first :]
        confidence[window.core : window.last] = probability[window.core - window.first :]
    return tags, np.clip(confidence, 0.0, 1.0)


def _pairs(
    window: Window,
    states: Array,
    ends: NDArray[np.int64],
    tags: Sequence[int],
    reading: Reading,
) -> list[tuple[int, int, int, float]]:
    """Return head, tail, relation and score of the pairs that end in a window, one of each at least in its core."""
    low, high = (int(i) for i in np.searchsorted(ends, [window.first, window.last]))
    core = int(np.searchsorted(ends, window.core))
    if high - low < 2 or core == high:
        return []
    positions = ends[low:high] - window.first
    words = np.concatenate([states[positions], reading.weights["label.weight"][list(tags[low:high])]], axis=1)
    scores = pair_scores(words, positions, reading.weights)
    keep = scores >= reading.threshold
    keep[np.arange(len(positions)), np.arange(len(positions))] = False
    keep[: core - low, : core - low] = False  # read in the window before
    return [
        (low + head, low + tail, r, round(float(scores[tail, head, r]), 4))
        for tail, head, r in zip(*(index.tolist() for index in np.nonzero(keep)), strict=True)
    ]


def pair_scores(words: Array, positions: NDArray[np.int64], weights: Mapping[str, Array]) -> Array:
    """Return the probability of every relation of every ordered pair, ``(tails, heads, relations)``.

    Args:
        words: State and label embedding of the chosen words, ``(chosen, size)``.
        positions: Their places in the window, ``(chosen,)``.
        weights: Of ``networks.joint.PairScorer``, whose docstring gives the equation.
    """
    offset = positions[None, :] - positions[:, None]
    bucket = np.searchsorted(np.asarray(DISTANCE_EDGES), offset, side="right")
    as_head = words @ weights["pair.as_head.weight"].T + weights["pair.as_head.bias"]
    as_tail = words @ weights["pair.as_tail.weight"].T
    joined = np.tanh(as_tail[:, None] + as_head[None, :] + weights["pair.distance.weight"][bucket])
    logits = joined @ weights["pair.relation.weight"].T + weights["pair.relation.bias"]
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)
