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

AT_ONCE = 128
"""Pairs scored at once (ours): a core's cache holds them."""

MULTIPLIED = ("as_head", "as_tail", "context", "between", "relation")
"""The layers whose products with states are taken."""

_Summand = tuple[Array, IntArray]
"""A table, and which of its rows each pair takes."""


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


def relation_scores(
    states: Array, places: Places, weights: Mapping[str, Array], wanted: NDArray[np.bool_] | None = None
) -> Array:
    """Return the probability of every relation of every ordered pair of mentions, ``(tails, heads, relations)``.

    Args:
        states: Of the window's words, ``(words, hidden)``.
        places: Of the window's mentions.
        weights: Of ``networks.pairs.MentionPairs`` or, without its ``between``, ``WordPairs``; their docstrings give
            the equations.
        wanted: The pairs to score, ``(tails, heads)``; the others have probability 0. None is every pair.
    """
    count = len(places.first)
    tails, heads = np.nonzero(np.ones((count, count), dtype=bool) if wanted is None else wanted)
    summands = _mention_pairs if "pair.between.weight" in weights else _word_pairs
    parts = summands(states, places, weights, tails, heads)
    scores = np.zeros((count, count, len(weights["pair.relation.weight"])), dtype=np.float32)
    for at in (slice(i, i + AT_ONCE) for i in range(0, len(tails), AT_ONCE)):
        joined = np.zeros((len(tails[at]), len(parts[0][0].T)), dtype=np.float32)  # (pairs, size)
        for table, rows in parts:
            joined += table.take(rows[at], axis=0)
        logits = np.tanh(joined, out=joined) @ weights["pair.relation.weight"].T + weights["pair.relation.bias"]
        scores[tails[at], heads[at]] = 1.0 / (1.0 + np.exp(-logits))
    return scores


def _word_pairs(
    states: Array, places: Places, weights: Mapping[str, Array], tails: IntArray, heads: IntArray
) -> list[_Summand]:
    """Return what is added up for each pair in the paper's selection: each mention stands for its last word."""
    words = np.concatenate([states[places.last - 1], weights["label.weight"][places.tag]], axis=1)
    distance = places.last[heads] - places.last[tails]
    return [*_ends(words, weights, tails, heads), _offset("distance", distance, DISTANCE_EDGES, weights)]


def _mention_pairs(
    states: Array, places: Places, weights: Mapping[str, Array], tails: IntArray, heads: IntArray
) -> list[_Summand]:
    """Return what is added up for each pair in the selection by whole mentions and the words between them.

    What stands between two mentions is the same in both directions, and is asked once.
    """
    ends = (states[places.first], states[places.last - 1], weights["label.weight"][places.tag])
    context = states @ weights["pair.context.weight"].T + weights["pair.context.bias"]
    count = len(places.first)
    pairs, row = np.unique(np.minimum(tails, heads) * count + np.maximum(tails, heads), return_inverse=True)
    met = maxima(context, places.last[pairs // count], places.first[pairs % count])
    return [
        *_ends(np.concatenate(ends, axis=1), weights, tails, heads),
        _offset("distance", places.last[heads] - places.last[tails], DISTANCE_EDGES, weights),
        _offset("order", heads - tails, ORDER_EDGES, weights),
        _offset("sentence", places.sentence[heads] - places.sentence[tails], SENTENCE_EDGES, weights),
        (met @ weights["pair.between.weight"].T, row),
    ]


def _ends(words: Array, weights: Mapping[str, Array], tails: IntArray, heads: IntArray) -> list[_Summand]:
    """Return what tail and head bring."""
    as_head = words @ weights["pair.as_head.weight"].T + weights["pair.as_head.bias"]
    return [(words @ weights["pair.as_tail.weight"].T, tails), (as_head, heads)]


def _offset(name: str, offset: IntArray, edges: tuple[int, ...], weights: Mapping[str, Array]) -> _Summand:
    """Return what it brings how far the head is from the tail."""
    return weights[f"pair.{name}.weight"], np.searchsorted(np.asarray(edges), offset, side="right")


def maxima(values: Array, low: IntArray, high: IntArray) -> Array:
    """Return the largest value of each column over the rows from ``low`` to before ``high``, 0 where there is none.

    Pairs of mentions ask for many ranges with few different ends: the maxima between these ends are taken once.

    >>> maxima(np.array([[1.0], [5.0], [2.0]]), np.array([0, 1, 2]), np.array([1, 3, 1])).tolist()
    [[1.0], [5.0], [0.0]]

    Args:
        values: ``(rows, size)``.
        low: ``(ranges,)``, each from 0 to ``rows``.
        high: ``(ranges,)``, likewise.

    Returns:
        ``(ranges, size)``.
    """
    ends = np.unique(np.concatenate([[0], low, high]))
    pieces = np.maximum.reduceat(values, ends[ends < len(values)], axis=0)
    low, high = np.searchsorted(ends, low), np.searchsorted(ends, high)
    level = np.log2(np.maximum(high - low, 1)).astype(np.int64)
    levels = _range_maxima(pieces).reshape(-1, values.shape[1])
    start, end = np.minimum(low, len(pieces) - 1), np.maximum(high - 2**level, 0)
    found: Array = levels.take(level * len(pieces) + start, axis=0)
    np.maximum(found, levels.take(level * len(pieces) + end, axis=0), out=found)
    found[high <= low] = 0
    return found


def _range_maxima(values: Array) -> Array:
    """Return the maxima over 1, 2, 4, 8 ... rows from each row on, ``(levels, rows, size)``."""
    levels = [values]
    step = 1
    while 2 * step <= len(values):
        before = levels[-1]
        levels.append(np.concatenate([np.maximum(before[:-step], before[step:]), before[-step:]]))
        step *= 2
    return np.stack(levels)
