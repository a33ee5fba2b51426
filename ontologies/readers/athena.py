"""Code systems out of a download from OHDSI's Athena, which holds many in one set of tables.

Read are ``CONCEPT.csv``, ``CONCEPT_SYNONYM.csv`` and ``CONCEPT_RELATIONSHIP.csv``: tab-separated, without quoting, in
spite of their names (OMOP CDM 5; OHDSI loads them with an impossible quote character).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, add_once, finished
from ontologies.readers.lines import read_lines, read_rows
from ontologies.systems import system_of

# vocabulary_id by our name of the system. OHDSI/Vocabulary-v5.0, load_stage.sql of each folder; OMIM, DOID and UMLS are
# not in Athena, Mondo was proposed in 2026.
VOCABULARIES = {
    "icd10cm": "ICD10CM",
    "icd10pcs": "ICD10PCS",
    "snomedct": "SNOMED",
    "cpt": "CPT4",
    "hcpcs": "HCPCS",
    "rxnorm": "RxNorm",
    "mesh": "MeSH",
    "loinc": "LOINC",
    "hpo": "HPO",
    "atc": "ATC",
    "cvx": "CVX",
    "ndc": "NDC",
    "orphanet": "ORPHAcode",
}

_CONCEPT, _SYNONYM, _RELATIONSHIP = _NAMES = ("CONCEPT.csv", "CONCEPT_SYNONYM.csv", "CONCEPT_RELATIONSHIP.csv")
_CONCEPT_COLUMNS = (
    "concept_id",
    "concept_name",
    "vocabulary_id",
    "concept_class_id",
    "concept_code",
    "invalid_reason",
)
_SYNONYM_COLUMNS = ("concept_id", "concept_synonym_name", "language_concept_id")
_RELATIONSHIP_COLUMNS = ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")
_ENGLISH = "4180186"

_MODIFIERS = ("CPT4 Modifier", "HCPCS Modifier")
_HEADINGS = (
    "CPT4 Hierarchy",
    "HCPCS Class",
    "ICD10PCS Hierarchy",
    *("LOINC Class", "LOINC Group", "LOINC Hierarchy"),
    *("LOINC Component", "LOINC Method", "LOINC Property", "LOINC Scale", "LOINC System", "LOINC Time"),
    "Answer",
)
"""Classes of concepts that hold or describe codes (the same load_stage.sql); an ``Answer`` is the value of a test."""

_CPT4_HINT = "; Athena gives out CPT4 without names: run the cpt4.jar of the download first, as its readme says"


def read_athena(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read the valid concepts of one system, without modifiers of procedures.

    Args:
        system: A key of ``VOCABULARIES``.
        release: Its release.
        files: The folder of the download, or ``CONCEPT.csv`` and, for synonyms and parents, the other two; further
            files are not looked at.

    Raises:
        TableError: If Athena has no such system or a file is missing, or ``FILE:LINE`` where a row cannot be used.
        OSError: If a file cannot be read.
    """
    if system not in VOCABULARIES:
        raise TableError(f"{system}: expected a system that Athena holds, one of {', '.join(VOCABULARIES)}")
    by_name = _by_name(files)
    needed = _NAMES if any(file.is_dir() for file in files) else (_CONCEPT,)
    missing = [name for name in needed if name not in by_name]
    if missing:
        raise TableError(f"{', '.join(map(str, files))}: expected {', '.join(needed)}, found no {', '.join(missing)}")
    code_of, drafts = _concepts(system, by_name[_CONCEPT])
    if _SYNONYM in by_name:
        _add_synonyms(by_name[_SYNONYM], code_of, drafts)
    if _RELATIONSHIP in by_name:
        _add_parents(by_name[_RELATIONSHIP], code_of, drafts)
    return finished(system, release, drafts, files)


def is_athena(files: Sequence[Path]) -> bool:
    """Tell whether a ``CONCEPT.csv`` with the header of OMOP is among the files or in the folder.

    Raises:
        TableError: If its first line is not UTF-8, or there are two.
        OSError: If it cannot be read.
    """
    concept = _by_name(files).get(_CONCEPT)
    return concept is not None and "vocabulary_id" in next(read_lines(concept), (1, ""))[1].split("\t")


def _by_name(files: Sequence[Path]) -> dict[str, Path]:
    """Return the files that are read by their names, those in a folder too."""
    by_name: dict[str, Path] = {}
    for file in (inner for outer in files for inner in (sorted(outer.iterdir()) if outer.is_dir() else [outer])):
        name = file.name.removesuffix(".gz")
        if name in _NAMES and by_name.setdefault(name, file) != file:
            raise TableError(f"{file}: expected one {name}, found a second beside {by_name[name]}")
    return by_name


def _concepts(system: str, file: Path) -> tuple[dict[str, str], dict[str, Draft]]:
    """Return code by concept id, and the concepts by code."""
    code_of: dict[str, str] = {}
    drafts: dict[str, Draft] = {}
    vocabulary = VOCABULARIES[system]
    hint = _CPT4_HINT if vocabulary == "CPT4" else ""
    for place, row in read_rows(file, _CONCEPT_COLUMNS):
        if row["vocabulary_id"] != vocabulary or not _is_kept(row):
            continue
        code = _written(system, row["concept_code"])
        if not row["concept_name"]:
            raise TableError(f"{place}: expected a name of {code}, found none{hint}")
        is_heading = row["concept_class_id"] in _HEADINGS
        add_once(drafts, code, Draft(place, row["concept_name"], assignable=not is_heading))
        code_of[row["concept_id"]] = code
    if not drafts:
        raise TableError(f"{file}: expected valid concepts of the vocabulary {vocabulary}, found none{hint}")
    return code_of, drafts


def _is_kept(row: Mapping[str, str]) -> bool:
    """Tell whether a concept belongs into a table; cpt4.jar leaves some headings without a name (OHDSI/Athena #258)."""
    is_nameless_heading = not row["concept_name"] and row["concept_class_id"] == "CPT4 Hierarchy"
    return not row["invalid_reason"] and row["concept_class_id"] not in _MODIFIERS and not is_nameless_heading


def _written(system: str, code: str) -> str:
    """Return a code as its system writes it; OHDSI has another prefix.

    >>> _written("hpo", "HP_0001250"), _written("orphanet", "58"), _written("icd10cm", "K76.9")
    ('HP:0001250', 'ORPHA:58', 'K76.9')
    """
    prefix = system_of(system).code_prefix
    return prefix + re.sub(r"^\D+", "", code) if prefix else code


def _add_synonyms(file: Path, code_of: Mapping[str, str], drafts: Mapping[str, Draft]) -> None:
    for _, row in read_rows(file, _SYNONYM_COLUMNS):
        if row["concept_id"] in code_of and row["language_concept_id"] == _ENGLISH:
            drafts[code_of[row["concept_id"]]].synonyms.append(row["concept_synonym_name"])


def _add_parents(file: Path, code_of: Mapping[str, str], drafts: Mapping[str, Draft]) -> None:
    """Add what a concept is, of the same system; "Is a" and "Subsumes" say it in either direction."""
    for _, row in read_rows(file, _RELATIONSHIP_COLUMNS):
        child, parent = row["concept_id_1"], row["concept_id_2"]
        if child not in code_of or parent not in code_of or row["invalid_reason"]:
            continue
        if row["relationship_id"] == "Is a":
            drafts[code_of[child]].parents.append(code_of[parent])
        elif row["relationship_id"] == "Subsumes":
            drafts[code_of[parent]].parents.append(code_of[child])
