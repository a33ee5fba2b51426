"""Teaching an encoder a field's language before a task: masked words of plain text, mentions of other corpora."""

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import PreTrainedModel

from extractors.document import Document, ExtractionError
from extractors.encode import special, subwords, windows
from extractors.networks.encoders import SPECIAL, load_encoder, load_tokenizer_of
from extractors.networks.quick import quicken
from extractors.tags import tag_names, to_tags
from extractors.training.checkpoint import read_checkpoint, write_checkpoint
from extractors.training.examples import padded
from extractors.training.store import write_text

CHECKPOINT = Path("training") / "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class AdaptConfig:
    """How an encoder is taught.

    Attributes:
        encoder: Name or folder it starts from.
        steps: Batches in all.
        batch_subwords: Subwords a batch, padding included.
        window: Most subwords a window.
        encoder_rate: Peak learning rate of the encoder.
        head_rate: Peak learning rate of the heads, which are thrown away afterwards.
        masked: Share of the words hidden, whole words at a time (Devlin et al. 2019: 15 %; 80 % of them become
            ``[MASK]``, 10 % another subword, 10 % stay).
        mention_weight: Weight of the tags' loss a subword beside that of the masked words.
        bf16: Whether it computes in bfloat16.
        seed: Of windows, masks and order.
    """

    encoder: str = "all-MiniLM-L6-v2"
    steps: int = 1700
    batch_subwords: int = 2048
    window: int = 128
    encoder_rate: float = 4e-4
    head_rate: float = 1e-3
    masked: float = 0.15
    mention_weight: float = 1.5
    bf16: bool = True
    seed: int = 13


@dataclass(frozen=True, slots=True)
class Stretch:
    """A window of plain text, or of an annotated one with its tags.

    Attributes:
        ids: Subword ids, special ones included.
        heads: Position of each word's first subword.
        corpus: Where its tags are from, or None.
        tags: A tag a word, empty without a corpus.
    """

    ids: NDArray[np.int64] = field(repr=False)
    heads: NDArray[np.int64] = field(repr=False)
    corpus: str | None
    tags: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Masked:
    """A batch of stretches with some words hidden.

    Attributes:
        ids: Subword ids as the encoder sees them, ``(batch, subwords)``.
        mask: 1 on real subwords, ``(batch, subwords)``.
        hidden: True where a subword is to be told, ``(batch, subwords)``.
        gold: What stood there, ``(hidden,)``.
        tagged: By corpus: rows, positions and tags of its words, each ``(words,)``.
    """

    ids: Tensor
    mask: Tensor
    hidden: Tensor
    gold: Tensor
    tagged: Mapping[str, tuple[Tensor, Tensor, Tensor]]


