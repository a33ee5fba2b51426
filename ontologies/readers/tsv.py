"""Code tables as users write them: one tab-separated line a code, under a header.

Columns, in any order: ``code`` and ``name`` (or ``display``) are required; ``synonyms`` and ``parents`` may be missing
and hold several values between ``|``. UTF-8, with or without a byte order mark, lines ended by LF or CRLF; there is no
quoting. White space around a value is not part of it, and empty lines are skipped. A code stands once: other names go
into ``synonyms``; the same line twice is read once. Parents are codes of the same table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ontologies.concept import CodeTable, Concept, TableError
from ontologies.hierarchy import cycle
from ontologies.readers.lines import read_lines

_ALIASES = {"display": "name"}
_REQUIRED = ("code", "name")
_COLUMNS = (*_REQUIRED, "synonyms", "parents")


@dataclass(frozen=True, slots=True)
class _Row:
    place: str  # FILE:LINE
    concept: Concept


def read_tsv(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read one table from one or several files.

    Raises:
        TableError: ``FILE:LINE: expected ..., found ...`` where a line cannot be used, a code stands twice with
            different content, a parent is not in the table, or the parents form a cycle.
        OSError: If a file cannot be read.
    """
    by_code: dict[str, _Row] = {}
    for file in files:
        for row in _rows(system, file):
            earlier = by_code.setdefault(row.concept.code, row)
            if earlier.concept != row.concept:
                raise TableError(
                    f"{row.place}: expected each code once (other names go into the column synonyms), "
                    f"found {row.concept.code} again, first in {earlier.place}"
                )
    if not by_code:
        raise TableError(f"{', '.join(map(str, files))}: expected at least one code, found no line below the header")
    _check_parents(by_code)
    return CodeTable(system, release, (row.concept for row in by_code.values()))


def _rows(system: str, file: Path) -> Iterator[_Row]:
    lines = read_lines(file)
    columns = _columns(file, next(lines, (1, ""))[1])
    for number, line in lines:
        if not line:
            continue
        values = line.split("\t")
        if len(values) != len(columns):
            raise TableError(f"{file}:{number}: expected {len(columns)} columns, found {len(values)}")
        yield _row(system, f"{file}:{number}", dict(zip(columns, (value.strip() for value in values), strict=True)))


def _row(system: str, place: str, values: Mapping[str, str]) -> _Row:
    for column in _REQUIRED:
        if not values[column]:
            raise TableError(f"{place}: expected a {column}, found an empty one")
    code, name = values["code"], values["name"]
    synonyms = tuple(synonym for synonym in _several(values.get("synonyms", "")) if synonym != name)
    return _Row(place, Concept(system, code, name, synonyms, _several(values.get("parents", ""))))


def _columns(file: Path, header: str) -> list[str]:
    found = [column.strip().casefold() for column in header.split("\t")]
    columns = [_ALIASES.get(column, column) for column in found]
    unknown = [column for column in columns if column not in _COLUMNS]
    missing = [column for column in _REQUIRED if column not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        raise TableError(
            f"{file}:1: expected a header with the columns code and name (or display), and at most synonyms and "
            f"parents, each once, found {', '.join(map(repr, found))}"
        )
    return columns


def _several(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in value.split("|") if part.strip()))


def _check_parents(by_code: Mapping[str, _Row]) -> None:
    for row in by_code.values():
        for parent in row.concept.parents:
            if parent not in by_code:
                raise TableError(f"{row.place}: expected parents that are codes of the table, found {parent}")
    circle = cycle({code: row.concept.parents for code, row in by_code.items()})
    if circle:
        raise TableError(f"{by_code[circle[0]].place}: expected parents without a cycle, found {' -> '.join(circle)}")
