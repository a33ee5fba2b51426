"""Code systems, tables on disk, and what a malformed table is told."""

import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.cli import main
from ontologies import store
from ontologies.arrays import read_arrays, write_arrays
from ontologies.concept import CodeTable, Concept, TableError
from ontologies.hierarchy import ancestors, cycle, is_within
from ontologies.packed import read_table, write_table
from ontologies.readers.icd10cm import icd10cm_key
from ontologies.readers.tsv import read_tsv
from ontologies.systems import SYSTEMS, concept_iri

LIVER = (
    Concept("icd10cm", "K76", "Other diseases of liver"),
    Concept(
        "icd10cm", "K76.9", "Liver disease, unspecified", ("Hepatic disease NOS", "Leberkrankheit \u00e4"), ("K76",)
    ),
    Concept("icd10cm", "11", "Diseases of the digestive system", assignable=False),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("KGBUILD_HOME", str(folder))
    return folder


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


# --- systems ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("system", "code", "iri"),
    [
        ("icd10cm", "K76.9", "http://hl7.org/fhir/sid/icd-10-cm/K76.9"),
        ("snomedct", "300331000", "http://snomed.info/id/300331000"),
        ("mondo", "MONDO:0005154", "http://purl.obolibrary.org/obo/MONDO_0005154"),
        ("mesh", "D008107", "http://id.nlm.nih.gov/mesh/D008107"),
        ("local", "a b<\u00e4>/#?", "urn:kgbuild:code/a%20b%3C%C3%A4%3E%2F%23%3F"),
    ],
)
def test_iri_of_a_code_is_the_official_one(system: str, code: str, iri: str) -> None:
    assert concept_iri(system, code) == iri


@given(st.text(min_size=1))
def test_iri_holds_no_character_that_an_iri_may_not_hold(code: str) -> None:
    assert not set(concept_iri("local", code)) & set(' <>"{}|\\^`\n\t')


def test_unknown_system_is_told_the_known_ones() -> None:
    with pytest.raises(TableError, match=r"icd11: expected a code system, one of icd10cm, .*local; found 'icd11'"):
        concept_iri("icd11", "1")


# --- tables on disk -----------------------------------------------------------------------------------------------
def test_table_on_disk_equals_its_source(tmp_path: Path) -> None:
    write_table(tmp_path / "t", CodeTable("icd10cm", "2026", LIVER), "key")
    table = read_table(tmp_path / "t")
    assert (table.system, table.release, len(table)) == ("icd10cm", "2026", 3)
    assert tuple(table) == LIVER
    assert dict(table.by_code) == {concept.code: concept for concept in LIVER}
    assert [table.rows[-1], *table.rows[:2]] == [LIVER[2], *LIVER[:2]]
    assert "K76.8" not in table.by_code


def test_table_with_a_parent_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="found that B has parent A"):
        write_table(tmp_path / "t", CodeTable("local", "1", [Concept("local", "B", "b", parents=("A",))]), "key")


