"""Commands about a store: patients, timeline, trend, query, export, validate, backup, retract."""

import sys
from datetime import date, datetime
from pathlib import Path

import click

from extractors.strict_json import dumps
from kgbuild import output
from kgbuild.cli_options import (
    as_number,
    format_option,
    open_graph,
    print_rows,
    say,
    stdin_statement,
    store_option,
    tell,
    without_text_option,
)
from kgbuild.cli_output import folder_option, output_option, output_or_folder_option, refuse_folder
from kgbuild.schema import TIMELINE_ASSERTIONS
from kgbuild.stores import QUERY_SECONDS, EventFacts, StoreError, Table
from kgbuild.stores.address import named

DAY = click.DateTime(["%Y-%m-%d"])

EXPORTS = (
    "turtle",
    "nt",
    "nq",
    "trig",
    "jsonld",
    "graphml",
    "csv",
)  # kgbuild.export.FORMATS, which takes Oxigraph to load; a test compares

WEEK = 7 * 86_400
"""Seconds that a query may take at most: who wants it to take for ever says so."""

TIMELINE = ("start", "end", "label", "text", "value", "unit", "code", "name", "assertion", "source", "evidence")


@click.command()
@store_option
@click.option("--code", help="Only patients with this code or one below it: icd10cm:K76 or K76.")
@format_option("table", "json", "csv")
@output_option
def patients(store: str, code: str | None, form: str, target: Path | None) -> None:
    """List patients with their notes, events, first and last date.

    Example: kgbuild patients
    """
    from kgbuild import query as questions

    with open_graph(store, read_only=True) as graph:
        found = questions.patients(graph)
        if code is not None:
            having = set(questions.patients_with(graph, code))
            found = [patient for patient in found if patient.id in having]
    rows = [
        {"patient": p.id, "notes": p.notes, "events": p.events, "first": _day(p.start), "last": _day(p.end)}
        for p in found
    ]
    print_rows(target, form, rows, ("patient", "notes", "events", "first", "last"))


@click.command()
@click.argument("patient")
@store_option
@click.option("--from", "since", type=DAY, help="First day, as 2019-03-01.")
@click.option("--to", "until", type=DAY, help="Last day.")
@click.option("--label", "labels", multiple=True, help="Only this kind of event; repeatable.")
@click.option("--code", help="Only this code and those below it: icd10cm:K76 or K76.")
@click.option(
    "--assertion",
    "assertions",
    multiple=True,
    help="Only this status; repeatable. Default: present, historical, possible.",
)
@format_option("table", "json", "csv")
@output_option
def timeline(
    patient: str,
    store: str,
    since: datetime | None,
    until: datetime | None,
    labels: tuple[str, ...],
    code: str | None,
    assertions: tuple[str, ...],
    form: str,
    target: Path | None,
) -> None:
    """Print what happened to PATIENT, in order, with the note and offsets behind each event.

    Example: kgbuild timeline p1 --label Diagnostic_procedure
    """
    from kgbuild import query as questions

    with open_graph(store, read_only=True) as graph:
        events = questions.timeline(
            graph,
            patient,
            since=None if since is None else since.date(),
            until=None if until is None else until.date(),
            labels=labels or None,
            code=code,
            assertions=assertions or TIMELINE_ASSERTIONS,
        )
    if form == "json":
        _print_json(target, questions.timeline_json(patient, events))
    else:
        print_rows(target, form, [_event_row(event) for event in events], TIMELINE)


@click.command()
@click.argument("patient")
@click.argument("what")
@store_option
@format_option("table", "json", "csv")
@output_option
def trend(patient: str, what: str, store: str, form: str, target: Path | None) -> None:
    """Print the numeric results of WHAT (words or a code) for PATIENT over time.

    Example: kgbuild trend p1 "calcium score"
    """
    from kgbuild import query as questions

    with open_graph(store, read_only=True) as graph:
        found = questions.trend_json(questions.trend(graph, patient, what))
    if form == "json":
        _print_json(target, found)
        return
    points: list[dict[str, object]] = found["points"]  # type: ignore[assignment]  # the JSON is built one function up
    print_rows(target, form, points, ("start", "value", "unit"))


