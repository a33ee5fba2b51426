"""What a word leads to: words spelled like it, other forms of it, and words that may stand for it.

Spelled like it: by the cosine of character n-grams, so that another ending still finds its word, and by edit distance
where no name holds the word. N-grams work on the vocabulary of a table, not on its names: it is a tenth of the size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ontologies.arrays import Array
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

_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Reach:
    """What a query word leads to: words of the vocabulary by ascending similarity, or names in ascending order.

    Attributes:
        words: Ids.
        similarities: In (0, 1]; 1 is the word itself.
    """

    words: Ints
    similarities: Floats


class Reaching:
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


def reach_arrays(vocabulary: Sequence[str], is_kept: Array) -> dict[str, Array]:
    """Return what words of a vocabulary lead to, and the arrays by which ``Reaching`` finds another word's.

    Args:
        vocabulary: The words of a table.
        is_kept: Of which words it is found now, ``(vocabulary,)``; all of them lead to themselves at least.
    """
    spelling = spelling_arrays(vocabulary)
    reaching = Reaching(vocabulary, {word: index for index, word in enumerate(vocabulary)}, spelling)
    kept = np.flatnonzero(is_kept)
    reaches = reaching([vocabulary[index] for index in kept.tolist()])
    lengths, starts = np.zeros(len(vocabulary), dtype=np.int64), np.zeros(len(vocabulary) + 1, dtype=np.int64)
    lengths[kept] = [len(reach.words) for reach in reaches]
    np.cumsum(lengths, out=starts[1:])
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


def _related(id_of: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """Return for every word of the tables the ids of those that may stand for it."""
    groups = [(group, RELATED_SIMILARITY) for group in RELATED] + [(tuple(sorted(GENERIC_HEADS)), HEAD_SIMILARITY)]
    found: dict[str, dict[int, float]] = {}
    for group, similarity in groups:
        for word in group:
            others = {id_of[other]: similarity for other in group if other != word and other in id_of}
            found[word] = {**others, **found.get(word, {})}
    return found
