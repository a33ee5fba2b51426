"""An ingest that is killed at any moment, and run again, ends like one that nobody disturbed."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kgbuild.graph import NoteGraph
from kgbuild.stores.mapping import triples
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


def killed(code: str, times: int) -> int:
    """Run a program again and again and kill each at a random moment after it has opened its store; how many were."""
    moments = random.Random(20261126)  # noqa: S311 (moments, no secrets)
    count = 0
    while count < times:
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.15))
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            count += process.wait() == -signal.SIGKILL
    return count


def test_ingest_that_is_killed_twenty_times_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    path = tmp_path / "kg"
    code = (
        "from tests.test_rdf_kill import notes; from kgbuild.stores import open_store\n"
        f"some = list(notes()); store = open_store({str(path)!r}, create=True); print('open', flush=True)\n"
        "for batch in some: store.put(batch)"
    )
    assert killed(code, KILLS) >= KILLS
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
