"""Copies of the embedded store: whole, and written anew without the words that the store says no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kgbuild.graph import NoteGraph
from kgbuild.stores import StoreError
from kgbuild.stores.rdf import RdfStore
from kgbuild.without_text import without_text
from tests.test_rdf_endpoint import replace_fingerprint
from tests.test_shacl import WHOLE
from tests.test_stores import OTHER, ROOT, content, graph

WITHDRAWN = "xylographic quillfeather cyst of the mantelpiece"
CHANGED = "brambleworth pain of the left candlestick"
SAID = "thimblerigged fever of the right inkwell"


def note(words: str, name: str) -> NoteGraph:
    return graph(f"A [{words}|Sign_symptom].", note=name)


@pytest.fixture
def forgetting(tmp_path: Path) -> Path:
    """A store that was told a note that was withdrawn, and one that has been put again without its text."""
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([note(WITHDRAWN, "n1"), note(CHANGED, "n2"), note(SAID, "n3"), OTHER])
        store.retract("n1")
        store.put([without_text(replace_fingerprint(note(CHANGED, "n2")))])
    return tmp_path / "kg"


def words_in(folder: Path) -> set[str]:
    """Of which texts a word is somewhere in the bytes of a folder's files, which are compressed where texts repeat."""
    files = [file.read_bytes() for file in folder.iterdir()]
    return {
        text
        for text in (WITHDRAWN, CHANGED, SAID)
        if any(word.encode() in content for word in text.split() if len(word) > 6 for content in files)
    }


@pytest.mark.parametrize("read_only", [True, False])
def test_copy_that_is_written_anew_holds_no_words_that_the_store_says_no_more(
    forgetting: Path, tmp_path: Path, read_only: bool
) -> None:
    with RdfStore(forgetting, read_only=read_only) as store:
        store.backup(tmp_path / "copy")
        store.backup(tmp_path / "anew", rebuild=True)
        kept = content(store)
    assert words_in(tmp_path / "copy") == {WITHDRAWN, CHANGED, SAID}
    assert words_in(tmp_path / "anew") == {SAID}
    for name in ("copy", "anew"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
        with RdfStore(tmp_path / name) as copied:
            assert content(copied) == kept
            assert copied.put([WHOLE]) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["anew", "copy", "kg"]


def test_command_writes_the_copy_anew_while_another_reads(forgetting: Path, tmp_path: Path) -> None:
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "backup", "--store", str(forgetting)]
    with RdfStore(forgetting, read_only=True) as reader:
        kept = content(reader)
        for arguments in (("-o", str(tmp_path / "copy")), ("--rebuild", "-o", str(tmp_path / "anew"))):
            done = subprocess.run([*call, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, f"{forgetting}: copied to {arguments[-1]}\n")
    assert words_in(tmp_path / "anew") == {SAID}
    for name in ("copy", "anew"):
        with RdfStore(tmp_path / name, read_only=True) as copied:
            assert content(copied) == kept


@pytest.mark.parametrize("rebuild", [True, False])
def test_backup_by_a_reader_has_what_is_in_the_log_alone(tmp_path: Path, rebuild: bool) -> None:
    """A writer that was killed leaves notes in the log; Oxigraph's own backup of a store open for reading drops it."""
    code = (
        "import os; from pathlib import Path; from kgbuild.stores.rdf import RdfStore\n"
        "from tests.test_shacl import WHOLE\n"
        f"RdfStore(Path({str(tmp_path / 'kg')!r}), create=True).put([WHOLE]); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with RdfStore(tmp_path / "kg", read_only=True) as store:
        store.backup(tmp_path / "copy", rebuild=rebuild)
        kept = content(store)
    assert len(kept) > 20
    with RdfStore(tmp_path / "copy", read_only=True) as copied:
        assert content(copied) == kept


@pytest.mark.parametrize("rebuild", [True, False])
def test_backup_that_fails_leaves_nothing_behind(
    forgetting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rebuild: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("kgbuild.stores.folder.sync", full)
    with RdfStore(forgetting, read_only=True) as store:
        monkeypatch.setattr(RdfStore, "_write_anew", full)
        with pytest.raises(StoreError, match=r"copy: not backed up: .*No space left on device$"):
            store.backup(tmp_path / "copy", rebuild=rebuild)
        with pytest.raises(StoreError, match=r"nowhere/copy: not backed up: .*No such file or directory"):
            store.backup(tmp_path / "nowhere" / "copy", rebuild=rebuild)
    assert [file.name for file in tmp_path.iterdir()] == ["kg"]
