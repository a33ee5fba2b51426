"""The command line: each command parses, calls one function, prints. Nothing heavy is imported before it is needed."""

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extractors.document import ExtractionError
from kgbuild import cli_models, cli_ontology, cli_store
from kgbuild.cli_options import (
    as_text,
    every_note,
    exit_for,
    format_option,
    jobs_option,
    model_option,
    notes_argument,
    open_graph,
    output_option,
    print_rows,
    readable,
    say,
    stdin_lines,
    store_option,
    system_option,
    tell,
    without_text_option,
)
from kgbuild.note import NoteError, decode
from kgbuild.output import encoded, opened
from kgbuild.stores import StoreError
from ontologies.concept import TableError

if TYPE_CHECKING:
    from kgbuild.compare import GoldKey


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="kgbuild")
def cli() -> None:
    """Clinical notes in; coded patient timelines and graphs out, with the evidence for every fact."""


def main() -> None:
    """Run the command line; what is wrong with data or files is one line and exit 1, anything else is a bug."""
    os.umask(0o077)  # all that is written holds patients' data
    try:
        cli()
    except (ExtractionError, NoteError, StoreError, TableError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _fail(message: str) -> None:
    """Print an error and leave with exit 1."""
    tell(f"Error: {message}")
    sys.exit(1)


@cli.command()
@notes_argument
@store_option
@system_option
@model_option
@jobs_option
@without_text_option
def ingest(
    notes: Path, store: str, systems: tuple[str, ...], model: Path | None, jobs: int | None, without_text: bool
) -> None:
    """Read NOTES (a folder, .txt, .jsonl, or - for JSON Lines) into the store; unchanged notes are skipped.

    Example: kgbuild ingest examples/notes
    """
    from kgbuild.pipeline import ingest as ingest_notes
    from kgbuild.workers import open_workers

    waiting = every_note(notes)  # before the store is opened: a folder that cannot be read leaves none behind
    workers = open_workers(systems, model, jobs, tell)
    with open_graph(store, create=True) as graph:
        done = ingest_notes(waiting, replace(workers.setup, with_text=not without_text), graph, tell, workers)
    counts = f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged"
    say(f"{store}: {counts}" + ("; nothing written" if done.new + done.changed == 0 else ""))
    exit_for(done.failed)


@cli.command()
@notes_argument
@system_option
@model_option
@jobs_option
@output_option
def extract(notes: Path, systems: tuple[str, ...], model: Path | None, jobs: int | None, target: Path | None) -> None:
    """Print what is read in NOTES and its codes, one JSON line a note; no store is touched.

    Example: kgbuild extract examples/notes -o notes.jsonl
    """
    from kgbuild.pipeline import resolve_notes
    from kgbuild.records import record_line
    from kgbuild.workers import open_workers

    failed: list[NoteError] = []
    workers = open_workers(systems, model, jobs, tell)
    found = resolve_notes(readable(notes, failed), workers.setup, workers)
    with opened(target) as out:
        out.writelines(encoded(record_line(resolved)) for resolved in found)
    exit_for(len(failed))


@cli.command()
@notes_argument
@system_option
@model_option
@jobs_option
@format_option("table", "tsv", "jsonl")
@click.option("--all", "show_all", is_flag=True, help="Also rows whose code the relations leave as it is.")
@click.option(
    "--gold",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Right codes, tab-separated: note start end system code. Prints how often both codes are right.",
)
@output_option
def compare(
    notes: Path,
    systems: tuple[str, ...],
    model: Path | None,
    jobs: int | None,
    form: str,
    show_all: bool,
    gold: Path | None,
    target: Path | None,
) -> None:
    """Compare the code of each mention's own words with the code of the words its relations bring.

    Example: kgbuild compare examples/compare/notes --system icd10cm
    """
    if gold is not None and show_all:
        raise click.UsageError("--all shows rows, --gold counts them: choose one")
    from kgbuild import compare as comparing
    from kgbuild.pipeline import resolve_notes
    from kgbuild.workers import open_workers

    right = None if gold is None else _read_gold(gold)
    failed: list[NoteError] = []
    workers = open_workers(systems, model, jobs, tell)
    found: list[comparing.Comparison] = []
    judged: dict[GoldKey, tuple[bool, bool]] = {}
    for resolved in resolve_notes(readable(notes, failed), workers.setup, workers):
        found += comparing.compare(resolved, workers.setup.tables)
        judged |= comparing.judged(resolved, right or {})
    if right is None:
        shown = [comparing.as_row(row) for row in found if show_all or row.is_changed]
        print_rows(target, form, shown, comparing.COLUMNS)
    else:
        _tell_not_asked({key[3] for key in right} - workers.setup.resolvers.keys())
        print_rows(target, form, comparing.scores(right, judged), comparing.SCORE_COLUMNS)
    for system, line in comparing.summaries(found).items():
        tell(f"{system}: {line}")
    exit_for(len(failed))


def _read_gold(path: Path) -> "dict[GoldKey, frozenset[str]]":
    """Read a file of gold codes."""
    from kgbuild.compare import read_gold
    from kgbuild.reading import file_bytes

    return read_gold(io.StringIO(decode(file_bytes(path), str(path)), newline=""), str(path))


def _tell_not_asked(systems: set[str]) -> None:
    """Tell of systems that gold codes are of and that are not asked."""
    if systems:
        tell(f"not asked, so none of their gold codes is found: {', '.join(sorted(systems))}; see --system")


@cli.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...", callback=as_text)
@system_option
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 100), help="Candidates a query.")
@jobs_option
@click.option("-v", "--why", is_flag=True, help="What each feature of the ranking adds to a candidate.")
@format_option("table", "jsonl")
@output_option
def resolve(
    texts: tuple[str, ...],
    systems: tuple[str, ...],
    k: int,
    jobs: int | None,
    why: bool,
    form: str,
    target: Path | None,
) -> None:
    """Print ranked codes for each TEXT, or for each line of stdin; ``*`` marks a code that is sure enough to be used.

    Example: kgbuild resolve "lesion of liver" --system icd10cm -k 3
    """
    from kgbuild.asking import all_rows
    from kgbuild.setup import open_resolvers

    queries = texts if texts and texts != ("-",) else stdin_lines()
    rows = all_rows(queries, open_resolvers(systems, tell), k, why=why, jobs=jobs)
    if form == "jsonl":
        print_rows(target, form, rows, ())
        return
    flat = [row | candidate for row in rows for candidate in row["candidates"] or [{"name": "(none)"}]]  # type: ignore[attr-defined]
    shown = [row | {"used": "*" if row.get("code") and row["code"] == row["best"] else ""} for row in flat]
    for row in shown:
        row["why"] = ", ".join(f"{name} {part:+.1f}" for name, part in row.get("why", {}).items())
    columns = ("query", "system", "code", "score", "used", "name", "matched")
    print_rows(target, form, shown, (*columns, "why") if why else columns)


for command in (*cli_store.COMMANDS, cli_models.train, cli_models.evaluate, cli_ontology.ontology):
    cli.add_command(command)
