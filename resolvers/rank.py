"""Ranking: what speaks for a name as the answer to a query, in a table of weighted features.

A candidate's utility is the weighted sum of its features. Its score is its share among all candidates' exponentials
and that of abstaining (a conditional logit with an outside option), so it is near the probability of being right:
one clear winner scores near 1, equals share, and a poor best stays low.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from ontologies.arrays import Array, firsts, lengths_of, parted, slices
from resolvers.dense import Bytes, Dense
from resolvers.lexical import Lexicon
from resolvers.meanings import GENERIC_HEADS, OPPOSITES, SETTINGS
from resolvers.names import INHERITED, PREFERRED, key_of, written
from resolvers.normalize import words
from resolvers.reach import HEAD_SIMILARITY
from resolvers.spelling import Floats, Ints
from resolvers.weights import WEIGHTS, Weighing

MAX_CHARACTERS = 1000
"""Of a longer query only the beginning is searched for; no name of a code is as long."""

MAX_WORDS = 32
"""Of more different words only the first are searched for; the longest title of ICD-10-CM has 35."""

_Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

_MOST_FOUND = 8
"""Names of a concept found from which on more say nothing: MeSH has the words of some names in every order; chosen."""

_SAME = 0.99
_SIMILAR = 0.6
"""Least similarity at which a word counts as said when words are counted rather than weighed; chosen."""


@dataclass(frozen=True, slots=True)
class Query:
    """A normalised query.

    Attributes:
        words: The different words, alphabetical, neutral ones left out.
        key: The same joined; what an exact name has too.
        says_other: Whether it asks for what a table calls "other".
        written: ``names.written`` of the text that was asked.
    """

    words: tuple[str, ...]
    key: str
    says_other: bool
    written: int


def query_of(text: str) -> Query:
    """Return the query of a text; only its first ``MAX_CHARACTERS`` and ``MAX_WORDS`` are looked at."""
    found = list(dict.fromkeys(words(text[:MAX_CHARACTERS])))[:MAX_WORDS]
    key = key_of(found)
    return Query(tuple(key.split()), key, "other" in found, written(text[:MAX_CHARACTERS]))


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A query and the names that it is compared with.

    Attributes:
        place: Of the query among those that were asked.
        query: With at least one word.
        names: Ids, at least one, ascending.
        vector: Of the query, ``(size,)``.
    """

    place: int
    query: Query
    names: Ints
    vector: Bytes


@dataclass(frozen=True, slots=True)
class _Overlap:
    """How the words of some queries and of their candidate names match; a pair is a query and one of its names.

    Attributes:
        query: The query of each pair, ``(pairs,)``.
        names: The name of each pair, ``(pairs,)``.
        weights: Share of each word of the pair's query, by rarity, ``(query words, pairs)``; 0 where it has fewer.
        said: Similarity of each query word to the nearest word of the name, ``(query words, pairs)``; 1 likewise.
        above: The same against the titles of the concept and of what is above it, ``(query words, pairs)``.
        is_head: Whether the query word is a generic head noun, ``(query words, pairs)``.
        covered: Similarity of each word of each name to the nearest query word, flat over pairs, ``(words,)``.
        words: Word ids, flat over pairs, ``(words,)``.
        starts: Where each name begins in the flat arrays, ``(pairs,)``.
        optional: Whether each word need not be said, ``(words,)``.
        found: How many names of its concept the query has found, up to ``_MOST_FOUND``, as the logarithm of one more,
            ``(pairs,)``.
    """

    query: Places
    names: Ints
    weights: Floats
    said: Floats
    above: Floats
    is_head: _Flags
    covered: Floats
    words: Ints
    starts: Places
    optional: _Flags
    found: Floats


@dataclass(frozen=True, slots=True)
class Ranked:
    """Concepts in the order of their scores.

    Attributes:
        rows: Of the concepts.
        names: The best name of each.
        scores: In [0, 1], descending; with that of abstaining they add up to 1.
    """

    rows: Ints
    names: Ints
    scores: npt.NDArray[np.float64]


