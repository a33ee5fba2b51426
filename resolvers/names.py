"""The searchable names of a code table, as arrays: which words each has, and how specific it is."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np

from ontologies.arrays import Array, pack_lists, pack_strings, slices
from ontologies.concept import CodeTable, Concept, TableError
from ontologies.hierarchy import LEVELS_ABOVE
from ontologies.systems import SYSTEMS
from resolvers.dense import dense_arrays
from resolvers.lexical import word_arrays
from resolvers.meanings import NEUTRAL
from resolvers.normalize import OPTIONAL, words

Parents = Sequence[Sequence[int]]
WordsOf = Callable[[str], Sequence[str]]

PREFERRED, SYNONYM, INHERITED = 0, 1, 2
"""Where a name comes from; an inherited one is that of a category, held by the code that stands for it unspecified."""

_MOST_ABOVE = 1000
"""Concepts above one whose words are taken, no further level behind them; ten times as many as MeSH has."""

_STANDS_FOR = re.compile(r"\b(?:unspecified|uncomplicated|without complications?|NOS)\b", re.IGNORECASE)
"""How the name of a child says that it stands for its category when no more is known."""

_ENCOUNTER = re.compile(r", (?:(?:initial|subsequent) encounter\b.*|sequela)$")
"""How a name ends that adds to its parent's only which visit this is, the seventh character of ICD-10-CM."""


@dataclass(frozen=True, slots=True)
class _Name:
    row: int
    kind: int
    index: int  # among the names of its concept
    written: int
    words: tuple[str, ...]  # different, neutral words left out, alphabetical
    optional: frozenset[str]
    is_unspecified: bool
    is_other: bool


def name_arrays(table: CodeTable) -> dict[str, Array]:
    """Return everything that retrieval and ranking read of a table's names.

    Raises:
        TableError: If no name can be searched for.
    """
    concepts = list(table)
    words_of = lru_cache(maxsize=None)(words)
    row_of = {concept.code: row for row, concept in enumerate(concepts)}
    parents = [[row_of[parent] for parent in concept.parents if parent in row_of] for concept in concepts]
    is_classification = table.system in SYSTEMS and SYSTEMS[table.system].is_classification
    inheriting = _inheriting(concepts, parents, words_of) if is_classification else {}
    names = [name for name in _names(concepts, inheriting, words_of) if name.words]  # "---" cannot be searched for
    if not names:
        raise _without_words(table)
    id_of, arrays = word_arrays([name.words for name in names])
    meanings = dense_arrays(list(id_of), arrays["name_words"], arrays["name_word_starts"])
    optional = np.array([word in name.optional for name in names for word in name.words], dtype=np.bool_)
    parent_rows, parent_starts = pack_lists(parents)
    texts, text_starts = pack_strings([" ".join(name.words) for name in names])
    contexts, context_starts = pack_lists(_contexts(concepts, parents, id_of, words_of))
    return {
        **arrays,
        **meanings,
        "name_rows": np.array([name.row for name in names], dtype=np.int32),
        "name_kinds": np.array([name.kind for name in names], dtype=np.uint8),
        "name_indices": np.array([name.index for name in names], dtype=np.int32),
        "name_written": np.array([name.written for name in names], dtype=np.uint32),
        "name_unspecified": np.array([name.is_unspecified for name in names], dtype=np.bool_),
        "name_other": np.array([name.is_other for name in names], dtype=np.bool_),
        "name_optional": optional,
        "name_norms": _norms(arrays, optional),
        "name_texts": texts,
        "name_text_starts": text_starts,
        "row_is_usable": _usable(concepts, parents) if is_classification else np.ones(len(concepts), dtype=np.bool_),
        "row_breadth": _breadth(parents),
        "row_code_order": _code_order(concepts),
        "row_parents": parent_rows,
        "row_parent_starts": parent_starts,
        "contexts": contexts,
        "context_starts": context_starts,
    }


def check_names(table: CodeTable) -> None:
    """Refuse a table in which nothing can be found.

    Raises:
        TableError: If no name can be searched for.
    """
    if not any(words(name) for concept in table if concept.assignable for name in concept.names):
        raise _without_words(table)


def _without_words(table: CodeTable) -> TableError:
    return TableError(f"{table.system} {table.release}: expected names with a word or a number, found none")


def rows_within(arrays: Mapping[str, Array], rows: Sequence[int]) -> Array:
    """Tell for each concept whether it is one of some, by row, or stands below one: ``(concepts,)``.

    Takes time by the concepts, not by their levels, of which a chain has as many.
    """
    parents, starts = arrays["row_parents"], arrays["row_parent_starts"]
    order = np.argsort(parents, kind="stable")
    children = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[order]
    child_starts = np.searchsorted(parents[order], np.arange(len(starts)))
    found = np.zeros(len(starts) - 1, dtype=np.bool_)
    level = np.array(rows, dtype=np.int64)
    while len(level):
        found[level] = True
        below = children[slices(child_starts, level)[0]]
        level = np.unique(below[~found[below]])
    return found


def written(text: str) -> int:
    """Return a hash of a text as it is written, but for case and white space."""
    return crc32(" ".join(text.casefold().split()).encode())


