"""Code tables and search indexes that were damaged on disk: noticed before anything is answered from them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kgbuild.cli import main
from ontologies import store
from ontologies.arrays import read_arrays, read_meta, write_arrays
from ontologies.concept import CodeTable, Concept, TableError
from ontologies.packed import read_table, write_table
from resolvers.dense import DATA, WordVectors
from resolvers.index import open_resolver
from tests.hanging import ended_after

LIVER = (
    Concept("icd10cm", "K70-K77", "Diseases of liver", assignable=False),
    Concept("icd10cm", "K76", "Other diseases of liver", parents=("K70-K77",)),
    Concept("icd10cm", "K76.0", "Fatty (change of) liver, not elsewhere classified", ("NAFLD",), ("K76",)),
    Concept("icd10cm", "K76.1", "Chronic passive congestion of liver", ("Cardiac cirrhosis",), ("K76",)),
)

ADVICE = "; add the table again: kgbuild ontology add icd10cm FILE"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which the built-in ICD-10-CM has four codes."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KGBUILD_HOME", str(folder))
    built_in = store.BuiltIn("2026", lambda: "1", lambda: CodeTable("icd10cm", "2026", LIVER))
    monkeypatch.setitem(store.BUILT_IN, "icd10cm", built_in)
    return folder


@pytest.fixture
def added(tmp_path: Path, home: Path) -> Path:
    """The file of a user's table of the same codes, beside its index."""
    rows = (f"{c.code}\t{c.name}\t{'|'.join(c.synonyms)}\t{'|'.join(c.parents)}\n" for c in LIVER)
    (tmp_path / "t.tsv").write_text("code\tname\tsynonyms\tparents\n" + "".join(rows), "utf-8")
    store.add_table("icd10cm", [tmp_path / "t.tsv"], "2026")
    open_resolver("icd10cm")
    return home / "tables/icd10cm/added.table"


@pytest.fixture(autouse=True)
def _in_ten_seconds() -> Iterator[None]:
    with ended_after(10):
        yield


def flip(path: Path, bit: int) -> None:
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-70])


def _cut_in_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _zero_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))


def _other(path: Path) -> None:
    path.write_text("code\tname\nK76.0\tFatty liver\n" * 99)


def _older(path: Path) -> None:
    path.write_bytes(b"kgbuild\x01" + path.read_bytes()[8:])


def _other_arrays(path: Path) -> None:
    write_arrays(path, {"said": "so"}, {"numbers": np.arange(9)})


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _forbid(path: Path) -> None:
    path.chmod(0)


def _flip_in_names(path: Path) -> None:
    flip(path, 8 * (path.stat().st_size - 700))


def _swap(path: Path) -> None:
    """Swap two blocks of 64 bytes."""
    content = path.read_bytes()
    blocks = [content[i : i + 64] for i in range(0, len(content), 64)]
    first, second = next((i, j) for i in range(40, len(blocks)) for j in range(40, i) if blocks[i] != blocks[j])
    blocks[first], blocks[second] = blocks[second], blocks[first]
    path.write_bytes(b"".join(blocks))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a flipped bit": _flip_in_names,
    "cut short": _truncate,
    "cut in the header": _cut_in_header,
    "empty": _empty,
    "zeros": _zero,
    "zeros in its second half": _zero_half,
    "swapped blocks": _swap,
    "another file": _other,
    "written by an older version": _older,
    "other arrays": _other_arrays,
    "a pipe": _pipe,
    "unreadable": _forbid,
}

damages = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            damage,
            id=name,
            marks=pytest.mark.skipif(
                (damage is _pipe and not hasattr(os, "mkfifo"))
                or (damage is _forbid and (os.name == "nt" or os.geteuid() == 0)),
                reason="this system has no pipes in folders, or root reads all",
            ),
        )
        for name, damage in DAMAGE.items()
    ],
)


def best(system: str, text: str, lines: list[str]) -> str:
    """Return the best code of a text by the table in use."""
    ((first, *_),) = open_resolver(system, lines.append)([text], 3)
    return first.concept.code


