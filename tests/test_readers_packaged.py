"""The tables of the installation: that each reads, and what it is known to hold."""

import gzip
from functools import cache
from pathlib import Path

import pytest

from ontologies.concept import CodeTable
from ontologies.hierarchy import is_within
from ontologies.readers import packaged
from ontologies.readers.packaged import DATA, PACKAGED, packaged_key, read_packaged
from ontologies.systems import SYSTEMS


@cache
def table(system: str) -> CodeTable:
    return read_packaged(system)


@pytest.mark.parametrize(
    ("system", "release", "codes", "synonyms", "parents"),
    [
        ("mesh", "2024", 105_859, 382_871, 147_690),
        ("hpo", "2026-02-16", 19_389, 22_572, 23_677),
        ("hcpcs", "January 2023", 6_469, 6_312, 0),
    ],
)
def test_packaged_table_holds_what_its_readme_counts(
    system: str, release: str, codes: int, synonyms: int, parents: int
) -> None:
    found = table(system)
    assert (found.system, found.release, len(found)) == (system, release, codes)
    assert sum(len(concept.synonyms) for concept in found) == synonyms
    assert sum(len(concept.parents) for concept in found) == parents
    readme = (DATA / "README.md").read_text()
    size = (DATA / PACKAGED[system].file).stat().st_size
    assert f"| {release} | {codes:,} | {synonyms:,} | {size:,} |" in readme


def test_packaged_mesh_has_all_descriptors() -> None:
    assert sum(concept.code.startswith("D") for concept in table("mesh")) == 30_764


@pytest.mark.parametrize(
    ("system", "code", "name", "synonym", "parent"),
    [
        ("mesh", "D012640", "Seizures", "convulsions", "D009461"),
        ("mesh", "D004317", "Doxorubicin", "adriamycin", "D003630"),
        ("mesh", "D008107", "Liver Diseases", "Liver Disease", "D004066"),
        ("mesh", "D001281", "Atrial Fibrillation", "Auricular Fibrillation", "D001145"),
        ("mesh", "C537419", "Bohring syndrome", "Bohring-Opitz syndrome", "D003398"),
        ("mesh", "C570240", "empagliflozin", None, "D005960"),
        ("hpo", "HP:0001250", "Seizure", "Epileptic seizure", "HP:0012638"),
        ("hpo", "HP:0002094", "Dyspnea", "Shortness of breath", "HP:0002793"),
        ("hcpcs", "J1100", "Injection, dexamethasone sodium phosphate, 1 mg", "Dexamethasone sodium phos", None),
    ],
)
def test_known_code_has_its_name_synonym_and_parent(
    system: str, code: str, name: str, synonym: str | None, parent: str | None
) -> None:
    concept = table(system).by_code[code]
    assert concept.name == name
    assert synonym is None or synonym in concept.synonyms
    assert (parent is None and not concept.parents) or parent in concept.parents


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("D001943", "breast cancer"),
        ("D006973", "hypertensive disorder"),
        ("D016559", "fk-506"),  # a laboratory's number, from FDA
        ("D000431", "alcohol"),  # FDA's name; Alcohols are another code
        ("D002118", "ca++"),
        ("D002122", "cacl2"),
        ("D018698", "glutamate"),  # the ion of an acid; Glutamates are another code
    ],
)
def test_packaged_mesh_has_the_names_of_ontologies_that_say_it_is_the_same(code: str, name: str) -> None:
    assert name in {synonym.casefold() for synonym in table("mesh").by_code[code].synonyms}


def test_no_name_of_one_mesh_code_was_given_to_another() -> None:
    assert "coronary artery disease" not in {n.casefold() for n in table("mesh").by_code["D017202"].names}


def test_seizure_stands_below_phenotypic_abnormality() -> None:
    assert is_within(table("hpo"), "HP:0001250", "HP:0000118")


def test_liver_cirrhosis_stands_below_liver_diseases() -> None:
    assert is_within(table("mesh"), "D008103", "D008107")


def test_supplementary_concept_stands_below_the_heading_that_it_maps_to() -> None:
    assert is_within(table("mesh"), "C537419", "D008607")  # Bohring syndrome, intellectual disability


def test_packaged_chemicals_are_those_named_in_words() -> None:
    assert table("mesh").by_code["C014534"].name == "Ethibond"
    assert "C534628" not in table("mesh").by_code  # SCH 23390


def test_hcpcs_has_no_code_that_had_ended() -> None:
    assert "J0693" not in table("hcpcs").by_code  # cefiderocol, ended on 2021-09-30


@pytest.mark.parametrize("system", PACKAGED)
def test_packaged_table_is_of_a_known_system_and_says_whose_it_is(system: str) -> None:
    entry = PACKAGED[system]
    assert system in SYSTEMS
    assert entry.title and entry.source and entry.licence


@pytest.mark.parametrize("system", PACKAGED)
def test_packaged_file_holds_no_time_so_that_it_can_be_made_again(system: str) -> None:
    head = (DATA / PACKAGED[system].file).read_bytes()[:10]
    assert (head[:2], head[3], head[4:8]) == (b"\x1f\x8b", 0, bytes(4))  # gzip, no name, no time


def test_key_changes_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "DATA", tmp_path)
    keys = []
    for name in ("Lesion", "Lesion", "Wound"):
        (tmp_path / "hcpcs.tsv.gz").write_bytes(gzip.compress(f"code\tname\nA1\t{name}\n".encode(), mtime=0))
        keys.append(packaged_key("hcpcs"))
    assert keys[0] == keys[1] != keys[2]
    assert [concept.name for concept in read_packaged("hcpcs")] == ["Wound"]
