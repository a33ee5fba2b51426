"""Retrieval by words: TF-IDF over the words of names, and character n-grams that lead a word to words like it.

A query word reaches the names that hold it, and at a discount those that hold a word spelled like it (n-gram cosine
over the vocabulary, so another ending still finds its word; edit distance for a word that no name holds) or related to
it (``meanings.RELATED``). N-grams work on the vocabulary, not on the names: it is a tenth of the size, and what a
word leads to is remembered.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ontologies.arrays import Array, pack_lists, pack_strings, slices
from resolvers.meanings import ENDINGS, GENERIC_HEADS, RELATED
from resolvers.spelling import Alike, Floats, Ints, Spelling, spelling_arrays

DERIVED_SIMILARITY = 0.9
RELATED_SIMILARITY = 0.85
HEAD_SIMILARITY = 0.75
"""How much another form of a word, a related word or another generic head counts; chosen, below an exact word, above a
merely similar one."""

_MIN_SIMILARITY = 0.45
_MIN_ALIKE, _MIN_TYPED = 0.2, 0.75
_MAX_SIMILAR = 12
_SPELLED_LIKE = 256
"""Words with the most common n-grams among which a typing error is looked for; chosen."""

_REMEMBERED = 50_000
_SHORTEST_STEM = 3
_ALONE = 0.35
"""Share of a query below which a word finds no names by itself: "disease" of "Kabuki disease"; chosen."""

_KEPT = 8_000_000
"""Names of words that are remembered, 8 bytes each."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a query word leads to: words of the vocabulary by ascending similarity, or names in ascending order.

    Attributes:
        words: Ids.
        similarities: In (0, 1]; 1 is the word itself.
    """

    words: Ints
    similarities: Floats


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
        **_reach_arrays(vocabulary, spelling_arrays(vocabulary)),
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
        self._reaching = _Reaching(self._vocabulary, self._id_of, arrays)
        self._remembered: OrderedDict[str, Reach] = OrderedDict()
        self._gathered: OrderedDict[str, Reach] = OrderedDict()
        self._kept = 0
        self.idf: Floats = arrays["idf"]
        self.unknown_idf = float(np.log1p(len(arrays["name_norms"])))

    def weight(self, word: str) -> float:
        """Return the inverse document frequency of a word; that of a word in one name where it is unknown."""
        index = self._id_of.get(word)
        return self.unknown_idf if index is None else float(self.idf[index])

    def reach(self, word: str) -> Reach:
        """Return the vocabulary that a query word leads to; empty where there is none."""
        index = self._id_of.get(word)
        if index is not None:
            inside = slice(*self._arrays["reach_starts"][index : index + 2])
            return Reach(self._arrays["reach_words"][inside], self._arrays["reach_similarities"][inside])
        if word not in self._remembered:
            self._remember([word])
        return self._remembered[word]

    def _remember(self, words: Sequence[str]) -> None:
        """Look up what some words lead to that the table does not have."""
        self._remembered |= zip(words, self._reaching(words), strict=True)
        while len(self._remembered) > max(_REMEMBERED, len(words)):
            self._remembered.popitem(last=False)

    def ids(self, words: Iterable[str]) -> Ints:
        """Return the ids of those words that the table has."""
        return np.array(sorted(self._id_of[word] for word in words if word in self._id_of), dtype=np.int32)

    def search(self, queries: Sequence[Sequence[str]], limit: int, among: Array | None = None) -> list[Ints]:
        """Return for each query the ``limit`` names with the highest cosine to its words, none without a common word.

        Names are gathered word by word, the rarest first, until those that hold none of the words so far cannot be
        among the best; what the other words bring is then asked of the names found (Turtle and Flood 1995, MaxScore).
        So a query costs what its rare words cost, however large the table. Words that need not be said are left out of
        a name's length, so the bound is near rather than exact; and a word that is but a small part of the query finds
        no names by itself unless nothing else does.

        Args:
            queries: The words of each.
            limit: Most names a query.
            among: Which names to look at, ``(names,)``; None is all.

        Returns:
            Name ids, ascending.
        """
        words = dict.fromkeys(word for query in queries for word in query)
        self._remember([word for word in words if word not in self._id_of and word not in self._remembered])
        totals = np.zeros(len(self._arrays["name_norms"]), dtype=np.float32)  # all 0 between two words
        return [self._search(query, limit, among, totals) for query in queries]

    def _search(self, query: Sequence[str], limit: int, among: Array | None, totals: Floats) -> Ints:
        weighed = sorted(((self.weight(word), word) for word in query), reverse=True)
        length = float(np.sqrt(sum(weight * weight for weight, _ in weighed)))
        terms = [(weight / length, word) for weight, word in weighed if len(self.reach(word).words)]
        found, scores = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        while terms and not (len(found) and terms[0][0] < _ALONE):
            (weight, word), *terms = terms
            reached = self._reached(word)
            is_in = slice(None) if among is None else among[reached.words]
            names = reached.words[is_in]
            totals[found] = scores
            totals[names] += np.float32(weight) * reached.similarities[is_in]
            scores, totals[found] = totals[found], 0
            added, totals[names] = totals[names], 0
            found, scores = np.concatenate([found, names[added > 0]]), np.concatenate([scores, added[added > 0]])
            bound = float(np.sqrt(sum(weight * weight for weight, _ in terms)))
            if terms and len(found) >= limit and (least := np.partition(scores, -limit)[-limit]) >= bound:
                is_near = scores >= least - bound
                found, scores = found[is_near], scores[is_near]
                break
        if terms and len(found):
            scores = scores + self._cosines(found, terms)
        return np.sort(found[_best(scores, found, limit)])

    def _reached(self, word: str) -> Reach:
        """Return the names that a query word reaches, ascending, and what each has of it: its cosine to that word."""
        known = self._gathered.pop(word, None)
        if known is None:
            reach, arrays = self.reach(word), self._arrays
            inside, begins = slices(arrays["posting_starts"], reach.words)
            shares = np.repeat(reach.similarities * self.idf[reach.words], np.diff(begins, append=len(inside)))
            order = np.argsort(arrays["postings"][inside])
            names = arrays["postings"][inside[order]]
            first = np.flatnonzero(np.diff(names, prepend=-1))
            names = names[first]
            cosines = np.maximum.reduceat(shares[order], first) / arrays["name_norms"][names]
            known = Reach(names, np.asarray(cosines, dtype=np.float32))
            self._kept += len(names)
        self._gathered[word] = known
        while self._kept > _KEPT and len(self._gathered) > 1:
            _, dropped = self._gathered.popitem(last=False)
            self._kept -= len(dropped.words)
        return known

    def _cosines(self, names: Ints, terms: Sequence[tuple[float, str]]) -> Floats:
        """Return what query words, each with its share of the query, add to the cosines of names."""
        places, starts = slices(self._arrays["name_word_starts"], names)
        words = self._arrays["name_words"][places]
        found, near = np.zeros(len(names), dtype=np.float32), np.zeros(len(self.idf), dtype=np.float32)
        for weight, word in terms:
            reach = self.reach(word)
            near[reach.words] = reach.similarities * self.idf[reach.words]
            found += np.float32(weight) * np.maximum.reduceat(near[words], starts)
            near[reach.words] = 0
        found /= self._arrays["name_norms"][names]
        return found


class _Reaching:
    """Finds what a word leads to.

    Args:
        vocabulary: The words of the table.
        id_of: Their ids.
        spelling: What ``spelling_arrays`` returned for them.
    """

    def __init__(self, vocabulary: Sequence[str], id_of: Mapping[str, int], spelling: Mapping[str, Array]) -> None:
        self._vocabulary = vocabulary
        self._id_of = id_of
        self._related = _related(id_of)
        self._spelling = Spelling(spelling)

    def __call__(self, words: Sequence[str]) -> list[Reach]:
        """Return the vocabulary that each word leads to, itself a word of it or not."""
        spelled = [word for word in words if len(word) > 3 and not word.isdigit()]
        known = [word for word in spelled if word in self._id_of]
        unknown = [word for word in spelled if word not in self._id_of]
        alike = dict(zip(known, self._spelling.like(known, _MIN_SIMILARITY, _MAX_SIMILAR), strict=True))
        alike |= zip(unknown, self._spelling.like(unknown, _MIN_ALIKE, _SPELLED_LIKE), strict=True)
        return [self._reach(word, alike.get(word)) for word in words]

    def _reach(self, word: str, alike: Alike | None) -> Reach:
        found: dict[int, float] = {}
        if alike is not None:
            if word not in self._id_of:
                found |= self._mistyped(word, alike.words)
            near = zip(alike.words[-_MAX_SIMILAR:].tolist(), alike.cosines[-_MAX_SIMILAR:].tolist(), strict=True)
            found |= {index: max(cosine, found.get(index, 0.0)) for index, cosine in near if cosine >= _MIN_SIMILARITY}
        for form in derived(word):
            if form in self._id_of:
                found[self._id_of[form]] = DERIVED_SIMILARITY
        for related, similarity in self._related.get(word, {}).items():
            found[related] = max(similarity, found.get(related, 0.0))
        if word in self._id_of:
            found[self._id_of[word]] = 1.0
        ordered = sorted(found.items(), key=lambda item: (item[1], item[0]))
        return Reach(
            np.array([index for index, _ in ordered], dtype=np.int32),
            np.array([similarity for _, similarity in ordered], dtype=np.float32),
        )

    def _mistyped(self, word: str, words: Ints) -> dict[int, float]:
        """Return (word id, similarity) of those of some words that are within a slip or two of an unknown one."""
        spelled = [self._vocabulary[index] for index in words.tolist()]
        found = process.extract(
            word, spelled, scorer=OSA.normalized_similarity, limit=_MAX_SIMILAR, score_cutoff=_MIN_TYPED
        )
        return {int(words[place]): similarity for _, similarity, place in found}


def _reach_arrays(vocabulary: Sequence[str], spelling: Mapping[str, Array]) -> dict[str, Array]:
    """Return what each word of a vocabulary leads to, and the arrays by which another word's is found."""
    reaching = _Reaching(vocabulary, {word: index for index, word in enumerate(vocabulary)}, spelling)
    reaches = reaching(vocabulary)
    starts = np.zeros(len(vocabulary) + 1, dtype=np.int64)
    np.cumsum([len(reach.words) for reach in reaches], out=starts[1:])
    return {
        **spelling,
        "reach_words": np.concatenate([np.zeros(0, dtype=np.int32), *(reach.words for reach in reaches)]),
        "reach_similarities": np.concatenate([np.zeros(0, dtype=np.float32), *(r.similarities for r in reaches)]),
        "reach_starts": starts,
    }


