"""Which documents a model is measured on, and whether it has learnt from them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractors.corpora.catalog import read_corpus
from extractors.document import Document, ExtractionError
from extractors.folders import read_config
from extractors.training.parts import Source, by_sentence, only_labels, parse_ratio, read_parts

RUN = "run.json"
"""The facts of a training, in the model folder and in its exported form."""

SAME = 0.5
"""Least share of a model's training documents that a corpus holds if it is the one that the model was trained on."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Documents to measure on.

    Attributes:
        documents: With their annotations.
        protocol: One line: which they are.
        learnt: How many of them the model was trained on.
    """

    documents: list[Document]
    protocol: str
    learnt: int


def measured(model: Path, source: Source, part: str | None = None, labels: Sequence[str] = ()) -> Measured:
    """Return the documents of a source that a model is to be measured on.

    Without a split in the source, a corpus that the model was trained on is parted as it was then; MACCROBAT2020 has
    its checked-in split; any other is measured on as a whole.

    Args:
        model: Its folder, whose ``run.json`` tells of the training.
        source: The corpus.
        part: ``train``, ``validation``, ``test`` or ``all``; None is ``test`` where there is a split, else ``all``.
        labels: Mention labels to look at; none stands for all.

    Raises:
        ExtractionError: If the corpus cannot be read, has no such fold, or the part is empty.
    """
    run = read_run(model)
    chosen = _as_trained(run, source)
    has_split = chosen.corpus == "maccrobat2020" or _is_split(chosen)
    name = part or ("test" if has_split else "all")
    if name == "all":
        documents = [item.document for item in read_corpus(chosen.corpus, chosen.path)]
        documents, protocol = by_sentence(documents, chosen) if chosen.by_sentence else documents, "all documents"
    else:
        parts = read_parts(chosen)
        documents, protocol = getattr(parts, name), f"{name} part of {parts.protocol}"
    if not any(document.mentions for document in documents):
        raise ExtractionError(f"{chosen.path}: no mention in the {name} part")
    learnt = set(run.get("learnt", ()))
    return Measured(
        only_labels(documents, labels) if labels else documents,
        protocol,
        sum(key in learnt for key in text_keys(documents)),
    )


def read_run(model: Path) -> dict[str, Any]:
    """Return the facts of a model's training; none if the folder does not tell.

    Raises:
        ExtractionError: If the file is no JSON object.
    """
    file = model / RUN
    if not file.is_file():
        return {}
    try:
        run = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ExtractionError(f"{file}: not the facts of a training ({type(error).__name__})") from error
    if not isinstance(run, dict):
        raise ExtractionError(f"{file}: expected an object, found {type(run).__name__}")
    return run


def model_labels(model: Path) -> tuple[str, ...]:
    """Return the mention labels that a model folder reads, exported or not.

    Raises:
        ExtractionError: If it does not say.
    """
    labels: tuple[str, ...] = read_config(model / "config.json")["labels"]
    return labels


def text_keys(documents: Sequence[Document]) -> list[str]:
    """Return a key a document, by which its text is known again and from which it cannot be read."""
    return [sha256(document.text.encode()).hexdigest()[:12] for document in documents]


def _as_trained(run: dict[str, Any], source: Source) -> Source:
    """Return a source without a split parted as in training, if it is what the model was trained on."""
    told = run.get("source", {})
    if _is_split(source) or told.get("corpus") != source.corpus or told.get("validation") or told.get("test"):
        return source
    found = replace(source, by_sentence=run["by_sentence"])
    documents = [item.document for item in read_corpus(source.corpus, source.path)]
    keys = set(text_keys(by_sentence(documents, found) if found.by_sentence else documents))
    learnt = set(run["learnt"])
    if len(learnt & keys) < SAME * len(learnt):
        return source
    ratio = parse_ratio(told["ratio"]) if told["ratio"] else None
    return replace(found, ratio=ratio, seed=told["seed"], fold=told["fold"])


def _is_split(source: Source) -> bool:
    """Tell whether a source says how it is parted."""
    return any(choice is not None for choice in (source.ratio, source.fold, source.validation, source.test))
