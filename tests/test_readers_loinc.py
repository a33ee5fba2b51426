"""LOINC in the layout of its release; codes and names are invented."""

from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.loinc import is_loinc, read_loinc

HEADER = (
    '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS","STATUS",'
    '"CONSUMER_NAME","RELATEDNAMES2","SHORTNAME","LONG_COMMON_NAME","DisplayName"'
)
TREE = '"PATH_TO_ROOT","SEQUENCE","IMMEDIATE_PARENT","CODE","CODE_TEXT"'


def row(code: str, component: str, related: str = "", *, status: str = "ACTIVE", long: str = "In blood") -> str:
    values = [code, component, "MCnc", "Pt", "Bld", "Qn", "", "CHEM", status, f"{component}, Blood", related]
    return ",".join(f'"{value}"' for value in [*values, f"{component} Bld-mCnc", long, f"{component} (Bld)"])


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


def test_long_common_name_is_preferred_and_the_other_names_are_synonyms(tmp_path: Path) -> None:
    file = write(
        tmp_path / "Loinc.csv",
        HEADER,
        row("1-8", "Invented sugar", long='Invented sugar, ""sweet"" [Mass/volume] in Blood'),
    )
    assert list(read_loinc("loinc", "2.80", [file])) == [
        Concept(
            "loinc",
            "1-8",
            'Invented sugar, "sweet" [Mass/volume] in Blood',
            ("Invented sugar", "Invented sugar Bld-mCnc", "Invented sugar (Bld)", "Invented sugar, Blood"),
        )
    ]


def test_related_name_is_a_synonym_only_where_it_stands_with_one_component(tmp_path: Path) -> None:
    file = write(
        tmp_path / "Loinc.csv",
        HEADER,
        row("1-8", "Sugar", "Glu; Quantitative; Chemistry"),
        row("2-6", "Sugar^1H post 75 g sugar", "glu; Quantitative; After"),
        row("3-4", "Sugar/Salt", "Glu; Ratio"),
        row("4-2", "Salt", "NaCl;Quantitative; Chemistry; "),
        row("5-9", "Pepper", "Chemistry", status="DEPRECATED"),
    )
    table = read_loinc("loinc", "2.80", [file])
    assert [concept.synonyms[4:] for concept in table] == [("Glu",), ("glu", "After"), ("Glu", "Ratio"), ("NaCl",)]


def test_deprecated_code_is_left_out_and_discouraged_one_is_not_assignable(tmp_path: Path) -> None:
    file = write(
        tmp_path / "Loinc.csv",
        HEADER,
        row("1-8", "Old", status="DEPRECATED"),
        row("2-6", "Worn", status="DISCOURAGED"),
        row("3-4", "Young", status="TRIAL"),
    )
    table = read_loinc("loinc", "2.80", [file])
    assert [(concept.code, concept.assignable) for concept in table] == [("2-6", False), ("3-4", True)]


def test_core_table_needs_no_related_names(tmp_path: Path) -> None:
    file = write(
        tmp_path / "LoincTableCore.csv",
        "LOINC_NUM,COMPONENT,STATUS,SHORTNAME,LONG_COMMON_NAME",
        '1-8,Sugar,ACTIVE,Sugar Bld,"Sugar, in Blood"',
    )
    assert list(read_loinc("loinc", "2.80", [file])) == [
        Concept("loinc", "1-8", "Sugar, in Blood", ("Sugar", "Sugar Bld"))
    ]


def test_value_with_a_line_end_is_one_row(tmp_path: Path) -> None:
    file = write(tmp_path / "Loinc.csv", HEADER, row("1-8", "Sugar", long="Sugar\r\nin Blood"), row("2-6", "Salt"))
    assert [concept.name for concept in read_loinc("loinc", "2.80", [file])] == ["Sugar in Blood", "In blood"]


