"""CPT from the data files that the American Medical Association sells to licensed users.

Lists (``LONGULT.txt``, ``LONGUT.txt``, ``MEDU.txt``, ``SHORTU.txt``): the code in columns 1 to 5, a tab or a blank,
the descriptor. Tables (``ConsolidatedCodeList.txt``, ``ConsumerDescriptor.txt``, ``ClinicianDescriptor.txt``):
tab-separated below a header with ``CPT Code``. Both may begin with a copyright notice of any length, which is why the
tables do not go through ``read_rows``. ``LONGULF.txt``, the wrapped form of the long descriptors, is not read:
``LONGULT.txt`` stands beside it.

Source: filelayout.txt of the AMA's ASCII distribution; tests of the AMA's own loader (hsg-datalabs, descriptor.py).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ontologies.concept import CodeTable, TableError
from ontologies.readers.draft import Draft, finished
from ontologies.readers.lines import read_lines

_CODE = re.compile(r"\d{4}[\dAFMTU]")
"""Category I (digits only), II (F), III (T), laboratory (U), multianalyte (M) and administrative (A) codes."""

_LINE = re.compile(rf"(?P<code>{_CODE.pattern})[\t ]\s*(?P<name>\S.*?)\s*")

_NAME_COLUMNS = ("long", "medium", "short", "consumer", "consumer friendly descriptor", "clinician descriptor")
"""Columns of a table that hold names, the preferred first."""

_Row = tuple[str, str, list[str]]
"""``FILE:LINE``, code, names."""


def read_cpt(system: str, release: str, files: Sequence[Path]) -> CodeTable:
    """Read one table from some of the files; the name from the most complete file is preferred, the others synonyms.

    Raises:
        TableError: If a file is not one of those above by its name, or ``FILE:LINE`` where a line cannot be used.
        OSError: If a file cannot be read.
    """
    for file in files:
        if _kind(file) not in _KINDS:
            raise TableError(f"{file}: expected LONGULT.txt or another AMA file that is read, found {file.name}")
    drafts: dict[str, Draft] = {}
    for file in sorted(files, key=lambda file: list(_KINDS).index(_kind(file))):
        for place, code, names in _rows(file):
            if code in drafts:
                drafts[code].synonyms += names
            else:
                drafts[code] = Draft(place, names[0], names[1:])
    return finished(system, release, drafts, files)


def is_cpt(files: Sequence[Path]) -> bool:
    """Tell by their names whether these are AMA files; years and blanks in a name do not matter."""
    return bool(files) and all(_kind(file) in _KINDS for file in files)


def _kind(file: Path) -> str:
    """Return the letters of a file's name: ``consumerdescriptor`` of ``2026 Consumer Descriptors.txt``."""
    stem, *suffixes = file.name.casefold().split(".")
    letters = "".join(filter(str.isalpha, stem)).removesuffix("s")
    return letters if suffixes[:1] == ["txt"] else ""


def _rows(file: Path) -> Iterator[_Row]:
    """Yield the rows of a file, in which only clinician descriptors may repeat a code."""
    places: dict[str, str] = {}
    for place, code, names in _KINDS[_kind(file)](file):
        first = places.setdefault(code, place)
        if first != place and _kind(file) != "cliniciandescriptor":
            raise TableError(f"{place}: expected each code once, found {code} again, first in {first}")
        yield place, code, names


def _list_rows(file: Path) -> Iterator[_Row]:
    """Yield the rows of a list, after the lines above the first that begins with a code."""
    is_below_notice = False
    for number, line in read_lines(file):
        match = _LINE.fullmatch(line)
        is_below_notice = is_below_notice or match is not None
        if match:
            yield f"{file}:{number}", match["code"], [match["name"]]
        elif is_below_notice and line.strip():
            raise TableError(f"{file}:{number}: expected a CPT code and its descriptor, found {line[:20]!r}")


def _table_rows(file: Path) -> Iterator[_Row]:
    """Yield the rows of a table, after the lines above its header."""
    columns: list[str] = []
    for number, line in read_lines(file):
        values = [value.strip() for value in line.split("\t")]
        if columns and any(values):
            yield _table_row(f"{file}:{number}", columns, values)
        elif "cpt code" in map(str.casefold, values):
            columns = [value.casefold() for value in values]
    if not columns:
        raise TableError(f"{file}: expected a tab-separated header with CPT Code, found none")


def _table_row(place: str, columns: Sequence[str], values: Sequence[str]) -> _Row:
    if len(values) != len(columns):
        raise TableError(f"{place}: expected {len(columns)} columns, found {len(values)}")
    row = dict(zip(columns, values, strict=True))
    names = [row[column] for column in _NAME_COLUMNS if row.get(column)]
    if not _CODE.fullmatch(row["cpt code"]) or not names:
        raise TableError(f"{place}: expected a CPT code and its descriptor, found {row['cpt code']!r} with {names}")
    return place, row["cpt code"], names


_KINDS: dict[str, Callable[[Path], Iterator[_Row]]] = {
    "consolidatedcodelist": _table_rows,
    "longult": _list_rows,
    "longut": _list_rows,
    "medu": _list_rows,
    "shortu": _list_rows,
    "consumerfriendlydescriptor": _table_rows,
    "consumerdescriptor": _table_rows,
    "cliniciandescriptor": _table_rows,
}
"""How a file is read, by the letters of its name; the one whose names are preferred comes first."""
