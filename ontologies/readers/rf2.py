"""SNOMED CT as it is released: Release Format 2, snapshot files.

Tab-separated UTF-8 under a header, lines ended by CRLF, no quoting. A snapshot holds the newest state of each
component, also of those that are no longer active; these are not read.

Source: SNOMED International, SNOMED CT Release File Specifications: file naming convention, component release files,
language reference set. Identifiers of metadata: the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines


class _Kind(NamedTuple):
    """A kind of file: its name is ``start``, the release type, ``end``, the namespace and the date."""

    start: str
    end: str
    columns: tuple[str, ...]


_HEAD = ("id", "effectiveTime", "active", "moduleId")
_CONCEPT = _Kind("sct2_Concept_", "_", (*_HEAD, "definitionStatusId"))
_DESCRIPTION = _Kind(
    "sct2_Description_", "-en_", (*_HEAD, "conceptId", "languageCode", "typeId", "term", "caseSignificanceId")
)
_RELATIONSHIP = _Kind(
    "sct2_Relationship_",
    "_",
    (*_HEAD, "sourceId", "destinationId", "relationshipGroup", "typeId", "characteristicTypeId", "modifierId"),
)
_LANGUAGE = _Kind("der2_cRefset_Language", "-en_", (*_HEAD, "refsetId", "referencedComponentId", "acceptabilityId"))

_IS_A = "116680003"
_FULLY_SPECIFIED_NAME = "900000000000003001"
_SYNONYM = "900000000000013009"
_PREFERRED = "900000000000548007"
_US_ENGLISH = "900000000000509007"
_GB_ENGLISH = "900000000000508004"
_MODEL_COMPONENTS = "900000000000012004"
"""The module of concepts that SNOMED CT is made of, such as ``Is a``, and not of what a patient may have."""

_SEMANTIC_TAG = re.compile(r"\s*\([^()]+\)$")
_SCTID = re.compile(r"[1-9][0-9]{5,17}", re.ASCII)

_PRODUCT = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
"""Of two digits in the dihedral group of ten. Source: Verhoeff, Error detecting decimal codes, 1969, as are these."""

_PERMUTED = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)
"""A digit by its place from the right, modulo 8."""


def is_rf2(files: Sequence[Path]) -> bool:
    """Tell whether a file has a name of Release Format 2, or a folder holds such a file at any depth."""
    return any(file.name.startswith(("sct2_", "der2_")) for file in _listed(files))


def read_rf2(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read the active concepts of one edition, English, from the folder of a release or from its snapshot files.

    The preferred name is the synonym that the reference set of US English prefers, of GB English where the file has
    none of US English; without one it is the fully specified name without its semantic tag. Synonyms are those that
    this reference set has (all, where no file of reference sets is given), and the fully specified name. Parents are
    what IS-A relationships lead to. Concepts of SNOMED CT's own model are not assignable.

    Args:
        system: Short name of the code system.
        release: Its release.
        files: Folders or files; files of other kinds are not looked at.

    Raises:
        TableError: If a file of concepts, descriptions or relationships is missing or stands twice, or only a full or
            delta release is given; ``FILE:LINE`` where a header or line has other columns than the format, the check
            digit of a concept is wrong, a concept has no name, or IS-A forms a cycle.
        OSError: If a file cannot be read.
    """
    listed = _listed(files)
    concepts, descriptions, relationships = (
        _one_file(listed, kind, files) for kind in (_CONCEPT, _DESCRIPTION, _RELATIONSHIP)
    )
    preferred_of = _preferred_of(_one_file(listed, _LANGUAGE, files)) if _named(listed, _LANGUAGE) else None
    drafts = _drafts(concepts)
    _add_names(drafts, descriptions, preferred_of)
    for _, (_, _, _, _, child, parent, _, kind, _, _) in _active_rows(relationships, _RELATIONSHIP):
        if kind == _IS_A and child in drafts:
            drafts[child].parents.append(parent)
    return finished(system, release, drafts, files)


def _drafts(file: Path) -> dict[str, Draft]:
    """Return the active concepts, still without a name."""
    drafts: dict[str, Draft] = {}
    for place, (code, _, _, module, _) in _active_rows(file, _CONCEPT):
        if not _is_sctid(code):
            raise TableError(f"{place}: expected a SNOMED CT identifier with its check digit, found {code!r}")
        drafts[code] = Draft(place, "", assignable=module != _MODEL_COMPONENTS)
    return drafts


