"""The folder of the embedded store: damaged, on read-only media, and for its owner alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from kgbuild import cli_store
from kgbuild.cli import cli
from kgbuild.stores import StoreError, open_store
from kgbuild.stores.folder import LOCK
from kgbuild.stores.rdf import RdfStore
from tests.test_shacl import WHOLE
from tests.test_stores import AGAIN, LESION, OTHER, ROOT, graph

WORDS = "xylographic quillfeather cyst of the mantelpiece"
NOTES = [WHOLE, AGAIN, OTHER, *(graph(f"A [{WORDS} {i}|Sign_symptom].", note=f"s{i}") for i in range(40))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was closed."""
    path = tmp_path_factory.mktemp("whole") / "kg"
    with RdfStore(path, create=True) as store:
        store.put(NOTES)
    return path


# --- damage -------------------------------------------------------------------------------------------------------
def empty_current(kg: Path) -> None:
    (kg / "CURRENT").write_bytes(b"")


def missing_current(kg: Path) -> None:
    (kg / "CURRENT").unlink()


def missing_manifest(kg: Path) -> None:
    next(kg.glob("MANIFEST-*")).unlink()


def missing_table(kg: Path) -> None:
    min(kg.glob("*.sst")).unlink()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("damage", [empty_current, missing_current, missing_manifest, missing_table])
def test_damaged_store_is_named_and_left_as_it_is(
    whole: Path, tmp_path: Path, damage: Callable[[Path], None], read_only: bool
) -> None:
    kg = tmp_path / "kg"
    shutil.copytree(whole, kg)
    damage(kg)
    tables = {file.name for file in kg.glob("*.sst")}
    for _ in range(2):
        with pytest.raises(StoreError) as found:
            open_store(kg, create=not read_only, read_only=read_only)
        assert str(found.value) == damaged(kg)
    assert {file.name for file in kg.glob("*.sst")} == tables


def damaged(path: Path) -> str:
    return f"{path}: damaged: restore a backup, or remove the folder and ingest the notes anew"


def test_flipped_bytes_of_a_table_are_told_in_one_line_whatever_is_done(whole: Path, tmp_path: Path) -> None:
    """In the first block of each table: found when the store is opened, or when what it holds is looked for.

    Not every query: Oxigraph goes on with some until their time is over, as FILTER and ASK pass over what is no answer.
    """
    seen = set()
    for table in sorted(whole.glob("*.sst")):
        for read_only in (True, False):
            kg = tmp_path / f"{table.stem}{read_only}"
            shutil.copytree(whole, kg)
            content = bytearray(table.read_bytes())
            content[:40] = bytes(byte ^ 0xFF for byte in content[:40])
            (kg / table.name).write_bytes(content)
            faults = [str(fault) for fault in everything_done(kg, read_only)]
            assert set(faults) <= {damaged(kg)}, faults
            seen.add((table.name, bool(faults)))
    assert sum(is_told for _, is_told in seen) > 2


def everything_done(kg: Path, read_only: bool) -> Iterator[StoreError]:
    """What goes wrong in opening a store, asking it, copying it and, if it may be, writing."""
    try:
        store = RdfStore(kg, read_only=read_only)
    except StoreError as fault:
        yield fault
        return
    works: list[Callable[[], object]] = [
        store.note_ids,
        store.concepts,
        lambda: store.events("p1"),
        lambda: store.links("p1"),
        lambda: store.fingerprint("n1"),
        lambda: list(store.quads()),
        lambda: list(store.note_graphs(["n1", "s1", "s39"])),
        lambda: store.query("SELECT * { GRAPH ?note { ?s ?p ?o } }"),
        lambda: store.backup(kg.with_name(f"{kg.name}-anew"), rebuild=True),
        lambda: store.backup(kg.with_name(f"{kg.name}-copy")),
    ]
    if not read_only:
        works += [lambda: store.retract("s1"), lambda: store.put([LESION]), lambda: store.retract("n3")]
    for work in [*works, store.close]:
        try:
            work()
        except StoreError as fault:
            yield fault


def test_command_tells_of_damage_in_one_line(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "kg")
    empty_current(tmp_path / "kg")
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "patients", "--store", str(tmp_path / "kg")]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"Error: {damaged(tmp_path / 'kg')}\n")


# --- read-only media ----------------------------------------------------------------------------------------------
@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody may enter, as nobody may enter those of pytest."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        (Path(folder) / "kg").chmod(0o755)


@pytest.mark.parametrize("has_lock", [True, False])
def test_store_on_read_only_media_is_read_and_backed_up(whole: Path, place: Path, has_lock: bool) -> None:
    shutil.copytree(whole, place / "kg")
    if not has_lock:
        (place / "kg" / LOCK).unlink()
    for file in (place / "kg").iterdir():
        file.chmod(0o444)
    (place / "kg").chmod(0o555)
    (place / "out").mkdir()
    (place / "out").chmod(0o777)
    code = (
        "from pathlib import Path; from kgbuild.stores import StoreError; from kgbuild.stores.rdf import RdfStore\n"
        "store = RdfStore(Path('kg'), read_only=True); store.backup(Path('out/copy'))\n"
        "store.backup(Path('out/anew'), rebuild=True)\n"
        "print(len(store.note_ids()), *(len(RdfStore(Path(f'out/{x}')).note_ids()) for x in ('copy', 'anew')))\n"
        "try: RdfStore(Path('kg'))\n"
        "except (StoreError, OSError) as error: print('refused')"
    )
    done = as_nobody(code, place)
    assert (done.stderr, done.stdout.split()) == ("", ["43", "43", "43", "refused"])


