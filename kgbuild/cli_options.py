"""What the commands share: options, and what they open."""

import io
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import click

from kgbuild import output
from kgbuild.faults import Report, stop
from kgbuild.note import Note, NoteError, decode, shown
from kgbuild.stores import GraphStore, StoreError, open_store
from kgbuild.stores.address import parsed, place
from kgbuild.stores.statement import LONGEST

_Command = TypeVar("_Command", bound=Callable[..., object])
_Words = TypeVar("_Words", str, tuple[str, ...])

_LONGEST_CHARACTER = 4  # bytes of UTF-8

MOST_JOBS = 1024
"""Bound of ``--jobs``, beyond the cores of any machine that we know of."""


def _refuse_mistyped(_: click.Context, __: click.Parameter, store: str) -> str:
    """Refuse what is no place for a store, before anything is read, and before the name is printed."""
    place(store)
    return store


def as_number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Refuse the float that is no number, which lies in no range and outside of none."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number")
    return value


def as_text(_: click.Context, __: click.Parameter, value: _Words) -> _Words:
    """Refuse words that are not UTF-8: the system hands on such bytes as halves of surrogate pairs."""
    if any("\ud800" <= c <= "\udfff" for word in ((value,) if isinstance(value, str) else value) for c in word):
        raise click.BadParameter("not UTF-8")
    return value


store_option = click.option(
    "--store",
    callback=_refuse_mistyped,
    envvar="KGBUILD_STORE",
    default="kg",
    show_default=True,
    help="Folder of the embedded store; or neo4j://HOST:PORT (user and password: NEO4J_USERNAME, NEO4J_PASSWORD); "
    "or https://HOST/DATASET of a SPARQL server (SPARQL_USERNAME, SPARQL_PASSWORD).",
)
system_option = click.option(
    "--system", "systems", multiple=True, help="Code system; repeatable. Default: icd10cm and those you added."
)
model_option = click.option(
    "--model", type=click.Path(path_type=Path, exists=True), help="Folder of a trained model. Default: the shipped one."
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1, MOST_JOBS),
    help="Processes that read. Default: one a core, where there are notes enough.",
)
without_text_option = click.option(
    "--without-text", is_flag=True, help="Leave out words of the notes: texts of mentions, names, values."
)
fail_fast_option = click.option(
    "--fail-fast", is_flag=True, help="Stop at the first note that cannot be read. Default: go on with the others."
)
notes_argument = click.argument("notes", type=click.Path(path_type=Path, allow_dash=True))


def format_option(*names: str) -> Callable[[_Command], _Command]:
    """Return the option that chooses among the named formats, the first by default."""
    return click.option("--format", "form", type=click.Choice(names), default=names[0], show_default=True)


def open_graph(store: str, *, create: bool = False, read_only: bool = False) -> GraphStore:
    """Open a store; at a terminal, ask for a password that the environment does not have."""
    _warn_of_clear_text(store)
    ask = _password if sys.stdin.isatty() else None
    return open_store(store, create=create, read_only=read_only, password=ask)


def _warn_of_clear_text(store: str) -> None:
    """Tell that a Neo4j on another machine is sent the password, and what the notes say, for all between to read."""
    if store.partition("://")[0].lower() not in ("bolt", "neo4j"):
        return
    parts = parsed(store)
    if parts.hostname not in (None, "localhost", "127.0.0.1", "::1"):
        tell(
            f"Warning: {parts.scheme}://{parts.hostname}: not encrypted, the password neither; see {parts.scheme}+s://"
        )


def _password(_: str) -> str:
    """Ask for a password; it is not shown, nor is the user's name, which may hold one by mistake."""
    return str(click.prompt("Password of the store's user", hide_input=True, err=True))


def print_rows(target: Path | None, form: str, rows: Sequence[output.Row], columns: Sequence[str]) -> None:
    """Write rows in a format; no rows are an empty table."""
    with output.opened(target) as out:
        text = output.FORMATS[form](rows, columns)
        out.write(output.encoded(text) + b"\n" * bool(text))


def reporting(failed: list[str], *, fail_fast: bool) -> Report:
    """Return what tells of a note that cannot be read and puts it into ``failed``, or stops there."""

    def report(line: str) -> None:
        tell(line)
        failed.append(line)

    return stop if fail_fast else report


def every_note(source: Path) -> Iterator[Note | NoteError]:
    """Return the notes of a source, and errors in place of those that cannot be read, counted on a terminal.

    Raises:
        NoteError: At once, if the source itself cannot be read.
    """
    from kgbuild.reading import read_notes

    waiting = read_notes(source)
    first = list(_first(waiting))
    return _counted(chain(first, waiting))


def stdin_lines() -> list[str]:
    """Return the lines of standard input, without their ends.

    Raises:
        NoteError: If it is not UTF-8.
    """
    return [line.rstrip("\n") for line in io.StringIO(stdin_text(), newline=None)]


def stdin_text() -> str:
    """Return what standard input holds, whatever encoding the terminal has.

    Raises:
        NoteError: If it is not UTF-8.
    """
    return decode(sys.stdin.buffer.read(), "stdin")


def stdin_statement() -> str:
    """Return the statement that standard input holds; it is not read beyond the longest, as it may never end.

    Raises:
        NoteError: If it is not UTF-8.
        StoreError: If it is too long.
    """
    said = sys.stdin.buffer.read(_LONGEST_CHARACTER * LONGEST + 1)
    if len(said) > _LONGEST_CHARACTER * LONGEST:
        raise StoreError(f"query: expected at most {LONGEST:,} characters, found more on stdin")
    return decode(said, "stdin")


def say(line: str) -> None:
    """Print a line to stdout, as data is: in UTF-8."""
    with output.opened(None) as out:
        out.write(output.encoded(f"{shown(line)}\n"))


def tell(line: str) -> None:
    """Print a line to stderr; what would end it or steer a terminal is escaped."""
    click.echo(shown(line), err=True)


def exit_for(failed: int) -> None:
    """Leave with exit 1 if notes could not be read, or not be written for what they say."""
    if failed:
        tell(f"Error: {failed} note{'s' * (failed != 1)} could not be read")
        sys.exit(1)


def _first(items: Iterator[Note | NoteError]) -> Iterator[Note | NoteError]:
    """Yield the first item, if there is one."""
    for item in items:
        yield item
        return


def _counted(notes: Iterable[Note | NoteError]) -> Iterator[Note | NoteError]:
    """Yield notes; on a terminal, show how many have been read."""
    is_shown = sys.stderr.isatty()
    for number, note in enumerate(notes, 1):
        if is_shown:
            click.echo(f"\r{number} notes", nl=False, err=True)
        yield note
    if is_shown:
        click.echo("\r\033[K", nl=False, err=True)
