"""OBO flat files: which terms and names are read, and what a malformed one is told."""

import gzip
from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.obo import is_obo, obo_release, read_obo

HEADER = """\
format-version: 1.2
data-version: hp/releases/2026-02-16
synonymtypedef: layperson "layperson term"
ontology: hp.obo
"""

SEIZURES = """
[Term]
id: HP:0000118
name: Phenotypic abnormality

! the stanza goes on after a comment and an empty line
is_a: HP:0000001 ! All

[Term]
id: HP:0001250
name: Seizure
alt_id: HP:0001275
def: "An intermittent \\"abnormality\\" of the nervous system." [PMID:15816939]
synonym: "Epilepsy" RELATED layperson []
synonym: "Epileptic seizure" EXACT []
synonym: "Fit" NARROW layperson [https://orcid.org/0000-0001-5208-3432]
synonym: "Abnormal movement" BROAD []
synonym: "seizure" EXACT []
is_a: HP:0000118 {source="HPO", is_inferred="true"} ! Phenotypic abnormality
is_a: UBERON:0000001 ! of another ontology
relationship: part_of HP:0000118

[Term]
id: HP:0001275
name: obsolete Seizure
is_obsolete: true
replaced_by: HP:0001250

[Term]
id: UBERON:0000955
name: brain

[Typedef]
id: part_of
name: part of
is_transitive: true
"""


def write(folder: Path, text: str, name: str = "hp.obo") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


def read(folder: Path, stanzas: str, system: str = "hpo") -> list[Concept]:
    return list(read_obo(system, "1", [write(folder, HEADER + stanzas)]))


def names_of(folder: Path, lines: str) -> tuple[str, ...]:
    """Return the names of a term with these lines."""
    return read(folder, f"\n[Term]\nid: HP:1\nname: Seizure\n{lines}\n")[0].names


def test_terms_of_the_system_are_read_and_obsolete_and_foreign_ones_are_not(tmp_path: Path) -> None:
    assert read(tmp_path, SEIZURES) == [
        Concept("hpo", "HP:0000118", "Phenotypic abnormality"),
        Concept("hpo", "HP:0001250", "Seizure", ("Epileptic seizure", "Epilepsy", "Fit"), ("HP:0000118",)),
    ]


def test_mondo_file_gives_mondo_terms_only(tmp_path: Path) -> None:
    stanzas = "\n[Term]\nid: HP:1\nname: Seizure\n\n[Term]\nid: MONDO:1\nname: epilepsy\nis_a: HP:1 ! Seizure\n"
    assert read(tmp_path, stanzas, "mondo") == [Concept("mondo", "MONDO:1", "epilepsy")]


@pytest.mark.parametrize(
    ("synonym", "names"),
    [
        ('"Fit" EXACT []', ("Seizure", "Fit")),
        ('"Fit" EXACT layperson []', ("Seizure", "Fit")),
        ('"Fit" NARROW [PMID:1, PMID:2]', ("Seizure", "Fit")),
        ('"Fit" RELATED ABBREVIATION [] {source="x"} ! comment', ("Seizure", "Fit")),
        ('"Fit" BROAD []', ("Seizure",)),
        ('"Fit" []', ("Seizure", "Fit")),
        ('"SEIZURE" EXACT []', ("Seizure",)),
        ('"Grand \\"mal\\"" EXACT []', ("Seizure", 'Grand "mal"')),
        ('"back\\\\slash" EXACT []', ("Seizure", "back\\slash")),
        ('"open \\{ and \\[ \\! EXACT" EXACT []', ("Seizure", "open { and [ ! EXACT")),
        ('"two\\nlines\\tand\\Wmore" EXACT []', ("Seizure", "two lines and more")),
        ('"bare ! and { and [" EXACT []', ("Seizure", "bare ! and { and [")),
    ],
)
def test_synonym_is_a_name_by_its_scope_and_is_unescaped(tmp_path: Path, synonym: str, names: tuple[str, ...]) -> None:
    assert names_of(tmp_path, f"synonym: {synonym}") == names


def test_escapes_qualifiers_and_comments_of_a_name_are_not_part_of_it(tmp_path: Path) -> None:
    stanza = '\n[Term]\nid: HP:1 ! comment\nname: Seizure\\, \\{focal\\}\\! {source="x"} ! comment\n'
    assert read(tmp_path, stanza) == [Concept("hpo", "HP:1", "Seizure, {focal}!")]


@pytest.mark.parametrize("scope", ["RELATED", "NARROW"])
def test_related_synonym_that_is_what_another_term_is_called_stays_with_that_term(tmp_path: Path, scope: str) -> None:
    first = f'\n[Term]\nid: HP:1\nname: Seizure\nsynonym: "EPILEPSY" {scope} []\nsynonym: "Fits" {scope} []\n'
    second = '\n[Term]\nid: HP:2\nname: Recurrent seizures\nsynonym: "Epilepsy" EXACT []\n'
    assert [concept.names for concept in read(tmp_path, first + second)] == [
        ("Seizure", "Fits"),
        ("Recurrent seizures", "Epilepsy"),
    ]


