"""Annotated documents as batches of windows."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from extractors.document import Document
from extractors.encode import Subwords, special, subwords, windows
from extractors.networks.joint import Batch, JointConfig
from extractors.tags import to_spans, to_tags


@dataclass(frozen=True, slots=True)
class Encoded:
    """A training document as words.

    Attributes:
        subwords: Words and subwords.
        tags: A tag a word.
        pairs: Rows ``(tail word, head word, relation)``, words being the last of their mention.
    """

    subwords: Subwords = field(repr=False)
    tags: NDArray[np.int64] = field(repr=False)
    pairs: NDArray[np.int64] = field(repr=False)


def encode(document: Document, tokenizer: Tokenizer, config: JointConfig) -> Encoded:
    """Return a document as words, tags and pairs; nested mentions, which BIO cannot hold, go with their relations."""
    parts = subwords(document.text, tokenizer)
    tags = to_tags(parts.words, document.mentions, config.labels)
    last_word = {
        (parts.words[first][0], parts.words[last - 1][1], config.labels[label]): last - 1
        for first, last, label in to_spans(tags)
    }
    index = {label: i for i, label in enumerate(config.relations)}
    rows = []
    for relation in document.relations:
        head = last_word.get((relation.head.start, relation.head.end, relation.head.label))
        tail = last_word.get((relation.tail.start, relation.tail.end, relation.tail.label))
        if head is not None and tail is not None and relation.label in index:
            rows.append((tail, head, index[relation.label]))
    return Encoded(parts, np.asarray(tags, dtype=np.int64), np.asarray(rows, dtype=np.int64).reshape(-1, 3))


@dataclass(frozen=True, slots=True)
class Example:
    """One window with its gold tags and pairs, counted from the window's first word."""

    ids: NDArray[np.int64] = field(repr=False)
    heads: NDArray[np.int64] = field(repr=False)
    tags: NDArray[np.int64] = field(repr=False)
    pairs: NDArray[np.int64] = field(repr=False)


def examples(
    documents: Sequence[Encoded], tokenizer: Tokenizer, draw: random.Random, *, masked: float = 0.0
) -> list[Example]:
    """Cut each document into windows of a size drawn anew, so that a model sees every sentence in many contexts.

    Args:
        documents: The training documents.
        tokenizer: Gives the special tokens.
        draw: Source of chance.
        masked: Share of the subwords that are hidden, so that a model cannot learn the few documents by heart.
    """
    found = []
    noise = np.random.default_rng(draw.getrandbits(32))
    mask = special(tokenizer, "[MASK]")
    for document in documents:
        context = draw.choice((0, 16, 32, 64))
        limit = context + draw.choice((48, 80, 112, 144, 176))
        for window in windows(document.subwords, tokenizer, limit=limit, context=context):
            inside = document.pairs[:, :2]
            whole = ((inside >= window.first) & (inside < window.last)).all(axis=1)
            pairs = document.pairs[whole] - np.asarray([window.first, window.first, 0])
            hidden = noise.random(len(window.ids)) < masked
            hidden[[0, -1]] = False
            ids = np.where(hidden, mask, window.ids)
            found.append(Example(ids, window.heads, document.tags[window.first : window.last], pairs))
    return found


def batches(items: Sequence[Example], size: int, draw: random.Random) -> Iterator[Batch]:
    """Yield batches of about ``size`` subwords, of windows alike in length, in random order."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].ids) + draw.random() * 8)
    groups: list[list[Example]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(items[i].ids) > size:
            groups.append([])
        groups[-1].append(items[i])
    draw.shuffle(groups)
    yield from (collate(group) for group in groups if group)


def collate(items: Sequence[Example]) -> Batch:
    """Return some windows as one padded batch."""
    ids = _padded([item.ids for item in items])
    heads = _padded([item.heads for item in items])
    counts = torch.tensor([len(item.heads) for item in items])
    lengths = torch.tensor([len(item.ids) for item in items])
    rows = [np.insert(item.pairs, 0, i, axis=1) for i, item in enumerate(items)]
    return Batch(
        ids=ids,
        subword_mask=(torch.arange(ids.shape[1])[None] < lengths[:, None]).long(),
        heads=heads,
        word_mask=torch.arange(heads.shape[1])[None] < counts[:, None],
        tags=_padded([item.tags for item in items]),
        pairs=torch.from_numpy(np.concatenate(rows)),
    )


def _padded(rows: Sequence[NDArray[np.int64]]) -> Tensor:
    """Return rows of different length as one tensor, zeros behind."""
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True)
