"""Notes in: a folder of texts with its ``notes.csv``, a single text, JSON Lines from a file or standard input."""

import csv
import errno
import gzip
import io
import os
import stat
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kgbuild.note import FIELDS, UTF16_BOMS, Note, NoteError, check_text, decode, note_from, note_from_json, shown

INDEX = "notes.csv"
"""The file of a folder that says whose notes they are."""

COLUMNS = ("file", *FIELDS)
"""Its columns; all but ``file`` may be missing."""

_NO_FILE = "no regular file, or a broken link"

_Read = tuple[str, Note | NoteError]
"""Where a note stands, and the note or why there is none."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of ``notes.csv``: its line, the file it names, and its other cells by column."""

    where: str
    fields: Mapping[str, str]


def read_notes(source: Path | str, stdin: BinaryIO | None = None) -> Iterator[Note | NoteError]:
    """Read notes one at a time; what cannot be read comes as a ``NoteError`` in its place, and the rest goes on.

    Folder: every ``*.txt`` (hidden files apart) and whatever ``notes.csv`` lists, in the order of their paths. A note
    that ``notes.csv`` does not list, or a column it lacks, takes the note id from the path without ``.txt`` and the
    patient from the folder, in a flat folder from the file's name; deeper than one folder, nobody can say which is the
    patient, and the note is refused. A single ``.txt``: as in its folder, if ``notes.csv`` there or one folder up lists
    it; else it is its own patient. JSON Lines: an object a line with ``id`` (or ``note_id``) and ``text``;
    ``patient_id`` (else the note is its own patient), ``encounter_id``, ``date``, ``kind`` as in ``notes.csv``; other
    keys are ignored, except those that look like a key of ours that is missing.

    Of two notes with one id the first is read and the second refused. Texts are never altered; a byte order mark is
    no part of a text.

    Args:
        source: A folder, a ``.txt``, ``.jsonl`` or ``.jsonl.gz`` file, or ``-`` for JSON Lines on standard input.
        stdin: What ``-`` reads; the process's own by default.

    Raises:
        NoteError: Before the first note, if the source is not there, is of no kind we know, or holds no notes, or if
            its ``notes.csv`` cannot be trusted: then no patient of the folder is sure.
    """
    if str(source) == "-":
        return _unique(_json_lines(sys.stdin.buffer if stdin is None else stdin, "stdin"))
    path = Path(source)
    if _is_folder(path):
        return _unique(_folder(path))
    if path.name.lower().endswith((".jsonl", ".jsonl.gz")):
        return _unique(_json_lines(_lines(path), shown(path)))
    if path.suffix.lower() == ".txt":
        return _unique(_single(path))
    raise NoteError(f"{shown(path)}: expected a folder, a .txt, .jsonl or .jsonl.gz file, or - for standard input")


def files_of(source: Path) -> Iterator[Path]:
    """Yield the files that are opened when a source is read, and those that would be if they were there.

    Raises:
        NoteError: If its ``notes.csv`` cannot be trusted.
    """
    if not source.is_dir():
        yield source
        if source.suffix.lower() == ".txt":
            yield from (source.parent / INDEX, Path(os.path.normpath(source.parent / "..")) / INDEX)
        return
    yield source / INDEX
    yield from (path for _, path in _walk(source, "", frozenset()) if isinstance(path, Path))
    yield from (source / key for key in _read_index(source))


def would_read(inside: Path) -> bool:
    """Tell whether a file would be read with a folder that it stands in, by its path from there."""
    is_hidden = any(part.startswith(".") for part in inside.parts)
    return not is_hidden and (inside.name == INDEX or inside.suffix.lower() == ".txt")


def _unique(reads: Iterable[_Read]) -> Iterator[Note | NoteError]:
    """Refuse a note whose id an earlier one has."""
    places: dict[str, str] = {}
    for where, note in reads:
        first = places.setdefault(note.id, where) if isinstance(note, Note) else where
        yield note if first == where else NoteError(f"{where}: note id {_id(note)} is already that of {first}")


def _id(note: Note | NoteError) -> str:
    assert isinstance(note, Note)
    return shown(note.id)


def _attempt(read: Callable[[], Note]) -> Note | NoteError:
    """Return the note, or a fresh error: one that was raised holds on to the frames, and so to the text."""
    try:
        return read()
    except NoteError as error:
        return NoteError(*error.args)


