"""Retrieval by words: TF-IDF over the words of names, and character n-grams that lead a word to words like it.

A query word reaches the names that hold it, and at a discount those that hold a word spelled like it (n-gram cosine
over the vocabulary, so another ending still finds its word; edit distance for a word that no name holds) or related to
it (``meanings.RELATED``). N-grams work on the vocabulary, not on the names: it is a tenth of the size, and what a
word leads to is remembered.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ontologies.arrays import Array, pack_lists, pack_strings
from resolvers.meanings import GENERIC_HEADS, RELATED

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

RELATED_SIMILARITY = 0.85
HEAD_SIMILARITY = 0.75
"""How much a related word or another generic head counts; chosen, below an exact word, above a merely similar one."""

_GRAM_LENGTHS = (3, 4)
_MIN_SIMILARITY = 0.45
_MIN_TYPED = 0.75
_MAX_SIMILAR = 12
_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Reach:
    """The words of the vocabulary that a query word leads to.

    Attributes:
        words: Ids, similarity ascending.
        similarities: In (0, 1]; 1 is the word itself.
    """

    words: Ints
    similarities: Floats


@dataclass(frozen=True, slots=True)
class Hits:
    """Names that a query reaches.

    Attributes:
        names: Ids, ascending.
        cosines: TF-IDF cosine of each to the query.
    """

    names: Ints
    cosines: Floats


def word_arrays(names: Sequence[Sequence[str]]) -> tuple[dict[str, int], dict[str, Array]]:
    """Return word ids and the arrays that ``Lexicon`` reads.

    Args:
        names: The different words of every name.
    """
    vocabulary = sorted({word for name in names for word in name})
    id_of = {word: index for index, word in enumerate(vocabulary)}
    flat, starts = pack_lists([[id_of[word] for word in name] for name in names])
    counts = np.bincount(flat, minlength=len(vocabulary)).astype(np.int64)
    order = np.argsort(flat, kind="stable")
    name_of = np.repeat(np.arange(len(names), dtype=np.int32), np.diff(starts))
    idf = np.log1p(len(names) / np.maximum(counts, 1)).astype(np.float32)
    text, text_starts = pack_strings(vocabulary)
    return id_of, {
        "vocabulary": text,
        "vocabulary_starts": text_starts,
        "idf": idf,
        "name_words": flat,
        "name_word_starts": starts,
        "postings": name_of[order],
        "posting_starts": np.concatenate([[0], np.cumsum(counts)]),
        **_gram_arrays(vocabulary),
    }


class Lexicon:
    """The words of a table's names, what they reach and how rare they are.

    Args:
        arrays: What ``word_arrays`` returned, and ``name_norms``: the length of each name's TF-IDF vector.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        ends = arrays["vocabulary_starts"].tolist()
        text = arrays["vocabulary"].tobytes()
        self._vocabulary = [text[start:end].decode() for start, end in pairwise(ends)]
        self._id_of = {word: index for index, word in enumerate(self._vocabulary)}
        self._related = _related(self._id_of)
        self._remembered: OrderedDict[str, Reach] = OrderedDict()
        self.idf: Floats = arrays["idf"]
        self.unknown_idf = float(np.log1p(len(arrays["name_norms"])))

    def weight(self, word: str) -> float:
        """Return the inverse document frequency of a word; that of a word in one name where it is unknown."""
        index = self._id_of.get(word)
        return self.unknown_idf if index is None else float(self.idf[index])

    def reach(self, word: str) -> Reach:
        """Return the vocabulary that a query word leads to; empty where there is none."""
        found = self._remembered.get(word)
        if found is None:
            found = self._reach(word)
            self._remembered[word] = found
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def ids(self, words: Iterable[str]) -> Ints:
        """Return the ids of those words that the table has."""
        return np.array(sorted(self._id_of[word] for word in words if word in self._id_of), dtype=np.int32)

    def search(self, query: Sequence[str], limit: int, among: Array | None = None) -> Hits:
        """Return the ``limit`` names with the highest cosine to the query words, and no name without a common word.

        Args:
            query: Words.
            limit: Most names.
            among: Which names to look at, ``(names,)``; None is all.
        """
        norms = self._arrays["name_norms"]
        scores = np.zeros(len(norms), dtype=np.float32)
        length = 0.0
        for word in query:
            weight = self.weight(word)
            length += weight * weight
            self._add(scores, self.reach(word), weight)
        scores /= norms * np.float32(max(length, 1e-9) ** 0.5)
        if among is not None:
            scores[~among] = 0
        return _best(scores, limit)

    def _add(self, scores: Floats, reach: Reach, weight: float) -> None:
        """Add to every name the contribution of one query word: its best similarity to a word of the name."""
        postings, starts = self._arrays["postings"], self._arrays["posting_starts"]
        if len(reach.words) == 1:
            word = int(reach.words[0])
            scores[postings[starts[word] : starts[word + 1]]] += weight * float(self.idf[word] * reach.similarities[0])
        elif len(reach.words):
            best = np.zeros_like(scores)
            for word, similarity in zip(reach.words.tolist(), reach.similarities.tolist(), strict=True):
                best[postings[starts[word] : starts[word + 1]]] = similarity * weight * float(self.idf[word])
            scores += best

    def _reach(self, word: str) -> Reach:
        found = dict(self._similar(word)) if len(word) > 3 and not word.isdigit() else {}
        if word not in self._id_of and len(word) > 3:
            found |= self._mistyped(word)
        for related, similarity in self._related.get(word, {}).items():
            found[related] = max(similarity, found.get(related, 0.0))
        if word in self._id_of:
            found[self._id_of[word]] = 1.0
        ordered = sorted(found.items(), key=lambda item: (item[1], item[0]))
        return Reach(
            np.array([index for index, _ in ordered], dtype=np.int32),
            np.array([similarity for _, similarity in ordered], dtype=np.float32),
        )

    def _mistyped(self, word: str) -> dict[int, float]:
        """Return (word id, similarity) of the vocabulary within a slip or two of an unknown word."""
        found = process.extract(
            word, self._vocabulary, scorer=OSA.normalized_similarity, limit=_MAX_SIMILAR, score_cutoff=_MIN_TYPED
        )
        return {index: similarity for _, similarity, index in found}

    def _similar(self, word: str) -> list[tuple[int, float]]:
        """Return (word id, n-gram cosine) of the vocabulary that is spelled like the word."""
        arrays = self._arrays
        grams = _grams(word)
        places = np.searchsorted(arrays["grams"], np.array(sorted(grams), dtype=np.uint32))
        scores = np.zeros(len(self.idf), dtype=np.float32)
        for gram, place in zip(sorted(grams), places.tolist(), strict=True):
            if place < len(arrays["grams"]) and arrays["grams"][place] == gram:
                first, last = arrays["gram_starts"][place : place + 2].tolist()
                scores[arrays["gram_words"][first:last]] += 1.0
        scores /= arrays["gram_norms"] * np.float32(len(grams) ** 0.5)
        hits = _best(np.where(scores >= _MIN_SIMILARITY, scores, 0).astype(np.float32), _MAX_SIMILAR)
        return list(zip(hits.names.tolist(), hits.cosines.tolist(), strict=True))


