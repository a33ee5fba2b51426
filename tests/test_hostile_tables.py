"""Files that are no code tables, or ones that were made to do harm: one line, soon, and nothing is kept."""

import gzip
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import ontologies.readers
from kgbuild.cli import main
from kgbuild.support import held_words
from ontologies import store
from ontologies.concept import CodeTable, Concept
from ontologies.hierarchy import LEVELS_ABOVE, ancestors
from ontologies.readers import lines
from resolvers.names import name_arrays, rows_within
from tests.hanging import ended_after

TABLE = b"code\tname\nA\tfever\n"
PACKED = gzip.compress(TABLE * 99, mtime=0)

Add = Callable[..., str]


@pytest.fixture(autouse=True)
def _in_twenty_seconds() -> Iterator[None]:
    with ended_after(20):
        yield


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Add:
    """Adds a table that is refused: what was told, without ``Error: `` and the line's end; nothing is kept."""
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def refused(system: str, *files: str) -> str:
        monkeypatch.setattr("sys.argv", ["kgbuild", "ontology", "add", system, *files])
        with pytest.raises(SystemExit, match="1"):
            main()
        out, told = capsys.readouterr()
        assert out == "" and told.startswith("Error: ") and told.endswith("\n")
        line = told.removeprefix("Error: ").removesuffix("\n")
        assert line.isprintable() and len(line) < 1000
        assert not (tmp_path / "home").exists()
        return line

    return refused


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("t.tsv", TABLE)
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.tsv", b"", "t.tsv:1: expected a header"),
        ("t.tsv", b"\0" * 9999, "t.tsv:1: expected a header"),
        ("t.tsv", TABLE.decode().encode("utf-16"), "t.tsv:1: expected UTF-8, found byte 0xff after 0 bytes"),
        ("t.tsv", TABLE.decode().encode("utf-16-le"), "t.tsv:1: expected a header"),
        ("t.tsv", b"\t".join(b"c%d" % i for i in range(1_000_000)), "t.tsv:1: expected a header"),
        ("t.tsv", TABLE + b"\t" * 1_000_000, "t.tsv:3: expected 2 columns, found 1000001"),
        ("t.tsv", TABLE + b"B\t" + b"x" * 40_000_000, "t.tsv:3: expected lines of at most 33554432 bytes"),
        ("t.tsv", TABLE + (b"A" * 999_999 + b"\tx\n") + b"A" * 999_999 + b"\ty", "t.tsv:4: expected each code once"),
        ("t.tsv", TABLE + b"A\x1b[31m\rB\tx\nA\x1b[31m\rB\ty\n", r"t.tsv:4: .*, found A\x1b[31m\rB again"),
        ("t.tsv", TABLE + "A\u2028B\tx\nA\u2028B\ty\n".encode(), r"t.tsv:4: .*, found A\u2028B again"),
        ("t.tsv", TABLE + b" \xc2\xa0\tx\n", "t.tsv:3: expected a code, found an empty one"),
        ("t.tsv", TABLE + b"B\t \n", "t.tsv:3: expected a name, found an empty one"),
        ("t.tsv", zipped(), "t.tsv: expected UTF-8, found a zip archive: unpack it first"),
        ("t.tsv", PACKED, "t.tsv: expected UTF-8, found gzip: let its name end in .gz"),
        ("t.tsv.gz", TABLE, "t.tsv.gz: expected a whole gzip file, found BadGzipFile"),
        ("t.tsv.gz", PACKED[:-9], "t.tsv.gz: expected a whole gzip file, found EOFError"),
        ("t.tsv.gz", PACKED[:-6] + b"\0\0\0\0\0\0", "t.tsv.gz: expected a whole gzip file, found BadGzipFile"),
        ("t.tsv.gz", PACKED[:10] + b"\xff" * 9, "t.tsv.gz: expected a whole gzip file, found error"),
        ("t.tsv.gz", gzip.compress(bytes(40_000_000), 1), "t.tsv.gz:1: expected lines of at most 33554432 bytes"),
        ("t.obo", b"[Term]\nid: A\n" + b"x" * 1_000_000, "t.obo:3: expected TAG: VALUE"),
        ("t.obo", b"[Term]\nname: A\n", "t.obo:1: expected a [Term] with an id"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)  # fmt: skip
