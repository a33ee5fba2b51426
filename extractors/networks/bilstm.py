"""The Bi-LSTM encoder of papers/000 over word vectors, in the place of a BERT."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers
from torch import Tensor, nn

from extractors.networks.vectors import WordVectors
from extractors.text import words

NAME = "bilstm"
"""What ``--encoder`` calls it, and ``model_type`` in a model folder."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Tokens before the words of the vocabulary, by id; those of a BERT, so that texts are cut the same way."""


@dataclass(frozen=True, slots=True)
class BiLstmConfig:
    """Sizes of a Bi-LSTM encoder.

    Attributes:
        vocab_size: Words, special tokens included.
        vector_size: Width of a word vector (papers/000, section 4.2: 200).
        hidden: Width of one direction (papers/000: "size of the LSTM as 300"); a word state is twice as wide.
        layers: Papers/000 gives no number; the code of Bekoulis et al. 2018, which it follows, has 3.
        dropout: On word vectors and between layers; 0.1 in the same code.
        is_learnt: Whether the word vectors are trained too; in the same code they are not.
    """

    vocab_size: int
    vector_size: int
    hidden: int = 300
    layers: int = 3
    dropout: float = 0.1
    is_learnt: bool = False

    @property
    def hidden_size(self) -> int:
        """Width of a word state: both directions."""
        return 2 * self.hidden

    def to_dict(self) -> dict[str, Any]:
        """Return the sizes as ``config.json`` holds them."""
        return {"model_type": NAME} | asdict(self)


class States(NamedTuple):
    """What an encoder returns, under the name that transformers gives it."""

    last_hidden_state: Tensor


class BiLstmEncoder(nn.Module):
    """Word ids to word states, called as a BERT is.

    Args:
        config: The sizes.
        vectors: Rows of the vocabulary, ``(vocab_size, vector_size)``; without them they are random.
    """

    def __init__(self, config: BiLstmConfig, vectors: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocab_size, config.vector_size, padding_idx=0, _weight=vectors)
        self.words.weight.requires_grad_(config.is_learnt)
        sizes = [config.vector_size, *[config.hidden_size] * (config.layers - 1)]
        self.forth = nn.ModuleList(nn.LSTM(size, config.hidden, batch_first=True) for size in sizes)
        self.back = nn.ModuleList(nn.LSTM(size, config.hidden, batch_first=True) for size in sizes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> States:
        """Return states ``(batch, words, 2 * hidden)`` of ids ``(batch, words)``; padding changes nothing.

        The way back reads each row turned round within its own length, so it begins at the last word, not in padding.
        """
        count = attention_mask.sum(1, keepdim=True)
        index = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        turned = torch.where(index < count, count - 1 - index, index)  # (batch, words)
        states = self.words(input_ids)  # (batch, words, vector_size)
        for forth, back in zip(self.forth, self.back, strict=True):
            states = self.dropout(states)
            behind = _turn(back(_turn(states, turned))[0], turned)
            states = torch.cat([forth(states)[0], behind], dim=-1)  # (batch, words, 2 * hidden)
        return States(states)


def _turn(states: Tensor, order: Tensor) -> Tensor:
    """Return each row's words in another order, ``(batch, words, size)``."""
    return states.gather(1, order[:, :, None].expand(-1, -1, states.shape[-1]))


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word occurs, in lower case.

    >>> count_words(["No pain. No fever."])["no"]
    2
    """
    return Counter(text[start:end].lower() for text in texts for start, end in words(text))


def word_tokenizer(vocabulary: Iterable[str]) -> Tokenizer:
    """Return a tokenizer that makes one id of each word, in lower case; other words are ``[UNK]``."""
    ids = {word: i for i, word in enumerate(dict.fromkeys([*SPECIAL, *vocabulary]))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))  # noqa: S106 (no password)
    tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def bilstm_encoder(vectors: WordVectors) -> tuple[BiLstmEncoder, Tokenizer]:
    """Return an encoder over word vectors, its LSTMs untrained, and the tokenizer of the same vocabulary."""
    zero = np.zeros(vectors.size, dtype=np.float32)
    before = {"[UNK]": vectors.unknown, "[MASK]": vectors.unknown}
    rows = np.concatenate([np.stack([before.get(token, zero) for token in SPECIAL]), vectors.rows])
    config = BiLstmConfig(len(rows), vectors.size, is_learnt=vectors.is_learnt)
    return BiLstmEncoder(config, torch.from_numpy(rows)), word_tokenizer(vectors.words)
