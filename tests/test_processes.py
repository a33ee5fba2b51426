"""Processes that work for another end when it ends, however it ends, and say nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kgbuild.processes import processes

ROOT = Path(__file__).parents[1]
SOON = 5.0
"""Seconds in which what was told to end has ended, also on a machine that is busy."""

PROGRAM = """
import sys
from kgbuild.ending import signals_end_in_order
from kgbuild.processes import processes
from tests.test_processes import {work}
with signals_end_in_order(), processes(2) as begin:
    for future in [begin({work}, sys.argv[1]) for _ in range(4)]:
        future.result()
"""


def hum(folder: str) -> None:
    """Work in Python for a minute, once its number is known."""
    _say(folder)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        sum(range(10_000))


def sleep(folder: str) -> None:
    """Wait in the system for a minute, once its number is known."""
    _say(folder)
    time.sleep(60)


def _say(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()


def is_alive(number: int) -> bool:
    """Tell whether a process lives; one that has ended and that nobody has asked about does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{number}/stat")
    with_state = stat.read_text().rpartition(")")[2].split() if stat.exists() else ["R"]
    return with_state[0] != "Z"


def all_end(numbers: set[int]) -> bool:
    """Tell whether processes have all ended soon."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        if not any(map(is_alive, numbers)):
            return True
        time.sleep(0.05)
    return False


@contextmanager
def at_work(folder: Path, work: str) -> Iterator[tuple["subprocess.Popen[str]", set[int]]]:
    """A process that two others work for, and the numbers of these; in a group of their own, as a terminal has it."""
    call = [sys.executable, "-c", PROGRAM.format(work=work), str(folder)]
    numbers: set[int] = set()
    with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
        try:
            while len(numbers) < 2:
                assert parent.poll() is None
                time.sleep(0.02)
                numbers = {int(file.name) for file in folder.iterdir()}
            yield parent, numbers
        finally:
            parent.kill()
            for number in numbers:
                if is_alive(number):
                    os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize("work", ["hum", "sleep"])
def test_workers_end_when_their_parent_is_killed(tmp_path: Path, work: str) -> None:
    with at_work(tmp_path, work) as (parent, workers):
        parent.kill()
        assert all_end(workers)


@pytest.mark.parametrize("is_for_all", [True, False])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_workers_end_at_once_when_a_signal_ends_their_parent(tmp_path: Path, name: str, is_for_all: bool) -> None:
    """A terminal and ``timeout`` send signals to all of them, ``kill`` to one."""
    number = getattr(signal, name)
    with at_work(tmp_path, "sleep") as (parent, workers):
        os.killpg(parent.pid, number) if is_for_all else parent.send_signal(number)
        _, said = parent.communicate(timeout=SOON)
        assert all_end(workers)
    assert (parent.returncode, said) == (128 + number, "")


def test_worker_that_is_killed_is_told_and_the_others_end(tmp_path: Path) -> None:
    with at_work(tmp_path, "sleep") as (parent, workers):
        os.kill(min(workers), signal.SIGKILL)
        _, said = parent.communicate(timeout=SOON)
        assert all_end(workers)
    assert said.splitlines()[-1] == (
        "ChildProcessError: a process that worked for this one was killed, perhaps for want of memory: "
        "try again with --jobs 1"
    )


def test_error_here_ends_workers_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(KeyError), processes(1) as begin:
        begin(sleep, str(tmp_path))
        begin(sleep, str(tmp_path))
        while not list(tmp_path.iterdir()):
            time.sleep(0.02)
        raise KeyError
    assert time.monotonic() - begun < 60
    assert all_end({int(file.name) for file in tmp_path.iterdir()})