def _best(scores: Floats, limit: int) -> Hits:
    """Return the positive scores, at most ``limit``, ties by id, ordered by id."""
    found = np.flatnonzero(scores > 0)
    if len(found) > limit:
        values = scores[found]
        least = np.partition(values, len(values) - limit)[len(values) - limit]
        above, equal = found[values > least], found[values == least]
        found = np.sort(np.concatenate([above, equal[: limit - len(above)]]))
    return Hits(found.astype(np.int32), scores[found])


def _grams(word: str) -> set[int]:
    """Return the hashed n-grams of a word between its boundaries; the beginning counts twice, as endings vary."""
    edged = f"^{word}$"
    grams = {edged[i : i + n] for n in _GRAM_LENGTHS for i in range(len(edged) - n + 1)}
    return {crc32(gram.encode()) for gram in (*grams, f"<{word[:4]}", f"<{word[:5]}", f"<{word[:6]}")}


def _gram_arrays(vocabulary: Sequence[str]) -> dict[str, Array]:
    sets = [_grams(word) for word in vocabulary]
    flat = np.fromiter((gram for grams in sets for gram in sorted(grams)), dtype=np.uint32)
    word_of = np.repeat(np.arange(len(vocabulary), dtype=np.int32), [len(grams) for grams in sets])
    order = np.lexsort((word_of, flat))
    grams, counts = np.unique(flat, return_counts=True)
    return {
        "grams": grams,
        "gram_starts": np.concatenate([[0], np.cumsum(counts)]),
        "gram_words": word_of[order],
        "gram_norms": np.sqrt([max(len(grams), 1) for grams in sets]).astype(np.float32),
    }


def _related(id_of: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Return for every word of the tables the ids of those that may stand for it."""
    groups = [(group, RELATED_SIMILARITY) for group in RELATED] + [(tuple(sorted(GENERIC_HEADS)), HEAD_SIMILARITY)]
    found: dict[str, dict[int, float]] = {}
    for group, similarity in groups:
        for word in group:
            others = {id_of[other]: similarity for other in group if other != word and other in id_of}
            found[word] = {**others, **found.get(word, {})}
    return found
