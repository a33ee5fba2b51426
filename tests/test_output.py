"""What is printed: whatever ids and texts hold, it neither stops the printing nor steers a terminal."""

import contextlib
import io
import json
import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kgbuild.cli import cli, main
from kgbuild.output import as_json_lines, as_table, opened
from kgbuild.stores.rdf import RdfStore
from tests.test_cli import commands
from tests.test_stores import ROOT, hostile

HALF = "half \udcff a \ud800 pair"
ESCAPES = "red \x1b[31m bell \x07 csi \x9b2J nul \0 del \x7f turned \u202e round \u2066 iso\nnext"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("output") / "kg"
    with RdfStore(path, create=True) as opened_store:
        opened_store.put([hostile(HALF, "x", "n\ud800", "p\udcff"), hostile(ESCAPES, "x", "n2", "p\x1b[2J")])
    return path


def run(store: Path, *arguments: str) -> str:
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *arguments, "--store", str(store)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("asked", [("patients",), ("timeline", "p\udcff"), ("query", "SELECT * { ?s ?p ?o }")])
def test_half_a_surrogate_pair_is_printed_as_its_number(store: Path, asked: tuple[str, ...], form: str) -> None:
    printed = run(store, *asked, "--format", form)
    assert ("p\\udcff" if asked[0] == "patients" else "half \\udcff a \\ud800 pair") in printed
    if form == "json":
        found = json.loads(printed)
        texts = found["events"] if asked[0] == "timeline" else found
        assert any(value in (HALF, "p\udcff") for one in texts for value in one.values())


@pytest.mark.parametrize("asked", [("patients",), ("timeline", "p\x1b[2J"), ("query", "SELECT * { ?s ?p ?o }")])
def test_no_escape_sequence_of_a_note_reaches_a_terminal(store: Path, asked: tuple[str, ...]) -> None:
    printed = run(store, *asked)
    assert "p\ufffd[2J" in printed or "red \ufffd[31m bell \ufffd" in printed
    assert [c for c in printed.replace("\n", "") if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066"] == []


def test_only_tables_are_altered() -> None:
    rows = [{"text": ESCAPES}]
    assert json.loads(as_json_lines(rows, ("text",))) == rows[0]
    assert as_table(rows, ["text"]).splitlines()[1].startswith("red \ufffd[31m bell \ufffd csi \ufffd2J nul \ufffd")
    assert as_table([], ["a\x1bb"]) == "a\ufffdb"


def test_extracted_note_with_half_a_surrogate_pair_is_a_json_line(tmp_path: Path) -> None:
    note = {"id": "n1", "patient_id": "p1", "text": "Severe asthma \ud800."}
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "extract", "-"]
    done = subprocess.run(call, cwd=tmp_path, input=json.dumps(note).encode(), capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1 or json.loads(done.stdout)["note"]["text"] == note["text"]


def test_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    """A file may not grow beyond a limit here, which is as a full disk: the write fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as full, opened(tmp_path / "kg.ttl") as out:
            out.write(b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert full.value.filename == str(tmp_path / "kg.ttl")
    assert list(tmp_path.iterdir()) == []


# --- what is no file ----------------------------------------------------------------------------------------------
def kgbuild(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def asked(store: Path) -> tuple[str, ...]:
    return ("patients", "--store", str(store))


def test_pipe_is_written_to_and_stays_a_pipe(asked: tuple[str, ...], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        done = kgbuild(tmp_path, *asked, "-o", "pipe")
        read = reader.communicate()[0]
    assert (done.returncode, done.stderr, read) == (0, "", kgbuild(tmp_path, *asked).stdout)
    assert (stat.S_ISFIFO(pipe.stat().st_mode), pipe.stat().st_mode & 0o777) == (True, 0o644)


@pytest.mark.parametrize("through_link", [True, False])
@pytest.mark.parametrize(
    ("number", "said"), [(3, ""), (7, "Error: {}: No space left on device\n")], ids=["null", "full"]
)
def test_device_is_written_to_and_stays_one(
    asked: tuple[str, ...], tmp_path: Path, number: int, said: str, through_link: bool
) -> None:
    """Devices made here: a fault would have root replace the machine's own /dev/null."""
    device = tmp_path / "device"
    try:
        os.mknod(device, stat.S_IFCHR | 0o644, os.makedev(1, number))
        device.open("wb").close()
    except PermissionError:
        device = Path("/dev/null" if number == 3 else "/dev/full")  # which who may make none cannot replace either
    before = device.stat()
    target = device
    if through_link:
        target = tmp_path / "link"
        target.symlink_to(device)
    done = kgbuild(tmp_path, *asked, "-o", str(target))
    assert (done.returncode, done.stderr) == (int(bool(said)), said.format(target))
    after = device.stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_mode, after.st_rdev, after.st_ino) == (before.st_mode, before.st_rdev, before.st_ino)


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_file_behind_stdout_is_neither_begun_anew_nor_replaced(
    asked: tuple[str, ...], tmp_path: Path, target: str
) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    with (tmp_path / "out.txt").open("w") as out:
        for text in ("before\n", "after\n"):
            out.write(text)
            out.flush()
            call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *asked, "-o", target]
            done = subprocess.run(
                call, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=out, check=False
            )
            assert done.returncode == 0
    table = kgbuild(tmp_path, *asked).stdout
    assert (tmp_path / "out.txt").read_text() == f"before\n{table}after\n{table}"


