"""The joint model of papers/000: BERT, a CRF over BIO tags, label embeddings, sigmoid multi-head selection."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchcrf import CRF
from transformers import PreTrainedModel

from extractors.decode import DISTANCE_EDGES
from extractors.networks.crf import log_likelihood
from extractors.tags import allowed_transitions, tag_names

FORBIDDEN = -1e4
"""Score of a tag transition that BIO does not have: far below any learnt one, and exp() of it is 0."""


@dataclass(frozen=True, slots=True)
class JointConfig:
    """What a joint model reads and how wide its heads are.

    Attributes:
        labels: Mention labels; their BIO tags are the CRF's.
        relations: Relation labels.
        encoder: Name or folder the encoder came from.
        local: Relations that are read within a sentence only.
        label_size: Width of a label embedding (Bekoulis et al. 2018 use 25).
        pair_size: Width of the layer that joins two words (Bekoulis et al. 2018 use 64).
        dropout: On word states, before both heads.
        limit: Most subwords a window.
        context: Subwords a window shares with the one before.
        threshold: Least probability of a relation that is kept.
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    encoder: str
    local: tuple[str, ...] = ()
    label_size: int = 64
    pair_size: int = 128
    dropout: float = 0.3
    limit: int = 256
    context: int = 64
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors.

    Attributes:
        ids: Subword ids, ``(batch, subwords)``.
        subword_mask: 1 on real subwords, ``(batch, subwords)``.
        heads: Position of each word's first subword, ``(batch, words)``.
        word_mask: True on real words, which come first, ``(batch, words)``.
        tags: Gold tags, ``(batch, words)``.
        pairs: Gold relations as rows ``(batch index, tail word, head word, relation)``, ``(relations, 4)``.
    """

    ids: Tensor
    subword_mask: Tensor
    heads: Tensor
    word_mask: Tensor
    tags: Tensor
    pairs: Tensor


class PairScorer(nn.Module):
    """Multi-head selection: a logit for every ordered word pair and relation.

    ``logit[i, j, r] = v_r . tanh(U z_j + W z_i + D[bucket(j - i)] + b)`` with ``z = [state; label embedding]``:
    word ``j`` is the head of word ``i`` under relation ``r``.

    Source: papers/000 section 3.3, after Bekoulis et al. 2018, equation 4; the distance term D is ours.
    """

    def __init__(self, size: int, pair_size: int, relations: int) -> None:
        super().__init__()
        self.as_head = nn.Linear(size, pair_size)
        self.as_tail = nn.Linear(size, pair_size, bias=False)
        self.distance = nn.Embedding(len(DISTANCE_EDGES) + 1, pair_size)
        self.relation = nn.Linear(pair_size, relations)
        self.edges: Tensor
        self.register_buffer("edges", torch.tensor(DISTANCE_EDGES), persistent=False)
        nn.init.normal_(self.distance.weight, std=0.02)
        nn.init.constant_(self.relation.bias, -5.0)  # almost no pair is related: start there

    def forward(self, words: Tensor) -> Tensor:
        """Return logits ``(batch, words, words, relations)``, tail first, for words ``(batch, words, size)``."""
        count = words.shape[1]
        index = torch.arange(count, device=words.device)
        offset = index[None, :] - index[:, None]  # (words, words): head - tail
        bucket = torch.bucketize(offset, self.edges, right=True)
        joined = self.as_tail(words)[:, :, None] + self.as_head(words)[:, None, :]  # (batch, words, words, pair_size)
        logits: Tensor = self.relation(torch.tanh(joined + self.distance(bucket)))
        return logits


class JointModel(nn.Module):
    """Encoder, CRF and pair scorer that are trained together.

    Args:
        config: Labels, relations and sizes.
        encoder: A BERT-like model with ``last_hidden_state``.
    """

    def __init__(self, config: JointConfig, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        width = int(encoder.config.hidden_size)
        tags = len(tag_names(config.labels))
        self.dropout = nn.Dropout(config.dropout)
        self.emission = nn.Linear(width, tags)
        self.crf = CRF(tags, batch_first=True)
        self.label = nn.Embedding(tags, config.label_size)
        self.pair = PairScorer(width + config.label_size, config.pair_size, len(config.relations))
        self.forbid()

    @torch.no_grad()
    def forbid(self) -> None:
        """Set the transitions that BIO does not have to ``FORBIDDEN``; called again after each optimiser step."""
        follow = allowed_transitions(len(self.crf.start_transitions))
        self.crf.transitions[~torch.from_numpy(follow)] = FORBIDDEN

    def states(self, ids: Tensor, subword_mask: Tensor, heads: Tensor) -> Tensor:
        """Return the states of the words' first subwords, ``(batch, words, hidden)``."""
        hidden = self.encoder(input_ids=ids, attention_mask=subword_mask).last_hidden_state
        found: Tensor = hidden.gather(1, heads[:, :, None].expand(-1, -1, hidden.shape[-1]))  # (batch, words, hidden)
        return found

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the CRF's negative log-likelihood and the relations' cross-entropy, each a mean over the words."""
        states = self.dropout(self.states(batch.ids, batch.subword_mask, batch.heads).float())
        words = batch.word_mask.sum()
        likelihood = log_likelihood(self.crf, self.emission(states), batch.tags, batch.word_mask).sum()
        logits = self.pair(torch.cat([states, self.label(batch.tags)], dim=-1))
        gold = torch.zeros_like(logits)
        gold[tuple(batch.pairs.T)] = 1.0
        mask = batch.word_mask[:, :, None] & batch.word_mask[:, None, :]  # (batch, words, words)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, gold, reduction="none").sum(-1)
        return -likelihood / words, (losses * mask).sum() / words
