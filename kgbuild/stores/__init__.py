"""Where graphs are kept: one protocol, the facts it answers with, and how a store is opened."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from kgbuild.graph import NoteGraph  # loads the resolvers, and they numpy

Cell = str | int | float | bool | date | None
"""What a query answers with."""

QUERY_SECONDS = 60.0
"""How long a query of a user's may take unless said otherwise."""

QUESTION_SECONDS = 600.0
"""How long a question of ``query.py`` may take of a store with millions of events."""


class StoreError(ValueError):
    """A store that cannot be opened, read or written; names the path, the note id or the place in a query.

    Attributes:
        note_id: The note that is not written for what it says itself; None if it is not one note's fault.
    """

    def __init__(self, message: str, note_id: str | None = None) -> None:
        super().__init__(message)
        self.note_id = note_id


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


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """An edge of the graph, once for all notes that state it; ``source`` and ``target`` are ids of nodes."""

    type: str
    source: str = field(repr=False)
    target: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to a query: named columns, and rows as long."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(repr=False)


class GraphStore(Protocol):
    """Anything that keeps note graphs and answers the questions of ``query.py``."""

    def put(self, note_graphs: "Iterable[NoteGraph]") -> int:
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

    def fingerprints(self, note_ids: Collection[str]) -> dict[str, str]:
        """Return the fingerprints of those notes that the store knows, by note id."""
        ...

    def note_ids(self) -> list[str]:
        """Return the ids of the notes, sorted."""
        ...

    def note_graphs(self, note_ids: Iterable[str]) -> "Iterator[NoteGraph]":
        """Yield notes as they were put, in this order; those that are not there are left out."""
        ...

    def patients(self) -> list[PatientFacts]:
        """Return the patients, by id."""
        ...

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        ...

    def links(self, patient_id: str) -> list[Link]:
        """Return what joins a patient's events and entities with each other, their codes and what stands above these.

        In no order; of an entity's codes the best of each system; none for an unknown patient.
        """
        ...

    def concepts(self) -> dict[str, frozenset[str]]:
        """Return the curie of each code in the store, with those of the codes above it that the store knows."""
        ...

    def coded(self, curies: Collection[str]) -> list[str]:
        """Return, by id, the patients on whose timeline something has one of these codes (rank 1)."""
        ...

    def query(self, statement: str, *, seconds: float = QUERY_SECONDS, may_call: bool = False) -> Table:
        """Answer a read-only statement in the store's own language, or give up after so many seconds.

        Only with ``may_call`` may it call another server (SERVICE, LOAD CSV), to which it could send what it found.
        """
        ...

    def close(self) -> None:
        """Let go of the store; another process may open it. Leaving a ``with`` block does the same."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_store(
    url: str | Path,
    *,
    create: bool = False,
    read_only: bool = False,
    password: Callable[[str], str] | None = None,
) -> GraphStore:
    """Open a store: a path is an embedded one, ``http(s)://`` a SPARQL server's, ``neo4j://``, ``bolt://`` a Neo4j's.

    Args:
        url: Where it is; a ``Path`` is always a folder, a text as ``address.place`` reads it.
        create: Make it if it is not there.
        read_only: Only read. Of an embedded store several processes may, as long as none writes.
        password: Asks for the password of a user of a server, where the environment has none (``NEO4J_PASSWORD``,
            ``SPARQL_PASSWORD``).

    Raises:
        StoreError: If it is not there, is no store, is in use, or looks like an address and is none.
    """
    from kgbuild.stores.address import NEO4J, place

    where = url if isinstance(url, Path) else place(url)
    if isinstance(where, Path):
        from kgbuild.stores.rdf import RdfStore  # pyoxigraph takes a moment to load

        return RdfStore(where, create=create, read_only=read_only)
    if where.partition("://")[0].lower() in NEO4J:
        return _neo4j(where, create=create, read_only=read_only, password=password)
    from kgbuild.stores.endpoint import open_endpoint

    return open_endpoint(where, read_only=read_only, password=password)


def _neo4j(url: str, *, create: bool, read_only: bool, password: Callable[[str], str] | None) -> GraphStore:
    """Open a database of a Neo4j server.

    Raises:
        StoreError: If the driver is not installed, or the server or the store is not there.
    """
    try:
        import neo4j  # noqa: F401 (an extra)
    except ImportError:
        raise StoreError("neo4j: the driver is not installed: pip install 'kgbuild[neo4j]'") from None
    from kgbuild.stores.neo4j import Neo4jStore

    return Neo4jStore(url, create=create, read_only=read_only, password=password)
