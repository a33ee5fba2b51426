"""A coded meaning, and the table of codes it comes from."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Self

_LONGEST = 800
"""Most characters of an error: a value out of a file may have a million; chosen."""


class TableError(ValueError):
    r"""A code table that cannot be used; the message names file:line, what was expected and what was found.

    Whatever a file holds, the message is one line that a terminal may print, and a long one is cut in its middle.

    >>> TableError("t.tsv:2: found A\nB")
    TableError('t.tsv:2: found A\\nB')
    """

    def __init__(self, message: str) -> None:
        most = _LONGEST // 2
        short = message if len(message) <= _LONGEST else f"{message[:most]} ... {message[-most:]}"
        super().__init__("".join(char if char.isprintable() else ascii(char)[1:-1] for char in short))


@dataclass(frozen=True, slots=True)
class Concept:
    """A code of one system with its names and its place in the hierarchy.

    Attributes:
        system: Short name of the code system, a key of ``systems.SYSTEMS``: ``icd10cm``.
        code: The code as the system writes it: ``K76.9``.
        name: The preferred name.
        synonyms: Other names, preferred name excluded.
        parents: Codes of the direct parents in the same system.
        assignable: False for a heading that only holds codes, such as a chapter or block of ICD-10-CM.
    """

    system: str
    code: str
    name: str
    synonyms: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    assignable: bool = True

    @property
    def curie(self) -> str:
        """``system:code``.

        >>> Concept("icd10cm", "K76.9", "Liver disease, unspecified").curie
        'icd10cm:K76.9'
        """
        return f"{self.system}:{self.code}"

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the preferred one first."""
        return (self.name, *self.synonyms)


class CodeTable:
    """The concepts of one system and release, by code and by row; small tables live in memory, large ones on disk.

    Attributes:
        system: Short name of the code system.
        release: What the publisher calls this edition: ``April 2026``.
        rows: The concepts in the order of the table.
        by_code: The same concepts by code.

    Args:
        system: Short name of the code system.
        release: What the publisher calls this edition.
        concepts: The concepts, each code once.

    Raises:
        TableError: If a code appears twice, a concept belongs to another system, or there is none.
    """

    rows: Sequence[Concept]
    by_code: Mapping[str, Concept]

    def __init__(self, system: str, release: str, concepts: Iterable[Concept]) -> None:
        by_code: dict[str, Concept] = {}
        for concept in concepts:
            if concept.system != system:
                raise TableError(f"{system}: {concept.curie} belongs to another system")
            if concept.code in by_code:
                raise TableError(f"{system}: code {concept.code} appears twice")
            by_code[concept.code] = concept
        if not by_code:
            raise TableError(f"{system}: the table has no code")
        self.system = system
        self.release = release
        self.rows = tuple(by_code.values())
        self.by_code = MappingProxyType(by_code)

    @classmethod
    def lazy(
        cls, system: str, release: str, rows: Sequence[Concept], by_code: Mapping[str, Concept], digest: str
    ) -> Self:
        """Return a table over rows that were checked when they were written and are made when they are asked for."""
        table = cls.__new__(cls)
        table.system, table.release, table.digest = system, release, digest
        table.rows, table.by_code = rows, by_code
        return table

    @cached_property
    def digest(self) -> str:
        """Content hash; of a table on disk that of its file's arrays, of one in memory made when first asked for."""
        from hashlib import sha256  # not at the start of every command

        content = sha256()
        for c in self:
            facts = (c.code, *c.names), c.parents, c.assignable
            content.update(json.dumps(facts, allow_nan=False).encode())
        return content.hexdigest()

    @cached_property
    def children(self) -> Mapping[str, Sequence[str]]:
        """Codes right below each code that has any, in the order of the table; made when first asked for."""
        found: dict[str, list[str]] = {}
        for concept in self:
            for parent in concept.parents:
                found.setdefault(parent, []).append(concept.code)
        return found

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Concept]:
        """Iterate over the concepts in the order of the table."""
        return iter(self.rows)