def test_damaged_table_is_named_and_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "t"
    write_arrays(path, {"format": 1}, {"numbers": np.arange(1000)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TableError, match=r"t: damaged: expected \d+ bytes, found \d+"):
        read_arrays(path)
    path.write_bytes(b"other")
    with pytest.raises(TableError, match="expected a kgbuild table, found another file"):
        read_arrays(path)


def test_arrays_come_back_as_they_were_and_cannot_be_written(tmp_path: Path) -> None:
    arrays = {"a": np.arange(5, dtype=np.int32), "empty": np.zeros(0, np.float32), "b": np.ones((2, 3), np.bool_)}
    write_arrays(tmp_path / "t", {"said": "x" * 3000, "number": 7}, arrays)
    file = read_arrays(tmp_path / "t")
    assert file.meta == {"said": "x" * 3000, "number": 7}
    for name, array in arrays.items():
        np.testing.assert_array_equal(file.arrays[name], array)
    assert not file.arrays["a"].flags.writeable


# --- hierarchy ----------------------------------------------------------------------------------------------------
def test_ancestors_are_nearest_first_and_each_once() -> None:
    table = CodeTable(
        "local",
        "1",
        [
            Concept("local", "top", "t"),
            Concept("local", "left", "l", parents=("top",)),
            Concept("local", "right", "r", parents=("top",)),
            Concept("local", "low", "o", parents=("left", "right")),
        ],
    )
    assert ancestors(table, "low") == ["left", "right", "top"]
    assert ancestors(table, "top") == []
    assert is_within(table, "low", "top") and is_within(table, "low", "low")
    assert not is_within(table, "top", "low") and not is_within(table, "none", "top")


def test_cycle_is_found_below_a_long_chain_without_recursion() -> None:
    chain = {str(i): [str(i + 1)] for i in range(5000)}
    assert cycle({**chain, "5000": []}) == ()
    assert cycle({**chain, "5000": ["4999"]}) == ("4999", "5000", "4999")


# --- user tables --------------------------------------------------------------------------------------------------
def test_columns_stand_in_any_order_and_display_is_the_name(tmp_path: Path) -> None:
    file = write(
        tmp_path / "t.tsv", "parents\tDisplay\tcode\tsynonyms\n\tLesion\t1\t\n1\tLesion of liver\t2\ta| b ||a\n"
    )
    assert list(read_tsv("local", "1", [file])) == [
        Concept("local", "1", "Lesion"),
        Concept("local", "2", "Lesion of liver", ("a", "b"), ("1",)),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_byte_order_mark_and_missing_last_end_change_nothing(
    tmp_path: Path, end: str, mark: str, last: bool
) -> None:
    file = write(tmp_path / "t.tsv", mark + end.join(["code\tname", "1\tL\u00e4sion", "", "2\tb"]) + end * last)
    assert list(read_tsv("local", "1", [file])) == [Concept("local", "1", "L\u00e4sion"), Concept("local", "2", "b")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("code\tname\n1\ta\n2\n", ":3: expected 2 columns, found 1"),
        ("code\tname\n1\ta\tb\n", ":2: expected 2 columns, found 3"),
        ("code\tname\n\ta\n", ":2: expected a code, found an empty one"),
        ("code\tname\n1\t \n", ":2: expected a name, found an empty one"),
        ("code\tname\n1\ta\n\n1\tb\n", ":4: expected each code once .*, found 1 again, first in .*t.tsv:2"),
        ("code\tname\tcolour\n", ":1: expected a header .*, found 'code', 'name', 'colour'"),
        ("code\tname\tdisplay\n", ":1: expected a header .*, found 'code', 'name', 'display'"),
        ("1\tLesion\n", ":1: expected a header .*, found '1', 'lesion'"),
        ("", ":1: expected a header .*, found ''"),
        ("code\tname\n", "t.tsv: expected at least one code, found no line below the header"),
        ("code\tname\tparents\n1\ta\t2\n", ":2: expected parents that are codes of the table, found 2"),
        ("code\tname\tparents\n1\ta\t1\n", ":2: expected parents without a cycle, found 1 -> 1"),
        ("code\tname\tparents\n1\ta\t2\n2\tb\t3\n3\tc\t2\n", ":3: expected parents without a cycle, found 2 -> 3 -> 2"),
    ],
)
def test_malformed_table_is_told_file_line_expected_and_found(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_tsv("local", "1", [write(tmp_path / "t.tsv", content)])


def test_bytes_that_are_not_utf8_are_told_where(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes(b"code\tname\n1\tok\n2\tL\xe4sion\n")
    with pytest.raises(TableError, match=r"t\.tsv:3: expected UTF-8, found byte 0xe4 after 3 bytes"):
        read_tsv("local", "1", [tmp_path / "t.tsv"])


def test_same_line_in_two_files_is_one_code(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{i}.tsv", f"code\tname\n1\ta\n{i}\tb\n") for i in (2, 3)]
    assert [concept.code for concept in read_tsv("local", "1", files)] == ["1", "2", "3"]


VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\t\n|"), min_size=1, max_size=20).filter(
    lambda value: value == value.strip()
)
ROWS = st.lists(st.tuples(VALUE, VALUE, st.lists(VALUE, max_size=3, unique=True)), min_size=1, unique_by=lambda r: r[0])


@settings(deadline=None)
@given(ROWS)
def test_hostile_strings_survive_file_and_table(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[tuple[str, str, list[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    lines = ["code\tname\tsynonyms", *(f"{code}\t{name}\t{'|'.join(synonyms)}" for code, name, synonyms in rows)]
    table = read_tsv("local", "1", [write(folder / "t.tsv", "\n".join(lines))])
    expected = [Concept("local", code, name, tuple(s for s in synonyms if s != name)) for code, name, synonyms in rows]
    assert list(table) == expected
    write_table(folder / "t.table", table, "key")
    assert list(read_table(folder / "t.table")) == expected
    assert [read_table(folder / "t.table").by_code[concept.code] for concept in expected] == expected


# --- the store ----------------------------------------------------------------------------------------------------
def test_added_table_is_listed_opened_and_removed(tmp_path: Path, home: Path) -> None:
    info = store.add_table(
        "cpt", [write(tmp_path / "t.tsv", "code\tname\tsynonyms\n70450\tCT head\tbrain CT\n")], "2026"
    )
    assert (info.system, info.release, info.codes, info.names, info.is_added) == ("cpt", "2026", 1, 2, True)
    assert info.licence == SYSTEMS["cpt"].licence
    assert info.bytes == (home / "tables/cpt/added.table").stat().st_size
    assert {found.system for found in store.tables()} == {*store.BUILT_IN, "cpt"}
    assert store.open_table("cpt").by_code["70450"].name == "CT head"
    store.remove_table("cpt")
    with pytest.raises(TableError, match="cpt: expected a table, found none; add one: kgbuild ontology add cpt FILE"):
        store.open_table("cpt")
    with pytest.raises(TableError, match="cpt: expected an added table, found none; added are: none"):
        store.remove_table("cpt")


def test_release_of_an_added_table_is_the_hash_of_its_files_if_none_is_given(tmp_path: Path) -> None:
    file = write(tmp_path / "t.tsv", "code\tname\n1\ta\n")
    first, second = store.add_table("local", [file]).release, store.add_table("local", [file]).release
    assert first == second and first.startswith("sha256:")


def test_unused_built_in_table_is_listed_without_being_built(home: Path) -> None:
    found = store.tables()
    assert [info.system for info in found] == [system for system in SYSTEMS if system in store.BUILT_IN]
    assert {(info.codes, info.names, info.bytes, info.is_added) for info in found} == {(None, None, 0, False)}
    assert not home.exists()


def test_folder_is_for_its_user_only(tmp_path: Path, home: Path) -> None:
    store.add_table("local", [write(tmp_path / "t.tsv", "code\tname\n1\ta\n")])
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_added_table_replaces_a_built_in_one_until_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = store.BuiltIn("2026", lambda: "1", lambda: CodeTable("icd10cm", "2026", LIVER))
    monkeypatch.setitem(store.BUILT_IN, "icd10cm", built_in)
    assert len(store.open_table("icd10cm")) == 3
    store.add_table("icd10cm", [write(tmp_path / "t.tsv", "code\tname\nL98.9\tLesion\n")])
    assert [concept.code for concept in store.open_table("icd10cm")] == ["L98.9"]
    assert [info.system for info in store.tables() if info.is_added] == ["icd10cm"]
    store.remove_table("icd10cm")
    assert tuple(store.open_table("icd10cm")) == LIVER


def test_built_in_table_is_read_once_for_each_version_of_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    lines: list[str] = []

    def use(version: str) -> None:
        def read() -> CodeTable:
            reads.append(version)
            return CodeTable("icd10cm", version, LIVER)

        monkeypatch.setitem(store.BUILT_IN, "icd10cm", store.BuiltIn(version, lambda: version, read))
        assert store.open_table("icd10cm", lines.append).release == version

    for version in ("1", "1", "2", "2"):
        use(version)
    assert reads == ["1", "2"]
    assert lines == [f"building the table of ICD-10-CM {version} (once)" for version in ("1", "2")]


def test_damaged_cache_of_a_built_in_table_is_built_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = store.BuiltIn("2026", lambda: "1", lambda: CodeTable("icd10cm", "2026", LIVER))
    monkeypatch.setitem(store.BUILT_IN, "icd10cm", built_in)
    store.open_table("icd10cm")
    path = home / "tables/icd10cm/builtin.table"
    path.write_bytes(path.read_bytes()[:700])
    assert tuple(store.open_table("icd10cm")) == LIVER


def test_malformed_table_leaves_the_earlier_one(tmp_path: Path) -> None:
    store.add_table("local", [write(tmp_path / "a.tsv", "code\tname\n1\ta\n")])
    with pytest.raises(TableError):
        store.add_table("local", [write(tmp_path / "b.tsv", "code\tname\n2\n")])
    assert [concept.code for concept in store.open_table("local")] == ["1"]


# --- by the command line --------------------------------------------------------------------------------------------
Run = Callable[..., tuple[int, str, str]]

OBO = "format-version: 1.2\n\n[Term]\nid: HP:1\nname: a\n{}\n\n[Term]\nid: HP:{}\nname: b\nis_a: HP:1\n"
"""Two terms, the second below the first."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs kgbuild in ``tmp_path``: exit code, what was printed, what was told."""

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["kgbuild", *arguments])
        before = os.umask(0o077)
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:
            os.umask(before)
        return int(left.value.code or 0), *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    return command


@pytest.mark.parametrize(
    ("system", "file", "content", "message"),
    [
        (
            "local", "t.tsv", "code\tname\tparents\nA\ta\tB\nB\tb\tC\nC\tc\tA\n",
            "t.tsv:2: expected parents without a cycle, found A -> B -> C -> A",
        ),
        (
            "local", "t.tsv", "code\tname\tparents\nA\ta\t\nB\tb\tB\n",
            "t.tsv:3: expected parents without a cycle, found B -> B",
        ),
        (
            "local", "t.tsv", "code\tname\nA\tliver\nB\theart\nA\thepar\n",
            "t.tsv:4: expected each code once (other names go into the column synonyms), found A again, "
            "first in t.tsv:2",
        ),
        (
            "hpo", "t.obo", OBO.format("is_a: HP:2", 2),
            "t.obo:3: expected parents without a cycle, found HP:1 -> HP:2 -> HP:1",
        ),
        ("hpo", "t.obo", OBO.format("", 1), "t.obo:8: expected each id once, found HP:1 again, first in t.obo:3"),
    ],
    ids=["cycle", "own parent", "two names of a code", "cycle in OBO", "two names of a term"],
)  # fmt: skip
def test_unusable_table_is_told_in_one_line_and_the_earlier_one_stays(
    run: Run, home: Path, tmp_path: Path, system: str, file: str, content: str, message: str
) -> None:
    write(tmp_path / "earlier.tsv", "code\tname\nHP:9\tfever\n")
    assert run("ontology", "add", system, "earlier.tsv")[0] == 0
    write(tmp_path / file, content)
    before = sorted(home.rglob("*"))
    assert run("ontology", "add", system, file) == (1, "", f"Error: {message}\n")
    assert sorted(home.rglob("*")) == before
    code, out, _ = run("resolve", "fever", "--system", system)
    assert code == 0 and "HP:9" in out


def test_first_table_that_is_unusable_leaves_nothing(run: Run, home: Path, tmp_path: Path) -> None:
    write(tmp_path / "t.tsv", "code\tname\tparents\nA\ta\tA\n")
    assert run("ontology", "add", "local", "t.tsv")[0] == 1
    assert not home.exists()
    code, out, told = run("resolve", "a", "--system", "local")
    assert (code, out) == (1, "") and told.startswith("Error: local: expected a table, found none;")


@pytest.mark.parametrize("header", ["code\tname", "code\tname\tsynonyms"])
def test_table_without_synonyms_resolves(run: Run, tmp_path: Path, header: str) -> None:
    rest = "\t" * (header.count("\t") - 1)
    write(tmp_path / "t.tsv", f"{header}\nA\tyellow fever{rest}\nB\tback pain{rest}\n")
    assert run("ontology", "add", "local", "t.tsv", "--release", "1") == (0, "", "local: 2 codes, 2 names, release 1\n")
    code, out, _ = run("resolve", "pain in the back", "--system", "local", "--format", "jsonl")
    assert code == 0 and '"code": "B"' in out


@pytest.mark.parametrize("names", [("---", "?"), ("the", "of")], ids=["no word", "words that say nothing"])
def test_table_of_which_no_name_has_a_word_is_refused_when_it_is_added(
    run: Run, home: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    write(tmp_path / "t.tsv", "code\tname\nA\t{}\nB\t{}\n".format(*names))
    told = "Error: local 1: expected names with a word or a number, found none\n"
    assert run("ontology", "add", "local", "t.tsv", "--release", "1") == (1, "", told)
    assert not home.exists()


@pytest.mark.parametrize("step", ["fdopen", "replace"])
def test_interrupted_add_leaves_the_earlier_table_and_no_rest(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.add_table("local", [write(tmp_path / "a.tsv", "code\tname\n1\ta\n")])

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(KeyboardInterrupt):
            store.add_table("local", [write(tmp_path / "b.tsv", "code\tname\n2\tb\n")])
    assert [concept.code for concept in store.open_table("local")] == ["1"]
    assert [path.name for path in (home / "tables/local").iterdir()] == ["added.table"]


def test_table_that_is_open_stays_what_it_was_when_it_is_replaced(tmp_path: Path) -> None:
    store.add_table("local", [write(tmp_path / "a.tsv", "code\tname\n1\ta\n")])
    table = store.open_table("local")
    store.add_table("local", [write(tmp_path / "b.tsv", "code\tname\n2\tb\n")])
    assert [concept.code for concept in table] == ["1"]
    assert [concept.code for concept in store.open_table("local")] == ["2"]


def test_concurrent_adds_leave_one_whole_table(tmp_path: Path) -> None:
    files = [
        write(tmp_path / f"{n}.tsv", "code\tname\n" + "".join(f"{n}.{i}\tname {i}\n" for i in range(200)))
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda file: store.add_table("local", [file]), files))
    codes = [concept.code for concept in store.open_table("local")]
    assert codes == [f"{codes[0][0]}.{i}" for i in range(200)]


def test_home_without_the_variable_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KGBUILD_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setattr("sys.platform", "linux")
    assert store.home() == Path("/data/kgbuild")


def test_key_of_icd10cm_names_the_version_of_the_package() -> None:
    assert icd10cm_key().startswith("simple_icd_10_cm 1.")