def test_hierarchy_gives_parents_and_headings(tmp_path: Path) -> None:
    table = write(
        tmp_path / "Loinc.csv",
        HEADER,
        row("1-8", "Sugar"),
        row("2-6", "Old", status="DEPRECATED"),
    )
    tree = write(
        tmp_path / "ComponentHierarchyBySystem.csv",
        TREE,
        '"","1","","LP1-1","{component}"',
        '"LP1-1","1","LP1-1","LP2-9","Sugars"',
        '"LP1-1.LP2-9","1","LP2-9","1-8","Sugar Bld-mCnc"',
        '"LP1-1.LP2-9","2","LP2-9","2-6","Old Bld-mCnc"',
        '"LP1-1","2","LP1-1","LP3-7","Sweet things"',
        '"LP1-1.LP3-7","1","LP3-7","1-8","Sugar Bld-mCnc"',
    )
    rows = list(read_loinc("loinc", "2.80", [tree, table]))
    assert [(concept.code, concept.parents, concept.assignable) for concept in rows] == [
        ("1-8", ("LP2-9", "LP3-7"), True),
        ("LP1-1", (), False),
        ("LP2-9", ("LP1-1",), False),
        ("LP3-7", ("LP1-1",), False),
    ]
    assert [concept.name for concept in rows] == ["In blood", "{component}", "Sugars", "Sweet things"]


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("Loinc.csv", ["LOINC_NUM,COMPONENT,SHORTNAME"], r"Loinc.csv:1: expected a header .* no STATUS, LONG_COMMON_"),
        ("Loinc.csv", [HEADER, row("1-8", "A"), '"2-6","B"'], r"Loinc.csv:3: expected 14 columns, found 2"),
        ("Loinc.csv", [HEADER, row("1-8", "A"), row("1-8", "B")], r":3: expected each code once, found 1-8 .*:2"),
        ("Loinc.csv", [HEADER, row("LP1-1", "A")], r":2: expected a LOINC code such as 2345-7, found 'LP1-1'"),
        ("Loinc.csv", [HEADER, row("1-8", "A", status="DEL")], r":2: expected a status of ACTIVE, .*, found 'DEL'"),
        ("Loinc.csv", [HEADER, row("1-8", "A", long="")], r":2: expected a code with a name, found '1-8' with ''"),
        ("Loinc.csv", [HEADER, row("1-8", "A", status="DEPRECATED")], r"expected at least one code of loinc, found"),
        ("Part.csv", ["PartNumber"], r"expected Loinc.csv or ComponentHierarchyBySystem.csv, found Part.csv"),
        ("MultiAxialHierarchy.csv", [TREE], r"expected Loinc.csv, found only the hierarchy"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(
    tmp_path: Path, name: str, lines: list[str], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read_loinc("loinc", "2.80", [write(tmp_path / name, *lines)])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"","1","","LP1","A"', r"Hierarchy.csv:2: expected a code such as 2345-7 or LP14635-4, found 'LP1'"),
        ('"","1","","LP1-1",""', r"Hierarchy.csv:2: expected a code with a name, found 'LP1-1' with ''"),
    ],
)
def test_malformed_hierarchy_is_told_file_line_expected_and_found(tmp_path: Path, line: str, message: str) -> None:
    table = write(tmp_path / "Loinc.csv", HEADER, row("1-8", "Sugar"))
    with pytest.raises(TableError, match=message):
        read_loinc("loinc", "2.80", [table, write(tmp_path / "MultiAxialHierarchy.csv", TREE, line)])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Loinc.csv"], True),
        (["LoincTableCore.csv.gz", "ComponentHierarchyBySystem.csv"], True),
        (["ComponentHierarchyBySystem.csv"], False),
        (["Loinc.csv", "Part.csv"], False),
        ([], False),
    ],
)
def test_files_are_known_by_their_names(names: list[str], expected: bool) -> None:
    assert is_loinc([Path(name) for name in names]) is expected