def as_nobody(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in a folder as somebody to whom modes of files matter, which they do not to root."""
    become = "import os; os.setgid(65534); os.setuid(65534)\n" if os.geteuid() == 0 else ""
    loaded = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import kgbuild.stores.rdf, kgbuild.stores.graphs\n"
    call = [sys.executable, "-c", loaded + become + code]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


# --- whose it is --------------------------------------------------------------------------------------------------
def test_store_that_others_could_enter_is_closed_to_them_when_it_is_opened_for_writing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        RdfStore(tmp_path / "a" / "kg", create=True).close()
    finally:
        os.umask(before)
    kg = tmp_path / "a" / "kg"
    assert mode(kg) == 0o700
    assert mode(kg / LOCK) == 0o600
    kg.chmod(0o755)
    RdfStore(kg, read_only=True).close()
    assert mode(kg) == 0o755
    RdfStore(kg).close()
    assert mode(kg) == 0o700


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- folders that are not ours ------------------------------------------------------------------------------------
def text_of_the_users(folder: Path) -> None:
    (folder / "CURRENT").write_text("the current state of my project\n")


def name_of_nothing(folder: Path) -> None:
    (folder / "CURRENT").write_text("MANIFEST-000005\n")


def another_database(folder: Path) -> None:
    (folder / "CURRENT").write_text("MANIFEST-000005\n")
    (folder / "MANIFEST-000005").write_bytes(b"not what Oxigraph wrote")


def no_current(folder: Path) -> None:
    (folder / "LOG").write_text("of another program")


COMMANDS = (
    ("ingest", "note.txt"),
    ("patients",),
    ("timeline", "p1"),
    ("trend", "p1", "weight"),
    ("query", "SELECT * { ?s ?p ?o }"),
    ("export", "-o", "out.ttl"),
    ("export", "--format", "csv", "-o", "out"),
    ("validate",),
    ("backup", "-o", "copy"),
    ("backup", "--rebuild", "-o", "copy"),
    ("retract", "n1"),
)


@pytest.mark.parametrize("holding", [text_of_the_users, name_of_nothing, another_database, no_current])
def test_folder_that_is_no_store_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holding: Callable[[Path], None]
) -> None:
    """Its files have the names of those that Oxigraph removes, RocksDB opens, and an interrupted load leaves."""
    (tmp_path / "note.txt").write_text("No fever.")
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o755)
    for name in ("server.log", "000003.log", "000007.sst", "bulk-1.sst", "LOCK", "IDENTITY", "OPTIONS-000004"):
        (folder / name).write_text(f"my {name}")
        (folder / name).chmod(0o644)
    holding(folder)
    before = state(folder)
    assert {command.name for command in cli_store.COMMANDS} < {command[0] for command in COMMANDS}
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        done = CliRunner().invoke(cli, [*command, "--store", "mine"])
        assert isinstance(done.exception, StoreError), command
        assert str(done.exception).startswith("mine: ") and "damaged" not in str(done.exception)
        assert state(folder) == before, command
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine", "note.txt"]


def state(folder: Path) -> dict[str, object]:
    """What a folder holds, byte by byte, with modes and times."""
    found: dict[str, object] = {}
    for file in (folder, *folder.iterdir()):
        facts = file.stat()
        found[file.name] = (facts.st_mode, facts.st_mtime_ns, file.read_bytes() if file.is_file() else b"")
    return found


def test_copy_of_a_store_without_its_lock_file_is_read_and_written_to_only_when_adopted(
    whole: Path, tmp_path: Path
) -> None:
    kg = tmp_path / "kg"
    shutil.copytree(whole, kg)
    (kg / LOCK).unlink()
    kg.chmod(0o755)
    before = state(kg)
    with RdfStore(kg, read_only=True) as store:
        assert len(store.note_ids()) == len(NOTES)
    for create in (True, False):
        with pytest.raises(StoreError, match=f"without the file {LOCK} of a store.*make that file, empty"):
            RdfStore(kg, create=create)
    assert state(kg) == before
    (kg / LOCK).touch()
    with RdfStore(kg) as store:
        assert store.retract("s1")
    assert mode(kg) == 0o700


def test_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    RdfStore(tmp_path, create=True).close()
    assert (tmp_path / LOCK).exists()


@pytest.mark.parametrize("much", [1, 1_000_000])
def test_full_disk_is_told_with_the_store_and_what_was_written_stays(tmp_path: Path, much: int) -> None:
    """By bulk load and by transaction; no file may grow beyond a limit, which is as a full disk."""
    code = (
        "import resource; from pathlib import Path; import kgbuild.stores.rdf as rdf; from kgbuild.cli import main\n"
        "from tests.test_store_folder import NOTES\n"
        f"rdf._MUCH = {much}; store = rdf.RdfStore(Path('kg'), create=True); store.put(NOTES[:2])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "try: store.put(NOTES[2:])\n"
        "except rdf.StoreError as error: print(error)\n"
        "try: store.close()\n"
        "except rdf.StoreError as error: print(error)"
    )
    call = [sys.executable, "-B", "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.splitlines()
    assert told and all(line.startswith("kg: ") and "File too large" in line for line in told)
    with RdfStore(tmp_path / "kg") as store:
        assert store.note_ids() == sorted(graph.note_id for graph in NOTES[:2])
        store.put(NOTES)
        assert len(store.note_ids()) == len(NOTES)
