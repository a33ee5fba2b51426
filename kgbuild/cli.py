"""The command line: each command parses, calls one function, prints. Nothing heavy is imported before it is needed."""

import gc
import io
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extractors.document import ExtractionError
from kgbuild import cli_models, cli_ontology, cli_store
from kgbuild.cli_arguments import refuse_addresses
from kgbuild.cli_options import (
    as_text,
    every_note,
    exit_for,
    fail_fast_option,
    format_option,
    jobs_option,
    model_option,
    notes_argument,
    open_graph,
    print_rows,
    reporting,
    say,
    stdin_lines,
    store_option,
    system_option,
    tell,
    without_text_option,
)
from kgbuild.cli_output import output_option
from kgbuild.ending import (
    INTERRUPTED,
    NOBODY_READS,
    let_go_of_output,
    prepare_streams,
    signalled,
    signals_end_in_order,
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
    prepare_streams()
    try:
        with signals_end_in_order():
            status = _status()
            if status:
                gc.collect()  # what an error still held, such as processes that read, ends before Python waits for it
    except SystemExit as end:  # a signal came
        status = _number(end.code)
    let_go_of_output()
    sys.exit(status)


def _status() -> int:
    """Run the command that was asked for; return the exit status."""
    stdout = sys.stdout
    try:
        refuse_addresses(cli, sys.argv[1:])
        found = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as end:
        # click has put something else in stdout's place if nobody reads what is printed
        return NOBODY_READS if sys.stdout is not stdout else _number(end.code)
    except click.Abort as stop:
        return INTERRUPTED if isinstance(stop.__context__, KeyboardInterrupt) else _failed("nothing was entered")
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except (ExtractionError, NoteError, StoreError, TableError) as error:
        return _failed(str(error))
    except BrokenPipeError:
        return NOBODY_READS
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return _failed("not enough memory")
    return _number(found)


def _number(code: object) -> int:
    """Return what a command ended with as a number; one that just ended did well."""
    return code if isinstance(code, int) else 0


def _failed(message: str) -> int:
    """Print an error, if no signal led to it; return the exit status."""
    with suppress(OSError):
        if not signalled():
            tell(f"Error: {message}")
    return 1


@cli.command()
@notes_argument
@store_option
@system_option
@model_option
@jobs_option
@without_text_option
@fail_fast_option
def ingest(
    notes: Path,
    store: str,
    systems: tuple[str, ...],
    model: Path | None,
    jobs: int | None,
    without_text: bool,
    fail_fast: bool,
) -> None:
    """Read NOTES (a folder, .txt, .jsonl, or - for JSON Lines) into the store; unchanged notes are skipped.

    A note that cannot be read is told of in one line and left out; the exit is 1 then.

    Example: kgbuild ingest examples/notes
    """
    from kgbuild.pipeline import ingest as ingest_notes
    from kgbuild.workers import open_workers

    waiting = every_note(notes)  # before the store is opened: a folder that cannot be read leaves none behind
    workers = open_workers(systems, model, jobs, tell)
    with open_graph(store, create=True) as graph:
        report = reporting([], fail_fast=fail_fast)
        done = ingest_notes(waiting, replace(workers.setup, with_text=not without_text), graph, report, workers)
    counts = f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged"
    say(f"{store}: {counts}" + ("; nothing written" if done.new + done.changed == 0 else ""))
    exit_for(done.failed)


@cli.command()
@notes_argument
@system_option
@model_option
@jobs_option
@fail_fast_option
@output_option
def extract(
    notes: Path,
    systems: tuple[str, ...],
    model: Path | None,
    jobs: int | None,
    fail_fast: bool,
    target: Path | None,
) -> None:
    """Print what is read in NOTES and its codes, one JSON line a note; no store is touched.

    Example: kgbuild extract examples/notes -o notes.jsonl
    """
    from kgbuild.pipeline import made, resolve_notes
    from kgbuild.reading import read_notes
    from kgbuild.records import record_line
    from kgbuild.workers import open_workers

    failed: list[str] = []
    report = reporting(failed, fail_fast=fail_fast)
    workers = open_workers(systems, model, jobs, tell)
    found = resolve_notes(read_notes(notes), workers.setup, workers, report)
    lines = map(encoded, made(found, "made a record", record_line, report))
    with opened(target) as out:
        first = next(lines, None)
        if first is None:
            exit_for(len(failed))  # here, so that what is there stays
        else:
            out.write(first)
            out.writelines(lines)
    exit_for(len(failed))


@cli.command()
@notes_argument
@system_option
@model_option
@jobs_option
@fail_fast_option
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
    fail_fast: bool,
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
    from kgbuild.pipeline import made, resolve_notes
    from kgbuild.reading import read_notes
    from kgbuild.workers import open_workers

    right = None if gold is None else _read_gold(gold)
    failed: list[str] = []
    report = reporting(failed, fail_fast=fail_fast)
    workers = open_workers(systems, model, jobs, tell)
    read = resolve_notes(read_notes(notes), workers.setup, workers, report)
    compared = partial(comparing.compared, tables=workers.setup.tables, gold=right or {})
    found: list[comparing.Comparison] = []
    judged: dict[GoldKey, tuple[bool, bool]] = {}
    is_empty = True
    for rows, answers in made(read, "compared", compared, report):
        found += rows
        judged |= answers
        is_empty = False
    if is_empty:
        exit_for(len(failed))  # before anything is written, so that what is there stays
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