# --- folders ------------------------------------------------------------------------------------------------------
def _folder(folder: Path) -> Iterator[_Read]:
    """Return what a folder holds, by path; the texts themselves are read when asked for."""
    found: dict[str, Path | NoteError] = {}
    for key, path in _walk(folder, "", frozenset()):
        if key in found:
            found[str(path)] = NoteError(f"{shown(path)}: another file has this name in another Unicode form")
        else:
            found[key] = path
    listed = _read_index(folder)
    if not found and not listed:
        raise NoteError(f"{shown(folder)}: no notes: it holds no .txt file (name a .jsonl file itself)")
    return _folder_notes(folder, sorted({*found, *listed}), found, listed)


def _single(path: Path) -> Iterator[_Read]:
    """Return one text, with the ids it has when the folder of its ``notes.csv`` is read."""
    name, parent = _composed(path.name), path.parent
    above = Path(os.path.normpath(parent / ".."))
    for folder, key in ((parent, name), (above, f"{_composed(parent.resolve().name)}/{name}")):
        listed = _read_index(folder)
        if key in listed:
            return _folder_notes(folder, [key], {key: path}, listed)
    return _folder_notes(parent, [name], {name: path}, {})


def _folder_notes(
    folder: Path, keys: Iterable[str], found: Mapping[str, Path | NoteError], listed: Mapping[str, _Row | NoteError]
) -> Iterator[_Read]:
    """Read the texts one at a time; a listed file that the walk did not find may still be there, under any name."""
    for key in keys:
        read = partial(_text_note, found.get(key, folder / key), listed.get(key), key)
        yield shown(folder / key), _attempt(read)


def _walk(folder: Path, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, Path | NoteError]]:
    """Find the texts below a folder by their composed relative path; a folder that cannot be read is an error there."""
    due = [(folder, prefix, above)]
    while due:
        folder, prefix, above = due.pop()
        try:
            at = os.stat(os.path.join(folder, "."))  # who may not enter a folder may still list it
            real = (at.st_dev, at.st_ino)
            names = sorted(os.listdir(folder)) if real not in above else []
        except OSError as error:
            yield prefix, _unreadable(folder, error)
            continue
        if real in above:
            yield prefix, NoteError(f"{shown(folder)}: a link to a folder that holds it")
        for name in (name for name in names if not name.startswith(".")):
            path, key = folder / name, prefix + _composed(name)
            if os.path.isdir(path):
                due.append((path, f"{key}/", above | {real}))
            elif prefix and name == INDEX:
                raise NoteError(f"{shown(path)}: read this folder by itself, or list its files in the {INDEX} above")
            elif name.lower().endswith(".txt"):
                yield key, path


def _text_note(path: Path | NoteError, row: _Row | NoteError | None, key: str) -> Note:
    """Read one text with what its row says of it."""
    if isinstance(row, NoteError):
        raise row
    if isinstance(path, NoteError):
        raise path
    if row is not None and not os.path.lexists(path):
        raise NoteError(f"{row.where}: no file {shown(path)}")
    where = shown(path) if row is None else row.where
    fields = {"note_id": _stem(key)} if row is None else {"note_id": _stem(key), **row.fields}
    if "patient_id" not in fields:
        fields["patient_id"] = _patient(key, where)
    return note_from(fields, check_text(decode(file_bytes(path), shown(path)), shown(path)), where)