def key_of(found: Sequence[str]) -> str:
    """Return the different words in alphabetical order, neutral ones left out if any other is there."""
    said = sorted(set(found) - NEUTRAL) or sorted(set(found))
    return " ".join(said)


def _names(concepts: Sequence[Concept], inheriting: Mapping[int, int], words_of: WordsOf) -> Iterator[_Name]:
    for row, concept in enumerate(concepts):
        if not concept.assignable:
            continue
        for index, name in enumerate(concept.names):
            kind = PREFERRED if index == 0 else SYNONYM
            yield _name((row, kind, index), name, words_of)
            if row in inheriting:
                yield _name((inheriting[row], INHERITED, 0), name, words_of)


def _name(place: tuple[int, int, int], text: str, words_of: WordsOf) -> _Name:
    found, needed = words_of(text), words_of(OPTIONAL.sub(" ", text))
    said = tuple(sorted(set(found) - NEUTRAL)) or tuple(sorted(set(found)))
    optional = frozenset(said).difference(needed, ("congenital",)) if set(needed) & set(said) else frozenset()
    return _Name(*place, written(text), said, optional, "unspecified" in found, "other" in found)


def _inheriting(concepts: Sequence[Concept], parents: Parents, words_of: WordsOf) -> dict[int, int]:
    """Return for each category the leaf that stands for it when no more is said.

    That is its unspecified or uncomplicated child, and so on down; of several such children the one that adds the
    fewest words to the category's, then the first.
    """
    chosen: dict[int, tuple[int, int]] = {}
    for row, concept in enumerate(concepts):
        if not _STANDS_FOR.search(concept.name) or _is_visit(concept):
            continue
        for parent in parents[row]:
            added = set(words_of(_STANDS_FOR.sub(" ", concept.name))) - NEUTRAL - set(words_of(concepts[parent].name))
            chosen[parent] = min(chosen.get(parent, (len(added), row)), (len(added), row))
    below = {parent: row for parent, (_, row) in chosen.items()}
    leaves: dict[int, int] = {}
    for parent in below:
        way, row = [], parent
        while row in below and row not in leaves:
            way.append(row)
            row = below[row]
        leaves.update(dict.fromkeys(way, leaves.get(row, row)))
    return leaves


def _usable(concepts: Sequence[Concept], parents: Parents) -> Array:
    """Tell for each concept whether no other stands below it; those that add only the visit do not count."""
    usable = np.ones(len(concepts), dtype=np.bool_)
    usable[[above for row, concept in enumerate(concepts) if not _is_visit(concept) for above in parents[row]]] = False
    return usable


def _breadth(parents: Parents) -> Array:
    """Return for each concept how many stand below it, as the logarithm of one more: ``(concepts,)``.

    Counted by ways down, so that a concept with two parents counts twice above both: near enough, and linear.
    """
    below, waiting = np.zeros(len(parents)), np.zeros(len(parents), dtype=np.int64)
    for parent_rows in parents:
        waiting[list(parent_rows)] += 1
    ready = [row for row, count in enumerate(waiting.tolist()) if not count]
    while ready:
        row = ready.pop()
        for above in parents[row]:
            below[above] += 1 + below[row]
            waiting[above] -= 1
            if not waiting[above]:
                ready.append(above)
    return np.log1p(below).astype(np.float32)


def _is_visit(concept: Concept) -> bool:
    return _ENCOUNTER.search(concept.name) is not None


def _contexts(
    concepts: Sequence[Concept], parents: Parents, id_of: Mapping[str, int], words_of: WordsOf
) -> list[list[int]]:
    """Return for each concept the words of its preferred name and of those above it, as far as we look."""
    titles = [_ids(words_of(concept.name), id_of) for concept in concepts]
    contexts = []
    for row in range(len(concepts)):
        found = titles[row]
        seen, level = {row}, set(parents[row])
        for _ in range(LEVELS_ABOVE):
            if not level or len(seen) > _MOST_ABOVE:
                break
            found = found.union(*(titles[above] for above in level))
            seen |= level
            level = {higher for above in level for higher in parents[above] if higher not in seen}
        contexts.append(sorted(found))
    return contexts


def _ids(found: Sequence[str], id_of: Mapping[str, int]) -> frozenset[int]:
    return frozenset(id_of[word] for word in found if word in id_of)


def _code_order(concepts: Sequence[Concept]) -> Array:
    order = sorted(range(len(concepts)), key=lambda row: concepts[row].code)
    places = np.empty(len(concepts), dtype=np.int32)
    places[order] = np.arange(len(concepts), dtype=np.int32)
    return places


def _norms(arrays: dict[str, Array], optional: Array) -> Array:
    """Return the length of each name's TF-IDF vector over the words that need to be said: ``(names,)``."""
    squares = np.where(optional, 0, arrays["idf"][arrays["name_words"]] ** 2)
    name_of = np.repeat(np.arange(len(arrays["name_word_starts"]) - 1), np.diff(arrays["name_word_starts"]))
    sums = np.bincount(name_of, weights=squares, minlength=len(arrays["name_word_starts"]) - 1)
    return np.sqrt(np.maximum(sums, 1e-6)).astype(np.float32)
