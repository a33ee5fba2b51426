"""The folder of the embedded store: made for its owner alone, and locked for one writer or many readers."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kgbuild.stores import StoreError
from kgbuild.stores.journal import JOURNAL, is_sound
from kgbuild.temporary import MARK, named, place_of, temporary_folder

if sys.platform != "win32":
    import fcntl

LOCK = "kgbuild.lock"
"""Marks a folder as a store from the moment it is made, and holds the lock."""

_UNFINISHED = "bulk-*.sst"  # Oxigraph's bulk loader writes these first, then has RocksDB take all of them in at once
_DATABASE = "CURRENT"  # holds the name of the file with the newest state, in every database that RocksDB has made
_STATE = (_DATABASE, "MANIFEST-", "OPTIONS-", "IDENTITY", JOURNAL)  # beside tables and logs, what a database is
_MANIFEST = re.compile(rb"MANIFEST-[0-9]+\n")  # what RocksDB writes into CURRENT


def make_folder(path: Path, *, create: bool, read_only: bool = False) -> None:
    """See to it that the path is the folder of a store; a folder that is none is left as it is.

    A database without our lock file, as somebody may have copied it to other media, can be read: nothing is written.

    Raises:
        StoreError: If it is not there and is not to be made, or holds something else.
    """
    if not path.exists():
        if not create:
            raise StoreError(f"{path}: no store here")
        path.mkdir(mode=0o700, parents=True)
    elif not path.is_dir():
        raise StoreError(f"{path}: expected the folder of a store, found a file")
    elif not is_store(path):
        if _is_database(path):
            if not read_only:
                raise StoreError(
                    f"{path}: a database, but without the file {LOCK} of a store, so nothing is written there; if "
                    "it is a copy of a store, make that file, empty"
                )
        elif not create or any(path.iterdir()):
            raise StoreError(f"{path}: this folder is no store")
    elif not (path / _DATABASE).exists() and any(file.suffix in (".sst", ".log") for file in path.iterdir()):
        raise _damaged(path)  # Oxigraph would begin a new database, and remove what is left of the old one


def is_store(path: Path) -> bool:
    """Tell whether a folder is a store of ours."""
    return (path / LOCK).exists()


def _is_database(path: Path) -> bool:
    """Tell whether a folder holds a database of RocksDB, ours or another."""
    if not (path / _DATABASE).is_file():
        return False
    with (path / _DATABASE).open("rb") as file:
        said = file.read(100)
    return _MANIFEST.fullmatch(said) is not None and (path / said.decode().strip()).is_file()


def keep_out_of_stores(path: Path) -> None:
    """See to it that what is written to a path becomes no file of a store.

    Raises:
        StoreError: If it would.
    """
    folder = place_of(path).parent
    if is_store(folder):
        raise StoreError(f"{path}: {folder} is a store, where nothing else is written")


def keep_from_others(path: Path) -> None:
    """Let only its owner into the folder, which protects the files in it, whatever their own modes are."""
    if path.stat().st_mode & 0o077:
        with suppress(PermissionError):  # a file system without modes, or the folder of somebody who lets others write
            path.chmod(0o700)


def lock(path: Path, *, shared: bool) -> IO[bytes]:
    """Return the open lock file of a store; the lock ends when it is closed, or with the process.

    Without ``fcntl`` (Windows) the database's own lock lets one process in at a time.

    Raises:
        StoreError: If another process holds the store, or this one has it open already.
    """
    file = _lock_file(path, shared)
    if sys.platform != "win32":
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise in_use(path) from None
    return file


def _lock_file(path: Path, shared: bool) -> IO[bytes]:
    """Open the file that is locked; where it can be read only, as on read-only media, a reader does with that.

    Where there is none, nobody writes: any file does.
    """
    if shared:
        return (path / (LOCK if is_store(path) else _DATABASE)).open("rb")
    return open(path / LOCK, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def see_whether_logs_are_sound(path: Path) -> None:
    """See to it that nothing is lost of what a store acknowledged, before a database is opened that would not tell.

    Raises:
        StoreError: If its logs are not as they were written.
    """
    if not is_sound(path):
        raise _damaged(path)


def leave_nothing_half_done(path: Path) -> None:
    """Remove files of a load that was killed before they became part of the database, and log a line."""
    left = list(path.glob(_UNFINISHED))
    for file in left:
        file.unlink()
    if left:
        import logging  # here and below: what not every command needs when it starts

        logging.getLogger(__name__).warning("%s: removed what a run that was killed had half written", path)


def sync_log(path: Path) -> None:
    """Wait until the log of a database, as it is now, is on disk.

    Oxigraph commits a transaction when the operating system has its log, and has no way to wait for the disk but to
    write all tables anew, which costs a hundred times as much.
    """
    for file in [*path.glob("*.log"), path]:
        with suppress(FileNotFoundError):  # a log whose tables have been written since
            sync(file)


def sync(file: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk; of a folder Windows has no way to."""
    if sys.platform == "win32" and file.is_dir():
        return
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_store(path: Path) -> Iterator[Path]:
    """Yield where to make a folder that becomes a store at ``path`` when all is done; else nothing is left behind.

    Raises:
        StoreError: If something is there already.
    """
    if path.exists():
        raise StoreError(f"{path}: is there already; a backup goes to a new folder")
    keep_out_of_stores(path)
    with named(path):
        place = place_of(path)
        with temporary_folder(place.parent) as part:
            made = part / "store"
            yield made
            made.chmod(0o700)
            lock(made, shared=False).close()
            made.rename(place)
        sync(place.parent)


def copy_database(path: Path, copy: Path) -> None:
    """Copy a database that nobody writes to a new folder; tables, which never change, are shared where that works."""
    import shutil

    copy.mkdir(mode=0o700)
    for file in sorted(path.iterdir()):
        if file.suffix == ".sst":
            with suppress(OSError):
                (copy / file.name).hardlink_to(file)
                continue
        if file.suffix in (".sst", ".log") or file.name.startswith(_STATE):
            shutil.copyfile(file, copy / file.name)
            sync(copy / file.name)
    sync(copy)


def in_use(path: Path) -> StoreError:
    """Return the error for a store that someone else has open."""
    return StoreError(
        f"{path}: in use: one process may write, or several may read; wait for the other, or read a backup"
    )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the database of a folder raises into the errors of stores.

    Raises:
        StoreError: In one line that names the folder.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise fault(path, error) from None


def fault(path: Path, error: Exception) -> StoreError:
    """Return the error for a database that cannot be opened, read or written."""
    message = reason(error)
    if is_damage(error) or isinstance(error, FileNotFoundError):
        return _damaged(path)
    is_held = "lock hold by" in message or "While lock file" in message
    return in_use(path) if is_held else StoreError(f"{path}: cannot be read or written: {message}")


def reason(error: Exception) -> str:
    """Return what a database says of an error, in one line; without the place of a temporary, which is gone by then."""
    said = str(error).splitlines()[0]
    return said.rpartition(": ")[2] if MARK in said else said  # "IO error: While appending to file: PATH: REASON"


def is_damage(error: Exception) -> bool:
    """Tell whether the database's files are not as it wrote them."""
    return isinstance(error, RuntimeError) and str(error).startswith("Corruption")


def _damaged(path: Path) -> StoreError:
    """Return the error for a damaged database; what Oxigraph says of one may hold bytes of it."""
    if not is_store(path):
        return StoreError(f"{path}: a database that cannot be read as a store")
    return StoreError(f"{path}: damaged: restore a backup, or remove the folder and ingest the notes anew")
