"""Notes read in several processes come out as they do in one."""

from pathlib import Path

import pytest

from kgbuild.note import Note
from kgbuild.pipeline import BATCH, resolve_notes
from kgbuild.workers import PAYS, Workers, open_workers
from ontologies.store import add_table

TABLE = Path(__file__).parents[1] / "examples" / "tables" / "cpt.tsv"


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workers:
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path))
    add_table("cpt", [TABLE], "example")
    return open_workers(("cpt",), None, 2, lambda line: None)


def test_two_processes_read_as_one_does_and_in_order(workers: Workers) -> None:
    texts = ["CT scan of the chest with contrast.", "No fever. MRI of the brain.", "Asthma since 2015.\n" * 9]
    notes = [Note(f"n{i}", texts[i % 3], f"p{i}") for i in range(BATCH * PAYS + 5)]
    together = list(resolve_notes(notes, workers.setup, workers))
    assert together == list(resolve_notes(notes, workers.setup))
    assert [resolved.note for resolved in together] == notes


def test_a_few_notes_start_no_process(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgbuild.workers.processes", None)
    (resolved,) = resolve_notes([Note("n1", "CT of the chest.", "p1")], workers.setup, workers)
    (resolution,) = resolved.resolutions
    assert (resolution.system, resolution.chunk.base_text, resolution.chunk.text) == ("cpt", "CT", "CT chest")
