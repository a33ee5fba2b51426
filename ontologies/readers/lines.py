"""Lines and rows of the files that publishers give out, each with its place."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ontologies.concept import TableError

LONGEST = 32 << 20
"""Most bytes of a line: a concept with a million synonyms is one of 20 million; chosen."""

_RATIO = 200
"""Most times its size that a file unpacks to, ``LONGEST`` aside: tables unpack to 20 times theirs, a bomb to 1000."""

_BOM = b"\xef\xbb\xbf"
_PACKED = {b"PK\x03\x04": "a zip archive: unpack it first", b"\x1f\x8b": "gzip: let its name end in .gz"}
"""How files begin that are no text, and what is told of them."""


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end) of a UTF-8 file, as it is or in gzip; only LF ends a line.

    Raises:
        TableError: ``FILE:LINE`` where a line is not UTF-8 or longer than ``LONGEST``, or the file is an archive,
            damaged gzip, or a pipe or device, which may never end.
        OSError: If it cannot be read.
    """
    if file.exists() and not file.is_file():
        raise TableError(
            f"{file}: expected a regular file, found {'a folder' if file.is_dir() else 'a pipe or device'}"
        )
    opened = gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")
    with opened as raw_lines:
        try:
            number, room = 0, LONGEST + _RATIO * file.stat().st_size
            while raw := raw_lines.readline(LONGEST + 1):
                number, room = number + 1, room - len(raw)
                if len(raw) > LONGEST:
                    raise TableError(f"{file}:{number}: expected lines of at most {LONGEST} bytes, found a longer one")
                if room < 0:
                    raise TableError(
                        f"{file}:{number}: expected gzip of a table, found more than {_RATIO} times its size"
                    )
                line = raw.removeprefix(_BOM) if number == 1 else raw
                yield number, _decoded(line.removesuffix(b"\n").removesuffix(b"\r"), file, number)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TableError(f"{file}: expected a whole gzip file, found {type(error).__name__}") from None


def read_rows(
    file: Path, needed: Sequence[str], *, delimiter: str = "\t", is_quoted: bool = False
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield (``FILE:LINE``, value by column) of a file with a header; values are stripped of white space.

    Args:
        file: UTF-8, as it is or in gzip.
        needed: Columns that the header must have; it may have others. Names are compared without case.
        delimiter: What stands between values.
        is_quoted: Whether a value may stand in quotes, as in CSV, and then hold delimiters and line ends.

    Raises:
        TableError: If a column is missing, or a row has more or fewer values than the header.
        OSError: If the file cannot be read.
    """
    rows = _quoted_rows(file, delimiter) if is_quoted else ((n, line.split(delimiter)) for n, line in read_lines(file))
    number, header = next(rows, (1, [""]))
    columns = [column.strip().casefold() for column in header]
    missing = [column for column in needed if column.casefold() not in columns]
    if missing:
        raise TableError(f"{file}:{number}: expected a header with {', '.join(needed)}, found no {', '.join(missing)}")
    for number, values in rows:
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(columns):
            raise TableError(f"{file}:{number}: expected {len(columns)} columns, found {len(values)}")
        yield f"{file}:{number}", dict(zip(columns, (value.strip() for value in values), strict=True))


def _quoted_rows(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, values) of CSV rows."""
    reader = csv.reader((line + "\n" for _, line in read_lines(file)), delimiter=delimiter, strict=True)
    first = 1
    try:
        for values in reader:
            yield first, values
            first = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"{file}:{reader.line_num}: expected CSV, found that {error}") from None


def _decoded(raw: bytes, file: Path, number: int) -> str:
    """Return a line as text."""
    packed = next((what for start, what in _PACKED.items() if raw.startswith(start)), None) if number == 1 else None
    if packed is not None:
        raise TableError(f"{file}: expected UTF-8, found {packed}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = raw[error.start : error.start + 1].hex()
        raise TableError(f"{file}:{number}: expected UTF-8, found byte 0x{found} after {error.start} bytes") from None
