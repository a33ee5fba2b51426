"""Which reader a user's files go to, and what becomes of the table."""

from pathlib import Path

import pytest

from ontologies import store
from ontologies.concept import TableError
from ontologies.readers.formats import FORMATS, read_files
from ontologies.systems import SYSTEMS
from tests.test_readers_rf2 import snapshot
from tests.test_readers_rrf import MRCONSO, RXNCONSO, RXNREL

OBO = """\
format-version: 1.2
data-version: hp/releases/2026-02-16

[Term]
id: HP:0000118
name: Phenotypic abnormality

[Term]
id: HP:0001250
name: Seizure
synonym: "Epileptic seizure" EXACT []
is_a: HP:0000118 ! Phenotypic abnormality
"""

ICD = "00001 A00     0 Cholera                                                      Cholera\n"

FILES: dict[str, dict[str, str]] = {
    "rxnorm": {"RXNCONSO.RRF": RXNCONSO, "RXNREL.RRF": RXNREL},
    "umls": {"MRCONSO.RRF": MRCONSO},
    "cpt": {"LONGULT.txt": "00001\tMade-up procedure of the ear\n"},
    "hpo": {"hp.obo": OBO},
    "icd10cm": {"icd10cm_order_2026.txt": ICD},
    "local": {"mine.tsv": "code\tname\nL1\tMine\n"},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("KGBUILD_HOME", str(folder))
    return folder


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (folder / name).write_bytes(text.encode())
    return [folder / name for name in files]


@pytest.mark.parametrize("system", FILES)
def test_files_of_a_publisher_become_the_table_in_use(system: str, tmp_path: Path) -> None:
    info = store.add_table(system, written(tmp_path, FILES[system]))
    table = store.open_table(system)
    assert (info.codes, table.system) == (len(table), system)
    assert all(parent in table.by_code for concept in table for parent in concept.parents)


def test_folder_of_a_release_is_added_with_its_date(tmp_path: Path) -> None:
    place = tmp_path / "SnomedCT_Release" / "Snapshot"
    place.mkdir(parents=True)
    files = snapshot(place)
    info = store.add_table("snomedct", [place.parent])
    assert info.release in files[0].name
    assert info.release.isdigit()


def test_children_are_those_that_name_the_parent(tmp_path: Path) -> None:
    store.add_table("hpo", written(tmp_path, FILES["hpo"]))
    assert store.open_table("hpo").children == {"HP:0000118": ["HP:0001250"]}


def test_files_of_another_system_are_told_what_they_hold(tmp_path: Path) -> None:
    files = written(tmp_path, FILES["rxnorm"])
    with pytest.raises(TableError, match=r"RXNCONSO.RRF: expected a table of cpt, found RxNorm RRF \(rxnorm\)"):
        store.add_table("cpt", files)


def test_folder_without_a_release_is_told_what_was_looked_for(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TableError, match="empty: expected a release of SNOMED CT RF2 or OMOP Athena, found none"):
        read_files("snomedct", "1", [empty])


def test_what_cannot_be_read_leaves_the_earlier_table(tmp_path: Path) -> None:
    store.add_table("hpo", written(tmp_path, FILES["hpo"]), "first")
    with pytest.raises(TableError, match=r"hp.obo:\d+: expected"):
        store.add_table("hpo", written(tmp_path, {"hp.obo": OBO + "a line without a colon\n"}), "second")
    assert (store.open_table("hpo").release, len(store.open_table("hpo"))) == ("first", 2)


def test_every_format_holds_systems_that_exist() -> None:
    assert {system for form in FORMATS for system in form.systems} <= SYSTEMS.keys()
