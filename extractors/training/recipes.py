"""How models are trained: presets as a table, and one call from a corpus to a model folder with its card."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from shutil import copy
from typing import Any

import torch

from extractors.document import Document, ExtractionError
from extractors.networks.bilstm import NAME, count_words
from extractors.networks.joint import JointConfig
from extractors.networks.vectors import WordVectors, random_vectors, read_vectors
from extractors.training.card import machine_facts, part_facts, write_card
from extractors.training.evaluate import PROTOCOL, evaluation_rows
from extractors.training.export import export_model
from extractors.training.loop import TrainingConfig, Watch, read_epochs, train_joint
from extractors.training.measure import RUN, read_run, text_keys
from extractors.training.parts import Parts, Source, local_relations, only_labels, read_parts, sentence_reach, settled
from extractors.training.start import load_start
from extractors.training.store import TorchExtractor


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is made of documents.

    Attributes:
        model: Its sizes and encoder; labels and relations are taken from the documents.
        training: The training.
        by_sentence: Whether each sentence is a document by itself.
        vectors: Word vectors of a Bi-LSTM: a file, or ``random:200``.
        vector_rows: Words taken from the head of that file beside those of the texts, so that fewer are unknown later.
        labels: Mention labels to learn; none stands for all of the training part.
        start: A trained model to go on from, a model folder or an exported one; its encoder, and its heads if it reads
            the same labels and relations.
        with_validation: Whether the validation part is learnt from too. It can then choose nothing: the number of
            epochs has to be known, and the last is kept.
    """

    model: JointConfig = field(default_factory=lambda: JointConfig((), (), "all-MiniLM-L6-v2"))
    training: TrainingConfig = field(default_factory=TrainingConfig)
    by_sentence: bool = False
    vectors: str | None = None
    vector_rows: int = 50_000
    labels: tuple[str, ...] = ()
    start: Path | None = None
    with_validation: bool = False


PRESETS: dict[str, Plan] = {
    # What the shipped model was trained with, chosen on MACCROBAT2020's validation split.
    "default": Plan(),
    # papers/000, section 4.2: Adam at 1e-3, batches of 32 sentences, tanh (which the pair scorer always has), best
    # epoch on validation, found after 45 to 130 epochs. Sizes of labels and pairs, dropout and patience, which it
    # does not give, are those of Bekoulis et al. 2018, which it follows, and of their code (25, 64, 0.1, 30 epochs).
    "paper": Plan(
        model=JointConfig(
            (), (), "bert-pubmed-mimic", selection="words", label_size=25, pair_size=64, dropout=0.1, context=0,
            threshold=0.5, mention_threshold=0.0,
        ),
        training=TrainingConfig(
            epochs=130, patience=30, batch_windows=32, encoder_rate=1e-3, head_rate=1e-3, is_constant=True,
            weight_decay=0.0, masked=0.0, average=0.0, learn_words=True,
        ),
        by_sentence=True,
    ),
    # ADE's folds: sentences, so a window is a whole document.
    "ade": Plan(
        model=JointConfig((), (), "all-MiniLM-L6-v2", context=0),
        training=TrainingConfig(epochs=8, keep_last=True),
        with_validation=True,
    ),
    # The same for the Bi-LSTM, whose LSTMs learn from nothing and want the rate of the heads.
    "ade-bilstm": Plan(
        model=JointConfig((), (), NAME, context=0),
        training=TrainingConfig(epochs=10, batch_windows=16, encoder_rate=1e-3, masked=0.0, keep_last=True),
        with_validation=True,
    ),
}  # fmt: skip
"""What ``--preset`` names."""


def train_corpus(
    source: Source, plan: Plan, folder: Path, watch: Watch, tell: Callable[[str], object]
) -> dict[str, Any]:
    """Train a joint model on a corpus into a folder, export its best epoch, and return the facts of the run.

    The folder receives the model (torch), ``exported`` (ONNX Runtime), ``README.md`` and ``run.json``. A run that is
    there already is resumed.

    Args:
        source: The corpus and its split.
        plan: The model and its training.
        folder: The model folder to be.
        watch: Who is told of steps and epochs; the device.
        tell: Receives a line about the data before training begins.

    Raises:
        ExtractionError: If the data, the labels asked for, the encoder or an earlier run in the folder cannot be used.
    """
    source = settled(replace(source, by_sentence=plan.by_sentence))
    parts = _learning_parts(source, plan)
    config, training = _settings(parts, plan)
    start = None if plan.start is None else load_start(plan.start)
    if start is not None:
        config = replace(config, encoder=start.name)
    facts = _run_facts(source, plan, parts, config, training)
    counts: dict[str, dict[str, int]] = facts["parts"]
    for line in (f"{source.corpus}: {parts.protocol}", parts.leaks, *_counts(counts)):
        tell(line)
    vectors = _vectors(plan, parts, tell) if config.encoder == NAME and start is None else None
    if plan.start is not None:
        facts["learnt"] = _learnt(plan.start, parts, tell)
        watch = replace(watch, begin=partial(_begun, plan.start, tell))
    train_joint(parts.train, parts.validation, folder, config, training, watch, vectors, start)
    export_model(folder, folder / "exported")
    facts |= _outcome(folder, parts, training, watch.device)
    write_card(folder, facts)
    copy(folder / RUN, folder / "exported")
    return facts


def _learnt(start: Path, parts: Parts, tell: Callable[[str], object]) -> list[str]:
    """Return the keys of all that a model has learnt from that goes on from another; tell what of it is held out."""
    before = set(read_run(start).get("learnt", ()))
    for name in ("validation", "test"):
        count = sum(key in before for key in text_keys(getattr(parts, name)))
        if count:
            tell(f"warning: {start.name} has learnt from {count} of the {name} documents: scores on them mean little")
    return sorted(before.union(text_keys(parts.train)))


