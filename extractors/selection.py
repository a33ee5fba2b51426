"""Multi-head selection in numpy: which mentions are related; ``networks.pairs`` trains the same equations in torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractors.tags import Array

IntArray = NDArray[np.int64]

DISTANCE_EDGES = (-64, -32, -16, -8, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 16, 32, 64)
"""Lower edges of the buckets of ``head word - tail word``; our choice: exact when near, coarse when far."""

ORDER_EDGES = (-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8)
"""Lower edges of the buckets of ``head mention - tail mention``, counted in mentions."""

SENTENCE_EDGES = (-2, -1, 0, 1, 2)
"""Lower edges of the buckets of ``head sentence - tail sentence``."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the mentions of a window stand; all arrays are ``(mentions,)``, in the order of the text.

    Attributes:
        first: Index of the first word.
        last: Index after the last word.
        sentence: Number of the sentence.
        tag: Of the last word.
    """

    first: IntArray
    last: IntArray
    sentence: IntArray
    tag: IntArray


def relation_scores(states: Array, places: Places, weights: Mapping[str, Array]) -> Array:
    """Return the probability of every relation of every ordered pair of mentions, ``(tails, heads, relations)``.

    Args:
        states: Of the window's words, ``(words, hidden)``.
        places: Of the window's mentions.
        weights: Of ``networks.pairs.MentionPairs`` or, without its ``between``, ``WordPairs``; their docstrings give
            the equations.
    """
    logits = _mention_logits if "pair.between.weight" in weights else _word_logits
    return np.asarray(1.0 / (1.0 + np.exp(-logits(states, places, weights))), dtype=np.float32)


def _word_logits(states: Array, places: Places, weights: Mapping[str, Array]) -> Array:
    """Return the logits of the paper's selection: each mention stands for its last word."""
    words = np.concatenate([states[places.last - 1], weights["label.weight"][places.tag]], axis=1)
    joined = _joined(words, weights) + _offsets("distance", places.last, DISTANCE_EDGES, weights)
    return np.asarray(np.tanh(joined) @ weights["pair.relation.weight"].T + weights["pair.relation.bias"])


def _mention_logits(states: Array, places: Places, weights: Mapping[str, Array]) -> Array:
    """Return the logits of the selection by whole mentions and the words between them."""
    ends = (states[places.first], states[places.last - 1], weights["label.weight"][places.tag])
    joined = _joined(np.concatenate(ends, axis=1), weights)
    joined += _offsets("distance", places.last, DISTANCE_EDGES, weights)
    joined += _offsets("order", np.arange(len(places.first)), ORDER_EDGES, weights)
    joined += _offsets("sentence", places.sentence, SENTENCE_EDGES, weights)
    context = product(states, weights["pair.context.weight"]) + weights["pair.context.bias"]
    joined += between(context, places.first, places.last) @ weights["pair.between.weight"].T
    return np.asarray(np.tanh(joined) @ weights["pair.relation.weight"].T + weights["pair.relation.bias"])


def _joined(words: Array, weights: Mapping[str, Array]) -> Array:
    """Return the sum of what the tail and the head bring, ``(tails, heads, size)``."""
    as_head = product(words, weights["pair.as_head.weight"]) + weights["pair.as_head.bias"]
    as_tail = product(words, weights["pair.as_tail.weight"])
    return np.asarray(as_tail[:, None] + as_head[None])


def _offsets(name: str, places: IntArray, edges: tuple[int, ...], weights: Mapping[str, Array]) -> Array:
    """Return the embedding of how far each head is from each tail, ``(tails, heads, size)``."""
    bucket = np.searchsorted(np.asarray(edges), places[None, :] - places[:, None], side="right")
    return weights[f"pair.{name}.weight"][bucket]


def between(context: Array, first: IntArray, last: IntArray) -> Array:
    """Return the largest value of each column over the words between two mentions, 0 where there is none.

    >>> between(np.array([[1.0], [5.0], [2.0]]), np.array([0, 2]), np.array([1, 3]))[:, :, 0].tolist()
    [[0.0, 5.0], [5.0, 0.0]]

    Args:
        context: ``(words, size)``.
        first: First word of each mention, ``(mentions,)``.
        last: Word after each mention, ``(mentions,)``.

    Returns:
        ``(mentions, mentions, size)``, symmetric.
    """
    low = np.minimum(last[:, None], last[None])
    high = np.maximum(first[:, None], first[None])
    table = _range_maxima(context)
    level = np.log2(np.maximum(high - low, 1)).astype(np.int64)
    start, end = np.minimum(low, len(context) - 1), np.maximum(high - 2**level, 0)
    found = np.maximum(table[level, start], table[level, end])
    return np.where((high > low)[:, :, None], found, np.zeros((), dtype=context.dtype))


def _range_maxima(context: Array) -> Array:
    """Return the maxima over 1, 2, 4, 8 ... words from each word on, ``(levels, words, size)``."""
    levels = [context]
    step = 1
    while 2 * step <= len(context):
        before = levels[-1]
        levels.append(np.concatenate([np.maximum(before[:-step], before[step:]), before[-step:]]))
        step *= 2
    return np.stack(levels)


def product(rows: Array, weight: Array) -> Array:
    """Return ``rows @ weight.T``, a few rows at a time.

    BLAS spreads a product of more than 2 ** 18 multiplications over all cores. That saves a tenth of a millisecond on
    an idle machine; on a busy one its threads wait for each other, and what took 1 ms was seen to take 28.
    """
    count = max(1, 2**18 // weight.size)
    whole = len(rows) // count * count
    blocks = rows[:whole].reshape(-1, count, rows.shape[1]) @ weight.T
    return np.concatenate([blocks.reshape(whole, len(weight)), rows[whole:] @ weight.T])
