"""Resolvers over code tables: the search index of a table on disk, or of a small table in memory."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from ontologies.arrays import Array, read_arrays, write_arrays
from ontologies.concept import CodeTable, TableError
from ontologies.store import index_path, open_table
from ontologies.systems import SYSTEMS
from resolvers.candidate import Candidate
from resolvers.dense import DATA, Dense
from resolvers.lexical import Lexicon
from resolvers.names import name_arrays, rows_within
from resolvers.rank import Ranked, Ranker, Retrieved, query_of
from resolvers.spelling import Ints
from resolvers.weights import WEIGHTS, weighing_of

POOL, NEAR = 64, 48
"""Most names that retrieval by words and by meaning hand to the ranking."""

BLOCK = 32
"""Queries that are ranked together: enough to share numpy's cost of a call, few enough for the cache; chosen."""

THRESHOLD = 0.35
"""Score below which a resolver abstains by default. By ``python -m resolvers.fit`` F1 is highest between 0.22 and 0.30
in a classification and about 0.4 in a terminology; a wrong code costs a reader more than a missing one."""

_INDEX_CODE = (
    "dense.py", "lexical.py", "meanings.py", "names.py", "normalize.py", "reach.py", "spelling.py", "words.py"
)  # fmt: skip
"""What an index depends on beside its table; a change in these files makes it stale."""


class TableResolver:
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
        self.digest = table.digest
        self.threshold = threshold
        self.table = table
        self.arrays = arrays
        self._lexicon = Lexicon(arrays)
        self.is_classification = table.system in SYSTEMS and SYSTEMS[table.system].is_classification
        self._dense = Dense(arrays)
        self._ranker = Ranker(arrays, self._lexicon, self._dense, weighing_of(is_classification=self.is_classification))
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
        found: list[list[Candidate]] = [[] for _ in queries]
        for some in self._retrieved(queries):
            for one, ranked in zip(some, self._ranker.ranked(some), strict=True):
                found[one.place] = self._candidates(ranked, k)
        return found

    def within(self, roots: Sequence[str]) -> Self:
        """Return the resolver over the concepts that are some codes or stand below them.

        Of codes that the table lacks nothing is known: if it has none of them, this is the resolver itself.
        """
        rows = tuple(sorted(self.row_of(root) for root in roots if root in self.table.by_code))
        if not rows:
            return self
        if rows not in self._parts:
            part = copy(self)
            part._among = rows_within(self.arrays, rows)[self.arrays["name_rows"]]
            self._parts[rows] = part
        return self._parts[rows]

    def row_of(self, code: str) -> int:
        """Return the row of a code that the table has."""
        return int(self._by_code[bisect_left(self._by_code, code, key=lambda row: self.table.rows[row].code)])

    @cached_property
    def _by_code(self) -> npt.NDArray[np.int64]:
        """The rows in the order of their codes."""
        return np.argsort(self.arrays["row_code_order"])

    def features(self, text: str) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Return the names that a query is compared with, and what speaks for each, ``(names, features)``."""
        for (one,) in self._retrieved([text]):
            return one.names, self._ranker.features([one]).astype(np.float64)
        return np.zeros(0, dtype=np.int32), np.zeros((0, len(WEIGHTS)))

    def why(self, text: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Return for each candidate of a query what every feature adds to its utility, those that add 0 left out."""
        names, features = self.features(text)
        utilities = features * self._ranker.weighing.weights
        found = []
        for candidate in candidates:
            mine = np.flatnonzero(self.arrays["name_rows"][names] == self.row_of(candidate.concept.code))
            parts = utilities[mine[utilities[mine].sum(axis=1).argmax()]].tolist()
            found.append({name: part for name, part in zip(WEIGHTS, parts, strict=True) if part})
        return found

    def _retrieved(self, texts: Sequence[str]) -> Iterator[list[Retrieved]]:
        """Yield the queries that find names, in blocks of like length."""
        queries = [query_of(text) for text in texts]
        order = sorted((i for i, query in enumerate(queries) if query.words), key=lambda i: len(queries[i].words))
        words = [queries[i].words for i in order]
        vectors = self._dense.vectors(words)
        spelled = self._lexicon.search(words, POOL, self._among)
        meant = self._dense.search(vectors, NEAR, self._among)
        found = [
            Retrieved(i, queries[i], names, vector)
            for i, one, other, vector in zip(order, spelled, meant, vectors, strict=True)
            if len(names := np.union1d(one, other))
        ]
        yield from (found[i : i + BLOCK] for i in range(0, len(found), BLOCK))

    def _candidates(self, ranked: Ranked, k: int) -> list[Candidate]:
        found = zip(ranked.rows[:k].tolist(), ranked.names[:k].tolist(), ranked.scores[:k].tolist(), strict=True)
        return [self._candidate(row, name, score) for row, name, score in found]

    def _candidate(self, row: int, name: int, score: float) -> Candidate:
        concept = self.table.rows[row]
        return Candidate(concept, score, concept.names[int(self.arrays["name_indices"][name])])


def open_resolver(system: str, progress: Callable[[str], None] | None = None) -> TableResolver:
    """Return a resolver over the table in use; builds table and index on first use, which takes seconds.

    Args:
        system: Short name of the code system.
        progress: Told in one line before something that takes seconds.

    Raises:
        TableError: If the system is unknown or has no table, or an added one is damaged.
    """
    table = open_table(system, progress)
    return TableResolver(table, _index(index_path(system), table, progress))


def memory_resolver(table: CodeTable, threshold: float = THRESHOLD) -> TableResolver:
    """Return a resolver over a table in memory; meant for small tables, as nothing is kept on disk."""
    return TableResolver(table, name_arrays(table), threshold)


def _index(place: Path, table: CodeTable, progress: Callable[[str], None] | None) -> Mapping[str, Array]:
    """Return the arrays of a table's index, built if it is missing, damaged, or of another table or code."""
    key = f"{table.digest} {_code_hash()}"
    try:
        file = read_arrays(place)
        if file.meta.get("key") == key:
            return file.arrays
    except (OSError, TableError):
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
    content.update(DATA.read_bytes())
    return content.hexdigest()[:16]
