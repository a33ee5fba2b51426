"""The joint model of papers/000: an encoder, a CRF over BIO tags, label embeddings, sigmoid multi-head selection."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torchcrf import CRF

from extractors.networks.crf import log_likelihood
from extractors.networks.encoders import Encoder
from extractors.networks.pairs import MentionPairs, Places, WordPairs
from extractors.networks.quick import ByteDropout
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
        selection: What a relation is selected among: ``mentions`` (``pairs.MentionPairs``), or as in papers/000 all
            ``words`` (``pairs.WordPairs``).
        label_size: Width of a label embedding (Bekoulis et al. 2018 use 25).
        pair_size: Width of the layer that joins two mentions or words (Bekoulis et al. 2018 use 64).
        dropout: On word states, before both heads.
        limit: Most subwords a window.
        context: Subwords a window shares with the one before.
        threshold: Least score of a relation that is kept; ``decode.Reading`` says what it is.
        mention_threshold: Least probability of a mention that is kept.
        sentences: Most sentences from one argument of a relation to the other; None is any number.
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    encoder: str
    local: tuple[str, ...] = ()
    selection: str = "mentions"
    label_size: int = 64
    pair_size: int = 256
    dropout: float = 0.3
    limit: int = 256
    context: int = 64
    threshold: float = 0.4
    mention_threshold: float = 0.45
    sentences: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors.

    Attributes:
        ids: Subword ids, ``(batch, subwords)``.
        subword_mask: 1 on real subwords, ``(batch, subwords)``.
        heads: Position of each word's first subword, ``(batch, words)``.
        word_mask: True on real words, which come first, ``(batch, words)``.
        tags: Gold tags, ``(batch, words)``.
        places: The gold mentions, by window and in order.
        links: Gold relations as rows ``(tail mention, head mention, relation)``, ``(relations, 3)``.
    """

    ids: Tensor
    subword_mask: Tensor
    heads: Tensor
    word_mask: Tensor
    tags: Tensor
    places: Places
    links: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the same on a device."""
        return Batch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


class JointModel(nn.Module):
    """Encoder, CRF and selection that are trained together.

    Args:
        config: Labels, relations and sizes.
        encoder: A BERT-like model with ``last_hidden_state``.

    Attributes:
        bf16: Whether the encoder computes in bfloat16, a GPU's or a recent CPU's faster half precision.
    """

    def __init__(self, config: JointConfig, encoder: Encoder) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.bf16 = False
        width = int(encoder.config.hidden_size)
        tags = len(tag_names(config.labels))
        self.dropout = ByteDropout(config.dropout)
        self.emission = nn.Linear(width, tags)
        self.crf = CRF(tags, batch_first=True)
        self.label = nn.Embedding(tags, config.label_size)
        kind = WordPairs if config.selection == "words" else MentionPairs
        self.pair = kind(width, config.label_size, config.pair_size, len(config.relations))
        self.forbid()

    @torch.no_grad()
    def forbid(self) -> None:
        """Set the transitions that BIO does not have to ``FORBIDDEN``; called again after each optimiser step."""
        follow = allowed_transitions(len(self.crf.start_transitions))
        self.crf.transitions[~torch.from_numpy(follow)] = FORBIDDEN

    def states(self, ids: Tensor, subword_mask: Tensor, heads: Tensor) -> Tensor:
        """Return the states of the words' first subwords, ``(batch, words, hidden)``."""
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self.bf16):
            hidden = self.encoder(input_ids=ids, attention_mask=subword_mask).last_hidden_state
        found: Tensor = hidden.gather(1, heads[:, :, None].expand(-1, -1, hidden.shape[-1]))  # (batch, words, hidden)
        return found

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the CRF's negative log-likelihood and the relations' cross-entropy, each by the word."""
        states = self.dropout(self.states(batch.ids, batch.subword_mask, batch.heads).float())
        words = batch.word_mask.sum()
        likelihood = log_likelihood(self.crf, self.emission(states), batch.tags, batch.word_mask).sum()
        select = self._among_mentions if isinstance(self.pair, MentionPairs) else self._among_words
        logits, gold = select(states, batch)
        relations = nn.functional.binary_cross_entropy_with_logits(logits, gold, reduction="sum")
        return -likelihood / words, relations / words

    def _among_mentions(self, states: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits and gold of every ordered pair of mentions of a window, ``(pairs, relations)``."""
        row = batch.places.row
        count = len(row)
        alike = row[:, None] == row[None, :]
        alike.fill_diagonal_(False)
        pairs = alike.nonzero().T  # (2, pairs)
        gold = states.new_zeros(count, count, len(self.config.relations))
        gold[tuple(batch.links.T)] = 1.0
        assert isinstance(self.pair, MentionPairs)
        return self.pair(states, self.label(batch.places.tag), batch.places, pairs), gold[tuple(pairs)]

    def _among_words(self, states: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits and gold of every ordered pair of real words of a window, ``(pairs, relations)``."""
        logits = self.pair(torch.cat([states, self.label(batch.tags)], dim=-1))
        tail, head, relation = batch.links.T
        end = batch.places.last - 1
        gold = torch.zeros_like(logits)
        gold[batch.places.row[tail], end[tail], end[head], relation] = 1.0
        mask = batch.word_mask[:, :, None] & batch.word_mask[:, None, :]  # (batch, words, words)
        return logits[mask], gold[mask]
