"""Resolvers over code tables: the search index of a table on disk, or of a small table in memory."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np

from ontologies.arrays import Array, read_arrays, write_arrays
from ontologies.concept import CodeTable, TableError
from ontologies.packed import read_table
from ontologies.store import table_path
from resolvers.candidate import Candidate
from resolvers.lexical import Lexicon
from resolvers.names import name_arrays, rows_within
from resolvers.rank import Ranker, query_of

POOL = 96
"""Names that the retrieval hands to the ranking."""

THRESHOLD = 0.35
"""Score below which a resolver abstains by default. F1 is highest at 0.30 (``python -m resolvers.fit``); a little above
it, because a wrong code costs a reader more than a missing one."""

_INDEX_CODE = ("lexical.py", "meanings.py", "names.py", "normalize.py", "words.py")
"""What an index depends on beside its table; a change in these files makes it stale."""


class LexicalResolver:
    """Words in, concepts of one table out: retrieval by ``lexical``, order and scores by ``rank``.

    Args:
        table: The code table.
        arrays: What ``names.name_arrays`` returned for it.
        threshold: Score below which a caller should abstain.
    """

    _among: Array | None = None
    """Which names are looked at, ``(names,)``; None is all."""

    def __init__(self, table: CodeTable, arrays: Mapping[str, Array], threshold: float = THRESHOLD) -> None:
        self.system = table.system
        self.release = table.release
        self.threshold = threshold
        self._table = table
        self._arrays = arrays
        self._lexicon = Lexicon(arrays)
        self._ranker = Ranker(arrays, self._lexicon)
        self._parts: dict[tuple[int, ...], Self] = {}

    def __call__(self, queries: Sequence[str], k: int) -> list[list[Candidate]]:
        """Return at most ``k`` candidates a query, best first, ties by code; an empty query has none.

        Args:
            queries: Any strings; only the first ``MAX_CHARACTERS`` and ``MAX_WORDS`` of each are searched for.
            k: At least 1.

        Raises:
            ValueError: If ``k`` is less than 1.
        """
        if k < 1:
            raise ValueError(f"k: expected at least 1, found {k}")
        return [self._candidates(query, k) for query in queries]

    def within(self, roots: Sequence[str]) -> Self:
        """Return the resolver over the concepts that are some codes or stand below them.

        Of codes that the table lacks nothing is known: if it has none of them, this is the resolver itself.
        """
        rows = tuple(sorted(self._row_of(root) for root in roots if root in self._table.by_code))
        if not rows:
            return self
        if rows not in self._parts:
            part = copy(self)
            part._among = rows_within(self._arrays, rows)[self._arrays["name_rows"]]
            self._parts[rows] = part
        return self._parts[rows]

    def _row_of(self, code: str) -> int:
        """Return the row of a code that the table has."""
        by_code = np.argsort(self._arrays["row_code_order"])
        return int(by_code[bisect_left(by_code, code, key=lambda row: self._table.rows[row].code)])

    def _candidates(self, text: str, k: int) -> list[Candidate]:
        query = query_of(text)
        names = self._lexicon.search(query.words, POOL, self._among).names
        if not len(names):
            return []
        ranked = self._ranker.ranked(query, names)
        found = zip(ranked.rows[:k].tolist(), ranked.names[:k].tolist(), ranked.scores[:k].tolist(), strict=True)
        return [self._candidate(row, name, score) for row, name, score in found]

    def _candidate(self, row: int, name: int, score: float) -> Candidate:
        concept = self._table.rows[row]
        return Candidate(concept, score, concept.names[int(self._arrays["name_indices"][name])])


def open_resolver(system: str, progress: Callable[[str], None] | None = None) -> LexicalResolver:
    """Return a resolver over the table in use; builds table and index on first use, which takes seconds.

    Args:
        system: Short name of the code system.
        progress: Told in one line before something that takes seconds.

    Raises:
        TableError: If the system is unknown or has no table.
    """
    path = table_path(system, progress)
    table = read_table(path)
    return LexicalResolver(table, _index(path, table, progress))


def memory_resolver(table: CodeTable, threshold: float = THRESHOLD) -> LexicalResolver:
    """Return a resolver over a table in memory; meant for small tables, as nothing is kept on disk."""
    return LexicalResolver(table, name_arrays(table), threshold)


def _index(path: Path, table: CodeTable, progress: Callable[[str], None] | None) -> Mapping[str, Array]:
    """Return the arrays of the index beside a table's file, built if it is missing or of another table or code."""
    place = path.with_suffix(".lexical")
    key = f"{table.digest} {_code_hash()}"
    try:
        file = read_arrays(place)
        if file.meta["key"] == key:
            return file.arrays
    except (FileNotFoundError, TableError):
        pass
    if progress is not None:
        progress(f"building the search index of {table.system} {table.release} (once)")
    arrays = name_arrays(table)
    write_arrays(place, {"key": key}, arrays)
    return arrays


def _code_hash() -> str:
    content = sha256()
    for name in _INDEX_CODE:
        content.update(Path(__file__).with_name(name).read_bytes())
    return content.hexdigest()[:16]
