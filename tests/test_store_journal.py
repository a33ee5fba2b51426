"""Damage to the logs of a store: told in one line before the database is opened, which would say nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kgbuild.stores import StoreError
from kgbuild.stores.journal import JOURNAL
from kgbuild.stores.rdf import RdfStore
from tests.test_stores import graph

NOTES = [graph("Severe [asthma|Disease_disorder].", note=f"n{i}") for i in range(5)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a process leaves it that is killed after three writes: what they said is in the log alone."""
    folder = tmp_path_factory.mktemp("killed")
    with RdfStore(folder / "kg", create=True) as store:
        for note in NOTES[:3]:
            store.put([note])
        copied(folder / "kg", folder / "copy")
    return folder / "copy"


def copied(path: Path, copy: Path) -> Path:
    shutil.copytree(path, copy)
    (copy / "LOCK").unlink(missing_ok=True)
    return copy


def newest(path: Path, pattern: str) -> Path:
    return max(file for file in path.glob(pattern) if file.stat().st_size)


def flipped(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 4
    file.write_bytes(content)


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


DAMAGES: dict[str, Callable[[Path], object]] = {
    "one bit of the log": lambda path: flipped(log := newest(path, "*.log"), log.stat().st_size // 3),
    "the log is cut": lambda path: newest(path, "*.log").write_bytes(newest(path, "*.log").read_bytes()[:-1000]),
    "the log is emptied": lambda path: newest(path, "*.log").write_bytes(b""),
    "the log is gone": lambda path: newest(path, "*.log").unlink(),
    "the manifest is cut": lambda path: newest(path, "MANIFEST-*").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("read_only", [True, False])
def test_damaged_log_is_told_and_nothing_is_deleted(
    killed: Path, tmp_path: Path, damage: Callable[[Path], object], read_only: bool
) -> None:
    path = copied(killed, tmp_path / "kg")
    damage(path)
    before = content(path)
    with pytest.raises(StoreError, match="kg: damaged: restore a backup"):
        RdfStore(path, read_only=read_only)
    assert content(path) == before


def test_any_flipped_bit_of_the_manifest_is_told(killed: Path, tmp_path: Path) -> None:
    """One of some thirty keeps RocksDB from ever returning, so the file is looked at before it is opened."""
    path = copied(killed, tmp_path / "kg")
    manifest = newest(path, "MANIFEST-*")
    whole = manifest.read_bytes()
    for at in range(3, len(whole), len(whole) // 40):
        flipped(manifest, at)
        with pytest.raises(StoreError, match="damaged"):
            RdfStore(path, read_only=True)
        manifest.write_bytes(whole)
    with RdfStore(path, read_only=True) as store:
        assert store.note_ids() == ["n0", "n1", "n2"]


def test_undamaged_store_that_was_killed_goes_on(killed: Path, tmp_path: Path) -> None:
    path = copied(killed, tmp_path / "kg")
    for number in (3, 4):
        with RdfStore(path) as store:
            store.put([NOTES[number]])
        with RdfStore(path, read_only=True) as store:
            assert store.note_ids() == [f"n{i}" for i in range(number + 1)]


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"000004.log": 1}', b'{"000004.log": ["x", 2]}'])
def test_half_written_journal_says_nothing(killed: Path, tmp_path: Path, said: bytes) -> None:
    path = copied(killed, tmp_path / "kg")
    (path / JOURNAL).write_bytes(said)
    with RdfStore(path, read_only=True) as store:
        assert store.note_ids() == ["n0", "n1", "n2"]


def test_journal_is_of_all_logs_and_of_the_manifest(killed: Path) -> None:
    said = json.loads((killed / JOURNAL).read_bytes())
    assert {name: length for name, (length, _) in said.items()} == {
        file.name: file.stat().st_size for pattern in ("*.log", "MANIFEST-*") for file in killed.glob(pattern)
    }
