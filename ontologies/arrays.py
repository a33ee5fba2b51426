"""Named numpy arrays and a little metadata in one memory-mapped file: whole or absent, opened in a millisecond."""

import json
import mmap
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ontologies.concept import TableError

MAGIC = b"kgbuild\x01"
_ALIGNMENT = 64

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
    """Write the file beside its place and move it there: a reader sees the old content or the new, never a part."""
    chunks = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    head = _header(meta, chunks)
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            for array in chunks.values():
                file.write(array.tobytes())
                file.write(bytes(-array.nbytes % _ALIGNMENT))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_arrays(path: Path) -> ArrayFile:
    """Map the file into memory.

    Raises:
        TableError: If the file is no such file, or is shorter than it says.
        FileNotFoundError: If there is none.
    """
    with path.open("rb") as file:
        start = file.read(len(MAGIC) + 8)
        if len(start) < len(MAGIC) + 8 or not start.startswith(MAGIC):
            raise TableError(f"{path}: expected a kgbuild table, found another file; remove it and add the table again")
        length = int.from_bytes(start[len(MAGIC) :], "little")
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _check_size(path, len(start) + length, len(view))
    head = json.loads(view[len(start) : len(start) + length])
    _check_size(path, head["size"], len(view))
    arrays = {
        name: np.frombuffer(view, dtype, int(np.prod(shape)), offset).reshape(shape)
        for name, (dtype, shape, offset) in head["arrays"].items()
    }
    return ArrayFile(head["meta"], arrays)


def _check_size(path: Path, expected: int, found: int) -> None:
    if found < expected:
        raise TableError(f"{path}: expected {expected} bytes, found {found}; remove it and add the table again")


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
    """Return magic, length and JSON, padded so that the first array is aligned; offsets count from the file's start."""
    room = _padded(1024 + 200 * len(arrays) + 8 * sum(len(str(value)) for value in meta.values()))
    places: dict[str, tuple[str, tuple[int, ...], int]] = {}
    offset = room
    for name, array in arrays.items():
        places[name] = (array.dtype.str, array.shape, offset)
        offset += _padded(array.nbytes)
    text = json.dumps({"meta": dict(meta), "arrays": places, "size": offset}).encode()
    body = text.ljust(room - len(MAGIC) - 8)
    assert len(body) == room - len(MAGIC) - 8, "the header does not fit its room"
    return MAGIC + len(body).to_bytes(8, "little") + body


def _padded(size: int) -> int:
    return size + -size % _ALIGNMENT
