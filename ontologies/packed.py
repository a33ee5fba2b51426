"""A code table as arrays: written once, opened at once, each concept made when it is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import overload

import numpy as np

from ontologies.arrays import (
    Array,
    ArrayFile,
    Meta,
    digest_of,
    pack_lists,
    pack_strings,
    read_arrays,
    string_at,
    strings_at,
    write_arrays,
)
from ontologies.concept import CodeTable, Concept, TableError

FORMAT = 1
"""Raised whenever the arrays below change their meaning; a table of another format is built again."""

_KEPT = 4096
"""Concepts that are not made anew when they are asked for again: a few kilobytes each."""


def write_table(path: Path, table: CodeTable, key: str) -> None:
    """Write a table to one file.

    Args:
        path: Where; its folder exists.
        table: What; every parent is a code of the table.
        key: What the content was made from, to tell whether it is stale.

    Raises:
        TableError: If a parent is not in the table.
    """
    arrays = _arrays(table)
    meta: dict[str, str | int] = {
        "format": FORMAT,
        "system": table.system,
        "release": table.release,
        "key": key,
        "codes": len(table),
        "names": len(arrays["name_starts"]) - 1,
        "digest": digest_of(arrays),
    }
    write_arrays(path, meta, arrays)


def read_table(path: Path) -> CodeTable:
    """Open a table that ``write_table`` wrote.

    Raises:
        TableError: If the file is damaged, no table or of another format; the message begins with ``path``.
        OSError: If there is none, or it cannot be read.
    """
    file = read_arrays(path)
    check_format(path, file.meta)
    rows = _Rows(file)
    return CodeTable.lazy(
        str(file.meta["system"]), str(file.meta["release"]), rows, _ByCode(rows, file), str(file.meta["digest"])
    )


def check_format(path: Path, meta: Meta) -> None:
    """Refuse what is no table of this format.

    Raises:
        TableError: If it is none; the message begins with ``path``.
    """
    if meta.get("format") != FORMAT:
        raise TableError(f"{path}: expected a table of format {FORMAT}, found {meta.get('format', 'no table')}")


def _arrays(table: CodeTable) -> dict[str, Array]:
    concepts = list(table)
    row_of = {concept.code: row for row, concept in enumerate(concepts)}
    missing = next((f"{c.code} has parent {p}" for c in concepts for p in c.parents if p not in row_of), None)
    if missing is not None:
        raise TableError(f"{table.system}: expected parents that are in the table, found that {missing}")
    codes, code_starts = pack_strings([concept.code for concept in concepts])
    names, name_starts = pack_strings([name for concept in concepts for name in concept.names])
    first_name = np.cumsum([0] + [len(concept.names) for concept in concepts], dtype=np.int64)
    parents, parent_starts = pack_lists([[row_of[parent] for parent in concept.parents] for concept in concepts])
    by_code = np.array(sorted(range(len(concepts)), key=lambda row: concepts[row].code), dtype=np.int32)
    return {
        "codes": codes,
        "code_starts": code_starts,
        "by_code": by_code,
        "names": names,
        "name_starts": name_starts,
        "first_name": first_name,
        "parents": parents,
        "parent_starts": parent_starts,
        "assignable": np.array([concept.assignable for concept in concepts], dtype=np.bool_),
    }


class _Rows(Sequence[Concept]):
    """The concepts of a file by row. Inherits for the methods that ``Sequence`` derives."""

    def __init__(self, file: ArrayFile) -> None:
        self._system = str(file.meta["system"])
        self._arrays = file.arrays
        self._kept = lru_cache(maxsize=_KEPT)(self._concept)

    def code(self, row: int) -> str:
        return string_at(self._arrays["codes"], self._arrays["code_starts"], row)

    def __len__(self) -> int:
        return len(self._arrays["by_code"])

    @overload
    def __getitem__(self, row: int) -> Concept: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Concept]: ...
    def __getitem__(self, row: int | slice) -> Concept | Sequence[Concept]:
        if isinstance(row, slice):
            return [self._concept(one) for one in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self._kept(row % len(self))

    def _concept(self, row: int) -> Concept:
        arrays = self._arrays
        first, last = arrays["first_name"][row : row + 2].tolist()
        names = strings_at(arrays["names"], arrays["name_starts"], first, last)
        above = arrays["parents"][arrays["parent_starts"][row] : arrays["parent_starts"][row + 1]].tolist()
        parents = tuple(self.code(parent) for parent in above)
        assignable = bool(arrays["assignable"][row])
        return Concept(self._system, self.code(row), names[0], tuple(names[1:]), parents, assignable)


class _ByCode(Mapping[str, Concept]):
    """The same concepts by code, found by bisection. Inherits for the methods that ``Mapping`` derives."""

    def __init__(self, rows: _Rows, file: ArrayFile) -> None:
        self._rows = rows
        self._order = file.arrays["by_code"]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return (self._rows.code(row) for row in range(len(self._rows)))

    def __getitem__(self, code: str) -> Concept:
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self._rows.code(int(self._order[middle])) < code:
                low = middle + 1
            else:
                high = middle
        if low == len(self._order) or self._rows.code(int(self._order[low])) != code:
            raise KeyError(code)
        return self._rows[int(self._order[low])]
