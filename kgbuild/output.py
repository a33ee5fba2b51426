"""Rows as a table, JSON, TSV or CSV, to stdout or to a file that is whole or absent."""

import errno
import math
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from extractors.strict_json import dumps, spelled
from kgbuild import spreadsheet
from kgbuild.stores.folder import keep_out_of_stores
from kgbuild.temporary import named as named
from kgbuild.temporary import whole_file

Row = Mapping[str, object]

_WIDEST = 60
"""Characters of a cell that a table shows."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey instead of showing it: control characters (Cc), and those that turn the writing round."""

_LINKS = 40
"""Links that are followed one after the other; Linux follows as many."""

_OPEN_FILES = ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd")
"""Where a system shows a process what it has open, by number."""

_NUMBER = re.compile("[0-9]{1,9}")

_WHOLE = frozenset({"why"})
"""Columns that a table never cuts: an option asks for them alone."""


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file for writing, or stdout; the file appears only when all is written, for its owner alone.

    A pipe or device, and what was given to this process as an open file, is written to as it is.

    Args:
        path: The file; None or ``-`` is stdout.

    Raises:
        OSError: If it cannot be written; names the file.
        StoreError: If it would be one of the files of a store.
    """
    if path is None or str(path) == "-":
        with named(Path("stdout")):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    handle = _given(path)
    if handle is None:
        keep_out_of_stores(path)
        with whole_file(path) as file:
            yield file
        return
    with named(path), os.fdopen(handle, "wb") as file:
        yield file


def _given(path: Path) -> int | None:
    """Return a handle to write to what cannot be replaced, such as a pipe, a device or an open file; None for others.

    Raises:
        OSError: If it cannot be opened.
    """
    number = _descriptor(path)
    if number is not None:
        with named(path):
            if not os.get_inheritable(number):  # opened by this process, such as a file of a store
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            return os.dup(number)
    try:
        found = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(found) or stat.S_ISDIR(found):
        return None
    return os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that /dev/stdout, /dev/fd/N or a link to one of these stands for.

    Opening such a path would begin the file anew, or write in its middle.
    """
    shown = {os.path.realpath(folder) for folder in _OPEN_FILES}
    place = path.absolute()
    for _ in range(_LINKS):
        folder = os.path.realpath(place.parent)
        if folder in shown and _NUMBER.fullmatch(place.name):
            return int(place.name)
        if not place.is_symlink():
            return None
        place = Path(folder) / place.readlink()
    return None


def encoded(text: str) -> bytes:
    r"""Return text as UTF-8; a half of a surrogate pair, which has none, as ``\ud800``, so that JSON is still JSON."""
    return text.encode(errors="backslashreplace")


def as_table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return the rows under their column names, each column as wide as its widest cell.

    >>> print(as_table([{"code": "K76.9", "score": 0.5}], ["code", "score"]))
    code   score
    K76.9  0.50
    """
    cells = [
        [_on_one_line(name) for name in columns],
        *([_cell(row.get(column), column) for column in columns] for row in rows),
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def as_separated(rows: Sequence[Row], columns: Sequence[str], delimiter: str) -> str:
    """Return the rows as CSV or TSV with a header; a cell that a spreadsheet would run begins with ``'``."""
    lines = [spreadsheet.line(columns, delimiter)]
    lines += [spreadsheet.line((_plain(row.get(column)) for column in columns), delimiter) for row in rows]
    return "".join(lines).removesuffix("\n")


def as_json_lines(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return one JSON object a row, with every key the row has."""
    return "\n".join(dumps(dict(row)) for row in rows)


FORMATS: dict[str, Callable[[Sequence[Row], Sequence[str]], str]] = {
    "table": as_table,
    "tsv": lambda rows, columns: as_separated(rows, columns, "\t"),
    "csv": lambda rows, columns: as_separated(rows, columns, ","),
    "jsonl": as_json_lines,
    "json": lambda rows, columns: dumps([dict(row) for row in rows], indent=1),
}
"""How rows are written, by the name that ``--format`` takes."""


def _cell(value: object, column: str) -> str:
    """Return a value as a table shows it: on one line, and short but for columns that are shown whole."""
    text = f"{value:.2f}" if isinstance(value, float) and math.isfinite(value) else _on_one_line(_plain(value))
    return text if len(text) <= _WIDEST or column in _WHOLE else text[: _WIDEST - 1] + "…"


def _on_one_line(text: str) -> str:
    """Return text without line breaks and what else a terminal would obey."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))


def _plain(value: object) -> str:
    """Return a value as text, nothing for None; what is no finite number as XML Schema has it, as in JSON."""
    return "" if value is None else str(spelled(value)) if isinstance(value, float) else str(value)