def rank(features: Floats, rows: Ints, names: Ints, code_order: Ints, weighing: Weighing) -> Ranked:
    """Return the concepts of some names, each with its best name and its score, best first, ties by code.

    Args:
        features: ``(names, features)`` in the order of ``WEIGHTS``.
        rows: The concept of each name.
        names: Id of each name.
        code_order: Place of each concept of the table among the sorted codes.
        weighing: Weights and calibration.
    """
    utilities = (features.astype(np.float64) * weighing.weights).sum(axis=1)  # a product by BLAS would round by batch
    by_row = np.lexsort((names, -utilities, rows))
    best = by_row[firsts(rows[by_row])]
    best = best[np.lexsort((code_order[rows[best]], -utilities[best]))]
    peak = max(utilities[best][0], weighing.abstain)
    powers = np.exp(weighing.sharpness * (utilities[best] - peak))
    outside = np.exp(weighing.sharpness * (weighing.abstain - peak))
    return Ranked(rows[best], names[best], powers / (powers.sum() + outside))


class Ranker:
    """Features and utilities over the names of one table.

    Args:
        arrays: What ``names.name_arrays`` returned.
        lexicon: Over the same arrays.
        dense: Over the same arrays.
        weighing: Weights and calibration.
    """

    def __init__(self, arrays: Mapping[str, Array], lexicon: Lexicon, dense: Dense, weighing: Weighing) -> None:
        self._arrays = arrays
        self._lexicon = lexicon
        self._dense = dense
        self.weighing = weighing
        self._is_setting = np.zeros(len(lexicon.idf), dtype=np.bool_)
        self._is_setting[lexicon.ids(SETTINGS)] = True
        self._is_head = np.zeros(len(lexicon.idf), dtype=np.bool_)
        self._is_head[lexicon.ids(GENERIC_HEADS)] = True
        self._without = int(next(iter(lexicon.ids(["without"])), -1))
        self._opposites = np.zeros(len(lexicon.idf), dtype=np.uint32)  # a bit for each group that the word is in
        for bit, group in enumerate(OPPOSITES):
            self._opposites[lexicon.ids(group)] |= np.uint32(1 << bit)

    def features(self, retrieved: Sequence[Retrieved]) -> Floats:
        """Return the features of each pair of a query and one of its names in the order of ``WEIGHTS``.

        Args:
            retrieved: At least one query.

        Returns:
            ``(pairs, features)``; the names of the first query come first.
        """
        arrays = self._arrays
        queries = [one.query for one in retrieved]
        overlap = self._overlap(queries, [one.names for one in retrieved])
        rows = arrays["name_rows"][overlap.names]
        said = (overlap.weights * overlap.said).sum(axis=0)
        missing = (overlap.covered < _SIMILAR) & ~overlap.optional
        unspecified = arrays["name_unspecified"][overlap.names]
        is_whole = (overlap.said >= _SIMILAR).all(axis=0)
        is_query, is_but_for_head = self._is_query(queries, overlap)
        cosines = self._dense.cosines(np.stack([one.vector for one in retrieved]), overlap.query, overlap.names)
        written_so = np.array([query.written for query in queries], dtype=np.uint32)[overlap.query]
        columns = {
            "said": said,  # share of the query, by rarity, that the name says
            "said by what is above": (overlap.weights * np.maximum(overlap.said, overlap.above)).sum(axis=0) - said,
            "adds words": np.minimum(_sums(missing, overlap), 8) / 8,
            "adds rare words": self._added(missing, overlap),
            "adds a setting": np.minimum(_sums(missing & self._is_setting[overlap.words], overlap), 3),
            "contradicts": self._contradictions(queries, overlap) + self._denied(queries, overlap),
            "letters in order": self._letters(queries, overlap),
            "means the query": cosines,
            "is the query": is_query,
            "is written so": arrays["name_written"][overlap.names] == written_so,
            "is the query but for its head": is_but_for_head,
            "is preferred": arrays["name_kinds"][overlap.names] == PREFERRED,
            "is found by many names": overlap.found,
            "has much below it": arrays["row_breadth"][rows] / 8,
            "unspecified, all said": unspecified & is_whole,
            "unspecified, not all said": unspecified & ~is_whole,
            "usable": arrays["row_is_usable"][rows],
            "inherited": arrays["name_kinds"][overlap.names] == INHERITED,
        }
        return np.stack([np.asarray(columns[name], dtype=np.float32) for name in WEIGHTS], axis=1)

    def ranked(self, retrieved: Sequence[Retrieved]) -> list[Ranked]:
        """Return for each query the concepts that its names belong to, best first, ties by code."""
        ends = np.cumsum([len(one.names) for one in retrieved])[:-1]
        order, rows_of = self._arrays["row_code_order"], self._arrays["name_rows"]
        return [
            rank(part, rows_of[one.names], one.names, order, self.weighing)
            for part, one in zip(np.split(self.features(retrieved), ends), retrieved, strict=True)
        ]

    def _overlap(self, queries: Sequence[Query], names: Sequence[Ints]) -> _Overlap:
        arrays = self._arrays
        counts = np.array([len(some) for some in names])
        query, flat = np.repeat(np.arange(len(queries)), counts), np.concatenate(names)
        most = max(len(one.words) for one in queries)
        places, starts = slices(arrays["name_word_starts"], flat)
        found = arrays["name_words"][places]
        size = len(arrays["row_code_order"])
        met, context_of = np.unique(query * size + arrays["name_rows"][flat], return_inverse=True)
        context_places, context_starts = slices(arrays["context_starts"], (met % size).astype(np.int32))
        context = arrays["contexts"][context_places]
        ends = [0, *np.append(starts, len(found))[np.cumsum(counts)].tolist()]
        context_ends = np.append(context_starts, len(context))[np.searchsorted(met // size, range(len(queries) + 1))]
        in_names = np.ones((most, len(found)), dtype=np.float32)
        in_context = np.ones((most, len(context)), dtype=np.float32)
        covered = np.zeros(len(found), dtype=np.float32)
        near = np.zeros(len(self._lexicon.idf), dtype=np.float32)
        for i, one in enumerate(queries):
            mine, above = slice(ends[i], ends[i + 1]), slice(context_ends[i], context_ends[i + 1])
            for k, word in enumerate(one.words):
                reach = self._lexicon.reach(word)
                near[reach.words] = reach.similarities
                in_names[k, mine], in_context[k, above] = near[found[mine]], near[context[above]]
                near[reach.words] = 0
            covered[mine] = in_names[: len(one.words), mine].max(axis=0)
        return _Overlap(
            query,
            flat,
            self._weights(queries, most)[:, query],
            _largest(in_names, starts),
            _largest(in_context, context_starts)[:, context_of],
            _padded([[word in GENERIC_HEADS for word in one.words] for one in queries], most).astype(bool)[:, query],
            covered,
            found,
            starts,
            arrays["name_optional"][places],
            np.log1p(np.minimum(np.bincount(context_of), _MOST_FOUND)).astype(np.float32)[context_of],
        )

    def _weights(self, queries: Sequence[Query], most: int) -> Floats:
        """Return the share of each word of each query by rarity, ``(query words, queries)``."""
        weights = _padded([[self._lexicon.weight(word) for word in one.words] for one in queries], most)
        shares: Floats = weights / weights.sum(axis=0)
        return shares

    def _contradictions(self, queries: Sequence[Query], overlap: _Overlap) -> Floats:
        """Return for each pair how many of the name's words have their opposite, and not themselves, in the query."""
        asked = [
            sum(1 << bit for bit, group in enumerate(OPPOSITES) if not set(group).isdisjoint(query.words))
            for query in queries
        ]
        if not any(asked):
            return np.zeros(len(overlap.starts), dtype=np.float32)
        lengths = lengths_of(overlap.starts, len(overlap.words))
        groups = np.repeat(np.array(asked, dtype=np.uint32)[overlap.query], lengths)
        opposed = np.bitwise_count(self._opposites[overlap.words] & groups)
        return np.minimum(_sums(np.where(overlap.covered < _SAME, opposed, 0), overlap), 2)

    def _denied(self, queries: Sequence[Query], overlap: _Overlap) -> _Flags:
        """Tell for each pair whether the name is without something that the query has: it need not say "without"."""
        says_without = np.array(["without" in query.words for query in queries], dtype=np.bool_)[overlap.query]
        found = np.zeros(len(overlap.starts), dtype=np.bool_)
        of_pair = np.searchsorted(overlap.starts, np.flatnonzero(overlap.words == self._without), side="right") - 1
        found[of_pair] = True
        found &= ~says_without
        if found.any():
            found &= _sums((overlap.covered >= _SIMILAR) & overlap.optional, overlap) > 0
        return found

    def _added(self, missing: _Flags, overlap: _Overlap) -> Floats:
        """Return for each pair the share, by rarity, of what the name needs to be said and is not."""
        weights = np.where(overlap.optional, np.float32(0), self._lexicon.idf[overlap.words])
        needed = np.maximum(_sums(weights, overlap), np.float32(1e-6))
        return np.asarray(_sums(missing * weights, overlap) / needed, dtype=np.float32)

    def _is_query(self, queries: Sequence[Query], overlap: _Overlap) -> tuple[_Flags, _Flags]:
        """Tell for each pair whether the name is the query word for word, and whether it is but for a generic head."""
        says_other = np.array([query.says_other for query in queries], dtype=np.bool_)[overlap.query]
        same_other = self._arrays["name_other"][overlap.names] == says_other
        head_said = np.where(overlap.is_head, HEAD_SIMILARITY, _SAME)
        head_covered = np.where(self._is_head[overlap.words], HEAD_SIMILARITY, _SAME)
        exact = _all_said(overlap, np.full_like(head_said, _SAME), np.full_like(head_covered, _SAME)) & same_other
        return exact, _all_said(overlap, head_said, head_covered) & same_other & ~exact

    def _letters(self, queries: Sequence[Query], overlap: _Overlap) -> Floats:
        """Return what rapidfuzz's ``ratio`` says of the sorted words of each pair, in [0, 1]."""
        keys = [queries[i].key for i in overlap.query.tolist()]
        ratios: Floats = process.cpdist(keys, self._texts(overlap.names), scorer=fuzz.ratio, dtype=np.float32)
        return ratios / np.float32(100)

    def _texts(self, names: Ints) -> list[str]:
        """Return the sorted words of names."""
        places, begins = slices(self._arrays["name_text_starts"], names)
        return parted(self._arrays["name_texts"][places].tobytes(), [*begins.tolist(), len(places)])


def _padded(lists: Sequence[Sequence[float]], length: int) -> Floats:
    """Return lists as the columns of an array, 0 behind the end of each, ``(length, lists)``."""
    array = np.zeros((length, len(lists)), dtype=np.float32)
    for column, values in enumerate(lists):
        array[: len(values), column] = values
    return array


def _all_said(overlap: _Overlap, said: Array, covered: Array) -> _Flags:
    """Tell for each pair whether all the name's needed words and all of the query's reach given similarities."""
    missing = (overlap.covered < covered) & ~overlap.optional
    flags: _Flags = (overlap.said >= said).all(axis=0) & (_sums(missing, overlap) == 0)
    return flags


def _largest(values: Floats, starts: Places) -> Floats:
    """Return the largest value of each list, 0 where a list is empty: ``(query words, lists)``."""
    padded = np.concatenate([values, np.zeros((len(values), 1), dtype=np.float32)], axis=1)
    largest: Floats = np.maximum.reduceat(padded, starts, axis=1)
    is_empty = lengths_of(starts, values.shape[1]) == 0
    return np.where(is_empty, np.float32(0), largest)


def _sums(values: Array, overlap: _Overlap) -> Floats:
    sums: Floats = np.add.reduceat(values.astype(np.float32), overlap.starts)
    return sums
