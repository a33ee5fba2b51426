"""Whatever is given to any argument or option of any command: an answer or one line, and never a traceback.

The commands and their parameters are found by walking the command line, so that a new one is tried too.
"""

import contextlib
import gc
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from kgbuild.cli import cli, main
from kgbuild.stores.rdf import RdfStore
from tests.test_cli import TABLES, commands
from tests.test_shacl import WHOLE

LONG = "x" * 100_000

TEXTS = {
    "empty": "", "blank": " ", "dash": "-", "long": LONG, "not UTF-8": os.fsdecode(b"caf\xe9"), "newline": "a\nb",
    "escape": "\x1b[2J", "curie": ":", "half a curie": "icd10cm:", "long curie": "a:b:c", "quotes": "\"'`\\{}$(x)",
    "format": "{0!r}%s", "wide": "\uff1d1",
    "ratio": "0:0:0", "fold": "0/0", "digits": "9" * 5000, "superscript": "\xb2",
}  # fmt: skip
PATHS = {
    "folder": "folder", "file": "file.txt", "pipe": "pipe", "absent": "none/of/it", "below a file": "file.txt/x",
    "address": "http:/u:sEcr3t@h", "lines": "x.jsonl", "table": "gold.tsv", "device": "device",
}  # fmt: skip
NUMBERS = {
    "nan": "nan", "inf": "inf", "1e400": "1e400", "1e-320": "1e-320", "minus inf": "-inf", "big": "1000000000",
    "negative": "-1", "zero": "0", "minus zero": "-0.0", "no day": "9999-99-99", "first day": "0001-01-01",
}  # fmt: skip
"""What is given, by what a failing test calls it."""


GIVEN = {
    "notes": "x.jsonl", "patient": "p1", "what": "fever", "statement": "ASK {}", "note_id": "n1", "system": "cpt",
    "systems": "cpt", "code": "K76", "text": "fever", "files": "file.txt", "corpus": "brat", "path": "folder",
    "model": "folder", "target": "out",
}  # fmt: skip
"""What is given to arguments and required options that are not under test, and to ENDING: it ends a command soon."""

ENDING = ("systems", "model")
"""Options that are given always: code tables of one system, and a folder that is no model."""

AFTER_MODEL = ("notes", "systems", "target")
"""What is looked at after a model is opened, which takes a tenth of a second: it is tried with the shipped model."""

KINDS = ("empty", "not UTF-8", "newline", "curie", "long", "folder", "file", "pipe", "lines")
"""Values for what is looked at late: those of which we know that they differ there."""

LEARNING = ("empty", "not UTF-8", "long", "ratio", "fold", "digits", "superscript", "folder", "pipe")
"""Values for train and evaluate, which look for a corpus each time."""


class Done(NamedTuple):
    """How a call ended."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, an empty folder, files, and code tables of its own: a small one."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("empty", "folder", "home"):
        (folder / name).mkdir()
    (folder / "folder" / "config.json").write_text("{}")
    (folder / "file.txt").write_text("a\tb\n")
    (folder / "x.jsonl").write_text("{}\n")
    (folder / "gold.tsv").write_text(f"note\tstart\tend\tsystem\tcode\nn\t1\t{'9' * 5000}\ticd10cm\tA\n")
    with RdfStore(folder / "kg", create=True) as store:
        store.put([WHOLE])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KGBUILD_HOME", str(folder / "home"))
        done = called(["ontology", "add", "cpt", str(TABLES / "cpt.tsv")])
    assert done.status == 0, done.err
    return folder


@pytest.fixture(autouse=True)
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a copy of what was made, a pipe, and a device that is not the machine's own."""
    folder = tmp_path / "place"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("home"))
    os.mkfifo(folder / "pipe")
    try:
        os.mknod(folder / "device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:  # who may make none cannot replace the machine's either
        (folder / "device").symlink_to("/dev/null")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KGBUILD_HOME", str(made / "home"))
    monkeypatch.delenv("KGBUILD_STORE", raising=False)
    return folder


def called(arguments: Sequence[str], stdin: bytes = b"", encoding: str = "utf-8") -> Done:
    """Call the command line in this process, its streams as a process has them."""
    out = io.TextIOWrapper(io.BytesIO(), encoding, "strict", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace", write_through=True)
    before = sys.argv, sys.stdin, os.umask(0o022)
    sys.argv = ["kgbuild", *arguments]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    gc.freeze()  # or each call that fails would look through all of torch, a tenth of a second
    status: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
    finally:
        gc.unfreeze()
        sys.argv, sys.stdin = before[:2]
        os.umask(before[2])
    assert isinstance(status, int)
    printed, told = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))
    return Done(status, printed, told)


