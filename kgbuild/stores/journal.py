"""What the logs of a store held when it last acknowledged a write, so that damage to them is noticed.

RocksDB takes a damaged record of its log for the end of it: it opens without what stood behind, deletes the log, and
says nothing. Some damage to its manifest keeps it from ever returning. What was written to both stays, so what they
must begin with is known: length and checksum of that when the disk was last waited for. A log may be missing once a
newer one is there: the tables then hold what it said. Tables carry checksums of their own, which RocksDB looks at.
"""

import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from extractors.strict_json import loads

JOURNAL = "kgbuild.logs"
"""The file that says so: for each log its length and CRC-32. It may be older than the logs, never newer."""

_KINDS = (re.compile(r"([0-9]+)\.log"), re.compile(r"MANIFEST-([0-9]+)"))
"""Files that RocksDB only appends to; the number tells which of a kind is newer."""

_PART = 1 << 20  # bytes read at a time

# The form of a log: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
_BLOCK = 32_768  # bytes; no record reaches over the end of a block
_HEADER, _RECYCLED_HEADER = 7, 11  # bytes: checksum, length, type; and the number of the log
_TYPES = frozenset(range(1, 5))  # of records
_RECYCLED_TYPES = frozenset(range(5, 9))  # of those in a file that was another log before, and may end in its records

_Said = dict[str, tuple[int, int]]
"""Name of a file -> length, and checksum of so much of it."""


class Journal:
    """Writes down what the logs of a folder hold.

    Args:
        path: The folder of a store that this process alone writes to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: _Said = {}

    def write(self) -> None:
        """Write down what the logs hold now; they are on disk already.

        Only what was appended since is read. The disk is not waited for: what was written down before is right as well.
        """
        said = {}
        for file in _logs(self._path):
            with suppress(FileNotFoundError):  # its tables have been written since
                length, checksum = self._said.get(file.name, (0, 0))
                said[file.name] = _longer(file, length, checksum, _end(file, length))
        if said == self._said:
            return
        self._said = said
        part = self._path / f"{JOURNAL}.new"
        with open(part, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            json.dump(said, out, allow_nan=False)
        part.replace(self._path / JOURNAL)


def is_sound(path: Path) -> bool:
    """Tell whether the logs of a folder begin with what was written down of them; without a journal nothing was."""
    try:
        said = loads((path / JOURNAL).read_bytes())
        known = {str(name): (int(length), int(checksum)) for name, (length, checksum) in said.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):  # or half written when the power failed
        return True
    return all(_is_there(path, name, *about) for name, about in known.items())


def _is_there(path: Path, name: str, length: int, checksum: int) -> bool:
    """Tell whether a file begins as it did, or has been followed by a newer one."""
    try:
        return length == 0 or _longer(path / name, 0, 0, length) == (length, checksum)
    except FileNotFoundError:
        return any(_is_newer(file.name, name) for file in _logs(path))


def _is_newer(name: str, other: str) -> bool:
    """Tell whether the first of two files is of the same kind as the second, and newer."""
    found = [(kind.fullmatch(name), kind.fullmatch(other)) for kind in _KINDS]
    return any(one is not None and two is not None and int(one[1]) > int(two[1]) for one, two in found)


def _logs(path: Path) -> Iterator[Path]:
    """Yield the files that are only appended to."""
    return (file for file in path.iterdir() if any(kind.fullmatch(file.name) for kind in _KINDS))


def _end(file: Path, begin: int) -> int:
    """Return where the records of a file end that are its own; they are looked at from a record, or a block, on.

    RocksDB makes a new log of an old one: what it has not written over yet is of that one.
    """
    if file.suffix != ".log":
        return file.stat().st_size
    number, place = int(file.stem) & 0xFFFFFFFF, begin
    with file.open("rb") as opened:
        while True:
            left = _BLOCK - place % _BLOCK
            if left < _HEADER:  # no record fits there
                place += left
                continue
            opened.seek(place)
            header = opened.read(_RECYCLED_HEADER)
            kind = header[6] if len(header) >= _HEADER else 0
            is_recycled = kind in _RECYCLED_TYPES
            if left < _RECYCLED_HEADER and (kind == 0 or is_recycled) and len(header) >= left:
                place += left
                continue
            is_own = kind in _TYPES or (is_recycled and int.from_bytes(header[7:11], "little") == number)
            if not is_own:
                return place
            place += (_RECYCLED_HEADER if is_recycled else _HEADER) + int.from_bytes(header[4:6], "little")


def _longer(file: Path, length: int, checksum: int, end: int) -> tuple[int, int]:
    """Return length and checksum of a file up to an end, given those of its beginning."""
    with file.open("rb") as opened:
        opened.seek(length)
        while part := opened.read(min(_PART, end - length)):
            length, checksum = length + len(part), zlib.crc32(part, checksum)
    return length, checksum