def _add_names(drafts: Mapping[str, Draft], file: Path, preferred_of: Mapping[str, bool] | None) -> None:
    """Add the names of concepts.

    Args:
        drafts: By code.
        file: Of descriptions.
        preferred_of: Whether a description is preferred, by its identifier; those that it lacks are left out. None to
            take all as acceptable.
    """
    full_names: dict[str, str] = {}
    for _, (description, _, _, _, code, _, kind, term, _) in _active_rows(file, _DESCRIPTION):
        draft = drafts.get(code)
        if draft is None:
            continue
        if kind == _FULLY_SPECIFIED_NAME:
            full_names[code] = _SEMANTIC_TAG.sub("", term)
        elif kind == _SYNONYM and (preferred_of is None or description in preferred_of):
            if preferred_of is not None and preferred_of[description] and not draft.name:
                draft.name = term
            else:
                draft.synonyms.append(term)
    for code, full_name in full_names.items():
        draft = drafts[code]
        draft.synonyms.append(full_name)
        if not draft.name:
            draft.name = full_name


def _preferred_of(file: Path) -> dict[str, bool]:
    """Return whether a description is preferred and not just acceptable, by its identifier, in one kind of English.

    Raises:
        TableError: If the file has nothing of US or GB English.
    """
    by_language: dict[str, dict[str, bool]] = {_US_ENGLISH: {}, _GB_ENGLISH: {}}
    for _, (_, _, _, _, language, description, acceptability) in _active_rows(file, _LANGUAGE):
        if language in by_language:
            by_language[language][description] = acceptability == _PREFERRED
    found = next(filter(None, by_language.values()), None)
    if found is None:
        raise TableError(f"{file}: expected members of US English {_US_ENGLISH} or GB English {_GB_ENGLISH}")
    return found


def _active_rows(file: Path, kind: _Kind) -> Iterator[tuple[str, list[str]]]:
    """Yield (``FILE:LINE``, values) of the active components of a file.

    Raises:
        TableError: If the header or the number of values is not the format's.
    """
    lines = read_lines(file)
    _, header = next(lines, (1, ""))
    if header.split("\t") != list(kind.columns):
        raise TableError(f"{file}:1: expected the header {' '.join(kind.columns)}, found {header!r}")
    for number, line in lines:
        values = line.split("\t")
        if len(values) != len(kind.columns):
            raise TableError(f"{file}:{number}: expected {len(kind.columns)} columns, found {len(values)}")
        if values[2] == "1":
            yield f"{file}:{number}", values


def _one_file(listed: Iterable[Path], kind: _Kind, given: Iterable[Path]) -> Path:
    """Return the snapshot of a kind.

    Raises:
        TableError: If there is none or more than one.
    """
    found = _named(listed, kind)
    if len(found) == 1:
        return found[0]
    name = f"{kind.start}Snapshot{kind.end}*.txt"
    if found:
        raise TableError(f"{', '.join(map(str, found))}: expected one {name}, found {len(found)}; add one edition")
    others = [file.name for file in listed if file.name.startswith((f"{kind.start}Full", f"{kind.start}Delta"))]
    what = f"only {others[0]}: a snapshot is needed, not a full or delta release" if others else "none"
    raise TableError(f"{', '.join(map(str, given))}: expected {name}, found {what}")


def _named(listed: Iterable[Path], kind: _Kind) -> list[Path]:
    """Return the snapshots of a kind."""
    return [file for file in listed if file.name.startswith(f"{kind.start}Snapshot{kind.end}")]


def _listed(files: Iterable[Path]) -> list[Path]:
    """Return the files, and those at any depth of the folders, in the order of their names."""
    return [path for file in files for path in (sorted(file.rglob("*.txt*")) if file.is_dir() else [file])]


def _is_sctid(text: str) -> bool:
    """Tell whether a text is an identifier of SNOMED CT: 6 to 18 digits, the last one checks the others.

    >>> _is_sctid("116680003"), _is_sctid("116680030")
    (True, False)
    """
    if not _SCTID.fullmatch(text):
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = int(_PRODUCT[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0