def parameters() -> Iterator[tuple[tuple[str, ...], click.Command, click.Parameter]]:
    for path, command in commands(cli):
        for parameter in command.params:
            if not getattr(parameter, "is_flag", False):
                yield path, command, parameter


def values(path: tuple[str, ...], parameter: click.Parameter, is_late: bool) -> dict[str, str]:
    """Return what is given to a parameter; little where each call opens a model or imports torch."""
    if isinstance(parameter.type, click.Path):
        found = PATHS | dict(islice(TEXTS.items(), 7))
        if parameter.name == "target":
            del found["pipe"]  # which is written to, and so waited for, as it should be
    elif parameter.multiple or isinstance(parameter.type, click.Choice):
        found = TEXTS
    else:
        found = TEXTS | (PATHS if isinstance(parameter.type, click.types.StringParamType) else NUMBERS)
    if is_late:
        return dict(islice(((name, found[name]) for name in KINDS if name in found), 6))
    if path[0] in ("train", "evaluate") and isinstance(parameter.type, click.types.StringParamType):
        return {name: found[name] for name in LEARNING}
    return found


def is_looked_at_late(command: click.Command, parameter: click.Parameter) -> bool:
    """Tell whether a command has opened its model before it looks at a parameter."""
    names = {one.name for one in command.params}
    return {"notes", "model"} <= names and parameter.name in AFTER_MODEL


def call(path: tuple[str, ...], command: click.Command, hostile: click.Parameter, value: str) -> list[str]:
    """Return the arguments of a command, one of which is hostile."""
    options, places = list(path), []
    for parameter in command.params:
        name, option = parameter.name or "", parameter.opts[0]
        is_given = parameter.required or (name in ENDING and not is_looked_at_late(command, hostile))
        given = value if parameter is hostile else GIVEN.get(name) if is_given or name == "systems" else None
        if given is not None and isinstance(parameter, click.Argument):
            places.append(given)
        elif given is not None:
            options.append(f"{option}={given}" if option.startswith("--") else f"{option}{given}")
    return [*options, "--", *places]


def is_one_line_or_an_answer(done: Done) -> bool:
    lines = done.err.splitlines()
    faults = [line for line in lines if line.startswith("Error")]
    return done.status in (0, 1, 2) and len(faults) == (done.status != 0) and "Traceback" not in done.err


@pytest.mark.parametrize(
    ("path", "command", "parameter"),
    [pytest.param(*found, id=f"{' '.join(found[0])} {found[2].name}") for found in parameters()],
)
def test_hostile_value_is_one_line_or_an_answer(
    path: tuple[str, ...], command: click.Command, parameter: click.Parameter
) -> None:
    wrong = {}
    for name, value in values(path, parameter, is_looked_at_late(command, parameter)).items():
        arguments = call(path, command, parameter, value)
        try:
            done = called(arguments)
        except Exception as error:
            wrong[name] = f"{type(error).__name__}: {error}"[:300]
        else:
            if not is_one_line_or_an_answer(done):
                wrong[name] = f"{done.status}: {done.err[:300]}"
    assert wrong == {}


def test_every_parameter_with_a_range_refuses_what_no_range_holds() -> None:
    for path, command, parameter in parameters():
        if isinstance(parameter.type, click.FloatRange):
            for value in ("nan", "inf", "1e400", "1e-320"):
                assert called(call(path, command, parameter, value)).status == 2, (path, parameter.name, value)
        if isinstance(parameter.type, click.IntRange):
            assert parameter.type.max is not None, (path, parameter.name)


def test_time_without_a_bound_is_told_the_bound() -> None:
    done = called(["query", "ASK {}", "--timeout", "inf"])
    assert (done.status, done.err.splitlines()[-1]) == (
        2,
        "Error: Invalid value for '--timeout': inf is not in the range 0.001<=x<=604800.",
    )


