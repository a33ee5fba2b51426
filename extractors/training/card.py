"""The card of a trained model: README.md made from the facts of its run, no number typed by hand."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from extractors.document import Document
from extractors.training.measure import RUN
from extractors.training.store import write_text

_CARD = """---
library_name: kgbuild
pipeline_tag: token-classification
tags: [named-entity-recognition, relation-extraction]
---

# Joint model of mentions and relations: {corpus}

Written by `kgbuild train joint` from the facts of the run, which are in `run.json`.

    import extractors
    (document,) = extractors.load("{name}")(["A 3 mm cyst in the left kidney."])

    kgbuild ingest NOTES --model {name}/exported

This folder is the model in torch (`config.json`, `model.safetensors`, `tokenizer.json`); `exported/` is the same for
ONNX Runtime, without torch. `training/` holds the checkpoint and a line an epoch; it may be removed when no more is to
be learnt.

## What it reads

Mentions: {labels}.
Relations: {relations}; within a sentence only: {local}.

## Data

{corpus}: {protocol}.
{leaks}.

| part | documents | mentions | relations |
|---|---|---|---|
{parts}

## Scores

Measured on {measured}, {runtime}.

{protocols}

{scores}

## Settings

Best epoch {best} of {epochs} by validation (sum of strict mention F1 and strict end-to-end relation F1).

| setting | value |
|---|---|
{settings}

Machine: {machine}.
"""

_PLAIN = ("corpus", "protocol", "leaks", "measured", "runtime", "best", "epochs", "machine")


def part_facts(documents: Sequence[Document]) -> dict[str, int]:
    """Return how many documents, mentions and relations there are."""
    return {
        "documents": len(documents),
        "mentions": sum(len(document.mentions) for document in documents),
        "relations": sum(len(document.relations) for document in documents),
    }


def machine_facts(device: str) -> str:
    """Return what a run ran on."""
    where = (
        torch.cuda.get_device_name()
        if device == "cuda"
        else f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    )
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{platform.system()} {platform.machine()}, {device}, {where}, {versions}"


def write_card(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``README.md`` and ``run.json`` of a model folder."""
    write_text(folder / RUN, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    model = facts["model"]
    settings = {**model, **facts["training"], "goes on from": facts["start"] or "none"}
    for key in ("labels", "relations", "local"):
        settings.pop(key)
    text = _CARD.format(
        name=folder.name,
        labels=", ".join(model["labels"]),
        relations=", ".join(model["relations"]) or "none",
        local=", ".join(model["local"]) or "none",
        parts=_table([{"part": name} | counts for name, counts in facts["parts"].items()]),
        protocols="\n".join(f"- {line}" for line in facts["protocols"]),
        scores=_table(facts["scores"], header=True),
        settings=_table([{"setting": key, "value": value} for key, value in sorted(settings.items())]),
        **{
            key: facts[key]
            for key in ("corpus", "protocol", "leaks", "measured", "runtime", "best", "epochs", "machine")
        },
    )
    write_text(folder / "README.md", text)


def _table(rows: Sequence[Mapping[str, object]], *, header: bool = False) -> str:
    """Return rows as the body of a Markdown table, their keys above them if wanted."""
    if not rows:
        return ""
    columns = list(rows[0])
    above = [columns, ["---"] * len(columns)] if header else []
    cells = [*above, *([str(row.get(column, "")) for column in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)
