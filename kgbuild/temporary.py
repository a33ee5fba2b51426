"""Files and folders that are whole or absent: written under a name of our own, moved to their place when all is there.

Its writer locks a temporary. A writer that is killed leaves it behind, but not its lock: the next one that writes to
the same folder knows it by its name, finds it without a lock, removes it and says so.
"""

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

MARK = ".kgbuild-unfinished-"
"""What the names of our temporaries begin with."""

_OURS = re.compile(re.escape(MARK) + r"[a-z0-9_]{8}")  # as mkstemp and mkdtemp make names

_OLD = 86_400
"""Seconds without a change after which a temporary counts as left, where there are no locks (Windows, NFS)."""

_written: dict[str, Path] = {}
"""Temporaries of this process by their names: over NFS a lock does not keep out the process that holds it."""


@contextmanager
def named(path: Path) -> Iterator[None]:
    """See to it that an error of the file system names this file, and neither nothing, as of a full disk, nor ours."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename is not None and MARK not in str(error.filename)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def place_of(path: Path) -> Path:
    """Return where a path leads through links; nothing need be there.

    Raises:
        OSError: If the links lead round in a circle, or to where this user may not look.
    """
    with suppress(FileNotFoundError):
        path.stat()
    return Path(os.path.realpath(path))


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears, in place of one that is there, when all is written; for its owner alone.

    A link stays: what it leads to is written.

    Raises:
        OSError: If it cannot be written; names the path.
    """
    with named(path):
        place = place_of(path)
        if place.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with _temporary_file(place.parent) as (part, name):
            yield part
            part.flush()
            os.fsync(part.fileno())
            if sys.platform == "win32":  # which moves no file that is open
                part.close()
            Path(name).replace(place)


@contextmanager
def _temporary_file(folder: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Open a temporary file in a folder, and return its name; it is gone afterwards, if it was not moved."""
    from tempfile import mkstemp  # here and below: what not every command needs when it starts

    handle, name = _made(folder, lambda: mkstemp(prefix=MARK, dir=folder))
    assert handle is not None
    try:
        with os.fdopen(handle, "wb") as part:
            yield part, name
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        _written.pop(Path(name).name, None)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Make a temporary folder in a folder, for its owner alone; it is gone afterwards, if it was not moved."""
    import shutil
    from tempfile import mkdtemp

    def make() -> tuple[int | None, str]:
        name = mkdtemp(prefix=MARK, dir=folder)
        return _open(name), name

    handle, name = _made(folder, make)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        _written.pop(Path(name).name, None)
        _close(handle)


def _made(folder: Path, make: Callable[[], tuple[int | None, str]]) -> tuple[int | None, str]:
    """Make a temporary, locked, with those removed that were left; again if somebody took it for left before that."""
    remove_left(folder)
    while True:
        handle, name = make()
        if _lock(handle) is not False and Path(name).exists():
            _written[Path(name).name] = Path(name)
            return handle, name
        _close(handle)


def remove_left(folder: Path) -> None:
    """Remove the temporaries in a folder whose writers are gone, and log a line for each."""
    left: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:  # who writes to a folder that is not there will be told
        left = [Path(entry.path) for entry in entries if _is_ours(entry)]
    for path in left:
        with suppress(OSError):
            if _is_removed(path):
                import logging

                logging.getLogger(__name__).warning("%s: removed: a run that was killed left it unfinished", path)


def remove_written() -> None:
    """Remove what this process is writing, though it is being written: the process ends now."""
    for path in list(_written.values()):
        with suppress(OSError):
            if path.is_dir():
                import shutil

                shutil.rmtree(path)
            else:
                path.unlink()


def _is_ours(entry: "os.DirEntry[str]") -> bool:
    """Tell whether a temporary was made by kgbuild, for this user, in another process."""
    if _OURS.fullmatch(entry.name) is None or entry.name in _written:
        return False
    found = entry.stat(follow_symlinks=False)
    is_of_our_kind = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
    return is_of_our_kind and (sys.platform == "win32" or found.st_uid == os.geteuid())


def _is_removed(path: Path) -> bool:
    """Remove a temporary that nobody writes any more; tell whether it was removed."""
    handle = _open(str(path))
    try:
        is_locked = _lock(handle)
        if is_locked is False or (is_locked is None and not _is_old(path)):
            return False
        if path.is_dir():
            import shutil

            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:  # its writer was faster
        return False
    finally:
        _close(handle)
    return True


def _lock(handle: int | None) -> bool | None:
    """Lock a temporary until it is closed; False if another process has it locked, None where there are no locks."""
    if sys.platform == "win32" or handle is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _open(name: str) -> int | None:
    """Open a temporary to lock it; None if it is gone, and on Windows, which removes no file that is open."""
    if sys.platform == "win32":
        return None
    with suppress(FileNotFoundError):
        is_folder = stat.S_ISDIR(os.lstat(name).st_mode)
        return os.open(name, (os.O_RDONLY if is_folder else os.O_RDWR) | os.O_NOFOLLOW)
    return None


def _close(handle: int | None) -> None:
    """Close what ``_open`` opened."""
    if handle is not None:
        os.close(handle)


def _is_old(path: Path) -> bool:
    """Tell whether nothing of a temporary has changed for long."""
    changed = max(found.lstat().st_mtime for found in (path, *path.rglob("*")))
    return time.time() - changed > _OLD
