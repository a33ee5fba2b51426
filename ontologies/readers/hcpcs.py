"""HCPCS Level II from CMS: the fixed-width ANWEB file, its CSV form, or a TSV made from either.

Columns of ANWEB, from 1: code 1-5 (a modifier stands in 4-5), sequence number 6-10, record identification 11, long
description 12-91, short description 92-119, termination date 285-292, action code 293; filler up to 320 may be missing,
and a line that goes on with a long description ends with it (CMS, HCPCS2016_recordlayout.txt; 2024 and 2026 are alike).
The CSV has the columns ``HCPC``, ``RECID`` and so on, the TSV ``code``, ``display``, ``short_display``,
``termination_date``. Modifiers and codes with a termination date are left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines, read_rows

_CODE = re.compile(r"[A-Z]\d{4}")
_LINE = re.compile(r"(?:[A-Z]\d{4}| {3}[0-9A-Z]{2})\d{5}[3478].*")
_CSV = ("HCPC", "RECID", "LONG DESCRIPTION", "SHORT DESCRIPTION", "TERM DT")
_TSV = ("code", "display", "short_display", "termination_date")
_SUFFIXES = (".txt", ".csv", ".tsv")

_CODE_STARTS, _CODE_GOES_ON = "3", "4"
_MODIFIER = ("7", "8")
_LEAST_WIDTH = 293  # up to the action code, which every first line has


class _Record(NamedTuple):
    place: str  # FILE:LINE
    code: str
    kind: str
    name: str
    short: str
    ended: str


def read_hcpcs(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read one table; the long description is the name, the short one a synonym, and there are no parents.

    Raises:
        TableError: ``FILE:LINE`` where a line cannot be used or a code stands twice.
        OSError: If a file cannot be read.
    """
    return finished(system, release, _drafts(record for file in files for record in _records(file)), files)


def is_hcpcs(files: Sequence[Path]) -> bool:
    """Tell by their first lines whether these are files of HCPCS.

    Raises:
        TableError: If a first line is not UTF-8.
        OSError: If a file cannot be read.
    """
    return bool(files) and all(
        any(suffix.casefold() in _SUFFIXES for suffix in file.suffixes) and _form(file) is not None for file in files
    )


def _drafts(records: Iterable[_Record]) -> dict[str, Draft]:
    """Return the codes that are in force, each with its whole long description."""
    drafts: dict[str, Draft] = {}
    ended: set[str] = set()
    current = ""
    for record in records:
        if record.kind == _CODE_STARTS:
            current = record.code
            _check_new(record, drafts)
            drafts[current] = Draft(record.place, record.name, [record.short])
            if record.ended:
                ended.add(current)
        elif record.kind == _CODE_GOES_ON and record.code == current:
            drafts[current].name += f" {record.name}"
        elif record.kind not in _MODIFIER:
            raise TableError(
                f"{record.place}: expected the first record of a code (3), one that goes on with it (4) or a modifier "
                f"(7, 8), found {record.kind!r} of {record.code} after {current or 'no code'}"
            )
    return {code: draft for code, draft in drafts.items() if code not in ended}


def _check_new(record: _Record, drafts: dict[str, Draft]) -> None:
    if not _CODE.fullmatch(record.code):
        raise TableError(f"{record.place}: expected a Level II code such as J1100, found {record.code!r}")
    if record.code in drafts:
        first = drafts[record.code].place
        raise TableError(f"{record.place}: expected each code once, found {record.code} again, first in {first}")


def _records(file: Path) -> Iterator[_Record]:
    form = _form(file)
    if form is None:
        raise TableError(
            f"{file}:1: expected a line of the fixed-width ANWEB file, or a header with {', '.join(_CSV)} "
            f"or {', '.join(_TSV)}, found another line"
        )
    return form(file)


def _form(file: Path) -> Callable[[Path], Iterator[_Record]] | None:
    """Return what reads a file, by its first line."""
    _, first = next(read_lines(file), (1, ""))
    columns = {column.strip(' "').casefold() for column in re.split("[,\t]", first)}
    if columns.issuperset(map(str.casefold, _CSV)):
        return _csv_records
    if columns.issuperset(_TSV):
        return _tsv_records
    return _fixed_records if _LINE.fullmatch(first) else None


def _fixed_records(file: Path) -> Iterator[_Record]:
    for number, line in read_lines(file):
        if not line.strip():
            continue
        place, kind = f"{file}:{number}", line[10:11]
        if not _LINE.fullmatch(line):
            raise TableError(f"{place}: expected code, sequence number and record identification, found {line[:11]!r}")
        if kind == _CODE_STARTS and len(line) < _LEAST_WIDTH:
            raise TableError(f"{place}: expected at least {_LEAST_WIDTH} characters, found {len(line)}")
        ended = line[284:292].strip(" 0")
        yield _Record(place, line[:5].strip(), kind, line[11:91].strip(), line[91:119].strip(), ended)


def _csv_records(file: Path) -> Iterator[_Record]:
    for place, row in read_rows(file, _CSV, delimiter=",", is_quoted=True):
        code, kind, name, short, ended = (row[column.casefold()] for column in _CSV)
        yield _Record(place, code, kind, name, short, ended)


def _tsv_records(file: Path) -> Iterator[_Record]:
    for place, row in read_rows(file, _TSV):
        code, name, short, ended = (row[column] for column in _TSV)
        yield _Record(place, code, _CODE_STARTS, name, short, ended)