def test_file_that_is_no_table_is_told_in_one_line(
    refusal: Add, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    line = refusal("hpo" if name == "t.obo" else "local", name)
    assert re.search(re.escape(message).replace(r"\.\*", ".*"), line), line


def test_gzip_of_more_than_a_table_holds_is_refused(
    refusal: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 1 << 16)
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(TABLE + b"\n" * 5_000_000))
    assert re.match(
        r"t.tsv.gz:\d+: expected gzip of a table, found more than 200 times its size", refusal("local", "t.tsv.gz")
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
@pytest.mark.parametrize(
    ("system", "file"),
    [
        ("local", "t.tsv"), ("local", "t.tsv.gz"), ("local", "t"), ("rxnorm", "RXNCONSO.RRF"), ("umls", "MRCONSO.RRF"),
        ("cpt", "LONGULT.txt"), ("hcpcs", "HCPC2026_JAN_ANWEB.txt"), ("loinc", "Loinc.csv"), ("icd10cm", "CONCEPT.csv"),
        ("icd10pcs", "icd10pcs_order_2026.txt"), ("hpo", "hp.obo"), ("mesh", "desc2026.xml"),
        ("snomedct", "sct2_Concept_Snapshot_INT_20260101.txt"), ("local", "/dev/zero"),
    ],
)  # fmt: skip
def test_pipe_or_device_is_refused_and_not_waited_for(refusal: Add, tmp_path: Path, system: str, file: str) -> None:
    if not file.startswith("/"):
        os.mkfifo(tmp_path / file)
    assert refusal(system, file) == f"{file}: expected a regular file or a folder, found a pipe or device"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
@pytest.mark.parametrize("is_device", [False, True], ids=["pipe", "device"])
@pytest.mark.parametrize(
    ("system", "names"),
    [
        ("icd10cm", ("CONCEPT.csv", "CONCEPT_SYNONYM.csv", "CONCEPT_RELATIONSHIP.csv")),
        (
            "snomedct",
            tuple(f"sct2_{kind}Snapshot{end}INT_20260101.txt" for kind, end in (
                ("Concept_", "_"), ("Description_", "-en_"), ("Relationship_", "_")
            )),
        ),
    ],
)  # fmt: skip
def test_pipe_or_device_in_the_folder_of_a_release_is_refused(
    refusal: Add, tmp_path: Path, system: str, names: tuple[str, ...], is_device: bool
) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    for name in names:
        if is_device:
            (folder / name).symlink_to("/dev/zero")
        else:
            os.mkfifo(folder / name)
    assert refusal(system, "release") == f"release/{names[0]}: expected a regular file, found a pipe or device"


def test_every_reader_opens_files_where_pipes_are_refused() -> None:
    for file in Path(next(iter(ontologies.readers.__path__))).glob("*.py"):
        if file.name not in ("lines.py", "packaged.py"):
            assert not re.search(r"open\(|read_text|read_bytes", file.read_text("utf-8")), file.name


@pytest.mark.parametrize("code", [".", "..", "../..", "/", "A\0B", "A\rB", "A\u2028B", "A" * 10_000], ids=ascii)
def test_odd_codes_are_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    (tmp_path / "t.tsv").write_bytes(f"code\tname\n{code}\tfever\n".encode())
    store.add_table("local", [tmp_path / "t.tsv"])
    assert store.open_table("local").by_code[code].name == "fever"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["home"]


# --- hierarchies --------------------------------------------------------------------------------------------------
def chain(length: int, word: str = "") -> CodeTable:
    """Return codes each of which stands below the one before, under names of different words."""
    return CodeTable(
        "icd10cm",
        "1",
        (Concept("icd10cm", f"{i}", f"lesion x{i}{word}", parents=(f"{i - 1}",) * (i > 0)) for i in range(length)),
    )


def ladder(levels: int) -> CodeTable:
    """Return two codes a level, both below both of the level above: ``2 ** levels`` ways lead up."""
    concepts = (
        Concept("local", f"{i}{side}", f"level {i} {side}", parents=(f"{i - 1}a", f"{i - 1}b") if i else ())
        for i in range(levels)
        for side in "ab"
    )
    return CodeTable("local", "1", concepts)


def test_chain_of_thirty_thousand_parents_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    rows = (f"{i}\tlesion {i}\t{i - 1 if i else ''}\n" for i in range(30_000))
    (tmp_path / "t.tsv").write_text("code\tname\tparents\n" + "".join(rows), "utf-8")
    assert store.add_table("local", [tmp_path / "t.tsv"]).codes == 30_000
    assert len(ancestors(store.open_table("local"), "29999")) == 29_999


def test_cycle_of_thirty_thousand_parents_is_told_in_one_line(refusal: Add, tmp_path: Path) -> None:
    rows = (f"{i}\tlesion {i}\t{(i - 1) % 30_000}\n" for i in range(30_000))
    (tmp_path / "t.tsv").write_text("code\tname\tparents\n" + "".join(rows), "utf-8")
    assert re.match(
        r"t.tsv:2: expected parents without a cycle, found 0 -> 29999 -> .* -> 1 -> 0$", refusal("local", "t.tsv")
    )


def test_index_of_a_chain_grows_with_its_length_alone() -> None:
    arrays = name_arrays(chain(3000, " unspecified"))
    assert np.diff(arrays["context_starts"]).max() == LEVELS_ABOVE + 2  # a word a code, with its own, and "lesion"


def test_codes_below_one_are_found_in_a_chain_and_take_no_time_by_level() -> None:
    length = 30_000
    arrays = {
        "row_parents": np.arange(length - 1, dtype=np.int32),
        "row_parent_starts": np.maximum(np.arange(length + 1) - 1, 0),
    }
    assert np.flatnonzero(rows_within(arrays, [29_000])).tolist() == list(range(29_000, length))
    assert rows_within(arrays, [5]).sum() == length - 5


def test_many_ways_up_are_gone_once() -> None:
    table = ladder(64)
    assert len(ancestors(table, "63a")) == 126
    assert ancestors(table, "63a", 1) == ["62a", "62b"]
    assert len(name_arrays(table)["name_rows"]) == 128
    assert {"63", "62", "31"} <= held_words(table.by_code["63a"], table)
