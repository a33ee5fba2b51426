"""A linear-chain CRF over BIO tags in numpy: the best tags of sentences, and how probable each of them is.

Every path of tags weighs ``exp(start[y0] + sum emissions[i, yi] + sum transitions[yi, yi+1] + end[yn])``, those that
``allowed_transitions`` does not allow nothing. The best path weighs most; a tag is as probable as its share in the
weight of all paths (papers/000 section 3.2, with pytorch-crf's parameters).

No path is more probable than any tag on it: a tag less probable than some whole path is not on the best one. Most words
have but one tag left then. What is best between two such words does not depend on what lies beyond them, so the same
holds between them, where a path is more probable than from end to end; and so on. Viterbi is left with few words.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.tags import Array, IntArray, allowed_transitions

ROUNDS = 4
"""How often words are looked for that have one tag left (ours): more find next to none."""

SLACK = 0.9
"""Share of a path's probability below which a tag's is taken to be below it, whatever the rounding (ours)."""

WIDEST = 40.0
"""Most that the emissions of a word may differ for probabilities to hold in single precision (ours; the shipped model's
differ by 7 to 20). Viterbi alone decides on a sequence with a word beyond that."""

MANY, LIKELY = 3, 0.03
"""Tags a doubtful word from which on Viterbi first looks for a better path among those so probable (ours). Its work is
the square of the tags: two long sentences of twenty notes had five sixths of it."""

_NEVER = -1e6
"""Logarithm that stands for no probability: it rules nothing out."""


class Chain(NamedTuple):
    """The parameters: ``start`` and ``end``, ``(tags,)``, and ``transitions`` from row to column, ``(tags, tags)``."""

    start: Array
    transitions: Array
    end: Array


class _Words(NamedTuple):
    """What is known of each word of some sequences.

    Attributes:
        first: The first word of its sequence, ``(words,)``.
        last: The last one.
        probability: Of each tag, ``(words, tags)``.
        given: Probability of each tag by the word and those before it, ``(words, tags)``.
        reached: By those before alone, up to a factor: ``given`` of the word before times ``exp(transitions)``.
        is_wide: Whether emissions of a word of its sequence differ by more than ``WIDEST``, ``(words,)``.
    """

    first: IntArray
    last: IntArray
    probability: Array
    given: Array
    reached: Array
    is_wide: NDArray[np.bool_]


def best_tags(emissions: Array, lengths: IntArray, chain: Chain) -> tuple[IntArray, Array]:
    """Return the tags of the best path of each sequence, and their probabilities, both ``(words,)``.

    Args:
        emissions: Of the words of every sequence, one sequence behind the other, ``(words, tags)``.
        lengths: Words of each sequence, at least one, ``(sequences,)``.
        chain: The CRF; transitions that are not allowed are not looked at.
    """
    allowed = allowed_transitions(len(chain.start))
    chain = chain._replace(transitions=np.where(allowed, chain.transitions, np.float32(-np.inf)))
    words = _read(emissions, lengths, chain)
    tags = _likely(words, allowed)
    least, doubtful = _doubtful(words, tags, chain)
    if np.count_nonzero(words.probability[doubtful] >= least[doubtful, None]) > MANY * len(doubtful):
        own = words.probability[np.arange(len(tags)), tags]
        few = np.minimum(np.maximum(least, LIKELY), own)
        tags[doubtful] = list(_viterbi(emissions, tags, few, doubtful, words, chain))
        least, doubtful = _doubtful(words, tags, chain)
    tags[doubtful] = list(_viterbi(emissions, tags, least, doubtful, words, chain))
    return tags, words.probability[np.arange(len(tags)), tags]


def _read(emissions: Array, lengths: IntArray, chain: Chain) -> _Words:
    """Return what the CRF says of each word: forward-backward, rescaled at every word."""
    ends = np.cumsum(lengths)
    below = emissions - emissions.max(axis=1, keepdims=True)
    is_wide = np.minimum.reduceat(below.min(axis=1), ends - lengths) < -WIDEST  # (sequences,)
    weight = np.exp(np.maximum(below, -WIDEST, out=below), out=below)
    forward, backward = _passes(weight, lengths, chain)
    given = forward * weight
    given /= given.sum(axis=1, keepdims=True)
    probability = given * backward
    probability /= probability.sum(axis=1, keepdims=True)
    first, last, is_wide = (np.repeat(array, lengths) for array in (ends - lengths, ends - 1, is_wide))
    return _Words(first, last, probability, given, forward, is_wide)


def _passes(weight: Array, lengths: IntArray, chain: Chain) -> tuple[Array, Array]:
    """Return the weight that the words before, and those behind, give each tag of a word, up to a factor a word.

    Both directions are one recursion, the backward one over the reversed words and transitions. A step is done in both
    and in all sequences at once, so that numpy's cost of a call is shared. The words that a step is about are
    neighbours in memory: the first ones of all sequences, the longest sequence first, then the second ones, and so on.
    """
    going = (lengths[:, None] > np.arange(lengths.max())).sum(axis=0)  # sequences that have an i-th word
    low = np.cumsum(going) - going
    word = np.repeat(np.arange(len(going)), going)
    sequence = np.argsort(-lengths, kind="stable")[np.arange(len(weight)) - low[word]]
    ends = np.cumsum(lengths)[sequence]
    packed = np.stack([ends - lengths[sequence] + word, ends - 1 - word])  # (directions, words)
    weights = weight[packed]
    steps = np.exp(np.stack([chain.transitions, chain.transitions.T]))
    reached = np.empty_like(weights)  # (directions, words, tags)
    reached[:, : going[0]] = np.exp(np.stack([chain.start - chain.start.max(), chain.end - chain.end.max()]))[:, None]
    for before, here, n in zip(low[:-1].tolist(), low[1:].tolist(), going[1:].tolist(), strict=True):
        message = reached[:, before : before + n] * weights[:, before : before + n]
        message /= np.add.reduce(message, axis=2, keepdims=True)
        np.matmul(message, steps, out=reached[:, here : here + n])
    forward, backward = np.empty_like(weight), np.empty_like(weight)
    forward[packed[0]], backward[packed[1]] = reached
    return forward, backward


def _likely(words: _Words, allowed: NDArray[np.bool_]) -> IntArray:
    """Return an allowed path for each sequence: the most probable tags, but where an ``I-`` would continue nothing.

    There either the word before becomes the ``B-``, or the word itself what is most probable of all that may follow.
    """
    probability = words.probability
    tags: IntArray = probability.argmax(axis=1)
    is_stray = ~allowed[tags[:-1], tags[1:]] & (words.first[1:] == words.first[:-1])
    waiting = np.flatnonzero(is_stray)[::-1].tolist()  # by the word before
    while waiting:
        before = waiting.pop()
        here = before + 1
        inside, other = tags[here], np.where(allowed[tags[before]], probability[here], -1).argmax()
        as_mention = probability[before, inside - 1] * probability[here, inside]
        if as_mention > probability[before, tags[before]] * probability[here, other]:
            tags[before] = inside - 1
            continue
        tags[here] = other
        if here < words.last[here] and not allowed[other, tags[here + 1]] and waiting[-1:] != [here]:
            waiting.append(here)
    return tags


def _doubtful(words: _Words, tags: IntArray, chain: Chain) -> tuple[NDArray[np.float64], IntArray]:
    """Return the least probability of a tag on the best path, ``(words,)``, and the words that have several such tags.

    It is that of the path ``tags`` from the next word before to the next one behind that have no other tag left.
    """
    index = np.arange(len(tags))
    likely = words.probability[index, tags]
    words.probability[index, tags] = -1
    rival = words.probability.max(axis=1)
    words.probability[index, tags] = likely
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.log(words.given[index, tags], dtype=np.float64)  # of each tag, if the next is known
        step[:-1] += chain.transitions[tags[:-1], tags[1:]]
        step[:-1] -= np.log(words.reached[index[1:], tags[1:]], dtype=np.float64)
        certain = np.where(words.is_wide, _NEVER, np.log(likely, dtype=np.float64).clip(_NEVER))
    is_first, is_last = words.first == index, words.last == index
    step = np.where(is_last, 0, np.nan_to_num(step, nan=_NEVER).clip(_NEVER, 0))
    before = np.cumsum(step) - step
    is_sure = np.zeros(len(tags), dtype=bool)
    for _ in range(ROUNDS):
        left = np.maximum.accumulate(np.where(is_sure | is_first, index, 0))
        right = np.minimum.accumulate(np.where(is_sure | is_last, index, len(tags))[::-1])[::-1]
        least = SLACK * np.exp(certain[right] + before[right] - before[left])
        is_sure = rival < least
    return least, np.flatnonzero(~is_sure)


def _viterbi(
    emissions: Array, tags: IntArray, least: NDArray[np.float64], doubtful: IntArray, words: _Words, chain: Chain
) -> Iterator[int]:
    """Yield the best tags of the doubtful words, between the tags of the words that are not."""
    row, option = np.nonzero(words.probability[doubtful] >= least[doubtful, None])
    is_doubtful = np.zeros(len(tags), dtype=bool)
    is_doubtful[doubtful] = True
    at, index = doubtful[row], np.arange(len(tags))
    before, behind = index - 1, (index + 1) % len(tags)
    is_first, is_last = words.first == index, words.last == index
    begins, ends = is_first | ~is_doubtful[before], is_last | ~is_doubtful[behind]
    entry = np.where(is_first[at], chain.start[option], chain.transitions[tags[before[at]], option])
    leave = np.where(is_last[at], chain.end[option], chain.transitions[option, tags[behind[at]]])
    scores = emissions[at, option] + np.where(begins[at], entry, 0.0) + np.where(ends[at], leave, 0.0)
    options = list(zip(option.tolist(), scores.tolist(), strict=True))
    bounds = np.searchsorted(row, np.arange(len(doubtful) + 1)).tolist()
    moves = chain.transitions.tolist()
    best: dict[int, float] = {}
    trail: list[dict[int, int]] = []
    for k, (is_begin, is_end) in enumerate(zip(begins[doubtful].tolist(), ends[doubtful].tolist(), strict=True)):
        here = options[bounds[k] : bounds[k + 1]]
        if is_begin:
            best, trail = dict(here), []
        else:
            came = {tag: max(best, key=lambda last: best[last] + moves[last][tag]) for tag, _ in here}
            best = {tag: best[came[tag]] + moves[came[tag]][tag] + score for tag, score in here}
            trail.append(came)
        if is_end:
            yield from _traced(max(best, key=best.__getitem__), trail)


def _traced(last: int, trail: list[dict[int, int]]) -> list[int]:
    """Return the path that ends with a tag, of where each tag of each step came from."""
    path = [last]
    for came in reversed(trail):
        path.append(came[path[-1]])
    return path[::-1]
