"""A dictionary as an extractor: the baseline that a model has to beat, and the stand-in for one in tests."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from extractors.document import Document, Mention, Relation
from extractors.text import sentences


class LexiconExtractor:
    """Finds the terms of a dictionary, the longest first, and ties each modifier to the nearest target of its sentence.

    Args:
        terms: Label by term; found in any casing, as whole words.
        modifiers: Labels that MODIFY something.
        targets: Labels that are modified.
    """

    def __init__(self, terms: Mapping[str, str], modifiers: Sequence[str] = (), targets: Sequence[str] = ()) -> None:
        self._labels = {term.casefold(): label for term, label in terms.items()}
        longest_first = sorted(self._labels, key=lambda term: (-len(term), term))
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
        self._modifiers = frozenset(modifiers)
        self._targets = frozenset(targets)

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        """Return one document a text, in order."""
        return [self._read(text) for text in texts]

    def _read(self, text: str) -> Document:
        """Return the document of one text."""
        found = [
            Mention(match.start(), match.end(), label, match[0])
            for match in self._pattern.finditer(text)
            if (label := self._labels.get(match[0].casefold())) is not None
        ]
        edges = [start for start, _ in sentences(text)] + [len(text)]
        relations: list[Relation] = []
        for first, last in pairwise(bisect_right([m.start for m in found], edge - 1) for edge in edges):
            relations += self._relations(found[first:last])
        return Document(text, tuple(found), tuple(relations))

    def _relations(self, mentions: Sequence[Mention]) -> list[Relation]:
        """Return MODIFY from each modifier of a sentence to the target nearest to it, the earlier of two as near."""
        targets = [m for m in mentions if m.label in self._targets]
        return [
            Relation(m, min(targets, key=lambda t: (max(t.start - m.end, m.start - t.end), t.start)), "MODIFY")
            for m in mentions
            if m.label in self._modifiers and targets
        ]