def test_no_file_that_kgbuild_itself_has_open_is_written_to(
    asked: tuple[str, ...], store: Path, tmp_path: Path
) -> None:
    before = {file.name: file.read_bytes() for file in store.iterdir() if file.name != "LOG"}
    for number in (3, 4, 5, 9, 15, 999_999_999):
        done = kgbuild(tmp_path, *asked, "-o", f"/dev/fd/{number}")
        assert (done.returncode, done.stderr) == (1, f"Error: /dev/fd/{number}: Bad file descriptor\n")
    assert {file.name: file.read_bytes() for file in store.iterdir() if file.name != "LOG"} == before


def test_link_stays_and_what_it_leads_to_is_written_whole(asked: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "there.txt").write_text("old")
    for name, target in (("link", "next"), ("next", "far/there.txt"), ("dangling", "far/new.txt")):
        (tmp_path / name).symlink_to(target)
    inode = (tmp_path / "far" / "there.txt").stat().st_ino
    table = kgbuild(tmp_path, *asked).stdout
    for name, place in (("link", "there.txt"), ("dangling", "new.txt")):
        assert kgbuild(tmp_path, *asked, "-o", name).returncode == 0
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "far" / place).read_text() == table
        assert (tmp_path / "far" / place).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "far" / "there.txt").stat().st_ino != inode  # replaced, not written in place
    assert sorted(file.name for file in (tmp_path / "far").iterdir()) == ["new.txt", "there.txt"]


WRITING = (("patients",), ("export", "--format", "csv"), ("backup",), ("backup", "--rebuild"))


@pytest.mark.parametrize("command", WRITING)
def test_folder_is_made_where_a_dangling_link_leads(store: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "link").symlink_to("target")
    done = kgbuild(tmp_path, *command, "--store", str(store), "-o", "link")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link", "target"]


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("loop", "Too many levels of symbolic links"),
        ("nowhere/out", "No such file or directory"),
        ("file/out", "Not a directory"),
        ("closed/out", "Permission denied"),
        ("folder", "Is a directory|is there already"),
        ("kg/CURRENT", "is a store, where nothing else is written|is there already"),
        ("kg/new", "is a store, where nothing else is written"),
    ],
)
def test_target_that_cannot_be_written_is_told_in_one_line(
    store: Path, tmp_path: Path, command: tuple[str, ...], target: str, why: str
) -> None:
    if target.startswith("closed") and os.geteuid() == 0:
        pytest.skip("root may write to every folder")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "closed").mkdir(mode=0o500)
    (tmp_path / "kg").symlink_to(store)
    before = {file.name: file.stat().st_mtime_ns for file in store.iterdir()}
    done = kgbuild(tmp_path, *command, "--store", str(store), "-o", target)
    assert done.returncode == 1
    assert re.fullmatch(f"Error: {target}: .*({why}).*\n", done.stderr)
    assert {file.name: file.stat().st_mtime_ns for file in store.iterdir()} == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["closed", "file", "folder", "kg", "loop"]


