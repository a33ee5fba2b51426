"""Retrieval by meaning: names and queries as sums of word vectors that were taught on synonyms.

A vector costs a look-up a word, not a transformer: a table of a million names has its vectors in a minute, a query in
some microseconds. Names are kept in 8 bits, in cells of like names (an inverted file, Jégou et al. 2011), and a query
looks into the nearest cells only. ``benchmarks/vectors.py`` teaches the vectors.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ontologies.arrays import Array, read_arrays
from ontologies.concept import TableError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]

DATA = Path(__file__).with_name("data") / "vectors.arrays"
"""The vectors that come with the package."""

BUCKETS = 1 << 15
"""Vectors that all n-grams share, by hash."""

ONE = 127
"""What 1 is in 8 bits."""

_GRAM_LENGTHS = (3, 4, 5)
_MOST_GRAMS = 40

_PROBES = 10
"""Cells that a query looks into."""

_NEAR = 0.35
"""Least cosine of a name that is found by meaning; chosen: below it are names of other things."""

_FEW, _SAMPLED, _ROUNDS = 2000, 64, 6
"""Names that are one cell; names a cell that k-means sees, and how often; chosen."""

_PART, _TOGETHER, _SPELLED = 32_768, 512, 2048
"""Names, queries and words at a time, for memory's sake."""

_REMEMBERED = 200_000
"""Words after which those known are forgotten, 300 bytes each."""


def buckets(word: str) -> tuple[int, ...]:
    """Return the buckets of a word's n-grams, those of its edges included; at least one."""
    edged = f"^{word}$"
    grams = [edged[i : i + n] for n in _GRAM_LENGTHS for i in range(len(edged) - n + 1)] if not word.isdigit() else []
    return tuple(crc32(gram.encode()) % BUCKETS for gram in (grams or [edged])[:_MOST_GRAMS])


class WordVectors:
    """Vectors of words, known ones and any others by their n-grams.

    Args:
        file: Written by ``benchmarks/vectors.py``.

    Raises:
        TableError: If the file is damaged.
    """

    def __init__(self, file: Path = DATA) -> None:
        try:
            arrays = read_arrays(file).arrays
        except TableError as error:
            raise TableError(f"{error}; install kgbuild again") from error
        known = arrays["vocabulary"].tobytes().decode().split("\n")
        self._index = {word: i for i, word in enumerate(known)}
        self._arrays = arrays
        self._kept: dict[str, Floats] = {}

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return int(self._arrays["grams"].shape[1])

    def __call__(self, words: Sequence[str]) -> Floats:
        """Return the vectors of words, ``(words, size)``; the length of each says how much the word matters."""
        if len(self._kept) > _REMEMBERED:
            self._kept.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._kept]
        for first in range(0, len(new), _SPELLED):
            part = new[first : first + _SPELLED]
            self._kept.update(zip(part, self._vectors(part), strict=True))
        return np.stack([np.zeros(self.size, dtype=np.float32), *(self._kept[word] for word in words)])[1:]

    def _vectors(self, words: Sequence[str]) -> Floats:
        arrays = self._arrays
        grams = [buckets(word) for word in words]
        lengths = np.array([len(some) for some in grams])
        flat = np.fromiter(chain.from_iterable(grams), dtype=np.int64, count=int(lengths.sum()))
        scaled = arrays["grams"][flat] * arrays["grams_scale"][flat].astype(np.float32)[:, None]
        vectors = np.add.reduceat(scaled, np.cumsum(lengths) - lengths, axis=0) / lengths[:, None].astype(np.float32)
        places = np.array([self._index.get(word, len(self._index)) for word in words])
        known = np.flatnonzero(places < len(self._index))
        vectors[known] += (
            arrays["words"][places[known]] * arrays["words_scale"][places[known]].astype(np.float32)[:, None]
        )
        weighed: Floats = vectors * arrays["factors"][places].astype(np.float32)[:, None]
        return weighed


@cache
def word_vectors(file: Path = DATA) -> WordVectors:
    """Return the vectors of a file, opened once."""
    return WordVectors(file)


