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
from extractors.encode import Subwords, Window, special, subwords, windows
from extractors.networks.joint import Batch, JointConfig
from extractors.networks.pairs import Places
from extractors.tags import to_spans, to_tags


@dataclass(frozen=True, slots=True)
class Encoded:
    """A training document as words.

    Attributes:
        subwords: Words and subwords.
        tags: A tag a word.
        mentions: Rows ``(first word, word after the last)``, in order.
        sentences: The number of each word's sentence.
        links: Rows ``(tail mention, head mention, relation)``.
    """

    subwords: Subwords = field(repr=False)
    tags: NDArray[np.int64] = field(repr=False)
    mentions: NDArray[np.int64] = field(repr=False)
    sentences: NDArray[np.int64] = field(repr=False)
    links: NDArray[np.int64] = field(repr=False)


def encode(document: Document, tokenizer: Tokenizer, config: JointConfig) -> Encoded:
    """Return a document as words, tags and links; nested mentions, which BIO cannot hold, go with their relations."""
    parts = subwords(document.text, tokenizer)
    tags = to_tags(parts.words, document.mentions, config.labels)
    spans = to_spans(tags)
    place = {
        (parts.words[first][0], parts.words[last - 1][1], config.labels[label]): i
        for i, (first, last, label) in enumerate(spans)
    }
    index = {label: i for i, label in enumerate(config.relations)}
    rows = []
    for relation in document.relations:
        head = place.get((relation.head.start, relation.head.end, relation.head.label))
        tail = place.get((relation.tail.start, relation.tail.end, relation.tail.label))
        if head is not None and tail is not None and relation.label in index:
            rows.append((tail, head, index[relation.label]))
    sentences = np.searchsorted(parts.breaks, np.arange(len(parts.words)), side="right")
    return Encoded(parts, _rows(tags, 0), _rows([span[:2] for span in spans], 2), sentences, _rows(rows, 3))


def _rows(rows: Sequence[object], width: int) -> NDArray[np.int64]:
    """Return whole numbers as an array of rows of some width (0: of one row), also if there are none."""
    return np.asarray(rows, dtype=np.int64).reshape((-1, width) if width else -1)


@dataclass(frozen=True, slots=True)
class Example:
    """One window: gold tags, mentions (``first, last, sentence, tag of the last``) and links, counted within it."""

    ids: NDArray[np.int64] = field(repr=False)
    heads: NDArray[np.int64] = field(repr=False)
    tags: NDArray[np.int64] = field(repr=False)
    mentions: NDArray[np.int64] = field(repr=False)
    links: NDArray[np.int64] = field(repr=False)


def examples(
    documents: Sequence[Encoded], tokenizer: Tokenizer, draw: random.Random, *, masked: float = 0.0, fixed: int = 0
) -> list[Example]:
    """Cut each document into windows of a size drawn anew, so that a model sees every sentence in many contexts.

    Args:
        documents: The training documents.
        tokenizer: Gives the special tokens.
        draw: Source of chance.
        masked: Share of the subwords that are hidden, so that a model cannot learn the few documents by heart.
        fixed: Most subwords a window, without context; 0 draws sizes.
    """
    found = []
    noise = np.random.default_rng(draw.getrandbits(32))
    mask = special(tokenizer, "[MASK]")
    for document in documents:
        context = draw.choice((0, 16, 32, 64))
        limit = context + draw.choice((48, 80, 112, 144, 176))
        if fixed:
            limit, context = fixed, 0
        for window in windows(document.subwords, tokenizer, limit=limit, context=context):
            hidden = noise.random(len(window.ids)) < masked
            hidden[[0, -1]] = False
            found.append(_example(document, window, np.where(hidden, mask, window.ids)))
    return found


def _example(document: Encoded, window: Window, ids: NDArray[np.int64]) -> Example:
    """Return a window with what lies whole in it."""
    whole = (document.mentions[:, 0] >= window.first) & (document.mentions[:, 1] <= window.last)
    number = np.cumsum(whole) - 1
    first, last = document.mentions[whole].T
    places = [first - window.first, last - window.first, document.sentences[last - 1], document.tags[last - 1]]
    links = document.links[whole[document.links[:, :2]].all(axis=1)]
    links = np.column_stack([number[links[:, 0]], number[links[:, 1]], links[:, 2]])
    return Example(ids, window.heads, document.tags[window.first : window.last], np.column_stack(places), links)


def batches(items: Sequence[Example], size: int, draw: random.Random, count: int = 0) -> Iterator[Batch]:
    """Yield batches of windows alike in length, in random order: ``count`` windows each, or about ``size`` subwords."""
    order = sorted(range(len(items)), key=lambda i: (_room(len(items[i].ids)), draw.random()))
    groups: list[list[Example]] = [[]]
    for i in order:
        filled = len(groups[-1])
        if filled and (filled == count if count else (filled + 1) * _room(len(items[i].ids)) > size):
            groups.append([])
        groups[-1].append(items[i])
    draw.shuffle(groups)
    yield from (collate(group) for group in groups if group)


def _room(length: int) -> int:
    """Return how many subwords a window takes up in a batch.

    A CPU in bfloat16 compiles a matrix product for each shape it meets, which takes longer than the product: few
    different shapes are worth some padding.

    >>> [_room(length) for length in (9, 16, 17)]
    [16, 16, 32]
    """
    return -(-length // 16) * 16


def collate(items: Sequence[Example]) -> Batch:
    """Return some windows as one padded batch."""
    ids = padded([item.ids for item in items])
    ids = torch.nn.functional.pad(ids, (0, _room(ids.shape[1]) - ids.shape[1]))
    heads = padded([item.heads for item in items])
    counts = torch.tensor([len(item.heads) for item in items])
    lengths = torch.tensor([len(item.ids) for item in items])
    before = np.cumsum([0] + [len(item.mentions) for item in items])
    mentions = np.concatenate([np.insert(item.mentions, 0, i, axis=1) for i, item in enumerate(items)])
    links = [item.links + np.asarray([start, start, 0]) for item, start in zip(items, before, strict=False)]
    return Batch(
        ids=ids,
        subword_mask=(torch.arange(ids.shape[1])[None] < lengths[:, None]).long(),
        heads=heads,
        word_mask=torch.arange(heads.shape[1])[None] < counts[:, None],
        tags=padded([item.tags for item in items]),
        places=Places(*torch.from_numpy(mentions).T),
        links=torch.from_numpy(np.concatenate(links)),
    )


def padded(rows: Sequence[NDArray[np.int64]]) -> Tensor:
    """Return rows of different length as one tensor, zeros behind."""
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True)
