"""Words spelled like a word: the cosine of their character n-grams, over the vocabulary of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ontologies.arrays import Array, firsts, lengths_of, slices

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

_GRAM_LENGTHS = (3, 4)

_COMMON, _COMMON_SHARE = 400, 300
"""A gram of more words than this, and of more than one word in so many, leads to no word by itself but counts in the
cosine of those that a rarer one leads to. In MeSH one gram in two hundred, and nineteen twentieths of the work; with
``_LEAST_SHARED``, 5 % of the neighbours are not found."""

_TOGETHER = 512
"""Words at a time, for memory's sake."""

_LEAST_SHARED = 2
"""Rarer n-grams that words have in common at least."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Words of a vocabulary, the nearest last, ties by id.

    Attributes:
        words: Ids.
        cosines: Of their n-grams to those of the word asked for, in (0, 1].
    """

    words: Ints
    cosines: Floats


def spelling_arrays(vocabulary: Sequence[str]) -> dict[str, Array]:
    """Return the arrays that ``Spelling`` reads.

    Args:
        vocabulary: The words of a table.
    """
    sets = [_grams(word) for word in vocabulary]
    lengths = np.array([len(grams) for grams in sets], dtype=np.int64)
    flat = np.fromiter((gram for grams in sets for gram in grams), dtype=np.uint32)
    word_of = np.repeat(np.arange(len(vocabulary), dtype=np.int32), lengths)
    grams, gram_of, counts = np.unique(flat, return_inverse=True, return_counts=True)
    is_common = counts > max(_COMMON, len(vocabulary) // _COMMON_SHARE)
    place_of = {gram: place for place, gram in enumerate(grams[is_common].tolist())}
    rare = np.flatnonzero(~is_common[gram_of])
    order = rare[np.lexsort((word_of[rare], gram_of[rare]))]
    bits = _packed([[place_of[g] for g in found & place_of.keys()] for found in sets], len(place_of))
    return {
        "grams": grams[~is_common],
        "gram_starts": np.concatenate([[0], np.cumsum(counts[~is_common])]),
        "gram_words": word_of[order],
        "common_grams": grams[is_common],
        "common_bits": bits,
        "common_counts": np.bitwise_count(bits).sum(axis=1, dtype=np.int32),
        "gram_norms": np.sqrt(np.maximum(lengths, 1)).astype(np.float32),
    }


class Spelling:
    """A vocabulary by the n-grams of its words.

    Args:
        arrays: What ``spelling_arrays`` returned.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        self._common = {gram: place for place, gram in enumerate(arrays["common_grams"].tolist())}

    def like(self, words: Sequence[str], least: float, limit: int) -> list[Alike]:
        """Return for each word those of the vocabulary nearest to it that share two rarer n-grams with it.

        Args:
            words: Any.
            least: The smallest cosine.
            limit: Most words of the vocabulary a word.
        """
        parts = [words[first : first + _TOGETHER] for first in range(0, len(words), _TOGETHER)]
        return [alike for part in parts for alike in self._like(part, least, limit)]

    def _like(self, words: Sequence[str], least: float, limit: int) -> list[Alike]:
        arrays = self._arrays
        sets = [_grams(word) for word in words]
        lengths = np.array([len(grams) for grams in sets])
        pairs, shared = self._sharing(sets, lengths)
        row, word = np.divmod(pairs, len(arrays["gram_norms"]))
        norms = np.sqrt(lengths, dtype=np.float32)[row] * arrays["gram_norms"][word]
        needed = norms * np.float32(least)
        common = [[self._common[gram] for gram in grams if gram in self._common] for grams in sets]
        most = np.minimum(np.array([len(places) for places in common])[row], arrays["common_counts"][word])
        is_near = shared + most >= needed
        row, word, norms, needed = row[is_near], word[is_near], norms[is_near], needed[is_near]
        bits = arrays["common_bits"][word] & _packed(common, len(self._common))[row]
        shared = shared[is_near] + np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        is_like = shared >= needed
        row, word, cosines = row[is_like], word[is_like].astype(np.int32), (shared / norms)[is_like].astype(np.float32)
        order = np.lexsort((-word, cosines, row))
        ends = np.searchsorted(row[order], np.arange(len(words)), side="right").tolist()
        parts = [order[max(start, end - limit) : end] for start, end in zip([0, *ends], ends, strict=False)]
        return [Alike(word[part], cosines[part]) for part in parts]

    def _sharing(self, sets: Sequence[set[int]], lengths: Places) -> tuple[Places, Places]:
        """Return row * vocabulary + word of all that share rare n-grams, ascending, and how many they share."""
        arrays = self._arrays
        grams = np.fromiter((gram for grams in sets for gram in grams), dtype=np.uint32, count=int(lengths.sum()))
        row_of = np.repeat(np.arange(len(sets)), lengths)
        places = np.searchsorted(arrays["grams"], grams)
        known = (
            np.flatnonzero(arrays["grams"].take(places, mode="clip") == grams) if len(arrays["grams"]) else places[:0]
        )
        inside, begins = slices(arrays["gram_starts"], places[known])
        rows = np.repeat(row_of[known], lengths_of(begins, len(inside)))
        merged = np.sort(rows * len(arrays["gram_norms"]) + arrays["gram_words"][inside])
        first = firsts(merged)
        shared = lengths_of(first, len(merged))
        is_pair = shared >= _LEAST_SHARED
        return merged[first[is_pair]], shared[is_pair]


def _packed(lists: Sequence[Sequence[int]], size: int) -> npt.NDArray[np.uint64]:
    """Return lists of places below ``size`` as bits, ``(lists, words of 64)``."""
    bits = np.zeros((len(lists), size // 64 + 1), dtype=np.uint64)
    for row, places in enumerate(lists):
        for place in places:
            bits[row, place // 64] |= np.uint64(1 << place % 64)
    return bits


def _grams(word: str) -> set[int]:
    """Return the hashed n-grams of a word between its boundaries; the beginning counts twice, as endings vary."""
    edged = f"^{word}$"
    grams = {edged[i : i + n] for n in _GRAM_LENGTHS for i in range(len(edged) - n + 1)}
    return {crc32(gram.encode()) for gram in (*grams, f"<{word[:4]}", f"<{word[:5]}", f"<{word[:6]}")}