# --- what a command reads -----------------------------------------------------------------------------------------
def in_process(*arguments: str) -> tuple[int, str]:
    """Call the command line in this process; return its exit status and what it told."""
    told = io.StringIO()
    umask = os.umask(0o077)
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(told):
            patch.setattr("sys.argv", ["kgbuild", *arguments])
            with pytest.raises(SystemExit) as end:
                main()
    finally:
        os.umask(umask)
    return int(end.value.code or 0), told.getvalue()


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with notes, a model, a corpus and code tables, links to some, and nothing that can be read."""
    (tmp_path / "notes").mkdir()
    for name in ("model", "corpus", "home/tables/cpt"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "inside.txt").write_text("mine")
    for name in ("notes/a.txt", "notes/listed.md", "notes.jsonl", "gold.tsv", "far.txt", "single.txt"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "notes/notes.csv").write_text("file\na.txt\nlisted.md\nabsent.md\n")
    (tmp_path / "notes/far.txt").symlink_to(tmp_path / "far.txt")
    (tmp_path / "link").symlink_to("notes.jsonl")
    (tmp_path / "hard").hardlink_to(tmp_path / "notes.jsonl")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


FILES_READ = [
    *(f"extract notes.jsonl -o {name}" for name in ("notes.jsonl", "./link", "hard", "../{}/notes.jsonl")),
    *(f"extract notes -o notes/{name}" for name in ("a.txt", "notes.csv", "listed.md", "absent.md", "far.txt")),
    *(f"extract notes -o {name}" for name in ("far.txt", "notes/new.txt", "notes/sub/NEW.TXT")),
    *(f"extract single.txt -o {name}" for name in ("single.txt", "notes.csv")),
    "extract notes.jsonl --model model -o model/inside.txt",
    "extract notes.jsonl -o home/tables/cpt/inside.txt",
    "compare notes.jsonl -o notes.jsonl",
    "compare notes.jsonl --gold gold.tsv -o gold.tsv",
    "evaluate model brat corpus -o model/new.txt",
    "evaluate model brat corpus -o corpus/inside.txt",
    "evaluate model brat corpus --test single.txt -o single.txt",
    "train joint brat corpus -o corpus",
    "patients -o home/tables/cpt/inside.txt",
    "resolve fever -o home/tables/cpt/new.txt",
]


@pytest.mark.parametrize("line", FILES_READ)
def test_output_is_no_file_that_is_read(inputs: Path, line: str) -> None:
    arguments = line.format(inputs.name).split()
    before = contents(inputs)
    status, told = in_process(*arguments)
    assert (status, told.count("\n")) == (1, 1)
    assert told.startswith(f"Error: {Path(arguments[-1])}: ") and " is read" in told, told
    assert contents(inputs) == before


def with_outputs() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the commands that write where they are told."""
    for path, command in commands(cli):
        if any("--output" in parameter.opts for parameter in command.params):
            yield path, command