def in_bytes(vectors: Floats) -> Bytes:
    """Return vectors at unit length in 8 bits, ``(vectors, size)``; one without direction stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole: Bytes = np.round(vectors * (ONE / np.maximum(lengths, 1e-9))).astype(np.int8)
    return whole


def dense_arrays(vocabulary: Sequence[str], name_words: Array, name_word_starts: Array) -> dict[str, Array]:
    """Return the arrays that ``Dense`` reads: the names' vectors, cell by cell.

    Args:
        vocabulary: The words of the table.
        name_words: Word ids, flat over names.
        name_word_starts: Where each name begins among them, with the end of the last, ``(names + 1,)``.
    """
    words = word_vectors()(vocabulary)
    vectors = np.empty((len(name_word_starts) - 1, words.shape[1]), dtype=np.int8)
    for first in range(0, len(vectors), _PART):
        starts = name_word_starts[first : first + _PART + 1]  # of names that have words
        flat = words[name_words[starts[0] : starts[-1]]]
        vectors[first : first + _PART] = in_bytes(np.add.reduceat(flat, starts[:-1] - starts[0], axis=0))
    centres = _centres(vectors)
    cell = _cells(vectors, centres)
    order = np.argsort(cell, kind="stable").astype(np.int32)
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=np.int32)
    return {
        "cell_centres": centres,
        "cell_starts": np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(centres)))]),
        "cell_names": order,
        "name_places": place,
        "name_vectors": vectors[order],
    }


def _centres(vectors: Bytes) -> Bytes:
    """Return about a cell for every square root of the names, by some rounds of spherical k-means over a sample."""
    count = max(1, round(len(vectors) ** 0.5)) if len(vectors) > _FEW else 1
    random = np.random.default_rng(0)
    sample = vectors[np.sort(random.permutation(len(vectors))[: count * _SAMPLED])]
    centres = sample[:: max(1, len(sample) // count)][:count]
    for _ in range(_ROUNDS if count > 1 else 0):
        cell = _cells(sample, centres)
        sums = np.zeros(centres.shape, dtype=np.float32)
        np.add.at(sums, cell, sample.astype(np.float32))
        is_used = np.bincount(cell, minlength=len(centres)) > 0
        centres = np.where(is_used[:, None], in_bytes(sums), centres)
    return centres


def _cells(vectors: Bytes, centres: Bytes) -> npt.NDArray[np.int64]:
    """Return the nearest centre of each vector."""
    parts = [vectors[first : first + _PART] for first in range(0, len(vectors), _PART)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *(_nearest(part, centres, 1)[:, 0] for part in parts)])


def _nearest(vectors: Bytes, centres: Bytes, count: int) -> npt.NDArray[np.int64]:
    """Return the nearest centres of each vector, in no order, ``(vectors, count)``."""
    products = vectors.astype(np.float32) @ centres.T.astype(np.float32)
    best = products.argmax(axis=1)[:, None] if count == 1 else np.argpartition(-products, count - 1, axis=1)[:, :count]
    return np.asarray(best, dtype=np.int64)


class Dense:
    """The names of a table by meaning.

    Products are of whole numbers below 2 ** 24, which single precision holds exactly: whatever else is asked for at the
    same time, a query has the same cosines.

    Args:
        arrays: What ``dense_arrays`` returned.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays

    def vectors(self, queries: Sequence[Sequence[str]]) -> Bytes:
        """Return the vectors of queries given as words, ``(queries, size)``."""
        vectors = word_vectors()([word for query in queries for word in query])
        lengths = np.array([len(query) for query in queries], dtype=np.int64)
        is_said = lengths > 0
        sums = np.zeros((len(queries), vectors.shape[1]), dtype=np.float32)
        if is_said.any():
            sums[is_said] = np.add.reduceat(vectors, (np.cumsum(lengths) - lengths)[is_said], axis=0)
        return in_bytes(sums)

    def search(self, vectors: Bytes, limit: int, among: Array | None = None) -> list[Ints]:
        """Return for each query the ``limit`` names nearest to it in the cells it looks into, ascending.

        Args:
            vectors: Of the queries, ``(queries, size)``.
            limit: Most names a query.
            among: Which names to look at, ``(names,)``; None is all.
        """
        found: list[Ints] = []
        for first in range(0, len(vectors), _TOGETHER):
            found += self._search(vectors[first : first + _TOGETHER], limit, among)
        return found

    def _search(self, vectors: Bytes, limit: int, among: Array | None) -> list[Ints]:
        arrays = self._arrays
        starts = arrays["cell_starts"].tolist()
        asked: dict[int, list[int]] = {}
        for row, cells in enumerate(
            np.sort(_nearest(vectors, arrays["cell_centres"], min(_PROBES, len(starts) - 1)), axis=1).tolist()
        ):
            for cell in cells:
                asked.setdefault(cell, []).append(row)
        full = vectors.astype(np.float32)
        products: list[list[Floats]] = [[] for _ in vectors]
        names: list[list[Ints]] = [[] for _ in vectors]
        for cell, rows in sorted(asked.items()):
            inside = slice(starts[cell], starts[cell + 1])
            members = arrays["cell_names"][inside]
            block = full[rows] @ arrays["name_vectors"][inside].T.astype(np.float32)
            if among is not None:
                is_in = among[members]
                members, block = members[is_in], block[:, is_in]
            for row, values in zip(rows, block, strict=True):
                products[row].append(values)
                names[row].append(members)
        return [
            _highest(np.concatenate(values), np.concatenate(some), limit)
            for values, some in zip(products, names, strict=True)
        ]

    def cosines(self, vectors: Bytes, query: npt.NDArray[np.int64], names: Ints) -> Floats:
        """Return the cosine of each pair of a query and a name, ``(pairs,)``.

        Args:
            vectors: Of the queries, ``(queries, size)``.
            query: The query of each pair.
            names: The name of each pair.
        """
        near = self._arrays["name_vectors"][self._arrays["name_places"][names]].astype(np.float32)
        products: Floats = np.einsum("ps,ps->p", near, vectors[query].astype(np.float32))
        return products / np.float32(ONE * ONE)


def _highest(values: Floats, names: Ints, limit: int) -> Ints:
    """Return the names with the highest products of at least ``_NEAR``, ties by name, ascending."""
    is_near = values >= _NEAR * ONE * ONE
    values, names = values[is_near], names[is_near]
    if len(values) <= limit:
        return np.sort(names)
    least = np.partition(values, -limit)[-limit]
    above, equal = names[values > least], np.sort(names[values == least])
    return np.sort(np.concatenate([above, equal[: limit - len(above)]]))
