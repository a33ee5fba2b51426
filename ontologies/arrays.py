"""Named numpy arrays and a little metadata in one memory-mapped file: whole or absent, and checked when it is opened.

Header and arrays each have a CRC-32 in the file. ``read_arrays`` computes them all, 3 GB a second and core: those of
ICD-10-CM's table and index in .02 s, of MeSH's in .05 s. A bit that changed before a file is opened is noticed there;
what changes in a file while it is open is noticed when it is opened again.
"""

import json
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ontologies.concept import TableError

if sys.platform != "win32":
    import fcntl

MAGIC = b"kgbuild\x02"
_OLDER = b"kgbuild\x01"
"""How files began that had no checksums."""

_ALIGNMENT = 64
_START = len(MAGIC) + 8 + 4
"""Bytes before the JSON of the header: magic, length, checksum."""

_PARALLEL = 8 << 20
"""Bytes from which on threads pay that check one file together; chosen."""

_TEMPORARY = ".tmp-"
"""How the names of files begin that are being written."""

Meta = Mapping[str, str | int]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """The content of one file; the arrays are read-only views of the file.

    Attributes:
        meta: What the writer said of the content.
        arrays: By name.
    """

    meta: Meta
    arrays: Mapping[str, Array]


def write_arrays(path: Path, meta: Meta, arrays: Mapping[str, Array]) -> None:
    """Write the file beside its place and move it there: a reader sees the old content or the new, never a part.

    What a killed process left in the folder of a file that it was writing is removed.

    Raises:
        OSError: If it cannot be written; names the path.
    """
    chunks = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    head = _header(meta, chunks)
    with _named(path), _among_writers(path.parent):
        handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(head)
                for array in chunks.values():
                    file.write(array.data)
                    file.write(_padding(array))
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """See to it that an error of the file system names this file: that of a full disk names none, others a temporary.

    So does ``kgbuild.temporary.named``, which stands above this package.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def _among_writers(folder: Path) -> Iterator[None]:
    """Hold the lock of those who write into a folder; who is alone first removes what killed writers left.

    The system frees the lock of a process that ends, however it ends. Windows has no such lock, and there the rest of
    a kill stays; so it does on a file system without locks.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for rest in folder.glob(f"{_TEMPORARY}*"):
                rest.unlink(missing_ok=True)
            fcntl.flock(handle, fcntl.LOCK_SH)
        except BlockingIOError:  # another writes
            fcntl.flock(handle, fcntl.LOCK_SH)
        except OSError:  # no locks here
            pass
        yield
    finally:
        os.close(handle)


def read_arrays(path: Path) -> ArrayFile:
    """Map the file into memory and check the whole of it.

    Raises:
        TableError: If the file is no such file, or is not what was written; the message begins with ``path`` and leaves
            it to the caller to say what to do.
        OSError: If there is none, or it cannot be read.
    """
    view, head = _opened(path)
    whole = memoryview(view)

    def is_damaged(place: tuple[str, tuple[str, list[int], int, int]]) -> bool:
        _, (dtype, shape, offset, checksum) = place
        return crc32(whole[offset : offset + _padded(_size(dtype, shape))]) != checksum

    places = list(head["arrays"].items())
    with ThreadPoolExecutor(_threads(len(view))) as pool:
        damaged = [name for (name, _), is_bad in zip(places, pool.map(is_damaged, places), strict=True) if is_bad]
    if damaged:
        raise TableError(f"{path}: damaged: {', '.join(damaged)} not as written")
    arrays = {
        name: np.frombuffer(view, dtype, int(np.prod(shape)), offset).reshape(shape)
        for name, (dtype, shape, offset, _) in places
    }
    return ArrayFile(head["meta"], arrays)


def read_meta(path: Path) -> Meta:
    """Return what the writer said of a file's content, of which only the header is checked.

    Raises:
        TableError: If the file is no such file, is shorter than it says, or its header is not as written.
        OSError: If there is none, or it cannot be read.
    """
    meta: Meta = _opened(path)[1]["meta"]
    return meta


def _opened(path: Path) -> tuple[mmap.mmap, dict[str, Any]]:
    """Return a file as bytes and its header, which is checked."""
    if path.exists() and not path.is_file():
        raise TableError(f"{path}: damaged: not a regular file")
    with path.open("rb") as file:
        start = file.read(_START)
        if start.startswith(_OLDER):
            raise TableError(f"{path}: written by an older version of kgbuild, without checksums")
        if len(start) < _START or not start.startswith(MAGIC):
            raise TableError(f"{path}: damaged: expected a kgbuild table, found another file")
        length = int.from_bytes(start[len(MAGIC) : -4], "little")
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _check_size(path, _START + length, len(view))
    body = view[_START : _START + length]
    if crc32(start[:-4] + body) != int.from_bytes(start[-4:], "little"):
        raise TableError(f"{path}: damaged: its header is not as written")
    head: dict[str, Any] = json.loads(body)
    _check_size(path, head["size"], len(view))
    return view, head