def derived(word: str) -> set[str]:
    """Return what other forms of a word would be, words or not.

    >>> sorted(derived("ischemic") & {"ischemia", "ischemism"})
    ['ischemia', 'ischemism']
    """
    endings = _endings()
    stems = ((word[:end], endings.get(word[end:], ())) for end in range(_SHORTEST_STEM, len(word) + 1))
    return {stem + other for stem, others in stems for other in others} - {word}


@cache
def _endings() -> dict[str, list[str]]:
    """Return for each ending of ``ENDINGS`` the others that may stand in its place."""
    found: dict[str, list[str]] = {}
    for one, other in ENDINGS:
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return found


def _best(scores: Floats, items: Ints, limit: int) -> npt.NDArray[np.int64]:
    """Return the places of the ``limit`` highest scores, ties by item."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    least = np.partition(scores, -limit)[-limit]
    above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    equal = equal[np.argsort(items[equal], kind="stable")]
    return np.concatenate([above, equal[: limit - len(above)]])


def _related(id_of: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Return for every word of the tables the ids of those that may stand for it."""
    groups = [(group, RELATED_SIMILARITY) for group in RELATED] + [(tuple(sorted(GENERIC_HEADS)), HEAD_SIMILARITY)]
    found: dict[str, dict[int, float]] = {}
    for group, similarity in groups:
        for word in group:
            others = {id_of[other]: similarity for other in group if other != word and other in id_of}
            found[word] = {**others, **found.get(word, {})}
    return found
