"""Code systems out of a download from Athena, in the layout of OMOP CDM 5; CPT4 names are invented."""

from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.athena import VOCABULARIES, is_athena, read_athena
from ontologies.systems import SYSTEMS

CONCEPT = (
    "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\t"
    "valid_start_date\tvalid_end_date\tinvalid_reason"
)
SYNONYM = "concept_id\tconcept_synonym_name\tlanguage_concept_id"
RELATIONSHIP = "concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason"
ENGLISH, SPANISH = "4180186", "4182511"


def concept(number: int, name: str, vocabulary: str, code: str, kind: str = "Disorder", invalid: str = "") -> str:
    return f"{number}\t{name}\tCondition\t{vocabulary}\t{kind}\tS\t{code}\t19700101\t20991231\t{invalid}"


def related(first: int, second: int, how: str, invalid: str = "") -> str:
    return f"{first}\t{second}\t{how}\t19700101\t20991231\t{invalid}"


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """Return the folder of a download with two systems."""
    folder = tmp_path / "vocabulary_download_v5"
    folder.mkdir()
    write(
        folder / "CONCEPT.csv",
        CONCEPT,
        concept(1, 'Lesion of "liver"', "SNOMED", "300331000"),
        concept(2, "Disorder of liver", "SNOMED", "235856003"),
        concept(3, "Old lesion", "SNOMED", "999", invalid="D"),
        concept(4, "Replaced lesion", "SNOMED", "998", invalid="U"),
        concept(5, "Liver disease, unspecified", "ICD10CM", "K76.9"),
        concept(6, "Finding of liver", "SNOMED", "249565005"),
    )
    write(
        folder / "CONCEPT_SYNONYM.csv",
        SYNONYM,
        f"1\tLiver lesion\t{ENGLISH}",
        f'1\tLesion of liver (disorder), 3" wide\t{ENGLISH}',
        f"1\tLesi\u00f3n hep\u00e1tica\t{SPANISH}",
        f"3\tOld synonym\t{ENGLISH}",
        f"5\tHepatic disease NOS\t{ENGLISH}",
    )
    write(
        folder / "CONCEPT_RELATIONSHIP.csv",
        RELATIONSHIP,
        related(1, 2, "Is a"),
        related(2, 1, "Subsumes"),
        related(6, 2, "Subsumes"),
        related(1, 6, "Is a", invalid="D"),
        related(1, 3, "Is a"),
        related(5, 2, "Is a"),
        related(1, 6, "Maps to"),
    )
    write(folder / "VOCABULARY.csv", "vocabulary_id\tvocabulary_name")
    return folder


def test_valid_concepts_of_the_wanted_vocabulary_are_read(download: Path) -> None:
    assert list(read_athena("snomedct", "2026", [download])) == [
        Concept(
            "snomedct",
            "300331000",
            'Lesion of "liver"',
            ("Liver lesion", 'Lesion of liver (disorder), 3" wide'),
            ("235856003",),
        ),
        Concept("snomedct", "235856003", "Disorder of liver", (), ("249565005",)),
        Concept("snomedct", "249565005", "Finding of liver"),
    ]
    assert list(read_athena("icd10cm", "2026", [download])) == [
        Concept("icd10cm", "K76.9", "Liver disease, unspecified", ("Hepatic disease NOS",))
    ]


def test_files_are_the_same_table_as_their_folder_in_any_order(download: Path) -> None:
    files = sorted(download.iterdir(), reverse=True)
    assert list(read_athena("snomedct", "1", files)) == list(read_athena("snomedct", "1", [download]))


def test_concepts_alone_have_no_synonyms_and_parents(download: Path) -> None:
    rows = list(read_athena("snomedct", "2026", [download / "CONCEPT.csv"]))
    assert [(row.code, row.synonyms, row.parents) for row in rows] == [
        ("300331000", (), ()),
        ("235856003", (), ()),
        ("249565005", (), ()),
    ]


def test_headings_are_not_assignable_and_modifiers_are_left_out(tmp_path: Path) -> None:
    file = write(
        tmp_path / "CONCEPT.csv",
        CONCEPT,
        concept(1, "Invented pictures", "CPT4", "1010001", "CPT4 Hierarchy"),
        concept(2, "Invented picture of a head", "CPT4", "70450", "CPT4"),
        concept(3, "Invented side", "CPT4", "99", "CPT4 Modifier"),
        concept(4, "", "CPT4", "1010002", "CPT4 Hierarchy"),
        concept(5, "", "CPT4", "71045", "CPT4", invalid="D"),
    )
    table = read_athena("cpt", "2026", [file])
    assert [(row.code, row.assignable) for row in table] == [("1010001", False), ("70450", True)]


