"""Ranking: what speaks for a name as the answer to a query, in a table of weighted features.

A candidate's utility is the weighted sum of its features. Its score is its share among all candidates' exponentials
and that of abstaining (a conditional logit with an outside option), so it is near the probability of being right:
one clear winner scores near 1, equals share, and a poor best stays low.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from ontologies.arrays import Array
from resolvers.lexical import HEAD_SIMILARITY, Floats, Ints, Lexicon
from resolvers.meanings import GENERIC_HEADS, OPPOSITES, SETTINGS
from resolvers.names import INHERITED, key_of, written
from resolvers.normalize import words

MAX_CHARACTERS = 1000
"""Of a longer query only the beginning is searched for; no name of a code is as long."""

MAX_WORDS = 32
"""Of more different words only the first are searched for; the longest title of ICD-10-CM has 35."""

WEIGHTS: dict[str, float] = {
    "said": 5.4,
    "said by what is above": 6.2,
    "adds words": -4.9,
    "adds a setting": -1.5,
    "contradicts": -1.7,
    "letters in order": 2.3,
    "letters of shared words": 2.9,
    "is the query": 2.3,
    "is written so": 3.0,
    "is the query but for its head": 0.9,
    "unspecified, all said": 0.3,
    "unspecified, not all said": -0.8,
    "usable": 4.9,
    "inherited": -1.7,
}
"""Feature and weight; ``Ranker.features`` says what each is. Fitted by ``python -m resolvers.fit`` on the names of
ICD-10-CM itself, each asked for as if the table did not hold it; no phrase of the Alphabetic Index took part. The
TF-IDF cosine of the retrieval is no feature: beside the others its weight was near 0."""

ABSTAIN = 12.0
SHARPNESS = 1.6
"""Utility of no answer, and what all utilities are multiplied by before they become scores; ``resolvers.fit`` again."""

_Flags = npt.NDArray[np.bool_]

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
class _Overlap:
    """How the words of a query and of its candidate names match.

    Attributes:
        said: Similarity of each query word to the nearest word of each name, ``(query words, names)``.
        above: The same against the titles of the concept and of what is above it, ``(query words, names)``.
        covered: Similarity of each word of each name to the nearest query word, flat over names, ``(words,)``.
        words: Word ids, flat over names, ``(words,)``.
        starts: Where each name begins in the flat arrays, ``(names,)``.
        optional: Whether each word need not be said, ``(words,)``.
    """

    said: Floats
    above: Floats
    covered: Floats
    words: Ints
    starts: npt.NDArray[np.int64]
    optional: npt.NDArray[np.bool_]


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


def rank(features: Floats, rows: Ints, names: Ints, code_order: Ints) -> Ranked:
    """Return the concepts of some names, each with its best name and its score, best first, ties by code.

    Args:
        features: ``(names, features)`` in the order of ``WEIGHTS``.
        rows: The concept of each name.
        names: Id of each name.
        code_order: Place of each concept of the table among the sorted codes.
    """
    weights = np.array(list(WEIGHTS.values()), dtype=np.float64)
    utilities = (features.astype(np.float64) * weights).sum(axis=1)  # a product by BLAS would round by batch
    by_row = np.lexsort((names, -utilities, rows))
    best = by_row[np.diff(rows[by_row], prepend=-1) != 0]
    best = best[np.lexsort((code_order[rows[best]], -utilities[best]))]
    powers = np.exp(SHARPNESS * (utilities[best] - max(utilities[best][0], ABSTAIN)))
    outside = np.exp(SHARPNESS * (ABSTAIN - max(utilities[best][0], ABSTAIN)))
    return Ranked(rows[best], names[best], powers / (powers.sum() + outside))


class Ranker:
    """Features and utilities over the names of one table.

    Args:
        arrays: What ``names.name_arrays`` returned.
        lexicon: Over the same arrays.
    """

    def __init__(self, arrays: Mapping[str, Array], lexicon: Lexicon) -> None:
        self._arrays = arrays
        self._lexicon = lexicon
        self._is_setting = np.zeros(len(lexicon.idf), dtype=np.bool_)
        self._is_setting[lexicon.ids(SETTINGS)] = True
        self._is_head = np.zeros(len(lexicon.idf), dtype=np.bool_)
        self._is_head[lexicon.ids(GENERIC_HEADS)] = True
        self._opposites = [(frozenset(group), lexicon.ids(group)) for group in OPPOSITES]

    def features(self, query: Query, names: Ints) -> Floats:
        """Return the features of each name in the order of ``WEIGHTS``: ``(names, features)``."""
        arrays = self._arrays
        overlap = self._overlap(query, names)
        weights = np.array([self._lexicon.weight(word) for word in query.words], dtype=np.float32)
        weights /= weights.sum()
        said = weights @ overlap.said
        missing = (overlap.covered < _SIMILAR) & ~overlap.optional
        unspecified = arrays["name_unspecified"][names]
        is_whole = (overlap.said >= _SIMILAR).all(axis=0)
        texts = self._texts(names)
        is_query, is_but_for_head = self._is_query(query, overlap, names)
        columns = {
            "said": said,  # share of the query, by rarity, that the name says
            "said by what is above": weights @ np.maximum(overlap.said, overlap.above) - said,  # or its headings
            "adds words": np.minimum(_sums(missing, overlap), 8) / 8,
            "adds a setting": np.minimum(_sums(missing & self._is_setting[overlap.words], overlap), 3),
            "contradicts": self._contradictions(query, overlap),
            "letters in order": _ratios(query.key, texts, fuzz.ratio),  # on sorted words: a token sort ratio
            "letters of shared words": _ratios(query.key, texts, fuzz.token_set_ratio),
            "is the query": is_query,
            "is written so": arrays["name_written"][names] == query.written,
            "is the query but for its head": is_but_for_head,
            "unspecified, all said": unspecified & is_whole,
            "unspecified, not all said": unspecified & ~is_whole,
            "usable": arrays["row_is_usable"][arrays["name_rows"][names]],
            "inherited": arrays["name_kinds"][names] == INHERITED,
        }
        return np.stack([np.asarray(columns[name], dtype=np.float32) for name in WEIGHTS], axis=1)

    def ranked(self, query: Query, names: Ints) -> Ranked:
        """Return the concepts that the names belong to, best first, ties by code."""
        arrays = self._arrays
        return rank(self.features(query, names), arrays["name_rows"][names], names, arrays["row_code_order"])

    def _overlap(self, query: Query, names: Ints) -> _Overlap:
        arrays = self._arrays
        places, starts = _slices(arrays["name_word_starts"], names)
        found = arrays["name_words"][places]
        rows, row_of = np.unique(arrays["name_rows"][names], return_inverse=True)
        context_places, context_starts = _slices(arrays["context_starts"], rows)
        context = arrays["contexts"][context_places]
        similarity = np.zeros(len(self._lexicon.idf), dtype=np.float32)
        in_names = np.empty((len(query.words), len(found)), dtype=np.float32)
        in_context = np.empty((len(query.words), len(context)), dtype=np.float32)
        for index, word in enumerate(query.words):
            reach = self._lexicon.reach(word)
            similarity[reach.words] = reach.similarities
            in_names[index], in_context[index] = similarity[found], similarity[context]
            similarity[reach.words] = 0
        return _Overlap(
            _largest(in_names, starts),
            _largest(in_context, context_starts)[:, row_of],
            in_names.max(axis=0),
            found,
            starts,
            arrays["name_optional"][places],
        )

    def _contradictions(self, query: Query, overlap: _Overlap) -> Floats:
        """Return for each name how many of its words have their opposite, and not themselves, in the query."""
        count = np.zeros(len(overlap.starts), dtype=np.float32)
        for group, members in self._opposites:
            if any(word in group for word in query.words):
                count += _sums(np.isin(overlap.words, members) & (overlap.covered < _SAME), overlap)
        return np.minimum(count, 2)

    def _is_query(self, query: Query, overlap: _Overlap, names: Ints) -> tuple[_Flags, _Flags]:
        """Tell for each name whether it is the query word for word, and whether it is but for a generic head noun."""
        same_other = self._arrays["name_other"][names] == query.says_other
        head_said = np.where([word in GENERIC_HEADS for word in query.words], HEAD_SIMILARITY, _SAME)[:, None]
        head_covered = np.where(self._is_head[overlap.words], HEAD_SIMILARITY, _SAME)
        exact = _all_said(overlap, np.full_like(head_said, _SAME), np.full_like(head_covered, _SAME)) & same_other
        return exact, _all_said(overlap, head_said, head_covered) & same_other & ~exact

    def _texts(self, names: Ints) -> list[str]:
        starts = self._arrays["name_text_starts"]
        text = self._arrays["name_texts"]
        ends = zip(starts[names].tolist(), starts[names + 1].tolist(), strict=True)
        return [text[start:end].tobytes().decode() for start, end in ends]


def _ratios(text: str, others: Sequence[str], scorer: Callable[..., float]) -> Floats:
    """Return what a scorer of rapidfuzz says of a text and each of the others, in [0, 1]."""
    ratios: Floats = process.cdist([text], others, scorer=scorer, dtype=np.float32)[0]
    return ratios / np.float32(100)


def _slices(starts: Array, items: Ints) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of all elements of some lists of a flat array, and where each list begins among them."""
    first = starts[items]
    lengths = starts[items + 1] - first
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(first - begins, lengths), begins


def _all_said(overlap: _Overlap, said: Array, covered: Array) -> _Flags:
    """Tell for each name whether all its needed words and all of the query's reach given similarities."""
    missing = (overlap.covered < covered) & ~overlap.optional
    flags: _Flags = (overlap.said >= said).all(axis=0) & (_sums(missing, overlap) == 0)
    return flags


def _largest(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """Return the largest value of each list, 0 where a list is empty: ``(query words, lists)``."""
    padded = np.concatenate([values, np.zeros((len(values), 1), dtype=np.float32)], axis=1)
    largest: Floats = np.maximum.reduceat(padded, starts, axis=1)
    is_empty = np.diff(starts, append=values.shape[1]) == 0
    return np.where(is_empty, np.float32(0), largest)


def _sums(values: Array, overlap: _Overlap) -> Floats:
    sums: Floats = np.add.reduceat(values.astype(np.float32), overlap.starts)
    return sums