# --- one bit ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".table", ".lexical"])
def test_a_flipped_bit_is_noticed_wherever_it_is(added: Path, suffix: str) -> None:
    path = added.with_suffix(suffix)
    good = path.read_bytes()
    bits = {*range(8 * 24), *np.random.default_rng(13).integers(8 * len(good), size=800).tolist()}
    arrays = read_arrays(path).arrays
    places = [good.find(array.tobytes(), 1024) for array in arrays.values() if array.nbytes]
    bits |= {8 * place for place in places} | {8 * len(good) - 1}
    unnoticed = []
    for bit in sorted(bits):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        try:
            read_arrays(path)
        except TableError as error:
            assert str(error).startswith(f"{path}: ")
        else:
            unnoticed.append(bit)
    assert unnoticed == []


def test_header_alone_is_checked_too(tmp_path: Path) -> None:
    write_arrays(tmp_path / "t", {"release": "April 2026"}, {"numbers": np.arange(9)})
    content = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(content.replace(b"April 2026", b"April 2027"))
    with pytest.raises(TableError, match="t: damaged: its header is not as written"):
        read_meta(tmp_path / "t")


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    write_table(tmp_path / "t", CodeTable("icd10cm", "2026", LIVER), "key")
    content = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(content.replace(b"Fatty", b"Gatty"))
    with pytest.raises(TableError, match=r"t: damaged: names not as written$"):
        read_table(tmp_path / "t")


def test_large_file_is_checked_in_parallel(tmp_path: Path) -> None:
    write_arrays(tmp_path / "t", {}, {name: np.arange(500_000) for name in "abcde"})
    assert read_arrays(tmp_path / "t").arrays["e"][-1] == 499_999
    flip(tmp_path / "t", 8 * 18_000_000)
    with pytest.raises(TableError, match=r"t: damaged: e not as written$"):
        read_arrays(tmp_path / "t")


# --- tables that come with the installation ---------------------------------------------------------------------------
@damages
def test_damaged_cache_of_a_built_in_table_is_built_anew(home: Path, damage: Callable[[Path], None]) -> None:
    assert best("icd10cm", "fatty liver", []) == "K76.0"
    damage(home / "tables/icd10cm/builtin.table")
    lines: list[str] = []
    assert best("icd10cm", "fatty liver", lines) == "K76.0"
    assert lines == ["building the table of ICD-10-CM 2026 (once)"]
    assert best("icd10cm", "fatty liver", lines) == "K76.0"
    assert len(lines) == 1


@damages
def test_damaged_index_of_a_built_in_table_is_built_anew(home: Path, damage: Callable[[Path], None]) -> None:
    assert best("icd10cm", "fatty liver", []) == "K76.0"
    damage(home / "tables/icd10cm/builtin.lexical")
    lines: list[str] = []
    assert best("icd10cm", "fatty liver", lines) == "K76.0"
    assert lines == ["building the search index of icd10cm 2026 (once)"]
    assert best("icd10cm", "fatty liver", lines) == "K76.0"
    assert len(lines) == 1