def _begun(start: Path, tell: Callable[[str], object], goes_on: bool) -> None:
    """Tell what a training takes over from the model that it goes on from."""
    why = "encoder and heads" if goes_on else "the encoder alone: its labels, relations or widths are others"
    tell(f"goes on from {start.name}: {why}")


def _learning_parts(source: Source, plan: Plan) -> Parts:
    """Return the parts of a source with the labels that a plan learns."""
    parts = read_parts(source)
    if plan.with_validation:
        parts = replace(parts, train=[*parts.train, *parts.validation])
    labels = chosen_labels(parts.train, plan.labels)
    held_out = {name: getattr(parts, name) for name in ("validation", "test")}
    if plan.labels:
        held_out = {name: only_labels(documents, labels) for name, documents in held_out.items()}
    return replace(parts, train=only_labels(parts.train, labels), **held_out)


def _settings(parts: Parts, plan: Plan) -> tuple[JointConfig, TrainingConfig]:
    """Return a plan's model and training, with what the training part says of them."""
    config = replace(
        plan.model,
        labels=chosen_labels(parts.train, ()),
        relations=tuple(sorted({relation.label for document in parts.train for relation in document.relations})),
        local=local_relations(parts.train),
        sentences=sentence_reach(parts.train),
    )
    if plan.with_validation:  # it can then choose nothing
        return config, replace(plan.training, keep_last=True, patience=0)
    return config, plan.training


def _run_facts(
    source: Source, plan: Plan, parts: Parts, config: JointConfig, training: TrainingConfig
) -> dict[str, Any]:
    """Return what there is to say of a run before it begins."""
    return {
        "corpus": source.corpus,
        "source": _told(source),
        "protocol": parts.protocol,
        "leaks": parts.leaks,
        "parts": {name: part_facts(getattr(parts, name)) for name in ("train", "validation", "test")},
        "model": asdict(config),
        "training": asdict(training),
        "with_validation": plan.with_validation,
        "by_sentence": plan.by_sentence,
        "vectors": plan.vectors,
        "start": None if plan.start is None else plan.start.name,
        "learnt": text_keys(parts.train),
    }


def _outcome(folder: Path, parts: Parts, training: TrainingConfig, device: str) -> dict[str, Any]:
    """Return what a run came to, measured on the test part if it is annotated."""
    epochs = read_epochs(folder)
    measured = "test" if any(document.mentions for document in parts.test) else "validation"
    return {
        "measured": f"the {measured} part",
        "runtime": "torch, single precision",
        "protocols": PROTOCOL,
        "scores": score_folder(folder, getattr(parts, measured), device),
        "best": epochs[-1].number if training.keep_last else max(epochs, key=lambda epoch: epoch.goal).number,
        "epochs": len(epochs),
        "machine": machine_facts(device),
    }


def score_folder(folder: Path, gold: Sequence[Document], device: str) -> list[dict[str, object]]:
    """Return the scores of the torch model of a folder on documents."""
    extractor = TorchExtractor.load(folder, device)
    return evaluation_rows(gold, extractor([document.text for document in gold]), extractor.read_relations(gold))


def chosen_labels(train: Sequence[Document], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the labels to learn: those wanted, or all of the training part.

    Raises:
        ExtractionError: If there is no mention, or one of those wanted is not a label of the training part.
    """
    found = sorted({mention.label for document in train for mention in document.mentions})
    if not found:
        raise ExtractionError("training set: no mention in it")
    strange = sorted(set(wanted) - set(found))
    if strange:
        raise ExtractionError(f"labels: {', '.join(strange)} not in the training part, which has {', '.join(found)}")
    return tuple(sorted(wanted)) if wanted else tuple(found)


def choose_device(name: str) -> str:
    """Return the device that ``auto`` stands for, or the one named.

    Raises:
        ExtractionError: If torch does not find it here.
    """
    is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in is_there.items() if there)
    if not is_there.get(name, False):
        found = ", ".join(device for device, there in is_there.items() if there)
        raise ExtractionError(f"device {name}: torch finds none here, only {found}")
    return name


def use_threads(count: int) -> None:
    """Have torch use so many threads; 0 leaves its default, every core."""
    if count:
        torch.set_num_threads(count)


def _vectors(plan: Plan, parts: Parts, tell: Callable[[str], object]) -> WordVectors:
    """Return the word vectors that a plan names, for the words of training and validation documents."""
    if plan.vectors is None:
        raise ExtractionError(f"encoder {NAME}: it needs word vectors: --vectors FILE, or --vectors random:200")
    counts = count_words(document.text for document in chain(parts.train, parts.validation))
    kind, _, size = plan.vectors.partition(":")
    if kind == "random" and size.isdigit() and int(size) > 0:
        return random_vectors(counts, int(size), plan.training.seed)
    vectors = read_vectors(Path(plan.vectors), counts, extra=plan.vector_rows)
    known = sum(word in counts for word in vectors.words)
    tell(f"word vectors: {vectors.size} numbers each, for {known} of {len(counts)} words of the texts")
    return vectors


def _told(source: Source) -> dict[str, object]:
    """Return how a source was parted, without the places of its files."""
    return {
        "corpus": source.corpus,
        "ratio": None if source.ratio is None else ":".join(map(str, source.ratio)),
        "seed": source.seed,
        "fold": source.fold,
        "validation": source.validation is not None,
        "test": source.test is not None,
    }


def _counts(parts: dict[str, dict[str, int]]) -> list[str]:
    """Return a line a part."""
    return [f"{name}: {', '.join(f'{n} {what}' for what, n in part.items())}" for name, part in parts.items()]
