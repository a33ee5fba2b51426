"""BIO tags and mentions, without torch."""

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
