"""HCPCS Level II as CMS lays it out; codes and descriptions are invented."""

from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.hcpcs import is_hcpcs, read_hcpcs

CSV = "HCPC,SEQNUM,RECID,LONG DESCRIPTION,SHORT DESCRIPTION,PRICE1,COV,ADD DT,ACT EFF DT,TERM DT,ACTION CD"
TSV = "code\tsystem\tdisplay\tsource_file\tshort_display\ttermination_date"


def first(code: str, name: str, short: str, ended: str = "", kind: str = "3") -> str:
    """Return the first record of a code or modifier, with a coverage code and dates where CMS has them."""
    record = f"{code:>5}00100{kind}{name:80}{short:28}{'00':110}C"
    return f"{record:268}2020010120200101{ended:8}N".ljust(320)


def more(code: str, sequence: int, name: str, kind: str = "4") -> str:
    return f"{code:>5}{sequence:05}{kind}{name}"


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


def test_records_of_a_code_are_joined_and_modifiers_and_ended_codes_left_out(tmp_path: Path) -> None:
    file = write(
        tmp_path / "HCPC2024_APR_ANWEB.txt",
        first("ZA", "Invented modifier that goes on", "Inv modifier", kind="7"),
        more("ZA", 200, "and on", kind="8"),
        first("Z0001", "Invented wheel, made of something, for somebody who can read the whole line", "Inv wheel"),
        more("Z0001", 200, "up to its end, and then".ljust(80)),
        more("Z0001", 300, "some more"),
        first("Z0002", "Invented spoke that is not", "Inv spoke", ended="20231231"),
        more("Z0002", 200, "made any more"),
        first("Z0003", "Invented hub", "Hub, invented, twenty-eight.", ended="00000000"),
        "",
    )
    assert list(read_hcpcs("hcpcs", "April 2024", [file])) == [
        Concept(
            "hcpcs",
            "Z0001",
            "Invented wheel, made of something, for somebody who can read the whole line up to its end, and then "
            "some more",
            ("Inv wheel",),
        ),
        Concept("hcpcs", "Z0003", "Invented hub", ("Hub, invented, twenty-eight.",)),
    ]


def test_lines_without_the_filler_are_the_same_table(tmp_path: Path) -> None:
    line = first("Z0001", "Invented wheel", "Inv wheel")
    whole = write(tmp_path / "a_ANWEB.txt", line)
    trimmed = write(tmp_path / "b_ANWEB.txt", line.rstrip())
    assert len(line.rstrip()) == 293
    assert list(read_hcpcs("hcpcs", "1", [whole])) == list(read_hcpcs("hcpcs", "1", [trimmed]))


def test_csv_form_is_the_same_table(tmp_path: Path) -> None:
    file = write(
        tmp_path / "HCPC2024_APR_ANWEB.csv",
        CSV,
        '"   ZA",0010,7,"Invented modifier","Inv modifier",,C,20200101,20200101,,N',
        'Z0001,0010,3,"Invented wheel, made of something","Inv wheel",00,C,20200101,20200101,,N',
        'Z0001,0020,4,"and on",,,,,,,',
        'Z0002,0010,3,"Invented spoke","Inv spoke",00,C,20200101,20200101,20231231,N',
    )
    assert list(read_hcpcs("hcpcs", "April 2024", [file])) == [
        Concept("hcpcs", "Z0001", "Invented wheel, made of something and on", ("Inv wheel",))
    ]


def test_tsv_form_is_the_same_table(tmp_path: Path) -> None:
    file = write(
        tmp_path / "hcpcs.tsv",
        TSV,
        'Z0001\tHCPCS\tInvented wheel, 3" wide\tANWEB.csv\tInv wheel\t',
        "Z0002\tHCPCS\tInvented spoke\tANWEB.csv\tInv spoke\t20231231",
    )
    assert list(read_hcpcs("hcpcs", "2023", [file])) == [
        Concept("hcpcs", "Z0001", 'Invented wheel, 3" wide', ("Inv wheel",))
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["HCPCS 2024"], r"x.txt:1: expected a line of the fixed-width ANWEB file, or a header with HCPC, RECID, .*"),
        ([first("Z0001", "A", "a"), "Z0002  1003B"], r"x.txt:2: expected code, sequence .* found 'Z0002  1003'"),
        ([first("Z0001", "A", "a"), first("Z0002", "B", "b", kind="5")], r":2: expected code, .* found 'Z0002001005'"),
        ([first("Z0001", "A", "a")[:292]], r":1: expected at least 293 characters, found 292"),
        ([more("Z0001", 200, "A")], r":1: expected the first record .* found '4' of Z0001 after no code"),
        ([first("Z0001", "A", "a"), more("Z0002", 200, "B")], r":2: expected .* found '4' of Z0002 after Z0001"),
        ([first("Z0001", "A", "a"), "", first("Z0001", "B", "b")], r":3: expected each code once, .* again, .*:1"),
        ([first("ZA", "A", "a")], r":1: expected a Level II code such as J1100, found 'ZA'"),
        ([first("Z0001", "", "a")], r":1: expected a code with a name, found 'Z0001' with ''"),
        ([first("Z0001", "A", "a", ended="20231231")], r"x.txt: expected at least one code of hcpcs, found none"),
        ([CSV, "Z0001,0010,3,A"], r":2: expected 11 columns, found 4"),
        ([CSV, "Z0001,0010,9,A,a,,,,,,"], r":2: expected the first record .* found '9' of Z0001"),
        ([CSV, "99999,0010,3,A,a,,,,,,"], r":2: expected a Level II code such as J1100, found '99999'"),
        ([TSV, "Z0001\tHCPCS\tA"], r":2: expected 6 columns, found 3"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_hcpcs("hcpcs", "1", [write(tmp_path / "x.txt", *lines)])


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("HCPC2024_APR_ANWEB.txt", first("ZA", "Invented", "Inv", kind="7"), True),
        ("renamed.TXT", first("Z0001", "Invented", "Inv"), True),
        ("HCPC2024.csv", CSV, True),
        ("HCPC2024.csv", 'HCPC,SEQNUM,RECID,"LONG DESCRIPTION","SHORT DESCRIPTION","TERM DT"', True),
        ("table.tsv", TSV, True),
        ("hcpcs.tsv", "code\tname\tsynonyms", False),
        ("LONGULT.txt", "70450\tInvented", False),
        ("HCPC2024_recordlayout.txt", "", False),
        ("HCPC2024_APR_ANWEB.xlsx", first("Z0001", "Invented", "Inv"), False),
    ],
)
def test_files_are_known_by_their_first_line(tmp_path: Path, name: str, line: str, expected: bool) -> None:
    assert is_hcpcs([write(tmp_path / name, line)]) is expected


def test_no_files_are_not_hcpcs() -> None:
    assert not is_hcpcs([])