def file_bytes(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        NoteError: If it cannot be read, or is none: a pipe could keep us waiting for ever.
    """
    with _regular(path) as stream:
        try:
            return stream.read()
        except OSError as error:
            fault = _unreadable(path, error)
    raise fault


def _regular(path: Path) -> BinaryIO:
    """Open a file.

    Raises:
        NoteError: If it cannot be opened, or is no regular file.
    """
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return path.open("rb")
        fault = NoteError(f"{shown(path)}: {_NO_FILE}")
    except OSError as error:
        fault = _unreadable(path, error)
    raise fault


def _is_folder(path: Path) -> bool:
    """Tell a folder from a file.

    Raises:
        NoteError: If it is neither, or nobody may say.
    """
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        fault = _unreadable(path, error)
    raise fault


def _unreadable(path: Path, error: OSError) -> NoteError:
    """Return the error for a file or folder that the system does not give."""
    if error.errno not in (errno.ENOENT, errno.ELOOP):
        return NoteError(f"{shown(path)}: cannot be read: {error.strerror}")
    return NoteError(f"{shown(path)}: {_NO_FILE if os.path.lexists(path) else 'no such file or folder'}")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _stem(key: str) -> str:
    return key[: -len(".txt")] if key.lower().endswith(".txt") else key


def _patient(key: str, where: str) -> str:
    """Return the patient by the rule for files that no ``notes.csv`` assigns."""
    folders = PurePosixPath(key).parts[:-1]
    if len(folders) > 1:
        raise NoteError(f"{where}: {len(folders)} folders deep: which is the patient? Say so in {INDEX}, patient_id")
    return folders[0] if folders else _stem(key)


# --- notes.csv ----------------------------------------------------------------------------------------------------
def _read_index(folder: Path) -> dict[str, _Row | NoteError]:
    """Return the rows by the file they name; none when there is no ``notes.csv``.

    A row that cannot be used is an error under its file, so that the file is not read as if it were not listed.

    Raises:
        NoteError: If it is not UTF-8, has broken quoting, or a header we do not know.
    """
    path = folder / INDEX
    if not os.path.lexists(path):
        return {}
    rows: dict[str, _Row | NoteError] = {}
    for where, cells, columns in _cells(decode(file_bytes(path), shown(path)), shown(path)):
        key, row = _row(where, cells, columns)
        earlier = rows.get(key)
        rows[key] = row if earlier is None else _listed_twice(earlier, where, key)
    return rows


def _cells(text: str, name: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield line, trimmed cells and the header's columns for every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if columns is None:
                columns = _header(cells, f"{name}:{reader.line_num}")
            elif any(cells):
                yield f"{name}:{reader.line_num}", cells, columns
    except csv.Error as error:
        fault = f"{name}:{reader.line_num}: broken CSV ({error})"
    else:
        if columns is None:
            raise NoteError(f"{name}: empty, expected a header with the column file")
        return
    raise NoteError(fault)


def _header(cells: list[str], where: str) -> list[str]:
    """Check the columns; without ``file`` this may be no header at all, so nothing of it is shown."""
    known = ", ".join(COLUMNS)
    if "file" not in cells:
        raise NoteError(f"{where}: no column file; expected a header of {known}, separated by commas")
    for i, column in enumerate(cells):
        if column not in COLUMNS:
            raise NoteError(f"{where}: unknown column {shown(column)!r}; known are {known}")
        if column in cells[:i]:
            raise NoteError(f"{where}: column {column} appears twice")
    return cells


def _row(where: str, cells: list[str], columns: list[str]) -> tuple[str, _Row | NoteError]:
    """Return the file a row names (its own place if it names none) and the row, or what is wrong with it."""
    at = columns.index("file")
    file = PurePosixPath(_composed(cells[at])) if at < len(cells) else PurePosixPath()
    if not file.parts:
        return where, NoteError(f"{where}: no file")
    if len(cells) != len(columns):
        return str(file), NoteError(f"{where}: expected {len(columns)} cells, found {len(cells)}")
    if file.is_absolute() or ".." in file.parts:
        return str(file), NoteError(f"{where}: the file is outside the folder")
    return str(file), _Row(where, {c: cell for c, cell in zip(columns, cells, strict=True) if c != "file"})


def _listed_twice(earlier: _Row | NoteError, where: str, key: str) -> NoteError:
    if isinstance(earlier, NoteError):
        return NoteError(f"{earlier}; listed again in {where}")
    return NoteError(f"{where}: {shown(key)} is listed twice, first in {earlier.where}; which row is right?")


# --- JSON Lines ---------------------------------------------------------------------------------------------------
def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked if it ends in ``.gz``."""
    with _regular(path) as file:
        yield from gzip.open(file) if path.name.lower().endswith(".gz") else file


def _json_lines(lines: Iterable[bytes], name: str) -> Iterator[_Read]:
    """Read a note a line; blank lines are passed over."""
    number = notes = 0
    try:
        for number, line in enumerate(lines, 1):
            where = f"{name}:{number}"
            if line.strip():
                notes += 1
                yield where, _attempt(partial(note_from_json, line, where))
            if number == 1 and line.startswith(UTF16_BOMS):
                return  # every further line would say the same
    except (OSError, EOFError, zlib.error) as error:
        fault = error.strerror if isinstance(error, OSError) and error.strerror is not None else "damaged gzip"
        yield name, NoteError(f"{name}: cannot be read{f' after line {number}' if number else ''}: {fault}")
        return
    if not notes:
        yield name, NoteError(f"{name}: no notes: not one line")
