"""ICD-10-PCS and ICD-10-CM in the layouts of CMS."""

from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.icd10pcs import is_icd10cm_order, is_icd10pcs, read_icd10cm_order, read_icd10pcs


def order(number: int, code: str, flag: int, short: str, long: str) -> str:
    return f"{number:05} {code:7} {flag} {short:60} {long}"


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


def test_line_of_the_order_file_has_the_published_columns() -> None:
    published = "00001 A00     0 Cholera                                                      Cholera"
    assert order(1, "A00", 0, "Cholera", "Cholera") == published


def test_header_of_icd10pcs_is_a_heading_above_the_codes_that_begin_with_it(tmp_path: Path) -> None:
    file = write(
        tmp_path / "icd10pcs_order_2026.txt",
        order(1, "001", 0, "Invented System, Bypass", "Invented Nervous System, Bypass"),
        order(2, "0016070", 1, "Bypass Inv Ventricle, Open", "Bypass Invented Ventricle, Open Approach"),
        order(3, "0016071", 1, "Bypass Invented Ventricle", "Bypass Invented Ventricle"),
        order(4, "0ZZ0000", 1, "Invented alone", "Invented alone"),
        "",
    )
    assert list(read_icd10pcs("icd10pcs", "2026", [file])) == [
        Concept("icd10pcs", "001", "Invented Nervous System, Bypass", ("Invented System, Bypass",), assignable=False),
        Concept(
            "icd10pcs",
            "0016070",
            "Bypass Invented Ventricle, Open Approach",
            ("Bypass Inv Ventricle, Open",),
            ("001",),
        ),
        Concept("icd10pcs", "0016071", "Bypass Invented Ventricle", (), ("001",)),
        Concept("icd10pcs", "0ZZ0000", "Invented alone"),
    ]


def test_codes_of_icd10cm_get_a_dot_and_the_longest_prefix_as_parent(tmp_path: Path) -> None:
    file = write(
        tmp_path / "icd10cm_order_2026.txt",
        order(1, "S02", 0, "Fracture of skull", "Fracture of skull and facial bones"),
        order(2, "S020", 0, "Fracture of vault", "Fracture of vault of skull"),
        order(3, "S020XXA", 1, "Fx of vault, init", "Fracture of vault of skull, initial encounter"),
        order(4, "I10", 1, "Hypertension", "Essential (primary) hypertension"),
    )
    table = read_icd10cm_order("icd10cm", "2026", [file])
    assert [(concept.code, concept.parents) for concept in table] == [
        ("S02", ()),
        ("S02.0", ("S02",)),
        ("S02.0XXA", ("S02.0",)),
        ("I10", ()),
    ]
    assert all(concept.assignable for concept in table)  # a category is a meaning, as in readers.icd10cm
    assert table.by_code["S02.0XXA"].names == ("Fracture of vault of skull, initial encounter", "Fx of vault, init")


def test_plain_lists_hold_the_same_codes_without_headings(tmp_path: Path) -> None:
    pcs = write(tmp_path / "icd10pcs_codes_2026.txt", "0016070 Bypass Invented Ventricle, Open Approach")
    cm = write(tmp_path / "icd10cm_codes_2026.txt", "A000    Invented cholera", "I10     Invented pressure")
    assert list(read_icd10pcs("icd10pcs", "2026", [pcs])) == [
        Concept("icd10pcs", "0016070", "Bypass Invented Ventricle, Open Approach")
    ]
    assert list(read_icd10cm_order("icd10cm", "2026", [cm])) == [
        Concept("icd10cm", "A00.0", "Invented cholera"),
        Concept("icd10cm", "I10", "Invented pressure"),
    ]


GOOD = order(1, "001", 0, "Invented", "Invented")


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("order.txt", [GOOD, "00002 0016070 1 Bypass"], r"order.txt:2: expected order number 1-5, .* in 22 characters"),
        ("order.txt", [GOOD, order(2, "0016070", 2, "A", "A")], r":2: expected .*, found '00002 0016070 2 A   ' in"),
        ("order.txt", [GOOD, order(2, "001607O", 1, "A", "A")], r":2: expected .* found '00002 001607O 1 A   '"),
        ("order.txt", [order(2, "0016070", 1, "A" * 61, "A")], r":1: expected .* short description 17-76 and long"),
        ("order.txt", [GOOD, "", order(3, "001", 1, "A", "A")], r":3: expected each code once, .* again, .*:1"),
        ("order.txt", [], r"order.txt: expected at least one code of icd10pcs, found none"),
        ("codes.txt", ["0016070 A", "0016071"], r"codes.txt:2: expected code 1-7 and long description from 9, found"),
        ("codes.txt", ["00160701 A"], r":1: expected code 1-7 .*, found '00160701 A' in 10 characters"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(
    tmp_path: Path, name: str, lines: list[str], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read_icd10pcs("icd10pcs", "2026", [write(tmp_path / name, *lines)])


def test_code_of_the_other_system_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "icd10cm_order_2026.txt", order(1, "0016070", 1, "Bypass", "Bypass"))
    with pytest.raises(TableError, match=r":1: expected order number 1-5, .* found '00001 0016070 1 Bypa'"):
        read_icd10cm_order("icd10cm", "2026", [file])


@pytest.mark.parametrize(
    ("name", "is_pcs", "is_cm"),
    [
        ("icd10pcs_order_2026.txt", True, False),
        ("icd10pcs_codes_2026.txt.gz", True, False),
        ("icd10cm-order-2026.txt", False, True),
        ("ICD10CM_codes_2026.TXT", False, True),
        ("icd10pcs_codes_addenda_2026.txt", False, False),
        ("icd10cm_order_addenda_2026.txt", False, False),
        ("icd10pcs_tables_2026.xml", False, False),
        ("codes.txt", False, False),
    ],
)
def test_files_are_known_by_their_names(name: str, is_pcs: bool, is_cm: bool) -> None:
    assert (is_icd10pcs([Path(name)]), is_icd10cm_order([Path(name)])) == (is_pcs, is_cm)


def test_no_files_are_neither() -> None:
    assert (is_icd10pcs([]), is_icd10cm_order([])) == (False, False)