def _threads(size: int) -> int:
    return min(os.cpu_count() or 1, 8) if size >= _PARALLEL else 1


def _size(dtype: str, shape: Sequence[int]) -> int:
    return np.dtype(dtype).itemsize * int(np.prod(shape))


def _check_size(path: Path, expected: int, found: int) -> None:
    if found < expected:
        raise TableError(f"{path}: damaged: expected {expected} bytes, found {found}")


def digest_of(arrays: Mapping[str, Array]) -> str:
    """Return a hash of the content, the same for equal arrays under equal names."""
    content = sha256()
    for name in sorted(arrays):
        content.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode())
        content.update(np.ascontiguousarray(arrays[name]).tobytes())
    return content.hexdigest()


def pack_strings(strings: Sequence[str]) -> tuple[Array, Array]:
    """Return all strings as one run of UTF-8 and where each starts, with the end of the last: ``(strings + 1,)``."""
    encoded = [string.encode() for string in strings]
    starts = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in encoded], out=starts[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), starts


def pack_lists(lists: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return all lists as one run of integers and where each starts, with the end of the last: ``(lists + 1,)``."""
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in lists], out=starts[1:])
    flat = np.fromiter((item for part in lists for item in part), dtype=np.int32, count=int(starts[-1]))
    return flat, starts


def slices(starts: Array, items: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of all elements of some lists of a flat array, and where each list begins among them."""
    first = starts[items]
    lengths = starts[items + 1] - first
    begins = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(first - begins, lengths), begins


def lengths_of(begins: Array, end: int) -> npt.NDArray[np.int64]:
    """Return how long lists are that begin at some places, the last of them ending at ``end``; at least one."""
    lengths = np.empty(len(begins), dtype=np.int64)  # np.diff with an end takes ten times as long
    np.subtract(begins[1:], begins[:-1], out=lengths[:-1])
    lengths[-1:] = end - begins[-1:]
    return lengths


def firsts(values: Array) -> npt.NDArray[np.int64]:
    """Return the places of values that differ from the one before.

    >>> firsts(np.array([3, 3, 5, 6, 6])).tolist()
    [0, 2, 3]
    """
    is_first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def string_at(bytes_: Array, starts: Array, index: int) -> str:
    """Return string ``index`` of what ``pack_strings`` returned."""
    return bytes_[starts[index] : starts[index + 1]].tobytes().decode()


def strings_at(bytes_: Array, starts: Array, first: int, last: int) -> list[str]:
    """Return the strings from ``first`` to before ``last`` of what ``pack_strings`` returned."""
    places = starts[first : last + 1].tolist()
    return parted(bytes_[places[0] : places[-1]].tobytes(), [place - places[0] for place in places])


def parted(run: bytes, places: Sequence[int]) -> list[str]:
    """Return what stands between neighbouring places of a run of UTF-8, each where a character begins.

    >>> parted("aéß".encode(), [0, 1, 3, 3, 5])
    ['a', 'é', '', 'ß']
    """
    text = run.decode()  # at once: each piece by itself takes five times as long
    if len(text) < len(run):
        is_start = (np.frombuffer(run, dtype=np.uint8) & 0xC0) != 0x80  # of a character
        places = np.concatenate([[0], np.cumsum(is_start)])[places].tolist()
    return [text[a:b] for a, b in pairwise(places)]


def _header(meta: Meta, arrays: Mapping[str, Array]) -> bytes:
    """Return magic, length, checksum and JSON, padded so that the first array is aligned.

    Offsets count from the file's start. The checksum of the header is of all but itself, that of an array of its
    padding too.
    """
    room = _padded(1024 + 200 * len(arrays) + 8 * sum(len(str(value)) for value in meta.values()))
    places: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    offset = room
    for name, array in arrays.items():
        places[name] = (array.dtype.str, array.shape, offset, crc32(_padding(array), crc32(array.data)))
        offset += _padded(array.nbytes)
    text = json.dumps({"meta": dict(meta), "arrays": places, "size": offset}).encode()
    body = text.ljust(room - _START)
    assert len(body) == room - _START, "the header does not fit its room"
    start = MAGIC + len(body).to_bytes(8, "little")
    return start + crc32(start + body).to_bytes(4, "little") + body


def _padding(array: Array) -> bytes:
    return bytes(-array.nbytes % _ALIGNMENT)


def _padded(size: int) -> int:
    return size + -size % _ALIGNMENT
