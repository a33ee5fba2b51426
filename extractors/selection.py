"""Multi-head selection in numpy: which mentions are related; ``networks.pairs`` trains the same equations in torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

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


def laid_out(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights as ``relation_scores`` takes them: what does not depend on the text is added up once.

    ``pair.ends`` is what first and last word bring, ``(2 * size, 2 * pair_size)``, to the mention as head, then as
    tail, and ``pair.one`` what its only word brings, or in ``WordPairs`` its last. ``pair.label`` is what each tag
    brings, ``(tags, 2 * pair_size)``, ``pair.offset`` what each combination of offsets does, ``(_, pair_size)``.

    Args:
        weights: Of ``networks.pairs.MentionPairs`` or, without its ``between``, ``WordPairs``; their docstrings give
            the equations.
    """
    label, bias = weights["label.weight"], weights["pair.as_head.bias"]
    words = np.concatenate([weights["pair.as_head.weight"], weights["pair.as_tail.weight"]]).T
    words, by_label = words[: -label.shape[1]], words[-label.shape[1] :]
    found = {"pair.one": words, "pair.label": label @ by_label + np.concatenate([bias, 0 * bias])}
    tables = ["distance"]
    if "pair.between.weight" in weights:
        found |= {"pair.ends": words, "pair.one": np.add(*np.split(words, 2))}
        found |= {f"pair.{name}": weights[f"pair.{name}.weight"].T for name in ("context", "between")}
        found |= {"pair.context.bias": weights["pair.context.bias"]}
        tables += ["order", "sentence"]
    offsets = (weights[f"pair.{name}.weight"] for name in tables)
    found["pair.offset"] = reduce(lambda a, b: (a[:, None] + b).reshape(-1, len(bias)), offsets)
    found |= {"pair.relation": weights["pair.relation.weight"].T, "pair.relation.bias": weights["pair.relation.bias"]}
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in found.items()}


def relation_scores(
    states: Array, places: Places, weights: Mapping[str, Array], low: IntArray, high: IntArray
) -> Array:
    """Return the probability of every relation of some pairs, in both directions, ``(2, pairs, relations)``.

    First the tail is the mention of ``low``, then that of ``high``. What stands between them is the same both ways.

    Args:
        states: Of the words, ``(words, hidden)``.
        places: Of the mentions.
        weights: From ``laid_out``.
        low: The earlier mention of each pair, ``(pairs,)``.
        high: The later one.
    """
    size, relations = weights["pair.relation"].shape
    ends = _ends(states, places, weights).reshape(-1, size)  # each mention as head, then as tail
    between = _between(states, places, weights, low, high) if "pair.between" in weights and len(low) else None
    directions = ((low, high), (high, low))
    ways = [(2 * tail + 1, 2 * head, _offsets(places, weights, tail, head)) for tail, head in directions]
    logits = np.empty((2, len(low), relations), dtype=np.float32)
    for at in (slice(i, i + AT_ONCE) for i in range(0, len(low), AT_ONCE)):
        met = None if between is None else between[at] @ weights["pair.between"]  # (pairs, size)
        for way, (tail, head, offset) in enumerate(ways):
            joined = ends.take(tail[at], axis=0)
            joined += ends.take(head[at], axis=0)
            joined += weights["pair.offset"].take(offset[at], axis=0)
            if met is not None:
                joined += met
            np.matmul(np.tanh(joined, out=joined), weights["pair.relation"], out=logits[way, at])
    scores: Array = 1.0 / (1.0 + np.exp(-logits - weights["pair.relation.bias"]))
    return scores


def _ends(states: Array, places: Places, weights: Mapping[str, Array]) -> Array:
    """Return what the words and the tag of each mention bring, ``(mentions, 2 * pair_size)``."""
    found = weights["pair.label"].take(places.tag, axis=0)
    last = states.take(places.last - 1, axis=0)
    if "pair.ends" not in weights:
        return found + last @ weights["pair.one"]
    is_one = places.last - places.first == 1
    found[is_one] += last[is_one] @ weights["pair.one"]
    first = states.take(places.first[~is_one], axis=0)
    found[~is_one] += np.concatenate([first, last[~is_one]], axis=1) @ weights["pair.ends"]
    return found


def _between(states: Array, places: Places, weights: Mapping[str, Array], low: IntArray, high: IntArray) -> Array:
    """Return the most of what the words between two mentions bring, ``(pairs, pair_size // 2)``."""
    after, until = places.last[low], places.first[high]
    begin = min(int(after.min()), len(states) - 1)
    context = states[begin : max(int(until.max()), begin + 1)] @ weights["pair.context"]
    context += weights["pair.context.bias"]
    return maxima(context, np.minimum(after - begin, len(context)), np.maximum(until - begin, 0))


def _offsets(places: Places, weights: Mapping[str, Array], tail: IntArray, head: IntArray) -> IntArray:
    """Return the row of ``pair.offset`` of each pair: how far the head is from the tail."""
    found: IntArray = np.searchsorted(DISTANCE_EDGES, places.last[head] - places.last[tail], side="right")
    if "pair.between" not in weights:
        return found
    order = np.searchsorted(ORDER_EDGES, head - tail, side="right")
    sentence = np.searchsorted(SENTENCE_EDGES, places.sentence[head] - places.sentence[tail], side="right")
    rows = (len(DISTANCE_EDGES) + 1, len(ORDER_EDGES) + 1, len(SENTENCE_EDGES) + 1)
    return np.ravel_multi_index((found, order, sentence), rows)


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
