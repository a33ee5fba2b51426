"""Word vectors as word2vec and GloVe write them, text or binary, ``.gz`` too; gensim reads and writes the same."""

import gzip
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from extractors.document import ExtractionError

Rows = NDArray[np.float32]

UNKNOWN = ("[UNK]", "<unk>", "UNK", "unk")
"""Words under which published files keep a vector for all others; the first of them in a file is taken."""


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Words in lower case and their vectors.

    Attributes:
        words: Each once.
        rows: ``(words, size)``.
        unknown: Vector of a word that is not among them, ``(size,)``.
        is_learnt: Whether training goes on with them: so it does where they began at random.
    """

    words: tuple[str, ...]
    rows: Rows = field(repr=False)
    unknown: Rows = field(repr=False)
    is_learnt: bool = False

    @property
    def size(self) -> int:
        """Numbers a word."""
        return int(self.rows.shape[1])


def read_vectors(file: Path, wanted: Collection[str], *, extra: int = 0) -> WordVectors:
    """Return the vectors of a file for the wanted words, and for its first ``extra`` words beside them.

    A word is looked up in lower case; where the file has only other spellings, the first of them stands for it. Without
    a vector for unknown words, theirs is the mean of those kept.

    Args:
        file: word2vec text or binary (first line: words and size), or GloVe text (no such line); told apart by content.
        wanted: Words of the texts, in lower case.
        extra: Words taken from the head of the file, where the frequent ones stand.

    Raises:
        ExtractionError: If there is no such file, a row breaks the format (named file:line), or no wanted word is in.
    """
    exact: dict[str, Rows] = {}
    folded: dict[str, Rows] = {}
    unknown: Rows | None = None
    first: list[str] = []
    is_wanted = frozenset(wanted)
    for word, row in _rows(file):
        key = word.lower()
        if unknown is None and word in UNKNOWN:
            unknown = row()
        elif key in is_wanted or len(first) < extra:
            if key not in is_wanted and key not in exact and key not in folded:
                first.append(key)
            (exact if key == word else folded).setdefault(key, row())
    words = [key for key in chain(sorted(is_wanted), first) if key in exact or key in folded]
    if not any(word in is_wanted for word in words):
        raise ExtractionError(f"{file}: none of the {len(is_wanted)} words of the texts has a vector")
    rows = np.stack([exact[word] if word in exact else folded[word] for word in words])
    return WordVectors(tuple(words), rows, rows.mean(axis=0) if unknown is None else unknown)


def random_vectors(counts: Mapping[str, int], size: int, seed: int) -> WordVectors:
    """Return random vectors, to be learnt, for the words that occur twice or more; the rest teaches the unknown one."""
    kept = tuple(sorted(word for word, count in counts.items() if count > 1))
    rows = np.random.default_rng(seed).normal(0.0, 0.1, (len(kept) + 1, size)).astype(np.float32)
    return WordVectors(kept, rows[1:], rows[0], is_learnt=True)


class _Row:
    """A row that becomes numbers only when it is kept."""

    __slots__ = ("_size", "_source", "_where")

    def __init__(self, source: list[str] | bytes, size: int, where: str) -> None:
        self._source, self._size, self._where = source, size, where

    def __call__(self) -> Rows:
        """Return the numbers.

        Raises:
            ExtractionError: If there are too few or too many, or one is no number.
        """
        if isinstance(self._source, bytes):
            row = np.frombuffer(self._source, dtype="<f4").astype(np.float32)
        else:
            try:
                row = np.array([float(number) for number in self._source], dtype=np.float32)
            except ValueError:
                raise ExtractionError(f"{self._where}: expected a word and {self._size} numbers") from None
        if not np.isfinite(row).all():
            raise ExtractionError(f"{self._where}: a number of the vector is not finite")
        return row


def _rows(file: Path) -> Iterator[tuple[str, _Row]]:
    """Yield the words of a file and their rows, whatever its format."""
    try:
        with file.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield from _read(gzip.open(raw) if is_packed else raw, file)  # type: ignore[arg-type]  # GzipFile is one
    except FileNotFoundError:
        raise ExtractionError(
            f"{file}: no such file of word vectors; give word2vec or GloVe vectors, or --vectors random:200"
        ) from None
    except (EOFError, gzip.BadGzipFile):
        raise ExtractionError(f"{file}: the compressed file is not whole") from None


def _read(stream: BinaryIO, file: Path) -> Iterator[tuple[str, _Row]]:
    """Yield the rows of an open file: its first two lines say which format it is."""
    first = stream.readline()
    header = first.split()
    if len(header) == 2 and all(part.isdigit() for part in header):
        count, size = int(header[0]), int(header[1])
        second = stream.readline()
        if _is_text_row(second, size):
            found = yield from _text_rows(chain([second], stream), file, size, 2)
            if found != count:
                raise ExtractionError(f"{file}:1: {count} words promised, {found} found")
        else:
            yield from _binary_rows(second, stream, file, count, size)
        return
    size = len(first.decode("utf-8", "replace").rstrip().split(" ")) - 1
    if size < 1:
        raise ExtractionError(f"{file}:1: expected a word and its vector, or the number of words and of dimensions")
    yield from _text_rows(chain([first], stream), file, size, 1)


def _is_text_row(line: bytes, size: int) -> bool:
    """Tell whether a line is a word with numbers in text form, if not exactly ``size`` of them."""
    numbers = line.split()[-min(size, 3) :]
    return len(numbers) > 0 and all(set(number) <= set(b"0123456789+-.eEinfa") for number in numbers)


def _text_rows(lines: Iterable[bytes], file: Path, size: int, number: int) -> Generator[tuple[str, _Row], None, int]:
    """Yield the rows of lines; return how many there were. A word may hold spaces: the numbers are the last ones."""
    found = 0
    for number, raw in enumerate(lines, number):  # noqa: B020 (counts on from where it begins)
        parts = raw.decode("utf-8", "replace").rstrip().rsplit(" ", size)
        where = f"{file}:{number}"
        if len(parts) != size + 1:
            raise ExtractionError(f"{where}: expected a word and {size} numbers, found {max(len(parts) - 1, 0)}")
        yield parts[0], _Row(parts[1:], size, where)
        found += 1
    return found


def _binary_rows(head: bytes, stream: BinaryIO, file: Path, count: int, size: int) -> Iterator[tuple[str, _Row]]:
    """Yield rows of a word, a space, and ``size`` little-endian 32-bit floats."""
    width, held, at = 4 * size, head, 0
    for i in range(1, count + 1):
        space = held.find(b" ", at)
        while space < 0 or len(held) < space + 1 + width:
            more = stream.read(1 << 20)
            if not more:
                raise ExtractionError(f"{file}: the file ends in word {i} of the {count} promised")
            held, at = held[at:] + more, 0
            space = held.find(b" ")
        end = space + 1 + width
        word = held[at:space].lstrip(b"\n").decode("utf-8", "replace")
        yield word, _Row(held[space + 1 : end], size, f"{file}: word {i}")
        at = end