class _Heads(nn.Module):
    """What tells hidden subwords, tied to the encoder's word vectors, and what tells tags, one layer a corpus."""

    def __init__(self, width: int, vocabulary: int, labels: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.tags = nn.ModuleDict({corpus: nn.Linear(width, len(tag_names(names))) for corpus, names in labels.items()})

    def words(self, states: Tensor, vectors: Tensor) -> Tensor:
        """Return logits ``(hidden, vocabulary)`` of states ``(hidden, width)``."""
        logits: Tensor = self.norm(nn.functional.gelu(self.dense(states))) @ vectors.T + self.bias
        return logits


def adapt_encoder(
    texts: Sequence[str],
    annotated: Mapping[str, Sequence[Document]],
    folder: Path,
    config: AdaptConfig,
    report: Callable[[str], object],
    *,
    every: int = 200,
) -> Path:
    """Teach an encoder and write it as a folder that ``--encoder`` takes; interrupted, it goes on from its checkpoint.

    The encoder learns hidden words of all texts, and with them the mentions of annotated documents, each corpus by a
    layer of its own since corpora differ in what they call a disease (domain-adaptive pretraining: Gururangan et al.
    2020, section 3; whole-word masking as of BERT's authors).

    Args:
        texts: Plain texts.
        annotated: Documents by corpus; their texts are learnt from too.
        folder: The folder to be.
        config: The training.
        report: Receives a line every so many steps.
        every: Steps between two checkpoints.

    Raises:
        ExtractionError: If there is no text, the encoder is no BERT with word vectors, or the checkpoint is of another
            run.
    """
    torch.manual_seed(config.seed)
    encoder, tokenizer = load_encoder(config.encoder), load_tokenizer_of(config.encoder)
    labels = {corpus: _labels(documents) for corpus, documents in annotated.items()}
    items = list(stretches(texts, annotated, labels, tokenizer, config.window))
    if not items:
        raise ExtractionError("encoder: no text to learn from")
    run = _Run(encoder, tokenizer, labels, config)
    run.facts = asdict(config) | {"texts": _fingerprint(items)}
    report(f"{len(items)} windows, {sum(len(item.ids) for item in items)} subwords, {config.steps} steps")
    run.resume(folder / CHECKPOINT)
    began, first = time.monotonic(), run.step
    for batch in run.batches(items):
        words, tags = run.learn(batch)
        if run.step % every == 0 or run.step == config.steps:
            run.save(folder / CHECKPOINT)
            pace = (time.monotonic() - began) / (run.step - first)
            left = (config.steps - run.step) * pace / 60
            report(f"step {run.step}/{config.steps}: loss {words:.3f} + {tags:.3f}; {left:.0f} min left")
    encoder.save_pretrained(folder)
    write_text(folder / "tokenizer.json", tokenizer.to_str())
    facts = {"tokenizer_class": "PreTrainedTokenizerFast"} | SPECIAL
    write_text(folder / "tokenizer_config.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
    return folder


def _fingerprint(items: Sequence[Stretch]) -> str:
    """Return the identity of what is learnt from."""
    digest = sha256()
    for item in items:
        digest.update(f"{item.corpus}".encode() + item.ids.tobytes() + item.tags.tobytes())
    return digest.hexdigest()[:16]


def _labels(documents: Sequence[Document]) -> tuple[str, ...]:
    """Return the mention labels of some documents."""
    return tuple(sorted({mention.label for document in documents for mention in document.mentions}))


def stretches(
    texts: Sequence[str],
    annotated: Mapping[str, Sequence[Document]],
    labels: Mapping[str, Sequence[str]],
    tokenizer: Tokenizer,
    window: int,
) -> Iterator[Stretch]:
    """Yield windows of whole sentences of all texts."""
    nothing = np.zeros(0, dtype=np.int64)
    for text in texts:
        for part in windows(subwords(text, tokenizer), tokenizer, limit=window, context=0):
            yield Stretch(part.ids, part.heads, None, nothing)
    for corpus, documents in annotated.items():
        for document in documents:
            parts = subwords(document.text, tokenizer)
            tags = np.asarray(to_tags(parts.words, document.mentions, labels[corpus]), dtype=np.int64)
            for part in windows(parts, tokenizer, limit=window, context=0):
                yield Stretch(part.ids, part.heads, corpus, tags[part.first : part.last])


def hide(items: Sequence[Stretch], noise: np.random.Generator, config: AdaptConfig, mask: int, size: int) -> Masked:
    """Return stretches as a batch with whole words hidden.

    Args:
        items: The stretches.
        noise: Source of chance.
        config: Gives the share.
        mask: Id of ``[MASK]``.
        size: Of the vocabulary.
    """
    ids = padded([item.ids for item in items]).numpy()
    hidden = np.zeros(ids.shape, dtype=bool)
    for row, item in enumerate(items):
        chosen = noise.random(len(item.heads)) < config.masked
        word = np.searchsorted(item.heads, np.arange(1, len(item.ids) - 1), side="right") - 1
        hidden[row, 1 : len(item.ids) - 1] = chosen[word]
    gold, seen, chance = ids[hidden], ids.copy(), noise.random(ids.shape)
    seen[hidden & (chance < 0.8)] = mask
    other = hidden & (chance >= 0.9)
    seen[other] = noise.integers(0, size, int(other.sum()))
    lengths = np.asarray([len(item.ids) for item in items])
    real = np.arange(ids.shape[1])[None] < lengths[:, None]
    arrays = (seen, real.astype(np.int64), hidden, gold)
    ids_seen, mask_of_real, told, wanted = (torch.from_numpy(array) for array in arrays)
    return Masked(ids_seen, mask_of_real, told, wanted, _tagged(items))


def _tagged(items: Sequence[Stretch]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Return, by corpus, row, position and tag of the words of its stretches."""
    found = {}
    for corpus in sorted({item.corpus for item in items if item.corpus is not None}):
        rows = [(row, item) for row, item in enumerate(items) if item.corpus == corpus]
        columns = (
            np.concatenate([np.full(len(item.heads), row) for row, item in rows]),
            np.concatenate([item.heads for _, item in rows]),
            np.concatenate([item.tags for _, item in rows]),
        )
        row, position, tag = (torch.from_numpy(column) for column in columns)
        found[corpus] = (row, position, tag)
    return found


class _Run:
    """A teaching under way."""

    def __init__(
        self, encoder: PreTrainedModel, tokenizer: Tokenizer, labels: Mapping[str, Sequence[str]], config: AdaptConfig
    ) -> None:
        found = encoder.get_input_embeddings()
        if not isinstance(found, nn.Embedding):
            raise ExtractionError(f"encoder {config.encoder}: it has no word vectors to tell hidden words by")
        vectors = found.weight
        quicken(encoder, learn_words=True)
        self.encoder, self.vectors, self.config = encoder.train(), vectors, config
        self.heads = _Heads(int(encoder.config.hidden_size), len(vectors), labels)
        self.mask = special(tokenizer, "[MASK]")
        self.step = 0
        self.facts: dict[str, object] = asdict(config)
        groups = [
            {"params": list(self.encoder.parameters()), "peak": config.encoder_rate},
            {"params": list(self.heads.parameters()), "peak": config.head_rate},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98), fused=True)

    def batches(self, items: Sequence[Stretch]) -> Iterator[Masked]:
        """Yield the batches that are left, of stretches alike in length."""
        number = 0
        for epoch in range(self.config.steps):
            draw = random.Random(f"{self.config.seed}/{epoch}")  # noqa: S311 (no secret)
            order = sorted(range(len(items)), key=lambda i: len(items[i].ids) + draw.random() * 6)
            groups: list[list[int]] = [[]]
            for i in order:
                if groups[-1] and (len(groups[-1]) + 1) * len(items[i].ids) > self.config.batch_subwords:
                    groups.append([])
                groups[-1].append(i)
            draw.shuffle(groups)
            for group in groups:
                if number >= self.step:
                    noise = np.random.default_rng([self.config.seed, number])
                    yield hide([items[i] for i in group], noise, self.config, self.mask, len(self.vectors))
                number += 1
                if number == self.config.steps:
                    return

    def learn(self, batch: Masked) -> tuple[float, float]:
        """Learn from a batch; return the losses of hidden words and of tags."""
        torch.manual_seed(hash((self.config.seed, self.step)) & 0xFFFFFFFF)  # dropout does not know of interruptions
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * _rate(self.step / self.config.steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
            states = self.encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            words = self.heads.words(states[batch.hidden], self.vectors)
            tags = [self.heads.tags[c](states[row, at]) for c, (row, at, _) in batch.tagged.items()]
        loss = nn.functional.cross_entropy(words.float(), batch.gold, reduction="sum") / max(len(batch.gold), 1)
        count = sum(len(tag) for _, _, tag in batch.tagged.values())
        losses = [
            nn.functional.cross_entropy(found.float(), tag, reduction="sum")
            for found, (_, _, tag) in zip(tags, batch.tagged.values(), strict=True)
        ]
        tagged = torch.stack(losses).sum() if losses else loss.new_zeros(())
        total = loss + self.config.mention_weight * tagged / batch.ids.numel()
        if not math.isfinite(total.item()):
            raise ExtractionError(f"encoder: step {self.step}: the loss is no number; lower the learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch
        torch.nn.utils.clip_grad_norm_([*self.encoder.parameters(), *self.heads.parameters()], 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item(), tagged.item() / max(count, 1)

    def save(self, file: Path) -> None:
        """Write a checkpoint."""
        groups = {"encoder": self.encoder.state_dict(), "heads": self.heads.state_dict()}
        write_checkpoint(file, groups, self.optimizer, self.facts, self.step)

    def resume(self, file: Path) -> None:
        """Go on from a checkpoint, if there is one.

        Raises:
            ExtractionError: As ``read_checkpoint``.
        """
        found = read_checkpoint(file, self.optimizer, self.facts)
        if found is not None:
            groups, self.step = found
            self.encoder.load_state_dict(groups["encoder"])
            self.heads.load_state_dict(groups["heads"])


def _rate(progress: float) -> float:
    """Return the share of the peak rate at some progress in [0, 1]: up over the first 5 %, then straight down.

    >>> [round(_rate(p), 2) for p in (0.025, 0.05, 1.0)]
    [0.5, 1.0, 0.02]
    """
    return progress / 0.05 if progress < 0.05 else 1 - 0.98 * (progress - 0.05) / 0.95