@click.command("query")
@click.argument("statement")
@store_option
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(0.001, WEEK),
    callback=as_number,
    default=QUERY_SECONDS,
    show_default=True,
    help="Seconds it may take, a week at most.",
)
@click.option(
    "--allow-calls",
    "may_call",
    is_flag=True,
    help="Allow SERVICE (SPARQL), LOAD CSV and what plug-ins offer (Cypher), by which a query can send what it found "
    "to another server.",
)
@format_option("table", "json", "csv")
@output_option
def query_command(statement: str, store: str, seconds: float, may_call: bool, form: str, target: Path | None) -> None:
    """Answer a read-only STATEMENT, SPARQL or, on Neo4j, Cypher; ``-`` reads it from stdin.

    SPARQL is asked over all notes, and the prefixes of the export are known.

    Example: kgbuild query "SELECT ?name (COUNT(*) AS ?events) { ?event kg:of/rdfs:label ?name } GROUP BY ?name"
    """
    text = stdin_statement() if statement == "-" else statement
    with open_graph(store, read_only=True) as graph:
        found = graph.query(text, seconds=seconds, may_call=may_call)
    print_rows(target, form, _rows(found), found.columns)


@click.command()
@store_option
@click.option("--format", "form", type=click.Choice(EXPORTS), default="turtle", show_default=True)
@without_text_option
@output_or_folder_option
def export(store: str, form: str, without_text: bool, target: Path | None) -> None:
    """Write the store as RDF or GraphML, or as a new folder of CSV files for Neo4j's import (-o FOLDER).

    turtle, nt, graphml and csv are the union of all notes; nq, trig and jsonld keep a named graph a note.

    Example: kgbuild export --format turtle -o kg.ttl
    """
    from kgbuild.export import export as write
    from kgbuild.export import export_tables

    is_folder = form == "csv"
    if is_folder and (target is None or str(target) == "-"):
        raise click.UsageError("csv is a folder of files: say which with -o FOLDER")
    if not is_folder:
        refuse_folder()
    with open_graph(store, read_only=True) as graph:
        if is_folder:
            assert target is not None
            with output.named(target):
                export_tables(graph, target, with_text=not without_text)
            return
        with output.opened(target) as out:
            write(graph, form, out, with_text=not without_text)


@click.command()
@click.argument("notes", nargs=-1, metavar="[NOTE_ID]...")
@store_option
def validate(notes: tuple[str, ...], store: str) -> None:
    """Hold notes, all by default, against the SHACL shapes with pyshacl; a line names shape and node of what is wrong.

    Every note was held against the same shapes before it was written. Takes about half a second a note.

    Example: kgbuild validate p1-2018-03-12-ct
    """
    from kgbuild.validate import validate as check

    count = wrong = 0
    with open_graph(store, read_only=True) as graph:
        for _, found in check(graph, notes):
            count, wrong = count + 1, wrong + bool(found)
            for violation in found:
                say(str(violation))
    tell(f"{store}: {count - wrong} of {count} notes are as the shapes say")
    if wrong:
        sys.exit(1)


@click.command()
@store_option
@folder_option("A new folder.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Write the copy anew, from what the store says now; it takes longer, and holds no words of notes that were "
    "withdrawn or changed.",
)
def backup(store: str, target: Path, rebuild: bool) -> None:
    """Copy the embedded store, as it is now, to a new folder: that can be read while the store is written.

    Example: kgbuild backup -o kg-backup
    """
    with open_graph(store, read_only=True) as graph:
        if not hasattr(graph, "backup"):
            raise StoreError(f"{store}: only an embedded store is backed up here; a server has its own means")
        graph.backup(target, rebuild=rebuild)
    tell(f"{store}: copied to {target}")


@click.command()
@click.argument("note_id")
@store_option
def retract(note_id: str, store: str) -> None:
    """Withdraw what only the note NOTE_ID says; what other notes say too stays.

    Example: kgbuild retract p1-2018-03-12-ct
    """
    with open_graph(store) as graph:
        is_known = graph.retract(note_id)
    if not is_known:
        raise StoreError(f"{store}: no note {named(note_id)!r}")
    tell(f"{store}: note {named(note_id)} withdrawn")


COMMANDS = (patients, timeline, trend, query_command, export, validate, backup, retract)


def _event_row(event: EventFacts) -> dict[str, object]:
    """Return an event as a row of the table."""
    evidence = "; ".join(f"{e.note}:{e.start}-{e.end}" for e in event.evidence)
    facts = {
        name: getattr(event, name) for name in ("label", "text", "value", "unit", "code", "name", "assertion", "source")
    }
    return {"start": _day(event.start), "end": _day(event.end), "evidence": evidence} | facts


def _rows(found: Table) -> list[dict[str, object]]:
    """Return the rows of an answer by column, days as text."""
    return [
        {
            column: _day(cell) if isinstance(cell, date) else cell
            for column, cell in zip(found.columns, row, strict=True)
        }
        for row in found.rows
    ]


def _day(day: date | None) -> str | None:
    """Return a day as ISO 8601."""
    return None if day is None else day.isoformat()


def _print_json(target: Path | None, value: dict[str, object]) -> None:
    """Write one JSON object."""
    with output.opened(target) as out:
        out.write(output.encoded(dumps(value, indent=1)) + b"\n")