# --- tables of users --------------------------------------------------------------------------------------------------
@damages
def test_damaged_table_of_a_user_is_told_in_one_line(
    added: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(added)
    monkeypatch.setattr("sys.argv", ["kgbuild", "resolve", "fatty liver", "--system", "icd10cm"])
    with pytest.raises(SystemExit, match="1"):
        main()
    out, told = capsys.readouterr()
    assert out == "" and told.count("\n") == 1
    if damage is _forbid:
        assert told == f"Error: [Errno 13] Permission denied: '{added}'\n"
    else:
        assert told.startswith(f"Error: {added}: ") and told.endswith(f"{ADVICE}\n")


def test_user_whose_table_is_damaged_adds_it_again_or_removes_it(added: Path, tmp_path: Path) -> None:
    flip(added, 9000)
    store.add_table("icd10cm", [tmp_path / "t.tsv"], "2026")
    assert best("icd10cm", "fatty liver", []) == "K76.0"
    _zero(added)
    with pytest.raises(TableError, match=f"added.table: .*{ADVICE}"):
        store.tables()
    store.remove_table("icd10cm")
    assert not store.tables()[0].is_added


@damages
def test_damaged_index_of_a_user_s_table_is_built_anew(added: Path, damage: Callable[[Path], None]) -> None:
    damage(added.with_suffix(".lexical"))
    lines: list[str] = []
    assert best("icd10cm", "fatty liver", lines) == "K76.0"
    assert lines == ["building the search index of icd10cm 2026 (once)"]


def test_table_of_another_system_in_its_place_is_told(added: Path) -> None:
    write_table(added, CodeTable("local", "1", [Concept("local", "A", "fatty liver")]), "key")
    with pytest.raises(TableError, match=f"added.table: expected a table of icd10cm, found one of local{ADVICE}"):
        store.open_table("icd10cm")


# --- what comes with the package ----------------------------------------------------------------------------------
def test_damaged_word_vectors_are_told_in_one_line(tmp_path: Path) -> None:
    content = bytearray(DATA.read_bytes())
    content[2_000_000] ^= 4
    (tmp_path / "vectors.arrays").write_bytes(content)
    with pytest.raises(TableError, match=r"vectors.arrays: damaged: .* not as written; install kgbuild again"):
        WordVectors(tmp_path / "vectors.arrays")


# --- a full disk ------------------------------------------------------------------------------------------------------
WRITTEN = ("added.lexical", "added.table", "builtin.lexical", "builtin.table")
"""Every file that is kept for a code system."""


def test_every_file_that_is_kept_is_among_those_tried_on_a_full_disk(added: Path) -> None:
    added.rename(added.with_suffix(".away"))
    open_resolver("icd10cm")
    added.with_suffix(".away").rename(added)
    found = {path.name for path in added.parents[2].rglob("*") if path.is_file()}
    assert found == set(WRITTEN)


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no sizes of files")
@pytest.mark.parametrize("name", WRITTEN)
def test_full_disk_is_told_with_the_file_that_was_written(
    home: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file may not grow beyond a limit here, which is as a full disk: the write fails."""
    import resource

    (tmp_path / "t.tsv").write_text("code\tname\nK76.0\tFatty liver\n", "utf-8")
    if name.startswith("added"):
        store.add_table("icd10cm", [tmp_path / "t.tsv"], "2026")
    open_resolver("icd10cm")
    (home / "tables/icd10cm" / name).unlink()
    adding = ["ontology", "add", "icd10cm", str(tmp_path / "t.tsv")]
    asking = ["resolve", "fatty liver", "--system", "icd10cm"]
    monkeypatch.setattr("sys.argv", ["kgbuild", *(adding if name == "added.table" else asking)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(SystemExit, match="1"):
            main()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    path = home / "tables/icd10cm" / name
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {path}: File too large"
    assert not path.exists() and not list(path.parent.glob(".tmp-*"))


# --- what a kill leaves -----------------------------------------------------------------------------------------------
KILLED = """
import os, signal
from pathlib import Path
import numpy as np
from ontologies.arrays import write_arrays
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_arrays(Path("t"), {}, {"numbers": np.arange(9)})
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks and signals")
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    root = str(Path(__file__).parent.parent)
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env={"PYTHONPATH": root}, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    write_arrays(tmp_path / "other", {}, {"numbers": np.arange(9)})
    assert [path.name for path in tmp_path.iterdir()] == ["other"] and left.name != "other"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_what_another_is_writing_stays(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / ".tmp-x").write_bytes(b"half")
    writer = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(writer, fcntl.LOCK_SH)
    write_arrays(tmp_path / "t", {}, {"numbers": np.arange(9)})
    assert (tmp_path / ".tmp-x").exists()
    os.close(writer)
    write_arrays(tmp_path / "t", {}, {"numbers": np.arange(9)})
    assert not (tmp_path / ".tmp-x").exists()