# --- standard input and files -------------------------------------------------------------------------------------
LATIN = "Hypertonie, fr\xfcher".encode("latin-1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resolve", "--system", "cpt"), "Error: stdin: byte 14 is not UTF-8"),
        (("resolve", "-", "--system", "cpt"), "Error: stdin: byte 14 is not UTF-8"),
        (("query", "-"), "Error: stdin: byte 14 is not UTF-8"),
        (("ingest", "-", "--system", "cpt"), "stdin:1: byte 14 is not UTF-8"),
        (("extract", "-", "--system", "cpt"), "stdin:1: byte 14 is not UTF-8"),
        (("compare", "x.jsonl", "--gold", "latin"), "Error: latin: byte 14 is not UTF-8"),
        (("compare", "x.jsonl", "--gold", "pipe"), "Error: pipe: no regular file"),
        (("compare", "x.jsonl", "--gold", "gold.tsv"), "Error: gold.tsv:2: expected start and end"),
        (("ingest", "pipe"), "Error: pipe: expected a folder"),
        (("ingest", "pipe.jsonl"), "Error: pipe.jsonl: no regular file"),
        (("ingest", "pipe.txt", "--system", "cpt"), "pipe.txt: no regular file"),
        (("ingest", "of-pipe"), "Error: of-pipe/notes.csv: no regular file"),
    ],
)
def test_what_is_no_text_is_one_line(place: Path, arguments: tuple[str, ...], said: str) -> None:
    (place / "latin").write_bytes(LATIN)
    (place / "of-pipe").mkdir()
    for name in ("pipe.jsonl", "pipe.txt", "of-pipe/notes.csv"):
        os.mkfifo(place / name)
    done = called(arguments, LATIN)
    assert done.status == 1 and is_one_line_or_an_answer(done)
    assert done.err.startswith(said)
    assert "Hypertonie" not in done.err + done.out


def test_lines_of_stdin_end_as_any_system_ends_them() -> None:
    done = called(["resolve", "--system", "cpt", "--format", "jsonl"], "caf\xe9\r\nCT\rMR\n".encode())
    assert [line[:20].partition(", ")[0] for line in done.out.splitlines()] == [
        '{"query": "caf\xe9"', '{"query": "CT"', '{"query": "MR"',
    ]  # fmt: skip


# --- the environment ----------------------------------------------------------------------------------------------
ASKED = (["patients"], ["ontology", "list"], ["ontology", "search", "CT", "--system", "cpt"], ["export"], ["-h"])


@pytest.mark.parametrize("asked", [*ASKED, ["timeline", "\xe9"], ["retract", "\xe9"], ["ingest", "\xe9"]], ids=str)
def test_terminal_that_knows_ascii_alone_is_printed_to(asked: list[str]) -> None:
    assert is_one_line_or_an_answer(called(asked, encoding="ascii"))


@pytest.mark.parametrize("name", ["\xe9", os.fsdecode(b"caf\xe9"), "a\nb", "\x1b[2J"])
def test_store_of_any_name_is_told_in_one_line(name: str) -> None:
    done = called(["ingest", "x.jsonl", "--system", "cpt", "--store", f"./{name}"], encoding="ascii")
    assert is_one_line_or_an_answer(done)
    assert (done.status, done.out.count("\n"), done.err.count("\n")) in ((1, 1, 2), (1, 0, 1)), done
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("home", ["file.txt", "pipe", "none/of/it", "", "file.txt/x", os.fsdecode(b"caf\xe9"), LONG])
@pytest.mark.parametrize("asked", [["ontology", "list"], ["resolve", "CT", "--system", "cpt"]], ids=str)
def test_home_that_is_none_is_one_line(asked: list[str], home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGBUILD_HOME", home)
    assert is_one_line_or_an_answer(called(asked))


@pytest.mark.parametrize("variables", [{"KGBUILD_STORE": ""}, {"HOME": None}, {"COLUMNS": "1"}, {"TMPDIR": "/none"}])
@pytest.mark.parametrize("asked", [*ASKED, ["export", "--without-text"], ["patients", "-o", "out"]], ids=str)
def test_environment_that_is_odd_is_one_line_or_an_answer(
    asked: list[str], variables: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert is_one_line_or_an_answer(called(asked))
