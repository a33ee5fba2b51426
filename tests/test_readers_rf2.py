"""SNOMED CT in Release Format 2, from made-up files in its layout with identifiers of the International Edition."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ontologies.concept import CodeTable, Concept, TableError
from ontologies.packed import read_table, write_table
from ontologies.readers.rf2 import is_rf2, read_rf2

Rows = Sequence[Sequence[str]]

CORE, MODEL = "900000000000207008", "900000000000012004"
FSN, SYNONYM, DEFINITION = "900000000000003001", "900000000000013009", "900000000000550004"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
US, GB = "900000000000509007", "900000000000508004"
IS_A, FINDING_SITE = "116680003", "363698007"

ROOT, FINDING, DISEASE, LIVER, BLEEDING, OLD = (
    "138875005",
    "404684003",
    "64572001",
    "235856003",
    "131148009",
    "22298006",
)

HEAD = ("id", "effectiveTime", "active", "moduleId")
CONCEPTS: Rows = [
    (*HEAD, "definitionStatusId"),
    (ROOT, "20020131", "1", CORE, "900000000000074008"),
    (FINDING, "20020131", "1", CORE, "900000000000074008"),
    (DISEASE, "20020131", "1", CORE, "900000000000074008"),
    (LIVER, "20020131", "1", CORE, "900000000000073002"),
    (BLEEDING, "20020131", "1", CORE, "900000000000074008"),
    (OLD, "20250101", "0", CORE, "900000000000074008"),
    (IS_A, "20020131", "1", MODEL, "900000000000074008"),
]
DESCRIPTIONS: Rows = [
    (*HEAD, "conceptId", "languageCode", "typeId", "term", "caseSignificanceId"),
    *(
        (code, "20170731", active, CORE, concept, "en", kind, term, "900000000000448009")
        for code, active, concept, kind, term in (
            ("1010", "1", ROOT, FSN, "SNOMED CT Concept (SNOMED RT+CTV3)"),
            ("1011", "1", ROOT, SYNONYM, "SNOMED CT Concept"),
            ("1020", "1", FINDING, FSN, "Clinical finding (finding)"),
            ("1030", "1", DISEASE, FSN, "Disease (disorder)"),
            ("1031", "1", DISEASE, SYNONYM, "Disease"),
            ("1040", "1", LIVER, FSN, "Disorder of liver (disorder)"),
            ("1041", "1", LIVER, SYNONYM, "Hepatopathy"),
            ("1042", "1", LIVER, SYNONYM, "Liver disease"),
            ("1043", "0", LIVER, SYNONYM, "Liver dis."),
            ("1044", "1", LIVER, DEFINITION, "Any disorder of the liver."),
            ("1045", "1", LIVER, SYNONYM, "LIVER  disease"),
            ("1046", "1", LIVER, SYNONYM, 'So-called "liver disease" (old)'),
            ("1050", "1", BLEEDING, FSN, "Bleeding (finding)"),
            ("1051", "1", BLEEDING, SYNONYM, "Haemorrhage"),
            ("1052", "1", BLEEDING, SYNONYM, "Hemorrhage"),
            ("1060", "1", OLD, FSN, "Myocardial infarction (disorder)"),
            ("1070", "1", IS_A, FSN, "Is a (attribute)"),
        )
    ),
]
RELATIONSHIPS: Rows = [
    (
        *HEAD,
        *("sourceId", "destinationId", "relationshipGroup", "typeId", "characteristicTypeId", "modifierId"),
    ),
    *(
        (code, "20020131", active, CORE, child, parent, "0", kind, "900000000000011006", "900000000000451002")
        for code, active, child, parent, kind in (
            ("2020", "1", FINDING, ROOT, IS_A),
            ("2021", "1", DISEASE, FINDING, IS_A),
            ("2022", "1", LIVER, DISEASE, IS_A),
            ("2023", "1", LIVER, OLD, IS_A),
            ("2024", "0", LIVER, ROOT, IS_A),
            ("2025", "1", LIVER, FINDING, FINDING_SITE),
            ("2026", "1", BLEEDING, FINDING, IS_A),
            ("2027", "1", OLD, DISEASE, IS_A),
        )
    ),
]
LANGUAGE: Rows = [
    (*HEAD, "refsetId", "referencedComponentId", "acceptabilityId"),
    *(
        (f"5c4ea1a3-0000-4000-8000-{number:012d}", "20170731", active, CORE, language, description, acceptability)
        for number, (active, language, description, acceptability) in enumerate(
            (
                ("1", US, "1010", PREFERRED),
                ("1", US, "1011", PREFERRED),
                ("1", US, "1031", PREFERRED),
                ("1", US, "1040", PREFERRED),
                ("1", US, "1041", ACCEPTABLE),
                ("1", US, "1042", PREFERRED),
                ("1", US, "1043", ACCEPTABLE),
                ("1", US, "1045", ACCEPTABLE),
                ("0", US, "1046", ACCEPTABLE),
                ("1", GB, "1046", PREFERRED),
                ("1", GB, "1051", PREFERRED),
                ("1", US, "1052", PREFERRED),
            )
        )
    ),
]
FILES: dict[str, Rows] = {
    "Terminology/sct2_Concept_Snapshot_INT_20250101.txt": CONCEPTS,
    "Terminology/sct2_Description_Snapshot-en_INT_20250101.txt": DESCRIPTIONS,
    "Terminology/sct2_Relationship_Snapshot_INT_20250101.txt": RELATIONSHIPS,
    "Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20250101.txt": LANGUAGE,
}
CONCEPT_FILE, DESCRIPTION_FILE, RELATIONSHIP_FILE, LANGUAGE_FILE = FILES


def write(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join("\t".join(row) + "\r\n" for row in rows).encode())
    return path


def snapshot(folder: Path, files: Mapping[str, Rows] = FILES) -> list[Path]:
    return [write(folder / "Snapshot" / name, rows) for name, rows in files.items()]


def read(folder: Path, changed: Mapping[str, Rows] | None = None) -> CodeTable:
    return read_rf2("snomedct", "20250101", snapshot(folder, FILES | dict(changed or {})))


def without(*names: str) -> dict[str, Rows]:
    return {name: rows for name, rows in FILES.items() if name not in names}


# --- what is read -------------------------------------------------------------------------------------------------
def test_active_concepts_have_us_names_and_active_parents(tmp_path: Path) -> None:
    assert list(read(tmp_path)) == [
        Concept("snomedct", ROOT, "SNOMED CT Concept"),
        Concept("snomedct", FINDING, "Clinical finding", (), (ROOT,)),
        Concept("snomedct", DISEASE, "Disease", (), (FINDING,)),
        Concept("snomedct", LIVER, "Liver disease", ("Hepatopathy", "Disorder of liver"), (DISEASE,)),
        Concept("snomedct", BLEEDING, "Hemorrhage", ("Bleeding",), (FINDING,)),
        Concept("snomedct", IS_A, "Is a", assignable=False),
    ]


def test_without_a_reference_set_the_fully_specified_name_is_preferred(tmp_path: Path) -> None:
    table = read_rf2("snomedct", "1", snapshot(tmp_path, without(LANGUAGE_FILE)))
    assert table.by_code[BLEEDING].names == ("Bleeding", "Haemorrhage", "Hemorrhage")
    assert table.by_code[LIVER].names == (
        "Disorder of liver",
        "Hepatopathy",
        "Liver disease",
        'So-called "liver disease" (old)',
    )


def test_gb_english_is_read_where_there_is_no_us_english(tmp_path: Path) -> None:
    table = read(tmp_path, {LANGUAGE_FILE: [row for row in LANGUAGE if row[4] != US]})
    assert table.by_code[BLEEDING].names == ("Haemorrhage", "Bleeding")


def test_folder_of_a_release_is_read_as_its_snapshot(tmp_path: Path) -> None:
    expected = list(read(tmp_path / "SnomedCT_InternationalRF2" / "release"))
    broken: Rows = [("not", "read")]
    for name in (
        "Full/Terminology/sct2_Concept_Full_INT_20250101.txt",
        "Delta/Terminology/sct2_Concept_Delta_INT_20250101.txt",
        "Snapshot/Terminology/sct2_StatedRelationship_Snapshot_INT_20250101.txt",
        "Snapshot/Terminology/sct2_RelationshipConcreteValues_Snapshot_INT_20250101.txt",
        "Snapshot/Terminology/sct2_TextDefinition_Snapshot-en_INT_20250101.txt",
        "Snapshot/Refset/Map/der2_iisssccRefset_ExtendedMapSnapshot_INT_20250101.txt",
    ):
        write(tmp_path / "SnomedCT_InternationalRF2" / name, broken)
    assert list(read_rf2("snomedct", "20250101", [tmp_path])) == expected


def test_table_can_be_stored(tmp_path: Path) -> None:
    table = read(tmp_path)
    write_table(tmp_path / "t", table, "key")
    assert tuple(read_table(tmp_path / "t")) == tuple(table)


def test_files_and_folders_are_told_by_names(tmp_path: Path) -> None:
    files = snapshot(tmp_path / "release")
    write(tmp_path / "other" / "codes.txt", [("code", "name")])
    assert is_rf2(files) and is_rf2([tmp_path / "release"]) and is_rf2([tmp_path / "other", files[3]])
    assert not is_rf2([tmp_path / "other"]) and not is_rf2([tmp_path / "codes.tsv"]) and not is_rf2([])


# --- what is refused ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (CONCEPT_FILE, r"expected sct2_Concept_Snapshot_\*\.txt, found none"),
        (DESCRIPTION_FILE, r"expected sct2_Description_Snapshot-en_\*\.txt, found none"),
        (RELATIONSHIP_FILE, r"expected sct2_Relationship_Snapshot_\*\.txt, found none"),
    ],
)
def test_missing_file_is_told_by_its_name(tmp_path: Path, name: str, message: str) -> None:
    snapshot(tmp_path, without(name))
    with pytest.raises(TableError, match=message):
        read_rf2("snomedct", "1", [tmp_path])


def test_full_release_is_told_that_a_snapshot_is_needed(tmp_path: Path) -> None:
    files = [write(tmp_path / Path(name.replace("Snapshot", "Full")).name, rows) for name, rows in FILES.items()]
    message = r"found only sct2_Concept_Full_INT_20250101\.txt: a snapshot is needed, not a full or delta release"
    with pytest.raises(TableError, match=message):
        read_rf2("snomedct", "1", files)


def test_two_editions_are_not_read_as_one(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"expected one sct2_Concept_Snapshot_\*\.txt, found 2; add one edition"):
        read_rf2("snomedct", "1", [*snapshot(tmp_path / "a"), *snapshot(tmp_path / "b")])


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        (CONCEPT_FILE, [*CONCEPTS, CONCEPTS[1][:4]], r"Concept_\S+:9: expected 5 columns, found 4"),
        (DESCRIPTION_FILE, [*DESCRIPTIONS[:2], (*DESCRIPTIONS[2], "x")], r"-en_\S+:3: expected 9 columns, found 10"),
        (RELATIONSHIP_FILE, [*RELATIONSHIPS, [""]], r"Relationship_\S+:10: expected 10 columns, found 1"),
        (LANGUAGE_FILE, [LANGUAGE[0], LANGUAGE[1][:6]], r"Language\S+:2: expected 7 columns, found 6"),
        (CONCEPT_FILE, CONCEPTS[1:], r":1: expected the header id effectiveTime active moduleId definitionStatusId"),
        (CONCEPT_FILE, [], r":1: expected the header id .*, found ''"),
        (CONCEPT_FILE, CONCEPTS[:1], r"expected at least one code of snomedct, found none"),
        (
            CONCEPT_FILE,
            [*CONCEPTS[:2], ("404684030", *CONCEPTS[2][1:])],
            r":3: expected a SNOMED CT identifier with its check digit, found '404684030'",
        ),
        (CONCEPT_FILE, [*CONCEPTS[:2], ("x", *CONCEPTS[2][1:])], r":3: expected a SNOMED CT identifier .* found 'x'"),
        (DESCRIPTION_FILE, DESCRIPTIONS[:-1], rf"Concept_\S+:8: expected a code with a name, found '{IS_A}' with ''"),
        (
            RELATIONSHIP_FILE,
            [*RELATIONSHIPS, (*RELATIONSHIPS[1][:4], FINDING, LIVER, *RELATIONSHIPS[1][6:])],
            rf"Concept_\S+:3: expected parents without a cycle, found {FINDING} -> {LIVER} -> {DISEASE} -> {FINDING}",
        ),
        (LANGUAGE_FILE, LANGUAGE[:1], rf"expected members of US English {US} or GB English {GB}"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(
    tmp_path: Path, name: str, rows: Rows, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read(tmp_path, {name: rows})


def test_bytes_that_are_not_utf8_are_told_where(tmp_path: Path) -> None:
    files = snapshot(tmp_path)
    with files[1].open("ab") as file:
        file.write(b"1090\t\xe9\r\n")
    with pytest.raises(TableError, match=r"Description\S+:19: expected UTF-8, found byte 0xe9 after 5 bytes"):
        read_rf2("snomedct", "1", files)
