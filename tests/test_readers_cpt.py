"""CPT from the AMA's data files; every descriptor here is invented."""

from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.cpt import is_cpt, read_cpt

NOTICE = (
    "Invented notice, with years such as 2026 and\r\n"
    "numbers such as 60611-5885.\r\n"
    "\r\n"
    "\tTo license the invented descriptors, write to nobody.\r\n"
    "\r\n"
)
CONSOLIDATED = (
    "Concept Id\tCPT Code\tLong\tMedium\tShort\tConsumer\tSpanish Consumer\tCurrent Descriptor Effective Date\t"
    "Test Name\tLab Name\tManufacturer Name"
)


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


def test_long_descriptor_is_the_name_and_the_others_are_synonyms_as_written(tmp_path: Path) -> None:
    short = write(tmp_path / "SHORTU.txt", NOTICE, "70450 INVENTED HEAD", "0999U INVENTED LAB")
    medium = write(tmp_path / "MEDU.txt", NOTICE, "70450 INVENTED PICTURE HEAD W/O DYE".ljust(106))
    long = write(tmp_path / "LONGULT.txt", NOTICE, "70450\tInvented picture of a head; without dye")
    assert list(read_cpt("cpt", "2026", [short, medium, long])) == [
        Concept(
            "cpt",
            "70450",
            "Invented picture of a head; without dye",
            ("INVENTED PICTURE HEAD W/O DYE", "INVENTED HEAD"),
        ),
        Concept("cpt", "0999U", "INVENTED LAB"),
    ]


def test_upper_case_form_of_the_long_descriptor_adds_no_name(tmp_path: Path) -> None:
    upper = write(tmp_path / "LONGUT.txt", "71045\tINVENTED PICTURE OF A CHEST")
    long = write(tmp_path / "LONGULT.txt", "71045\tInvented picture of a chest")
    assert list(read_cpt("cpt", "2026", [upper, long])) == [Concept("cpt", "71045", "Invented picture of a chest")]


def test_consumer_and_clinician_descriptors_are_synonyms(tmp_path: Path) -> None:
    files = [
        write(
            tmp_path / "ClinicianDescriptor.txt",
            "Concept Id\tCPT Code\tClinician Descriptor Id\tClinician Descriptor",
            "1\t47000\t11\tInvented needle, left",
            "1\t47000\t12\tInvented needle, right",
        ),
        write(
            tmp_path / "Consumer Friendly Descriptor.txt",
            NOTICE,
            "Concept Id\tCPT Code\tConsumer Friendly Descriptor",
            "1\t47000\tInvented needle for everyone",
        ),
        write(tmp_path / "LONGULT.txt", "47000\tInvented needle in a liver"),
    ]
    assert list(read_cpt("cpt", "2026", files)) == [
        Concept(
            "cpt",
            "47000",
            "Invented needle in a liver",
            ("Invented needle for everyone", "Invented needle, left", "Invented needle, right"),
        )
    ]


def test_consolidated_list_gives_all_names_of_a_code(tmp_path: Path) -> None:
    file = write(
        tmp_path / "ConsolidatedCodeList.txt",
        NOTICE,
        CONSOLIDATED,
        "1\t76700\tInvented sound of a belly\tINVENTED SOUND\tINV SND\tBelly sounds\tSonidos\t20260101\t\t\t",
        "2\t0999T\tInvented trial\t\t\t\t\t\t\t\t",
    )
    assert list(read_cpt("cpt", "2026", [file])) == [
        Concept("cpt", "76700", "Invented sound of a belly", ("INVENTED SOUND", "INV SND", "Belly sounds")),
        Concept("cpt", "0999T", "Invented trial"),
    ]


@pytest.mark.parametrize("code", ["70450", "3324F", "0999T", "0999U", "0999M", "0999A"])
def test_codes_of_every_category_are_read(tmp_path: Path, code: str) -> None:
    table = read_cpt("cpt", "2026", [write(tmp_path / "LONGULT.txt", NOTICE, f"{code}\tInvented")])
    assert list(table.by_code) == [code]


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "LONGULT.txt",
            ["Notice", "70450\tInvented", "7045\tInvented"],
            r"LONGULT.txt:3: expected a CPT code and its ",
        ),
        ("LONGULT.txt", ["70450\tInvented", "70450X\tInvented"], r":2: expected .* found '70450X\\tInvented'"),
        ("MEDU.txt", ["70450 INVENTED", "", "71045"], r":3: expected a CPT code and its descriptor, found '71045'"),
        ("MEDU.txt", ["70450 INVENTED", "INVENTED SECOND LINE"], r":2: expected .* found 'INVENTED SECOND LINE'"),
        ("SHORTU.txt", ["70450 A", "71045 B", "70450 C"], r":3: expected each code once, found 70450 again, .*:1"),
        ("SHORTU.txt", ["Only a notice"], r"SHORTU.txt: expected at least one code of cpt, found none"),
        ("ConsumerDescriptor.txt", ["70450\tInvented"], r"expected a tab-separated header with CPT Code, found none"),
        ("ConsumerDescriptor.txt", ["Concept Id\tCPT Code\tConsumer", "1\t70450"], r":2: expected 3 columns, found 2"),
        ("ConsumerDescriptor.txt", ["CPT Code\tConsumer", "7045\tA"], r":2: expected a CPT code .* found '7045' with"),
        ("ConsumerDescriptor.txt", ["CPT Code\tConsumer", "70450\t"], r":2: expected .* found '70450' with \[\]"),
        ("LONGULF.txt", ["7045001 Invented"], r"expected LONGULT.txt or another AMA file that is read, found LONGULF"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(
    tmp_path: Path, name: str, lines: list[str], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read_cpt("cpt", "2026", [write(tmp_path / name, *lines)])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["LONGULT.txt"], True),
        (["longult.TXT", "MEDU 2026.txt", "2026_SHORTU.txt.gz"], True),
        (["Consumer Friendly Descriptors.txt", "ConsolidatedCodeList.txt"], True),
        (["LONGULT.txt", "MODUL.txt"], False),
        (["ConsumerName.csv"], False),
        (["LONGULF.txt"], False),
        ([], False),
    ],
)
def test_files_are_known_by_their_names(names: list[str], expected: bool) -> None:
    assert is_cpt([Path(name) for name in names]) is expected
