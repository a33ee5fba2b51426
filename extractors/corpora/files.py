"""The files of a corpus: text as it stands, numbered lines, items of JSON; what cannot be read is named file:line."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from extractors.document import ExtractionError
from extractors.strict_json import ConstantError, loads

T = TypeVar("T")


def corpus_files(path: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the file itself, or the files of a folder that match a pattern, by name.

    Patterns are compared without case and with or without ``.gz`` behind them.

    Raises:
        ExtractionError: If there is none.
    """
    if path.is_file():
        return [path]
    wanted = tuple(pattern.lower() for pattern in patterns)
    found = [
        file
        for file in (sorted(path.iterdir()) if path.is_dir() else [])
        if any(fnmatch(file.name.lower().removesuffix(".gz"), pattern) for pattern in wanted)
    ]
    if not found:
        raise ExtractionError(f"{path}: expected a file or a folder with {' or '.join(patterns)}, found none")
    return found


def read_text(file: Path) -> str:
    """Return the text of a file as it stands, line ends and byte order mark included; ``.gz`` is unpacked.

    Raises:
        ExtractionError: If it is no UTF-8 or no gzip; names the byte or line.
    """
    raw = file.read_bytes()
    try:
        return (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ExtractionError(f"{file}:{line}: expected UTF-8, found byte 0x{error.object[error.start]:02x}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ExtractionError(f"{file}: expected a whole gzip file") from None


def numbered_lines(file: Path) -> list[tuple[str, str]]:
    """Return ``(file:line, line)`` of the lines that are not blank, without line end and byte order mark."""
    lines = read_text(file).removeprefix("\ufeff").split("\n")
    return [(f"{file}:{n}", line.removesuffix("\r")) for n, line in enumerate(lines, 1) if line.strip()]


def json_items(file: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the objects of a JSON list (``file: item N``, from 1) or of JSON Lines (``file:line``) with their place.

    Raises:
        ExtractionError: If the file is neither, or an item is no object.
    """
    for where, item in _located(file, read_text(file).removeprefix("\ufeff")):
        if not isinstance(item, dict):
            raise ExtractionError(f"{where}: expected an object, found {type(item).__name__}")
        yield where, item


def member(where: str, item: dict[str, object], key: str, kind: type[T]) -> T:
    """Return a member of a JSON object.

    Raises:
        ExtractionError: If it is missing or of another kind.
    """
    value = item.get(key)
    if not isinstance(value, kind):
        found = type(value).__name__ if key in item else "none"
        raise ExtractionError(f"{where}: expected {kind.__name__} {key!r}, found {found}")
    return value


def _located(file: Path, text: str) -> Iterator[tuple[str, object]]:
    """Yield the items of a JSON list or of JSON Lines with their place."""
    if text.lstrip().startswith("["):
        whole = _parsed(file, text, 1)
        assert isinstance(whole, list)
        yield from ((f"{file}: item {n}", item) for n, item in enumerate(whole, 1))
    else:
        lines = enumerate(text.split("\n"), 1)
        yield from ((f"{file}:{n}", _parsed(file, line, n)) for n, line in lines if line.strip())


def _parsed(file: Path, text: str, first_line: int) -> object:
    """Return parsed JSON whose text begins at a line of the file."""
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        fault = f"{file}:{first_line + error.lineno - 1}: expected JSON: {error.msg}"
    except ConstantError as error:
        fault = f"{file}:{first_line}: {error}"
    except (RecursionError, ValueError):
        fault = f"{file}:{first_line}: too deep or too long a value"
    raise ExtractionError(fault)
