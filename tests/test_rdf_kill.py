"""An ingest that is killed at any moment, and run again, ends like one that nobody disturbed."""

import contextlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.stores.mapping import iri, triples
from kgbuild.stores.rdf import RdfStore
from tests.test_stores import ROOT, content, graph

KILLS = 20
BATCH = 16


def notes(count: int = 192) -> Iterator[list[NoteGraph]]:
    """Notes of some patients, in batches as ``ingest`` writes them; every fourth is changed as soon as it is there."""
    made = [graph(f"{_text(i)} [lesion|Disease_disorder].", note=f"n{i}", patient=f"p{i % 7}") for i in range(count)]
    again = [
        graph(f"No more {_text(i + 1)}", note=f"n{i}", patient=f"p{i % 7}", fingerprint="f2")
        for i in range(0, count, 4)
    ]
    for i in range(0, count, BATCH):
        yield made[i : i + BATCH]
    yield again


def _text(i: int) -> str:
    return " ".join(f"[pain{(i + j) % 50}|Sign_symptom #m{j}]" for j in range(4))


_PROGRAM = """
import os, pickle, sys, traceback
from pathlib import Path
import kgbuild.stores.endpoint, kgbuild.stores.rdf
from kgbuild.stores import open_store
some = pickle.loads(Path({notes!r}).read_bytes())

def ingest():
    store = {opened}
    print("open", flush=True)
    for batch in some:
        store.put(batch)

for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        try:
            ingest()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def program(folder: Path, opened: str) -> str:
    """A program that puts the notes into a store, a batch after the other, for each line that it is sent.

    Each time in a process of its own, a copy of this one: half a minute of a test was Python starting twenty times. It
    says which process, that the store is open, and how the process ended.
    """
    (folder / "notes.pickle").write_bytes(pickle.dumps(list(notes())))
    return _PROGRAM.format(notes=str(folder / "notes.pickle"), opened=opened)


def killed(program: str, times: int) -> int:
    """Run a program again and again and kill each at a random moment after it has opened its store; how many were."""
    moments = random.Random(20261126)  # noqa: S311 (moments, no secrets)
    count = 0
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None and process.stdout is not None
        while count < times:
            print(file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            assert process.stdout.readline() == "open\n"
            time.sleep(moments.uniform(0, 0.15))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            code = int(process.stdout.readline())
            assert code in (0, -signal.SIGKILL)
            count += code != 0
    return count


@pytest.mark.parametrize("much", [50_000, 1])
def test_ingest_that_is_killed_twenty_times_ends_like_an_undisturbed_one(tmp_path: Path, much: int) -> None:
    """By transactions and, since 1 triple is much then, by bulk loads."""
    path = tmp_path / "kg"
    ingest = f"import kgbuild.stores.rdf; kgbuild.stores.rdf._MUCH = {much}\n"
    ingest += program(tmp_path, f"open_store({str(path)!r}, create=True)")
    assert killed(ingest, KILLS) == KILLS
    whole = {len(triples(one)) for some in notes() for one in some}

    with RdfStore(path, read_only=True) as reader:
        assert {len(list(reader.quads(name))) for name in reader.graphs()} <= whole
    with RdfStore(path) as store:
        assert {store.fingerprint(f"n{i}") for i in range(192)} <= {None, "f1", "f2"}
        for batch in notes():
            store.put(batch)
        resumed = content(store)
    with RdfStore(tmp_path / "calm", create=True) as calm:
        for batch in notes():
            calm.put(batch)
        assert resumed == content(calm)
    assert not list(path.glob("bulk-*.sst"))


# --- power cuts ---------------------------------------------------------------------------------------------------
def as_after_a_power_cut(path: Path, copy: Path, sizes: Mapping[str, int]) -> Path:
    """A copy of a store's folder in which only so much of each log has reached the disk.

    RocksDB merges tables in the background, so the folder is copied until it holds the same files before and after.
    """
    for _ in range(50):
        before = sorted(file.name for file in path.iterdir())
        with contextlib.suppress(shutil.Error):
            shutil.copytree(path, copy)
            if before == sorted(file.name for file in path.iterdir()) == sorted(file.name for file in copy.iterdir()):
                break
        shutil.rmtree(copy)
        time.sleep(0.1)
    else:
        raise AssertionError(f"{path} does not come to rest")
    (copy / "LOCK").unlink(missing_ok=True)
    for log in copy.glob("*.log"):
        os.truncate(log, min(sizes.get(log.name, 0), log.stat().st_size))
    return copy


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How long each file was when the disk was last waited for."""
    sizes: dict[str, int] = {}
    fsync = os.fsync

    def recorded(handle: int) -> None:
        fsync(handle)
        sizes[Path(os.readlink(f"/proc/self/fd/{handle}")).name] = os.fstat(handle).st_size

    monkeypatch.setattr(os, "fsync", recorded)
    return sizes


@pytest.mark.parametrize("much", [1, 1_000_000])
def test_what_was_acknowledged_survives_a_power_cut(
    tmp_path: Path, synced: dict[str, int], monkeypatch: pytest.MonkeyPatch, much: int
) -> None:
    """New notes (by bulk load and by transaction), a changed one and a withdrawn one, when put and retract return."""
    monkeypatch.setattr("kgbuild.stores.rdf._MUCH", much)
    some = next(notes())
    changed = graph("No more [pain|Sign_symptom].", note="n0", patient="p0", fingerprint="f2")
    with RdfStore(tmp_path / "kg", create=True) as store:
        works: list[Callable[[], object]] = [
            partial(store.put, some),
            partial(store.put, [changed]),
            partial(store.retract, "n1"),
        ]
        for i, work in enumerate(works):
            work()
            with RdfStore(as_after_a_power_cut(tmp_path / "kg", tmp_path / f"cut{i}", synced)) as cut:
                assert content(cut) == content(store)
        assert content(store)


def test_power_cut_before_put_returns_leaves_the_old_note_or_the_new_one(tmp_path: Path) -> None:
    old, other = graph("[Pain|Sign_symptom] [lesion|Disease_disorder]."), graph("[Fever|Sign_symptom].", note="n2")
    new = graph("No [cough|Sign_symptom !absent].", fingerprint="f2")
    wholes = []
    for i, graphs in enumerate(([old, other], [new, other])):
        with RdfStore(tmp_path / f"calm{i}", create=True) as calm:
            calm.put(graphs)
            wholes.append(content(calm))
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([old, other])
        store._store.flush()
        store._replace(iri(ids.note("n1")), set(triples(new)))  # what put does before it waits for the disk
        seen = set()
        whole = {file.name: file.stat().st_size for file in (tmp_path / "kg").glob("*.log")}
        newest = max(name for name, size in whole.items() if size)
        for i in range(12):
            torn = whole | {newest: whole[newest] * i // 11}
            with RdfStore(as_after_a_power_cut(tmp_path / "kg", tmp_path / f"cut{i}", torn)) as cut:
                assert content(cut) in wholes
                seen.add(wholes.index(content(cut)))
    assert seen == {0, 1}
