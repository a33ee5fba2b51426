"""How commands end: with closed streams, full disks, readers that leave, signals and workers that are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kgbuild.cli import cli
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


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_second_signal_ends_at_once(name: str) -> None:
    """Though the first has not been heeded yet, because what is left takes its time."""
    code = (
        "import time; from kgbuild.ending import signals_end_in_order\n"
        "with signals_end_in_order():\n"
        "    try: print(1, flush=True); time.sleep(60)\n"
        "    finally: print(2, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        for line in ("1\n", "2\n"):
            assert process.stdout.readline() == line
            process.send_signal(getattr(signal, name))
        assert process.wait(SOON) == -getattr(signal, name)


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
