"""BIO tags and mentions; Viterbi decoding and marginals of a linear-chain CRF, without torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extractors.document import Mention
from extractors.text import Span

Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


def tag_names(labels: Sequence[str]) -> list[str]:
    """Return the tags of some labels: ``O`` first, then ``B-`` and ``I-`` of each label.

    >>> tag_names(["Date"])
    ['O', 'B-Date', 'I-Date']
    """
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


def flat_mentions(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions that one row of BIO tags can hold: of two that overlap, the longer, then the earlier label.

    Nested mentions are 1.4 % of MACCROBAT2020; the outer one is kept, as most History mentions hold nothing nested.
    """
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start, m.label)):
        if all(mention.end <= other.start or other.end <= mention.start for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)


def to_tags(words: Sequence[Span], mentions: Sequence[Mention], labels: Sequence[str]) -> list[int]:
    """Return one tag index a word; a word belongs to a mention that covers any part of it.

    Mentions of other labels and all but one of overlapping mentions have no tags.
    """
    index = {label: i for i, label in enumerate(labels)}
    tags = [0] * len(words)
    starts = np.array([start for start, _ in words])
    ends = np.array([end for _, end in words])
    for mention in flat_mentions([m for m in mentions if m.label in index]):
        first = int(np.searchsorted(ends, mention.start, side="right"))
        last = int(np.searchsorted(starts, mention.end, side="left"))
        begin = 1 + 2 * index[mention.label]
        free = [i for i in range(first, last) if tags[i] == 0]  # two mentions may meet inside a word
        for i in free:
            tags[i] = begin if i == free[0] else begin + 1
    return tags


def to_spans(tags: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return ``(first word, last word + 1, label index)`` of each mention in a row of tags.

    An ``I-`` that continues nothing begins a mention, so no tag is lost.

    >>> to_spans([0, 1, 2, 1, 4])
    [(1, 3, 0), (3, 4, 0), (4, 5, 1)]
    """
    spans: list[tuple[int, int, int]] = []
    previous = 0
    for i, tag in enumerate(tags):
        label = (tag - 1) // 2
        if tag > 0 and (tag % 2 == 1 or previous == 0 or (previous - 1) // 2 != label):
            spans.append((i, i + 1, label))
        elif tag > 0:
            spans[-1] = (spans[-1][0], i + 1, label)
        previous = tag
    return spans


def allowed_transitions(tags: int) -> NDArray[np.bool_]:
    """Return which tags may follow which, ``(tags, tags)`` row to column; any may begin, since windows cut mentions."""
    index = np.arange(tags)
    inside = (index > 0) & (index % 2 == 0)
    label = (index - 1) // 2
    continues = (label[:, None] == label[None, :]) & (index[:, None] > 0)
    return np.asarray(~inside[None, :] | continues)


def viterbi(emissions: Array, lengths: IntArray, start: Array, transitions: Array, end: Array) -> IntArray:
    """Return the best tags of some sequences, ``(sequences, words)``; 0 behind the end of a sequence.

    The best y has the highest ``start[y0] + sum emissions[i, yi] + sum transitions[yi, yi+1] + end[yn]`` of those that
    ``allowed_transitions`` allows. A step is done for all sequences at once, so that numpy's cost of a call is shared,
    and looks at what can be: ``I-`` of a label follows its ``B-`` or ``I-`` and nothing else, half of all moves.

    Args:
        emissions: ``(sequences, words, tags)``; what stands behind the end of a sequence changes nothing.
        lengths: Words of each sequence, at least one, the longest first, ``(sequences,)``.
        start: ``(tags,)``.
        transitions: ``(tags, tags)``, from row to column; those that are not allowed are not looked at.
        end: ``(tags,)``.

    Source: the linear-chain CRF of papers/000 section 3.2, with pytorch-crf's parameters.
    """
    scores = emissions.transpose(1, 0, 2).copy()  # (words, sequences, tags)
    scores[0] += start
    outside, begin, inside = slice(0, 1), slice(1, None, 2), slice(2, None, 2)
    fresh = np.concatenate([transitions[:, outside], transitions[:, begin]], axis=1)[:, None]  # to O and every B-
    from_begin, from_inside = np.diagonal(transitions[begin, inside]), np.diagonal(transitions[inside, inside])
    paths = np.empty((len(start), len(lengths), fresh.shape[2]), dtype=scores.dtype)  # (from, sequences, to)
    going = _going(lengths)
    for i, n in enumerate(going[1:], start=1):
        last, here = scores[i - 1, :n], scores[i, :n]
        best = np.add(last.T[:, :, None], fresh, out=paths[:, :n]).max(axis=0)
        here[:, outside] += best[:, :1]
        here[:, begin] += best[:, 1:]
        here[:, inside] += np.maximum(last[:, begin] + from_begin, last[:, inside] + from_inside)
    allowed = np.where(allowed_transitions(len(start)), transitions, -np.inf)
    into = np.concatenate([allowed.T, end[None]])  # the row behind the tags is the end
    tags = np.full((len(scores) + 1, len(lengths)), len(start))
    for i, n in reversed(list(enumerate(going))):
        tags[i, :n] = (scores[i, :n] + into[tags[i + 1, :n]]).argmax(axis=1)
    return np.where(tags == len(start), 0, tags)[:-1].T


def _going(lengths: IntArray) -> list[int]:
    """Return how many sequences reach each word; they are the first ones, the longest being first."""
    return [int(n) for n in (lengths[:, None] > np.arange(lengths[0])).sum(axis=0)]


def marginals(emissions: Array, lengths: IntArray, start: Array, transitions: Array, end: Array) -> Array:
    """Return the probability of each tag at each word, ``(sequences, words, tags)``; arguments as of ``viterbi``.

    Forward-backward, rescaled at every word. Both directions are one recursion, the backward one over the reversed
    words and transitions, and are done in the same steps. What stands behind the end of a sequence is no probability.
    """
    reverse = np.maximum(lengths[:, None] - 1 - np.arange(emissions.shape[1]), 0)[:, :, None]  # undone by itself
    weight = np.exp(emissions - emissions.max(axis=2, keepdims=True))
    weights = np.stack([weight, np.take_along_axis(weight, reverse, axis=1)]).transpose(2, 0, 1, 3).copy()
    steps = np.exp(np.stack([transitions, transitions.T]))
    reached = np.ones_like(weights)  # (words, directions, sequences, tags): what the words before say of each tag
    reached[0] = np.exp(np.stack([start - start.max(), end - end.max()]))[:, None]
    for i, n in enumerate(_going(lengths)[1:], start=1):
        message = reached[i - 1, :, :n] * weights[i - 1, :, :n]
        message /= np.add.reduce(message, axis=2, keepdims=True)
        np.matmul(message, steps, out=reached[i, :, :n])
    forward, backward = reached.transpose(1, 2, 0, 3)
    product = forward * weight * np.take_along_axis(backward, reverse, axis=1)
    return np.asarray(product / product.sum(axis=2, keepdims=True), dtype=np.float32)