@pytest.mark.parametrize(
    ("path", "command", "parameter"),
    [
        pytest.param(path, command, parameter, id=f"{' '.join(path)} {parameter.name}")
        for path, command in with_outputs()
        for parameter in command.params
        if isinstance(parameter.type, click.Path) and parameter.name != "target"
    ],
)
def test_whatever_is_given_to_be_read_is_not_written(
    inputs: Path, path: tuple[str, ...], command: click.Command, parameter: click.Parameter
) -> None:
    required = {"notes": "notes.jsonl", "model": "model", "corpus": "brat", "path": "corpus"}
    is_folder = not parameter.type.file_okay  # type: ignore[attr-defined]  # a click.Path
    given = "model" if is_folder else "single.txt"
    options: list[str] = []
    places: list[str] = []
    for one in command.params:
        value = given if one is parameter else required.get(str(one.name)) if one.required else None
        if value is not None and one.name != "target":
            (places if isinstance(one, click.Argument) else options).extend(
                [value] if isinstance(one, click.Argument) else [one.opts[0], value]
            )
    before = contents(inputs)
    target = "model/inside.txt" if is_folder and path[0] != "train" else given
    status, told = in_process(*path, *options, *places, "-o", target)
    assert (status, contents(inputs)) == (1, before)
    assert "is read" in told and told.count("\n") == 1, told


def test_every_output_is_checked() -> None:
    for path, command in with_outputs():
        assert hasattr(command.callback, "__wrapped__"), path


@pytest.mark.parametrize("line", ["extract - -o notes.jsonl", "query - -o notes.jsonl", "extract - -o -"])
def test_file_behind_stdin_is_not_written(inputs: Path, line: str) -> None:
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *line.split()]
    with (inputs / "notes.jsonl").open("rb") as stdin, (inputs / "notes.jsonl").open("ab") as out:
        done = subprocess.run(
            call,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=stdin,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, (inputs / "notes.jsonl").read_text()) == (1, "mine")
    assert b": is read by this command: write to another file" in done.stderr


@pytest.mark.parametrize("target", ["notes/out.jsonl", "notes/.hidden.txt", "out.txt", "-"])
def test_other_files_are_written_beside_notes(inputs: Path, target: str) -> None:
    status, told = in_process("extract", "notes", "--model", "model", "-o", target)
    assert status == 1 and "is read" not in told and "model" in told


@pytest.mark.parametrize("command", [("extract",), ("compare",)])
def test_good_file_stays_where_no_note_can_be_read(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "notes.jsonl").write_text('{"id": "a", "text": ""}\n')
    (tmp_path / "out").write_text("good")
    done = kgbuild(tmp_path, *command, "notes.jsonl", "-o", "out")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "Error: 1 note could not be read")
    assert (tmp_path / "out").read_text() == "good"


@pytest.mark.parametrize("target", ["out/", "out/."])
@pytest.mark.parametrize("command", [*WRITING[:1], ("export",), ("query", "ASK {}")])
def test_name_of_a_folder_is_no_file(store: Path, inputs: Path, command: tuple[str, ...], target: str) -> None:
    before = contents(inputs)
    assert in_process(*command, "--store", str(store), "-o", target) == (1, f"Error: {target}: Is a directory\n")
    assert contents(inputs) == before
    assert in_process("export", "--format", "csv", "--store", str(store), "-o", "out/") == (0, "")


@pytest.mark.parametrize("format", ["turtle", "graphml", "csv", "without text", "backup", "rebuild", "extract"])
def test_full_disk_is_told_with_the_file_by_everything_that_writes(store: Path, tmp_path: Path, format: str) -> None:
    arguments = {
        "backup": ["backup", "--store", str(store)],
        "rebuild": ["backup", "--rebuild", "--store", str(store)],
        "extract": ["extract", "notes.txt"],
        "without text": ["export", "--without-text", "--store", str(store)],
    }.get(format, ["export", "--format", format, "--store", str(store)])
    (tmp_path / "notes.txt").write_text("No fever. " * 50)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        f"import sys; sys.argv[1:] = {[*arguments, '-o', 'out.kg']!r}; from kgbuild.cli import main; main()"
    )
    (tmp_path / "temporary").mkdir()
    named = f"{tmp_path}/temporary: the copy that export makes there" if format == "without text" else "out.kg"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
    call = [sys.executable, "-B", "-c", code]
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(f"Error: {named}: .*File too large\n", done.stderr), done.stderr
    assert ".kgbuild-unfinished-" not in done.stderr
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["notes.txt", "temporary"]
