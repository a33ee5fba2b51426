"""LOINC from its release: ``Loinc.csv`` or ``LoincTableCore.csv``, with or without the hierarchy of components.

The hierarchy is ``ComponentHierarchyBySystem.csv``, in older releases ``MultiAxialHierarchy.csv``; its parts (LP codes)
become headings above the codes. DEPRECATED codes are left out ("should not be used"). DISCOURAGED ones stay but cannot
be assigned, since "new mappings to this concept are discouraged, but existing mappings may still remain valid"
(Regenstrief, forum.loinc.org, "LOINC table STATUS field").
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, add_once, finished
from ontologies.readers.lines import read_rows

_TABLES = ("loinc.csv", "loinctablecore.csv")
_HIERARCHIES = ("componenthierarchybysystem.csv", "multiaxialhierarchy.csv")

_COLUMNS = ("LOINC_NUM", "COMPONENT", "STATUS", "SHORTNAME", "LONG_COMMON_NAME")
_SYNONYMS = ("component", "shortname", "displayname", "consumer_name")
_PARTS = ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT")

_CODE = re.compile(r"\d+-\d")
_PART = re.compile(r"LP\d+-\d")

_DROPPED, _NOT_ASSIGNABLE = "DEPRECATED", "DISCOURAGED"
_STATUSES = ("ACTIVE", "TRIAL", _NOT_ASSIGNABLE, _DROPPED)


def read_loinc(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read one table; the long common name is preferred.

    Synonyms: component, short name, display name, consumer name, and of the related names those that stand with one
    component only ("A1c"), since the others ("Serum", "Quantitative") name the sample, scale or another part of a test.

    Raises:
        TableError: If a file has another name, or ``FILE:LINE`` where a row cannot be used or a code stands twice.
        OSError: If a file cannot be read.
    """
    for file in files:
        if _name(file) not in (*_TABLES, *_HIERARCHIES):
            raise TableError(f"{file}: expected Loinc.csv or ComponentHierarchyBySystem.csv, found {file.name}")
    tables = [file for file in files if _name(file) in _TABLES]
    if not tables:
        raise TableError(f"{', '.join(map(str, files))}: expected Loinc.csv, found only the hierarchy")
    drafts = _drafts(tables, _components_of_related(tables))
    _add_parts(drafts, [file for file in files if _name(file) in _HIERARCHIES])
    return finished(system, release, drafts, files)


def is_loinc(files: Sequence[Path]) -> bool:
    """Tell by their names whether these are the table of LOINC and at most its hierarchy."""
    names = {_name(file) for file in files}
    return not names.isdisjoint(_TABLES) and names.issubset((*_TABLES, *_HIERARCHIES))


def _name(file: Path) -> str:
    return file.name.casefold().removesuffix(".gz")


def _drafts(tables: Sequence[Path], components_of: Mapping[str, set[str]]) -> dict[str, Draft]:
    drafts: dict[str, Draft] = {}
    for place, row in _rows(tables):
        code = row["loinc_num"]
        related = [name for name in _related(row) if len(components_of[name.casefold()]) == 1]
        synonyms = [row.get(column, "") for column in _SYNONYMS] + related
        is_assignable = row["status"] != _NOT_ASSIGNABLE
        add_once(drafts, code, Draft(place, row["long_common_name"], synonyms, assignable=is_assignable))
    return drafts


def _rows(tables: Iterable[Path]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield place and row of every code that is not deprecated."""
    for file in tables:
        for place, row in read_rows(file, _COLUMNS, delimiter=",", is_quoted=True):
            if not _CODE.fullmatch(row["loinc_num"]):
                raise TableError(f"{place}: expected a LOINC code such as 2345-7, found {row['loinc_num']!r}")
            if row["status"] not in _STATUSES:
                raise TableError(f"{place}: expected a status of {', '.join(_STATUSES)}, found {row['status']!r}")
            if row["status"] != _DROPPED:
                yield place, row


def _components_of_related(tables: Iterable[Path]) -> dict[str, set[str]]:
    """Return for each related name, without case, what the tests that have it measure."""
    found: dict[str, set[str]] = {}
    for _, row in _rows(tables):
        for name in _related(row):
            found.setdefault(name.casefold(), set()).add(_measured(row["component"]))
    return found


def _related(row: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in row.get("relatednames2", "").split(";") if name.strip()]


def _measured(component: str) -> str:
    """Return a component without challenge, divisor and case.

    >>> _measured("Glucose^1.5H post 75 g glucose PO"), _measured("Hemoglobin A1c/Hemoglobin.total")
    ('glucose', 'hemoglobin a1c')
    """
    return re.split(r"[\^/]", component)[0].casefold()


def _add_parts(drafts: dict[str, Draft], hierarchies: Iterable[Path]) -> None:
    """Add the parts of the hierarchy as headings, and parents to parts and codes; other codes there are passed over."""
    for file in hierarchies:
        for place, row in read_rows(file, _PARTS, delimiter=",", is_quoted=True):
            code, parent = row["code"], row["immediate_parent"]
            if _PART.fullmatch(code):
                drafts.setdefault(code, Draft(place, row["code_text"], assignable=False))
            elif not _CODE.fullmatch(code):
                raise TableError(f"{place}: expected a code such as 2345-7 or LP14635-4, found {code!r}")
            if code in drafts and parent:
                drafts[code].parents.append(parent)