@pytest.mark.parametrize(
    ("system", "vocabulary", "code", "expected"),
    [
        ("hpo", "HPO", "HP_0001250", "HP:0001250"),
        ("orphanet", "ORPHAcode", "58", "ORPHA:58"),
        ("orphanet", "ORPHAcode", "ORPHA:58", "ORPHA:58"),
        ("mesh", "MeSH", "D008107", "D008107"),
        ("ndc", "NDC", "00002140701", "00002140701"),
    ],
)
def test_code_is_written_as_its_system_writes_it(
    tmp_path: Path, system: str, vocabulary: str, code: str, expected: str
) -> None:
    file = write(tmp_path / "CONCEPT.csv", CONCEPT, concept(1, "Name", vocabulary, code))
    assert list(read_athena(system, "1", [file]).by_code) == [expected]


def test_every_vocabulary_belongs_to_a_known_system() -> None:
    assert set(VOCABULARIES) <= set(SYSTEMS)


def test_cpt4_without_names_is_told_how_to_get_them(tmp_path: Path) -> None:
    file = write(tmp_path / "CONCEPT.csv", CONCEPT, concept(1, "", "CPT4", "70450", "CPT4"))
    with pytest.raises(TableError, match=r"CONCEPT.csv:2: expected a name of 70450, found none; .*run the cpt4.jar"):
        read_athena("cpt", "2026", [file])


def test_download_without_cpt4_rows_is_told_how_to_get_them(download: Path) -> None:
    with pytest.raises(TableError, match=r"CONCEPT.csv: expected valid concepts of the vocabulary CPT4, .*cpt4.jar"):
        read_athena("cpt", "2026", [download])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([concept(1, "", "SNOMED", "1")], r"CONCEPT.csv:2: expected a name of 1, found none$"),
        ([concept(1, "A", "SNOMED", "1"), concept(2, "B", "SNOMED", "1")], r":3: expected each code once, .*:2"),
        ([concept(1, "A", "SNOMED", "1"), "2\tB"], r":3: expected 10 columns, found 2"),
        ([concept(1, "A", "ICD10CM", "1")], r": expected valid concepts of the vocabulary SNOMED, found none$"),
        ([concept(1, "A", "SNOMED", "")], r":2: expected a code with a name, found '' with 'A'"),
    ],
)
def test_malformed_concepts_are_told_file_line_expected_and_found(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read_athena("snomedct", "1", [write(tmp_path / "CONCEPT.csv", CONCEPT, *lines)])


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("CONCEPT.csv", ["concept_id,concept_name"], r"CONCEPT.csv:1: expected a header with concept_id, "),
        ("CONCEPT_SYNONYM.csv", [SYNONYM, "1\tLesion"], r"CONCEPT_SYNONYM.csv:2: expected 3 columns, found 2"),
        ("CONCEPT_RELATIONSHIP.csv", [RELATIONSHIP, "1\t2\tIs a"], r"RELATIONSHIP.csv:2: expected 6 columns, found 3"),
        (
            "CONCEPT_RELATIONSHIP.csv",
            [RELATIONSHIP, related(1, 2, "Is a"), related(1, 2, "Subsumes")],
            r"CONCEPT.csv:2: expected parents without a cycle, found 300331000 -> 235856003 -> 300331000",
        ),
    ],
)
def test_malformed_download_is_told_file_line_expected_and_found(
    download: Path, name: str, lines: list[str], message: str
) -> None:
    write(download / name, *lines)
    with pytest.raises(TableError, match=message):
        read_athena("snomedct", "1", [download])


def test_folder_without_one_of_the_files_is_refused(download: Path) -> None:
    (download / "CONCEPT_SYNONYM.csv").unlink()
    with pytest.raises(TableError, match=r"v5: expected CONCEPT.csv, .*, found no CONCEPT_SYNONYM.csv"):
        read_athena("snomedct", "1", [download])


def test_second_concept_file_is_refused(download: Path, tmp_path: Path) -> None:
    second = write(tmp_path / "CONCEPT.csv", CONCEPT)
    with pytest.raises(TableError, match=r"expected one CONCEPT.csv, found a second beside"):
        read_athena("snomedct", "1", [download, second])


def test_system_that_athena_does_not_hold_is_told_those_it_holds(download: Path) -> None:
    with pytest.raises(TableError, match=r"omim: expected a system that Athena holds, one of icd10cm, .*orphanet"):
        read_athena("omim", "1", [download])


def test_download_is_known_by_its_concepts(download: Path, tmp_path: Path) -> None:
    assert is_athena([download]) and is_athena([download / "CONCEPT_SYNONYM.csv", download / "CONCEPT.csv"])
    assert not is_athena([download / "CONCEPT_SYNONYM.csv"])
    assert not is_athena([write(tmp_path / "CONCEPT.csv", "code\tname")])
    assert not is_athena([tmp_path / "nowhere.csv"]) and not is_athena([])
