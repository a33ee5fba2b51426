"""Where graphs are kept: one protocol, the facts it answers with, and how a store is opened."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol, Self

from kgbuild.graph import NoteGraph

Cell = str | int | float | bool | date | None
"""What a query answers with."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


class StoreError(ValueError):
    """A store that cannot be opened, read or written; names the path, the note id or the place in a query."""


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What a store holds of a patient; ``start`` and ``end`` are the first and last day of their events."""

    id: str = field(repr=False)
    notes: int
    events: int
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A mention behind a fact: note id and offsets into its text."""

    note: str
    start: int
    end: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What a store holds of one event, over all notes.

    Attributes:
        id: The event's id.
        start: First day, or None when unknown.
        end: Last day, or None when unknown.
        label: Label of its entity.
        name: Name of its entity.
        system: Code system that names the entity, or None.
        code: Its code there, or None.
        codes: Curies of all its codes (rank 1) and of their ancestors as far as the store knows them.
        assertion: As in ``extractors.document.ASSERTIONS``.
        value: As written, or None.
        number: As a number, or None.
        unit: Its unit, or None.
        source: ``text`` if any note dates it, else ``note date``, or ``unknown``.
        evidence: Ordered by note and offsets.
    """

    id: str = field(repr=False)
    start: date | None
    end: date | None
    label: str
    name: str = field(repr=False)
    system: str | None
    code: str | None
    codes: frozenset[str]
    assertion: str
    value: str | None = field(repr=False)
    number: float | None = field(repr=False)
    unit: str | None
    source: str
    evidence: tuple[Evidence, ...]

    @property
    def text(self) -> str:
        """The words of the first mention."""
        return self.evidence[0].text


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to a query: named columns, and rows as long."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(repr=False)


class GraphStore(Protocol):
    """Anything that keeps note graphs and answers the questions of ``query.py``."""

    def put(self, note_graphs: Iterable[NoteGraph]) -> int:
        """Write each note whole or not at all, in place of what it said before; return how many were not there yet.

        A note whose fingerprint is there is left alone. What has been put is on disk when this returns.
        """
        ...

    def retract(self, note_id: str) -> bool:
        """Withdraw what only this note says; return False if the store does not know the note."""
        ...

    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        ...

    def patients(self) -> list[PatientFacts]:
        """Return the patients, by id."""
        ...

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        ...

    def query(self, statement: str) -> Table:
        """Answer a read-only statement in the store's own language."""
        ...

    def close(self) -> None:
        """Let go of the store; another process may open it. Leaving a ``with`` block does the same."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_store(url: str | Path, *, create: bool = False, read_only: bool = False) -> GraphStore:
    """Open a store: a path is an embedded RDF store.

    Args:
        url: Where it is.
        create: Make it if it is not there.
        read_only: Only read: several processes may, as long as none writes.

    Raises:
        StoreError: If it is not there, is no store, is in use, or is of a kind this version does not have.
    """
    scheme = _SCHEME.match(str(url))
    if scheme is not None:
        raise StoreError(f"{scheme[1]}: this version has only the embedded RDF store: give a path")
    from kgbuild.stores.rdf import RdfStore  # pyoxigraph takes a moment to load

    return RdfStore(Path(url), create=create, read_only=read_only)
