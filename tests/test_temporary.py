"""What a run that ends early leaves: nothing after a signal; after a kill what the next run knows for its own."""

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kgbuild.export import export
from kgbuild.output import opened
from kgbuild.stores.rdf import RdfStore
from kgbuild.temporary import MARK, temporary_folder
from tests.test_shacl import WHOLE

ROOT = Path(__file__).parents[1]

PROGRAM = """
import io, sys, time
from pathlib import Path
from kgbuild.ending import signals_end_in_order
from kgbuild.export import export
from kgbuild.export_tables import write_tables
from kgbuild.output import opened
from kgbuild.stores.folder import new_store
from kgbuild.stores.rdf import RdfStore

class Server:
    "Stands for a store that is copied to be exported; it never comes to an end of its notes."
    def note_ids(self): return ["n1"]
    def note_graphs(self, ids):
        yield from store.note_graphs(ids)
        print("writing", flush=True)
        while True: time.sleep(0.01)

def nodes():
    export(Server(), "nt", io.BytesIO(), with_text=False)
    yield

with RdfStore(Path("kg"), read_only=True) as store, signals_end_in_order():
    with opened(Path("out") / "kg.ttl") as file, new_store(Path("out") / "copy") as copy:
        file.write(b"words of a note"); file.flush()
        store._copy(copy)
        write_tables(nodes(), Path("out") / "csv")
"""
"""Writes all that is written beside its place: a file, a copy of a store, CSV files and, in the folder for temporary
files, a copy to export. It is in the middle of each when it says so."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a store, files of the user's, and folders to write to."""
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
    for name in ("out", "tmp"):
        (tmp_path / name).mkdir()
    for name in (".kg.ttl.backup", f"{MARK}mine", f"{MARK}12345678.ttl"):
        (tmp_path / "out" / name).write_text("the user's own")
    (tmp_path / "out" / f"{MARK}abcdefgh").symlink_to(tmp_path / "out" / ".kg.ttl.backup")
    return tmp_path


@contextmanager
def in_the_middle(place: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {"TMPDIR": str(place / "tmp"), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=place, env=environment, text=True, stdout=-1, stderr=-1
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n", process.communicate()[1]
            assert len(names(place / "out")) == 7 and len(names(place / "tmp")) == 1
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signal_leaves_nothing_half_written(place: Path, name: str) -> None:
    before = names(place / "out")
    with in_the_middle(place) as process:
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=10)
    assert names(place / "out") == before
    assert names(place / "tmp") == []
    assert (process.returncode, said) == (128 + getattr(signal, name), "")


def test_next_run_removes_what_a_kill_left_and_nothing_else(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = names(place / "out")
    with in_the_middle(place) as process:
        process.kill()
        process.wait()
    left = [str(place / "out" / name) for name in names(place / "out") if name not in before]
    assert len(left) == 3
    with opened(place / "out" / "other.ttl"):
        pass
    assert names(place / "out") == sorted([*before, "other.ttl"])
    said = "removed: a run that was killed left it unfinished"
    assert sorted(caplog.messages) == [f"{path}: {said}" for path in left]


def test_copy_that_a_killed_export_left_is_removed_by_the_next(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with in_the_middle(place) as process:
        process.kill()
        process.wait()
    assert len(names(place / "tmp")) == 1
    monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))
    with RdfStore(place / "kg", read_only=True) as store:
        export(store, "nt", io.BytesIO())
    assert names(place / "tmp") == []


def test_what_another_run_is_writing_is_left_alone(place: Path) -> None:
    with in_the_middle(place):
        writing = names(place / "out")
        with opened(place / "out" / "other.ttl"):
            pass
        assert names(place / "out") == sorted([*writing, "other.ttl"])


def test_what_is_removed_is_said_on_stderr_in_one_line(place: Path) -> None:
    left = place / "out" / f"{MARK}left1234"
    left.write_text("words of a note")
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "patients", "--store", str(place / "kg")]
    done = subprocess.run([*call, "-o", str(place / "out" / "p.txt")], cwd=ROOT, capture_output=True, check=False)
    said = f"{left}: removed: a run that was killed left it unfinished\n"
    assert (done.returncode, done.stderr.decode()) == (0, said)


def test_where_there_are_no_locks_age_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on some network drives; on Windows too."""

    def no_locks(*_: object) -> None:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr("fcntl.flock", no_locks)
    for name, days in (("new_file", 0), ("old_file", 2), ("new_fold", 0), ("old_fold", 2)):
        path = tmp_path / f"{MARK}{name}"
        if name.endswith("fold"):
            path.mkdir()
            (path / "kg").touch()
        else:
            path.touch()
        moment = time.time() - days * 86_400
        for file in (*path.rglob("*"), path):
            os.utime(file, (moment, moment))
    with caplog.at_level(logging.WARNING), opened(tmp_path / "kg.ttl"), temporary_folder(tmp_path):
        pass
    assert names(tmp_path) == [f"{MARK}new_file", f"{MARK}new_fold", "kg.ttl"]


def test_runs_that_write_to_one_folder_at_once_all_write(tmp_path: Path) -> None:
    """Each looks for what was left while the others begin to write."""
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for i in range(100):
                with opened(tmp_path / f"{number}-{i}") as file:
                    file.write(b"x")
        except BaseException as error:
            faults.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    assert len(names(tmp_path)) == 400
