"""Rows as a table, JSON, TSV or CSV, to stdout or to a file that is whole or absent."""

import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from extractors.strict_json import dumps, spelled
from kgbuild import spreadsheet

Row = Mapping[str, object]

_WIDEST = 60
"""Characters of a cell that a table shows."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey instead of showing it: control characters (Cc), and those that turn the writing round."""

_WHOLE = frozenset({"why"})
"""Columns that a table never cuts: an option asks for them alone."""


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file for writing, or stdout; the file appears only when all is written, for its owner alone.

    Args:
        path: The file; None or ``-`` is stdout.
    """
    if path is None or str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with named(path), NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        try:
            yield part  # type: ignore[misc]  # a binary file in all but name
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


@contextmanager
def named(path: Path) -> Iterator[None]:
    """See to it that an error of the file system says where it was, as one of a full disk does not."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


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
