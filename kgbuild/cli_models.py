"""Commands about models: train, evaluate."""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from extractors.document import ExtractionError
from kgbuild.cli_options import MOST_JOBS, as_number, format_option, print_rows, tell
from kgbuild.cli_output import folder_option, output_option

if TYPE_CHECKING:
    from extractors.training.parts import Source
    from extractors.training.recipes import Plan

CORPORA = (
    "ade", "bc5cdr", "brat", "chemprot", "i2b2_2010", "maccrobat2020", "ncbi_disease", "phee", "pubtator", "spert",
)  # fmt: skip
"""Those of ``extractors.corpora.catalog``; a test compares."""

PRESETS = ("default", "paper", "ade", "ade-bilstm")
"""Those of ``extractors.training.recipes``; a test compares."""

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
PLACE = click.Path(path_type=Path, exists=True)
RATE = click.FloatRange(1e-9, 1)
"""Learning rates: smaller ones teach nothing in single precision, with larger ones nothing is learnt either."""

MOST_EPOCHS = 100_000
"""Bound of ``--epochs``, a thousand times what the longest training took."""

DEVICES = click.Choice(["auto", "cpu", "cuda", "mps"])

_Command = TypeVar("_Command", bound=Callable[..., object])


def _data_options(command: _Command) -> _Command:
    """Add the arguments and options that say where documents come from and how they are parted."""
    options: tuple[Callable[[_Command], _Command], ...] = (
        click.argument("corpus", type=click.Choice(CORPORA), metavar="CORPUS"),
        click.argument("path", type=PLACE),
        click.option("--split", "ratio", help="Shares of train, validation and test by document, such as 3:1:1."),
        click.option(
            "--seed", type=click.IntRange(0, 2**32 - 1), help="Of the split; in training also of weights and order."
        ),
        click.option("--fold", help="N of ADE's published ten, or N/K of K by document; counted from 0."),
        click.option("--validation", type=PLACE, help="Documents of their own for validation, in the same format."),
        click.option("--test", type=PLACE, help="Documents of their own for the test, in the same format."),
        click.option("--labels", default="", help="Mention labels, with commas between. Default: all."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _learning_options(command: _Command) -> _Command:
    """Add the options that change a preset."""
    options: tuple[Callable[[_Command], _Command], ...] = (
        click.option("--epochs", type=click.IntRange(1, MOST_EPOCHS), help="Most passes over the training part."),
        click.option(
            "--patience",
            type=click.IntRange(0, MOST_EPOCHS),
            help="End after so many epochs without a better; 0: never.",
        ),
        click.option("--encoder-rate", type=RATE, callback=as_number, help="Learning rate of the encoder."),
        click.option("--head-rate", type=RATE, callback=as_number, help="Learning rate of all else."),
        click.option("--pair-size", type=click.IntRange(2, 65_536), help="Width of the layer that joins two mentions."),
        click.option("--bf16/--no-bf16", default=None, help="Whether the encoder computes in bfloat16."),
        click.option(
            "--drop-leaks/--keep-leaks",
            "drop",
            default=None,
            help="Whether training documents that share a sentence with held-out ones go. Default: of abstracts.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def train() -> None:
    """Train a model on an annotated corpus (needs kgbuild[train])."""


@train.command()
@_data_options
@folder_option("Model folder to be.")
@click.option("--preset", type=click.Choice(PRESETS), default="default", show_default=True)
@click.option(
    "--encoder",
    help="all-MiniLM-L6-v2, bert-books-wiki, bert-pubmed, bert-pubmed-mimic, a folder, bilstm, or OWNER/NAME "
    "(hub:NAME without an owner) on the Hugging Face hub, which is asked for the three BERTs and such names alone.",
)
@click.option(
    "--from",
    "start",
    type=FOLDER,
    help="A trained model to go on from: its folder or exported/; extractors/weights is the shipped one.",
)
@click.option("--vectors", help="Word vectors of bilstm: a word2vec or GloVe file, or random:200.")
@click.option(
    "--with-validation/--without-validation",
    default=None,
    help="Whether to learn from the validation part too, and keep the last epoch.",
)
@_learning_options
@click.option("--threads", default=0, type=click.IntRange(0, MOST_JOBS), help="Threads of torch; 0 takes every core.")
@click.option("--device", type=DEVICES, default="auto", show_default=True)
def joint(target: Path, preset: str, threads: int, device: str, **options: Any) -> None:  # noqa: ANN401 (click's)
    """Train the joint model of mentions and relations; run again after an interruption, it goes on.

    CORPUS says how PATH, a folder or file, is written: ade, bc5cdr, chemprot, i2b2_2010, maccrobat2020, ncbi_disease or
    phee as published, brat, pubtator or spert for annotations of your own. The model folder holds the best epoch,
    exported/ for reading without torch, and README.md: data, settings and scores.

    Example: kgbuild train joint maccrobat2020 ../shared/data/maccrobat2020 -o runs/joint
    """
    with _needing_torch():
        from extractors.training.loop import Watch
        from extractors.training.recipes import PRESETS as PLANS
        from extractors.training.recipes import choose_device, train_corpus, use_threads
    from kgbuild.progress import TrainingLine

    use_threads(threads)
    plan, shown = _plan(PLANS[preset], options), TrainingLine()
    watch = Watch(shown.epoch, shown.step, choose_device(device))
    try:
        facts = train_corpus(_source(options), plan, target, watch, tell)
    except KeyboardInterrupt:
        shown.clear()
        tell(f"stopped; {target} keeps the epochs that are done: run the same command again to go on")
        sys.exit(130)
    tell(f"best epoch {facts['best']} of {facts['epochs']}; scores on {facts['measured']}, more in {target}/README.md:")
    for row in facts["scores"]:
        if row["label"] == "micro":
            tell(f"{row['protocol']}, micro: F1 {row['F1']:.4f}")
    tell(f"read with it by --model {target / 'exported'}")


@click.command()
@click.argument("model", type=FOLDER)
@_data_options
@click.option(
    "--part",
    type=click.Choice(["train", "validation", "test", "all"]),
    help="Default: test, as the model's own training parted the corpus; all of a corpus that it does not know.",
)
@click.option("--runtime", type=click.Choice(["auto", "exported", "torch"]), default="auto", show_default=True)
@format_option("table", "jsonl")
@output_option
def evaluate(
    model: Path,
    part: str | None,
    runtime: str,
    form: str,
    target: Path | None,
    **options: Any,  # noqa: ANN401 (click's)
) -> None:
    """Score MODEL, as trained or its exported/, on a part of CORPUS; protocol and every label printed.

    Example: kgbuild evaluate extractors/weights maccrobat2020 ../shared/data/maccrobat2020
    """
    from extractors import load
    from extractors.training.evaluate import COLUMNS, PROTOCOL, check_fit, evaluation_rows
    from extractors.training.measure import measured, model_labels
    from extractors.training.parts import only_labels

    is_trained = (model / "model.safetensors").is_file()
    extractor = load(model, runtime="torch" if runtime == "auto" and is_trained else runtime)
    wanted = _named(options["labels"])
    found = measured(model, _source(options), part, wanted)
    gold = found.documents
    check_fit(model, model_labels(model), gold, options["corpus"])
    tell(f"{options['corpus']}: {found.protocol}: {len(gold)} documents")
    tell(f"{type(extractor).__name__}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    if found.learnt and part != "train":
        tell(f"warning: the model was trained on {found.learnt} of these documents")
    for line in PROTOCOL:
        tell(line)
    predicted = extractor([document.text for document in gold])
    given = extractor.read_relations(gold)
    if wanted:
        predicted = only_labels(predicted, wanted)
    print_rows(target, form, evaluation_rows(gold, predicted, given), COLUMNS)


def _source(options: Mapping[str, Any]) -> "Source":
    """Return where documents come from, as the options say."""
    from extractors.training.parts import Source, parse_ratio

    ratio = None if options["ratio"] is None else parse_ratio(options["ratio"])
    names = ("corpus", "path", "fold", "validation", "test")
    found = Source(**{name: options[name] for name in names}, ratio=ratio, drop=options.get("drop"))
    return found if options["seed"] is None else replace(found, seed=options["seed"])


def _plan(plan: "Plan", options: Mapping[str, Any]) -> "Plan":
    """Return a preset with what the options change."""
    names = ("epochs", "patience", "encoder_rate", "head_rate", "bf16", "seed")
    changed = {name: options[name] for name in names if options[name] is not None}
    encoder = options["encoder"] or plan.model.encoder
    pair_size = plan.model.pair_size if options["pair_size"] is None else options["pair_size"]
    if encoder == "bilstm" and options["encoder_rate"] is None:  # its LSTMs learn from nothing, as the heads do
        changed["encoder_rate"] = changed.get("head_rate", plan.training.head_rate)
    if options["start"] is not None and options["encoder"]:
        raise click.UsageError("--from brings its own encoder; leave out --encoder")
    if encoder != "bilstm" and options["vectors"]:
        raise click.UsageError("--vectors goes with --encoder bilstm")
    return replace(
        plan,
        model=replace(plan.model, encoder=encoder, pair_size=pair_size),
        training=replace(plan.training, **changed),
        vectors=options["vectors"],
        start=options["start"],
        labels=_named(options["labels"]),
        with_validation=plan.with_validation if options["with_validation"] is None else options["with_validation"],
    )


def _named(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


@contextmanager
def _needing_torch() -> Iterator[None]:
    """Say what to install where an import fails for want of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtractionError(f"this needs {error.name}: pip install 'kgbuild[train]'") from error
