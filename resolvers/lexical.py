"""Retrieval by words: TF-IDF over the words of names.

A query word reaches the names that hold it, and at a discount those that hold a word that it leads to (``reach``). What
the words of several names lead to stands in the index; what others do is remembered.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ontologies.arrays import Array, firsts, lengths_of, pack_lists, pack_strings, slices
from resolvers.reach import Reach, Reaching, reach_arrays
from resolvers.spelling import Floats, Ints

_REMEMBERED = 50_000
"""Words of which it is remembered what they lead to, as the index does not say it."""

_OFTEN = 2
"""Names that hold a word at least whose neighbours are kept in the index: three of five words of MeSH are in one."""

_ALONE = 0.35
"""Share of a query below which a word finds no names by itself: "disease" of "Kabuki disease"; chosen."""

_KEPT = 8_000_000
"""Names of words that are remembered, 8 bytes each."""


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
        **reach_arrays(vocabulary, counts >= _OFTEN),
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
        self._reaching = Reaching(self._vocabulary, self._id_of, arrays)
        self._is_kept = np.diff(arrays["reach_starts"]) > 0
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
        if index is not None and self._is_kept[index]:
            inside = slice(*self._arrays["reach_starts"][index : index + 2])
            return Reach(self._arrays["reach_words"][inside], self._arrays["reach_similarities"][inside])
        if word not in self._remembered:
            self._remember([word])
        return self._remembered[word]

    def _keeps(self, word: str) -> bool:
        """Tell whether what a word leads to stands in the index."""
        index = self._id_of.get(word)
        return index is not None and bool(self._is_kept[index])

    def _remember(self, words: Sequence[str]) -> None:
        """Look up what some words lead to of which the index does not say it."""
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
        self._remember([word for word in words if word not in self._remembered and not self._keeps(word)])
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
            names, shares = reached.words[is_in], np.float32(weight) * reached.similarities[is_in]
            found, scores = _added(found, scores, names, shares, totals) if len(found) else (names, shares)
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
            shares = np.repeat(reach.similarities * self.idf[reach.words], lengths_of(begins, len(inside)))
            order = np.argsort(arrays["postings"][inside])
            names = arrays["postings"][inside[order]]
            first = firsts(names)
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


def _added(found: Ints, scores: Floats, names: Ints, shares: Floats, totals: Floats) -> tuple[Ints, Floats]:
    """Return names and their scores with some shares added; ``totals``, ``(names of the table,)``, is 0 again then."""
    totals[found] = scores
    totals[names] += shares
    scores, totals[found] = totals[found], 0
    added, totals[names] = totals[names], 0
    is_new = added > 0
    return np.concatenate([found, names[is_new]]), np.concatenate([scores, added[is_new]])


def _best(scores: Floats, items: Ints, limit: int) -> npt.NDArray[np.int64]:
    """Return the places of the ``limit`` highest scores, ties by item."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    least = np.partition(scores, -limit)[-limit]
    above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    equal = equal[np.argsort(items[equal], kind="stable")]
    return np.concatenate([above, equal[: limit - len(above)]])
