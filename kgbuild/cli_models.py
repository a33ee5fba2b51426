"""Commands about models and code tables: train, evaluate, ontology."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from extractors.document import ExtractionError, Extractor
from kgbuild.cli_options import format_option, output_option, print_rows, tell
from ontologies import store as table_store

CORPORA = ("maccrobat2020",)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def train() -> None:
    """Train a model on an annotated corpus (needs kgbuild[train])."""


@train.command()
@click.argument("corpus", type=click.Choice(CORPORA))
@click.argument("folder", type=FOLDER)
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--encoder", default="all-MiniLM-L6-v2", show_default=True, help="Hub name, folder, or packaged encoder.")
@click.option("--epochs", default=16, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=13, show_default=True)
@click.option("--threads", default=0, help="Threads; 0 takes every core.")
def joint(corpus: str, folder: Path, target: Path, encoder: str, epochs: int, seed: int, threads: int) -> None:
    """Train the joint model of mentions and relations; run again after an interruption, it goes on.

    Example: kgbuild train joint maccrobat2020 ../shared/data/maccrobat2020 -o runs/joint
    """
    with _needing_torch():
        from extractors.training.recipes import train_maccrobat
    tell(f"{corpus}: training on {threads or os.cpu_count()} threads; each epoch is a checkpoint in {target}")
    best = train_maccrobat(folder, target, encoder=encoder, epochs=epochs, seed=seed, threads=threads, report=tell)
    tell(f"best epoch exported to {best}; read with it by --model {best}")


@click.command()
@click.argument("model", type=FOLDER)
@click.argument("corpus", type=click.Choice(CORPORA))
@click.argument("folder", type=FOLDER)
@click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
@format_option("table", "jsonl")
@output_option
def evaluate(model: Path, corpus: str, folder: Path, split: str, form: str, target: Path | None) -> None:
    """Score MODEL, exported or as trained, on a split of CORPUS, protocol printed.

    Example: kgbuild evaluate extractors/weights maccrobat2020 ../shared/data/maccrobat2020
    """
    from extractors.corpora.maccrobat import LABELS, RELATIONS, read_split
    from extractors.training.evaluate import evaluation_rows

    gold = read_split(split, folder)
    predicted = _open_model(model)([document.text for document in gold])
    tell(
        f"{corpus}, {split} split of extractors/corpora/maccrobat2020.split.json: {len(gold)} documents; "
        f"{os.cpu_count()} cores"
    )
    tell("end to end, from predicted mentions; strict: span and label, for relations both arguments and direction")
    tell(f"gold: every mention of {len(LABELS)} labels, nested too; {len(RELATIONS)} relations, across sentences too")
    print_rows(
        target, form, evaluation_rows(gold, predicted), ("protocol", "label", "P", "R", "F1", "gold", "predicted")
    )


@contextmanager
def _needing_torch() -> Iterator[None]:
    """Say what to install where an import fails for want of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtractionError(f"this needs {error.name}: pip install 'kgbuild[train]'") from error


def _open_model(folder: Path) -> Extractor:
    """Return the model of a folder: the exported form, or the one training keeps (needs torch)."""
    if (folder / "model.safetensors").exists():
        with _needing_torch():
            from extractors.training.store import TorchExtractor
        return TorchExtractor.load(folder)
    from extractors.runtime import JointExtractor

    return JointExtractor(folder)


@click.group()
def ontology() -> None:
    """Code tables: list, add, remove."""


@ontology.command("list")
@format_option("table", "jsonl")
@output_option
def list_tables(form: str, target: Path | None) -> None:
    """List the code tables that resolve and ingest use.

    Example: kgbuild ontology list
    """
    rows: list[dict[str, object]] = [
        {name: getattr(table, name) for name in ("system", "title", "release", "codes", "names", "bytes", "licence")}
        | {"source": "added" if table.is_added else "built in"}
        for table in table_store.tables()
    ]
    print_rows(target, form, rows, ("system", "title", "release", "codes", "names", "bytes", "source", "licence"))


@ontology.command()
@click.argument("system")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--release", help="What the publisher calls this edition.")
def add(system: str, files: tuple[Path, ...], release: str | None) -> None:
    """Add the table of SYSTEM from TSV FILES with columns code, name, synonyms, parents; it replaces an earlier one.

    Example: kgbuild ontology add cpt examples/tables/cpt.tsv --release example
    """
    info = table_store.add_table(system, files, release)
    tell(f"{info.system}: {info.codes} codes, {info.names} names, release {info.release}")


@ontology.command()
@click.argument("system")
def remove(system: str) -> None:
    """Remove the added table of SYSTEM; a built-in one comes back.

    Example: kgbuild ontology remove cpt
    """
    table_store.remove_table(system)
    tell(f"{system}: removed")
