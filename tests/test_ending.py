"""How commands end: with closed streams, full disks, readers that leave, signals and workers that are killed."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kgbuild.cli import cli
from kgbuild.ending import _TOGETHER
from kgbuild.stores.rdf import RdfStore
from tests.test_cli import commands
from tests.test_processes import SOON, all_end
from tests.test_stores import ROOT, hostile

RUN = [sys.executable, "-c", "from kgbuild.cli import main; main()"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of much more than a pipe holds."""
    path = tmp_path_factory.mktemp("ending")
    (path / "notes").mkdir()
    (path / "notes" / "a.txt").write_text("No fever.")
    with RdfStore(path / "kg", create=True) as store:
        store.put([hostile("x" * 20_000, "y", f"n{i}", "p1") for i in range(20)])
    return path


def shell(place: Path, line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash, in which ``kgbuild`` is the command line."""
    function = f"""kgbuild() {{ '{sys.executable}' -c 'from kgbuild.cli import main; main()' "$@"; }}"""
    call = ["bash", "-c", f"{function}\n{line}"]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(call, cwd=place, env=variables, capture_output=True, text=True, check=False, timeout=60)


# --- closed streams -----------------------------------------------------------------------------------------------
PRINTING = (
    "ingest notes --store new",
    "extract notes",
    "compare notes",
    "resolve fever",
    "patients",
    "timeline p1",
    "trend p1 weight",
    'query "SELECT * { ?s ?p ?o } LIMIT 1"',
    "export",
    "evaluate --help",
    "train joint --help",
    "ontology list",
    "ontology show icd10cm K76",
    "ontology search fever --system icd10cm",
)
SILENT = ("validate n0", "backup -o copy", "retract nobody", "ontology add cpt nothing.tsv", "ontology remove cpt")


def test_every_command_is_tried() -> None:
    tried = {tuple(word for word in line.split() if word.isalpha()) for line in (*PRINTING, *SILENT)}
    assert [path for path, _ in commands(cli) if not any(path == line[: len(path)] for line in tried)] == []


@pytest.mark.parametrize("line", PRINTING)
def test_closed_stdout_is_told_in_one_line(place: Path, line: str) -> None:
    done = shell(place, f"kgbuild {line} >&-")
    assert (done.returncode, told(done.stderr)) == (1, ["Error: stdout: closed"])


@pytest.mark.parametrize("line", ["ingest notes --store new", "patients", "export", "ontology list", "--help"])
def test_full_disk_under_stdout_is_told_in_one_line(place: Path, line: str) -> None:
    done = shell(place, f"kgbuild {line} >/dev/full")
    assert (done.returncode, told(done.stderr)) == (1, ["Error: stdout: No space left on device"])


def told(stderr: str) -> list[str]:
    """The lines but those that sum up, or tell of tables that are built once."""
    return [line for line in stderr.splitlines() if not line.startswith(("icd10cm: ", "building "))]


@pytest.mark.parametrize("line", SILENT)
def test_command_that_prints_nothing_minds_no_closed_stdout(place: Path, line: str) -> None:
    home = str(place / "home")  # of its own, since tables are removed
    expected = shell(place, f"kgbuild {line}; rm -rf copy", KGBUILD_HOME=home)
    done = shell(place, f"kgbuild {line} >&- <&-; rm -rf copy", KGBUILD_HOME=home)
    assert done.stderr == expected.stderr


@pytest.mark.parametrize("line", ["ingest - --store new2", "extract -", "query -", "resolve"])
def test_closed_stdin_is_told_by_who_reads_it(place: Path, line: str) -> None:
    done = shell(place, f"kgbuild {line} <&-")
    assert done.returncode == 1
    assert "stdin: " in done.stderr and "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_stderr_that_takes_nothing_changes_no_exit_status(place: Path, closed: str) -> None:
    assert shell(place, f"kgbuild patients {closed}").returncode == 0
    assert shell(place, f"kgbuild patients --store nowhere {closed}").returncode == 1
    assert shell(place, f"kgbuild patients --nothing {closed}").returncode == 2


def test_file_is_written_whole_though_all_streams_are_closed(place: Path) -> None:
    done = shell(place, "kgbuild export -o a.ttl <&- >&- 2>&-; kgbuild export | cmp - a.ttl")
    assert (done.returncode, done.stderr) == (0, "")


def test_no_file_takes_the_place_of_a_closed_stream(place: Path) -> None:
    code = (
        "import os; from pathlib import Path; from kgbuild.ending import prepare_streams; prepare_streams()\n"
        "from kgbuild.stores.rdf import RdfStore; store = RdfStore(Path('kg'), read_only=True)\n"
        "shown = [os.readlink(f'/proc/self/fd/{i}') for i in range(3)]\n"
        "Path('shown').write_text(' '.join(shown))"
    )
    done = shell(place, f'{sys.executable} -c "{code}" <&- >&- 2>&-')
    assert done.returncode == 0
    assert (place / "shown").read_text().split() == ["/dev/null"] * 3


# --- readers that leave -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("line", ["export", "export -o /dev/stdout", "query 'SELECT * { ?s ?p ?o }' --format json"])
def test_command_whose_reader_leaves_ends_without_a_word(place: Path, line: str, unbuffered: str) -> None:
    done = shell(place, f"kgbuild {line} | head -c 1; exit ${{PIPESTATUS[0]}}", PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr, len(done.stdout)) == (128 + signal.SIGPIPE, "", 1)


def test_reader_of_stderr_that_leaves_is_borne(place: Path) -> None:
    done = shell(
        place, "{ sleep 1; kgbuild patients --store nowhere; echo $? >status; } 2>&1 >/dev/null | true; cat status"
    )
    assert done.stdout.strip() in ("1", str(128 + signal.SIGPIPE))


# --- signals and workers ------------------------------------------------------------------------------------------
@contextmanager
def ingesting(place: Path) -> Iterator[tuple["subprocess.Popen[str]", set[int]]]:
    """An ingest that two workers read for, and that waits for more notes on stdin."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    call = [*RUN, "ingest", "-", "--jobs", "2", "--store", "many"]
    with subprocess.Popen(call, cwd=place, env=environment, text=True, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None
        try:
            process.stdin.writelines(note(i) for i in range(200))
            process.stdin.flush()
            workers: set[int] = set()
            while len(workers) < 2:
                assert process.poll() is None
                time.sleep(0.05)
                workers = {pid for pid in children(process.pid) if "spawn_main" in command_of(pid)}
            yield process, workers
        finally:
            process.kill()


def note(number: int) -> str:
    return json.dumps({"id": f"m{number}", "patient_id": "p", "text": "Severe asthma, no fever. " * 20}) + "\n"


def children(number: int) -> set[int]:
    return {
        int(pid) for task in Path(f"/proc/{number}/task").iterdir() for pid in (task / "children").read_text().split()
    }


def command_of(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().decode()
    except OSError:
        return ""


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are looked for in /proc")


@needs_proc
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_ingest_that_a_signal_ends_leaves_no_worker(place: Path, name: str) -> None:
    number = getattr(signal, name)
    with ingesting(place) as (process, workers):
        process.send_signal(number)
        _, said = process.communicate(timeout=SOON)
        assert all_end(workers)
    if name != "SIGKILL":  # of which multiprocessing, not we, tells
        assert (process.returncode, said.strip()) == (128 + number, "")


@needs_proc
def test_ingest_whose_worker_is_killed_says_so_in_one_line(place: Path) -> None:
    with ingesting(place) as (process, workers):
        os.kill(min(workers), signal.SIGKILL)
        _, said = process.communicate("".join(note(i) for i in range(200, 400)), timeout=60)
        assert all_end(workers)
    assert (process.returncode, said) == (
        1,
        "Error: a process that worked for this one was killed, perhaps for want of memory: try again with --jobs 1\n",
    )


SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")

SLOW_TO_END = """
import time
from kgbuild.ending import signals_end_in_order
with signals_end_in_order():
    try:
        print(1, flush=True)
        time.sleep(60)
    finally:
        print(2, flush=True)
        time.sleep({})
        print(3, flush=True)
"""


@contextmanager
def program(code: str, place: Path) -> Iterator["subprocess.Popen[str]"]:
    """A program that has printed its first line."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", code]
    with subprocess.Popen(call, cwd=place, env=environment, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("name", SIGNALS)
def test_second_signal_ends_at_once(tmp_path: Path, name: str) -> None:
    """Though the first has not been heeded yet, because what is left takes its time."""
    number = getattr(signal, name)
    with program(SLOW_TO_END.format(60), tmp_path) as process:
        process.send_signal(number)
        time.sleep(_TOGETHER + 0.1)
        process.send_signal(number)
        assert process.communicate(timeout=SOON) == ("2\n", "")
    assert process.returncode == 128 + number


def test_signal_that_comes_twice_at_once_is_one(tmp_path: Path) -> None:
    """As from ``timeout``, which sends it to the command and to its group."""
    with program(SLOW_TO_END.format(_TOGETHER), tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "2\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=SOON) == ("3\n", "")
    assert process.returncode == 128 + signal.SIGTERM


DEAF = """
import ctypes
from pathlib import Path
from threading import Timer
from kgbuild import ending
from kgbuild.temporary import temporary_folder, whole_file
ending._PATIENCE = {}
system, lock = ctypes.CDLL(None), ctypes.create_string_buffer(256)
system.pthread_mutex_init(lock, None)
system.pthread_mutex_lock(lock)
with ending.signals_end_in_order(), whole_file(Path("file")), temporary_folder(Path()) as folder:
    (folder / "part").touch()
    Timer(0.2, print, (1,), {{"flush": True}}).start()
    system.pthread_mutex_lock(lock)
"""
"""Is in C code that does not come back, as a database with a damaged file, in the middle of a file and a folder."""

deaf = pytest.mark.skipif(sys.platform == "win32", reason="the lock is one of POSIX")


@deaf
@pytest.mark.parametrize("name", SIGNALS)
def test_second_signal_ends_what_never_comes_back_from_c(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    with program(DEAF.format(60), tmp_path) as process:
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(number)
        time.sleep(_TOGETHER + 0.1)
        assert process.poll() is None
        process.send_signal(number)
        assert process.communicate(timeout=SOON) == ("", "")
    assert process.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


@deaf
def test_time_ends_after_a_signal_what_never_comes_back_from_c(tmp_path: Path) -> None:
    with program(DEAF.format(0.2), tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=SOON) == ("", "")
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(
    "work",
    [
        "type('A', (), {'field': type('B', (), {'__set_name__': lambda *_: come()})()})",
        "try: come()\n    except BaseException: raise ImportError('initialization failed') from None",
        "try: come()\n    except BaseException: raise OSError(5, 'of the signal') from None",
        "try: come()\n    except BaseException: pass",
        "type('A', (), {'__del__': lambda *_: come()})()",
    ],
    ids=["set-name", "import", "told", "lost", "ignored"],
)
def test_signal_gives_its_exit_status_whatever_becomes_of_its_exception(place: Path, work: str, name: str) -> None:
    code = (
        f"import os, signal; from kgbuild.cli import cli, main\n"
        f"def come(): os.kill(os.getpid(), signal.{name})\n"
        f"@cli.command()\ndef odd():\n    {work}\nmain()"
    )
    done = shell(place, f'{sys.executable} -c "{code}" odd')
    assert (done.returncode, done.stderr) == (128 + getattr(signal, name), "")


def test_interrupt_before_the_command_line_has_begun_ends_without_a_word(tmp_path: Path) -> None:
    """In the first library that is imported; the script of the package begins where this does."""
    (tmp_path / "click.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["kgbuild"].partition(":")
    done = shell(tmp_path, f"exec {sys.executable} -c 'from {module} import {function}; {function}()' --help")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_signal_that_nohup_ignores_stays_ignored(place: Path) -> None:
    code = (
        "import os, signal; from kgbuild.ending import signals_end_in_order\n"
        "with signals_end_in_order(): os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    )
    done = shell(place, f'trap "" HUP; {sys.executable} -c "{code}"')
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_handlers_are_as_they_were_afterwards() -> None:
    from kgbuild.ending import signals_end_in_order

    before = signal.getsignal(signal.SIGTERM)
    with signals_end_in_order():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
