"""BIO tags and mentions; Viterbi decoding and marginals of a linear-chain CRF, without torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extractors.document import Mention
from extractors.text import Span

Array = NDArray[np.float32]


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


def viterbi(emissions: Array, start: Array, transitions: Array, end: Array) -> list[int]:
    """Return the tags y with the highest ``start[y0] + sum emissions[i, yi] + sum transitions[yi, yi+1] + end[yn]``.

    Args:
        emissions: ``(words, tags)``.
        start: ``(tags,)``.
        transitions: ``(tags, tags)``, from row to column.
        end: ``(tags,)``.

    Source: the linear-chain CRF of papers/000 section 3.2, with pytorch-crf's parameters.
    """
    if len(emissions) == 0:
        return []
    score = start + emissions[0]
    back = np.empty((len(emissions), len(start)), dtype=np.int32)
    columns = np.arange(len(start))
    into = np.ascontiguousarray(transitions.T)
    for i in range(1, len(emissions)):
        paths = into + score  # (to, from)
        back[i] = paths.argmax(axis=1)
        score = paths[columns, back[i]] + emissions[i]
    tags = [int((score + end).argmax())]
    for i in range(len(emissions) - 1, 0, -1):
        tags.append(int(back[i, tags[-1]]))
    return tags[::-1]


def marginals(emissions: Array, start: Array, transitions: Array, end: Array) -> Array:
    """Return the probability of each tag at each word, ``(words, tags)``: forward-backward, rescaled at every word."""
    if len(emissions) == 0:
        return emissions
    step = np.exp(transitions)
    weight = np.exp(emissions - emissions.max(axis=1, keepdims=True))
    forward = np.empty_like(emissions)
    backward = np.empty_like(emissions)
    forward[0] = _scaled(np.exp(start - start.max()) * weight[0])
    for i in range(1, len(emissions)):
        forward[i] = _scaled((forward[i - 1] @ step) * weight[i])
    backward[-1] = _scaled(np.exp(end - end.max()))
    for i in range(len(emissions) - 2, -1, -1):
        backward[i] = _scaled(step @ (weight[i + 1] * backward[i + 1]))
    product = forward * backward
    return np.asarray(product / product.sum(axis=1, keepdims=True), dtype=np.float32)


def _scaled(vector: Array) -> Array:
    """Return the vector divided by its sum."""
    return np.asarray(vector / vector.sum(), dtype=np.float32)