def test_parent_may_come_after_its_child_or_in_another_file(tmp_path: Path) -> None:
    child = write(tmp_path, f"{HEADER}\n[Term]\nid: HP:1\nname: a\nis_a: HP:2\nis_a: HP:3\n", "a.obo")
    other = write(tmp_path, f"{HEADER}\n[Term]\nid: HP:2\nname: b\n\n[Term]\nid: HP:3\nname: c\n", "b.obo")
    assert read_obo("hpo", "1", [child, other]).by_code["HP:1"].parents == ("HP:2", "HP:3")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gzip_line_ends_and_byte_order_mark_change_nothing(tmp_path: Path, end: str) -> None:
    packed = tmp_path / "hp.obo.gz"
    packed.write_bytes(gzip.compress(("\ufeff" + HEADER + SEIZURES).replace("\n", end).encode()))
    assert list(read_obo("hpo", "1", [packed])) == read(tmp_path, SEIZURES)
    assert obo_release(packed) == "2026-02-16"


@pytest.mark.parametrize(
    ("header", "release"),
    [
        ("data-version: hp/releases/2026-02-16\n", "2026-02-16"),
        ("format-version: 1.2\ndata-version: releases/2026-01-06\n", "2026-01-06"),
        ("data-version: http://purl.obolibrary.org/obo/mondo/releases/2026-01-06/mondo.owl\n", "2026-01-06"),
        ("data-version: 4.1\n", "4.1"),
        ("format-version: 1.2\n\n[Term]\nid: HP:1\ndata-version: 2020-01-01\n", None),
        ("", None),
    ],
)
def test_release_is_the_data_version_of_the_header(tmp_path: Path, header: str, release: str | None) -> None:
    assert obo_release(write(tmp_path, header)) == release


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (("hp.obo",), True),
        (("HP.OBO", "mondo.obo.gz"), True),
        (("hp.obo", "hp.tsv"), False),
        (("hp.json",), False),
        ((), False),
    ],
)
def test_obo_is_known_by_its_suffix(names: tuple[str, ...], answer: bool) -> None:
    assert is_obo([Path(name) for name in names]) is answer


@pytest.mark.parametrize(
    ("stanza", "message"),
    [
        ("id: HP:1\nname Seizure\n", r"hp\.obo:8: expected TAG: VALUE, found 'name Seizure'"),
        (
            "id: HP:1\nname: Seizure\nsynonym: Fit EXACT []\n",
            r"""hp\.obo:9: expected "TEXT" and EXACT, RELATED, NARROW or BROAD, found 'Fit EXACT \[\]'""",
        ),
        ('id: HP:1\nname: Seizure\nsynonym: "Fit EXACT []\n', r"hp\.obo:9: expected \"TEXT\" and"),
        ('id: HP:1\nname: Seizure\nsynonym: "Fit" EXACTLY []\n', r"hp\.obo:9: expected \"TEXT\" and"),
        ("name: Seizure\n", r"hp\.obo:6: expected a \[Term\] with an id, found none"),
        ("id: HP:1\n", r"hp\.obo:6: expected a code with a name, found 'HP:1' with ''"),
        (
            "id: HP:1\nname: a\n\n[Term]\nid: HP:1\nname: b\n",
            r"hp\.obo:10: expected each id once, found HP:1 again, first in .*hp\.obo:6",
        ),
        (
            "id: HP:1\nname: a\nis_a: HP:2\n\n[Term]\nid: HP:2\nname: b\nis_a: HP:1\n",
            "expected parents without a cycle, found HP:1 -> HP:2 -> HP:1",
        ),
        ("id: MONDO:1\nname: epilepsy\n", r"hp\.obo: expected at least one code of hpo, found none"),
    ],
)
def test_malformed_term_is_told_file_line_expected_and_found(tmp_path: Path, stanza: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(tmp_path, f"\n[Term]\n{stanza}")


def test_lines_outside_a_term_may_be_anything(tmp_path: Path) -> None:
    stanzas = "no colon in the header\n\n[Typedef]\nnor here\n\n[Term]\nid: HP:1\nname: Seizure\n"
    assert read(tmp_path, stanzas) == [Concept("hpo", "HP:1", "Seizure")]


def test_file_that_is_not_utf8_is_told_where(tmp_path: Path) -> None:
    (tmp_path / "hp.obo").write_bytes(b"[Term]\nid: HP:1\nname: L\xe4sion\n")
    with pytest.raises(TableError, match=r"hp\.obo:3: expected UTF-8, found byte 0xe4"):
        read_obo("hpo", "1", [tmp_path / "hp.obo"])
