"""The tables of this machine, a folder a code system under ``KGBUILD_HOME``: built-in ones cached, users' added."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from ontologies.arrays import Meta, read_meta
from ontologies.concept import CodeTable, TableError
from ontologies.home import home as home
from ontologies.packed import check_format, read_table, write_table
from ontologies.readers.formats import read_files
from ontologies.readers.icd10cm import RELEASE, icd10cm_key, read_icd10cm
from ontologies.readers.packaged import PACKAGED, packaged_key, read_packaged
from ontologies.systems import SYSTEMS, system_of

Progress = Callable[[str], None]

_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d(?:[01]\d[0-3]\d)?(?!\d)")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A table that comes with the installation.

    Attributes:
        release: Its release.
        key: Returns what the cached table depends on.
        read: Reads it, which may take seconds.
    """

    release: str
    key: Callable[[], str]
    read: Callable[[], CodeTable]


BUILT_IN: dict[str, BuiltIn] = {"icd10cm": BuiltIn(RELEASE, icd10cm_key, read_icd10cm)} | {
    system: BuiltIn(packaged.release, partial(packaged_key, system), partial(read_packaged, system))
    for system, packaged in PACKAGED.items()
}
"""By system. An added table of the same system hides it until it is removed."""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What is known of a table without opening it.

    Attributes:
        system: Short name.
        title: Name of the system in full.
        release: Edition.
        codes: Number of codes; None for a built-in table that was not used yet.
        names: Number of names; None likewise.
        licence: Who owns it.
        bytes: On disk, with its search index.
        is_added: True for a user's table, False for a built-in one.
    """

    system: str
    title: str
    release: str
    codes: int | None
    names: int | None
    licence: str
    bytes: int
    is_added: bool


def add_table(
    system: str,
    files: Sequence[Path],
    release: str | None = None,
    check: Callable[[CodeTable], None] | None = None,
) -> TableInfo:
    """Read and check a user's table and keep it; it takes the place of an earlier one only when it is whole.

    Args:
        system: Short name of the code system.
        files: Its files, or the folder of a release, in a format of ``readers.formats``.
        release: What the publisher calls this edition; without it the date in a file's name, else a hash of the files.
        check: Refuses a table that it has no use for with a TableError.

    Raises:
        TableError: If the system is unknown or a file cannot be used; what was there before stays.
        OSError: If a file cannot be read or written.
    """
    system_of(system)
    key = "files " + _content_hash(files)
    table = read_files(system, release or _release(files) or key.removeprefix("files "), files)
    if check is not None:
        check(table)
    path = _path(system, is_added=True)
    _make_private(path.parent)
    write_table(path, table, key)
    return _info(system, is_added=True)


def remove_table(system: str) -> None:
    """Remove a user's table; a built-in one of the same system comes back.

    Raises:
        TableError: If no table of the system was added.
    """
    path = _path(system, is_added=True)
    if system not in SYSTEMS or not path.exists():
        raise TableError(f"{system}: expected an added table, found none; added are: {_added_systems() or 'none'}")
    for file in path.parent.glob(path.stem + ".*"):
        file.unlink(missing_ok=True)


def tables() -> list[TableInfo]:
    """Return every table that ``open_table`` can open, in the order of ``SYSTEMS``."""
    added = [system for system in SYSTEMS if _path(system, is_added=True).exists()]
    return [_info(system, is_added=system in added) for system in SYSTEMS if system in added or system in BUILT_IN]


def open_table(system: str, progress: Progress | None = None) -> CodeTable:
    """Open the table in use, checking the whole of it.

    A built-in one is built first where it is not cached yet, and built anew where its cache is stale or damaged.

    Args:
        system: Short name of the code system.
        progress: Told in one line before something that takes seconds.

    Raises:
        TableError: If the system is unknown or has no table, or an added one is damaged.
    """
    path = _in_use(system)
    if path == _path(system, is_added=True):
        with _advising(system):
            table = read_table(path)
            if table.system != system:
                raise TableError(f"{path}: expected a table of {system}, found one of {table.system}")
            return table
    source = BUILT_IN[system]
    try:
        if _cached(path, source) is not None:
            return read_table(path)
    except TableError:  # damaged behind its header
        pass
    if progress is not None:
        progress(f"building the table of {SYSTEMS[system].title} {source.release} (once)")
    _make_private(path.parent)
    write_table(path, source.read(), source.key())
    return read_table(path)


def index_path(system: str) -> Path:
    """Return the place of the search index of the table in use.

    Raises:
        TableError: If the system is unknown or has no table.
    """
    return _in_use(system).with_suffix(".lexical")


def _in_use(system: str) -> Path:
    """Return the place of a user's table if there is one, else of the built-in one."""
    system_of(system)
    added = _path(system, is_added=True)
    if added.exists():
        return added
    if system not in BUILT_IN:
        raise TableError(f"{system}: expected a table, found none; add one: kgbuild ontology add {system} FILE")
    return _path(system, is_added=False)


@contextmanager
def _advising(system: str) -> Iterator[None]:
    """Add to what is told of a user's table what to do."""
    try:
        yield
    except TableError as error:
        raise TableError(f"{error}; add the table again: kgbuild ontology add {system} FILE") from error


def _path(system: str, *, is_added: bool) -> Path:
    return home() / "tables" / system / ("added.table" if is_added else "builtin.table")


def _cached(path: Path, source: BuiltIn) -> Meta | None:
    """Return what is said of a cached table, None if it cannot be read, or was not made from what is installed."""
    try:
        meta = read_meta(path)
        check_format(path, meta)
    except (OSError, TableError):
        return None
    return meta if meta["key"] == source.key() else None


def _info(system: str, *, is_added: bool) -> TableInfo:
    path = _path(system, is_added=is_added)
    known = SYSTEMS[system]
    size = sum(file.stat().st_size for file in path.parent.glob(path.stem + ".*"))
    if is_added:
        with _advising(system):
            meta: Meta | None = read_meta(path)
            check_format(path, meta or {})
    else:
        meta = _cached(path, BUILT_IN[system])
    if meta is None:
        return TableInfo(system, known.title, BUILT_IN[system].release, None, None, known.licence, size, is_added=False)
    codes, names = int(meta["codes"]), int(meta["names"])
    return TableInfo(system, known.title, str(meta["release"]), codes, names, known.licence, size, is_added=is_added)


def _added_systems() -> str:
    return ", ".join(system for system in SYSTEMS if _path(system, is_added=True).exists())


def _release(files: Sequence[Path]) -> str | None:
    """Return the date or year in the name of the first file that has one: 20260301, 2026."""
    dates = (_DATE.search(file.name) for file in _all_files(files))
    return next((found[0] for found in dates if found is not None), None)


def _content_hash(files: Sequence[Path]) -> str:
    content = sha256()
    for file in _all_files(files):
        with file.open("rb") as opened:
            while part := opened.read(1 << 20):
                content.update(part)
    return f"sha256:{content.hexdigest()[:12]}"


def _all_files(files: Sequence[Path]) -> list[Path]:
    """Return the files, in place of a folder all that it holds.

    Raises:
        TableError: If one that is given is neither a file nor a folder.
    """
    for file in files:
        if file.exists() and not file.is_file() and not file.is_dir():
            raise TableError(f"{file}: expected a regular file or a folder, found a pipe or device")
    return [one for file in files for one in (sorted(file.rglob("*")) if file.is_dir() else [file]) if one.is_file()]


def _make_private(folder: Path) -> None:
    """Create the folder and what is above it inside ``home()``, for this user only."""
    for part in (home(), home() / "tables", folder):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
