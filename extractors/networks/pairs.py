"""Multi-head selection: a logit for every ordered pair and relation; ``extractors.selection`` is the same in numpy."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from extractors.selection import DISTANCE_EDGES, ORDER_EDGES, SENTENCE_EDGES

RARE = -5.0
"""First bias of a relation among all pairs of words, hardly any of which are related."""

SCARCE = -3.0
"""First bias of a relation among all pairs of mentions."""


@dataclass(frozen=True, slots=True)
class Places:
    """The mentions of a batch; all tensors are ``(mentions,)``, in the order of the batch and of the text.

    Attributes:
        row: Index of the window in the batch.
        first: Index of the first word in the window.
        last: Index after the last word.
        sentence: Number of the sentence in its document.
        tag: Of the last word.
    """

    row: Tensor
    first: Tensor
    last: Tensor
    sentence: Tensor
    tag: Tensor

    def to(self, device: torch.device) -> "Places":
        """Return the same on a device."""
        return Places(*(getattr(self, field.name).to(device) for field in fields(self)))


class Offset(nn.Module):
    """An embedding of ``head - tail`` in buckets."""

    def __init__(self, edges: tuple[int, ...], size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(len(edges) + 1, size) * 0.02)
        self.edges: Tensor
        self.register_buffer("edges", torch.tensor(edges), persistent=False)

    def forward(self, offset: Tensor) -> Tensor:
        """Return embeddings ``(..., size)`` of whole numbers ``(...)``."""
        return nn.functional.embedding(torch.bucketize(offset, self.edges, right=True), self.weight)


class WordPairs(nn.Module):
    """The paper's selection, over words: a mention is its last word.

    ``logit[i, j, r] = v_r . tanh(U z_j + W z_i + D[bucket(j - i)] + b)`` with ``z = [state; label embedding]``:
    word ``j`` is the head of word ``i`` under relation ``r``.

    Source: papers/000 section 3.3, after Bekoulis et al. 2018, equation 4; the distance term D is ours.
    """

    def __init__(self, size: int, label: int, pair_size: int, relations: int) -> None:
        super().__init__()
        self.as_head = nn.Linear(size + label, pair_size)
        self.as_tail = nn.Linear(size + label, pair_size, bias=False)
        self.distance = Offset(DISTANCE_EDGES, pair_size)
        self.relation = nn.Linear(pair_size, relations)
        nn.init.constant_(self.relation.bias, RARE)

    def forward(self, words: Tensor) -> Tensor:
        """Return logits ``(batch, words, words, relations)``, tail first, of words ``(batch, words, size + label)``."""
        index = torch.arange(words.shape[1], device=words.device)
        joined = self.as_tail(words)[:, :, None] + self.as_head(words)[:, None, :]  # (batch, words, words, pair_size)
        logits: Tensor = self.relation(torch.tanh(joined + self.distance(index[None, :] - index[:, None])))
        return logits


class MentionPairs(nn.Module):
    """Selection over mentions: what a pair is, how far apart, and what stands between.

    ``logit[i, j, r] = v_r . tanh(U m_j + W m_i + D[words] + O[mentions] + S[sentences] + C max_w(K s_w) + b)`` with
    ``m = [first state; last state; label embedding]``, the offsets of ``j`` from ``i`` in buckets, and ``w`` over the
    words between the two (none: 0). Mention ``j`` is the head of mention ``i`` under relation ``r``.

    Source: the form is that of papers/000 section 3.3; context between the arguments by max-pooling after Eberts and
    Ulges 2020 (SpERT), section 3.2; candidates are mentions, so that a rare relation is not drowned in pairs of words.
    """

    def __init__(self, size: int, label: int, pair_size: int, relations: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.as_head = nn.Linear(2 * size + label, pair_size)
        self.as_tail = nn.Linear(2 * size + label, pair_size, bias=False)
        self.distance = Offset(DISTANCE_EDGES, pair_size)
        self.order = Offset(ORDER_EDGES, pair_size)
        self.sentence = Offset(SENTENCE_EDGES, pair_size)
        self.context = nn.Linear(size, pair_size // 2)
        self.between = nn.Linear(pair_size // 2, pair_size, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.relation = nn.Linear(pair_size, relations)
        nn.init.constant_(self.relation.bias, SCARCE)

    def forward(self, states: Tensor, labels: Tensor, places: Places, pairs: Tensor) -> Tensor:
        """Return logits ``(pairs, relations)``.

        Args:
            states: ``(batch, words, size)``.
            labels: Label embeddings of the mentions, ``(mentions, label)``.
            places: Of the mentions.
            pairs: Tail and head as indices of mentions of one window, ``(2, pairs)``.
        """
        tail, head = pairs
        ends = [states[places.row, places.first], states[places.row, places.last - 1]]
        mentions = torch.cat([*ends, labels], dim=-1)  # (mentions, 2 * size + label)
        joined = self.as_tail(mentions).index_select(0, tail)  # (pairs, pair_size)
        joined = joined + self.as_head(mentions).index_select(0, head)
        joined = joined + self.distance(places.last[head] - places.last[tail]) + self.order(head - tail)
        joined = joined + self.sentence(places.sentence[head] - places.sentence[tail])
        low = torch.minimum(places.last[tail], places.last[head])
        high = torch.maximum(places.first[tail], places.first[head])
        joined = joined + self.between(range_max(self.context(states), places.row[tail], low, high))
        logits: Tensor = self.relation(self.dropout(torch.tanh(joined)))
        return logits


def range_max(values: Tensor, row: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return the largest value of each column over the words ``low`` to ``high - 1`` of a row, 0 where there is none.

    Two overlapping stretches of a power of two cover any range, so each costs two look-ups.

    Args:
        values: ``(batch, words, size)``.
        row: ``(ranges,)``.
        low: ``(ranges,)``.
        high: ``(ranges,)``.
    """
    words = values.shape[1]
    levels, step = [values], 1
    while 2 * step <= words:
        before = levels[-1]
        levels.append(torch.cat([torch.maximum(before[:, :-step], before[:, step:]), before[:, -step:]], dim=1))
        step *= 2
    table = torch.stack(levels).flatten(0, 2)  # (levels * batch * words, size)
    level = torch.log2((high - low).clamp_min(1).float()).long()
    line = (level * len(values) + row) * words
    start, end = low.clamp(max=words - 1), (high - 2**level).clamp_min(0)
    found = torch.maximum(table.index_select(0, line + start), table.index_select(0, line + end))  # (ranges, size)
    return found * (high > low)[:, None]
