"""The Neo4j store: the graph of DESIGN section 3 in a database of a server, without plug-ins.

What a note brings of its own (the note, its mentions, their edges, edges with ``note``) is written and withdrawn with
it; what notes share stays as long as one of them says so. Writers take turns, see ``neo4j_rows.LOCK``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Self

from neo4j import Record
from neo4j.exceptions import BrokenRecordError

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.schema import TIMELINE_ASSERTIONS
from kgbuild.stores import QUERY_SECONDS, EventFacts, Evidence, Link, PatientFacts, StoreError, Table
from kgbuild.stores import neo4j_questions as questions
from kgbuild.stores.escaping import restored
from kgbuild.stores.neo4j_connection import Connection, ServerError
from kgbuild.stores.neo4j_notes import note_graphs
from kgbuild.stores.neo4j_query import ask
from kgbuild.stores.neo4j_rows import LOCK, constraints, key
from kgbuild.stores.neo4j_writing import Behind, groups, retract, write
from kgbuild.stores.statement import understood
from kgbuild.stores.writing import written

_OF_NOTE = ("Neo.ClientError.Statement.", "Neo.ClientError.Schema.")
"""How codes begin by which a server refuses what it is given to write, not to write at all."""


class Neo4jStore:
    """A database of a Neo4j server, version 5 or later.

    Any number of processes may read and write: a note is written in one transaction, and writers wait for each other.

    Args:
        url: ``neo4j://HOST:PORT`` or ``bolt://HOST:PORT``, ``+s`` for an encrypted connection.
        create: Make the database a store if it is none.
        read_only: Only read.
        password: Asked with the user's name where ``NEO4J_PASSWORD`` is not set.

    Raises:
        StoreError: If the server cannot be reached, refuses the user, or has no store there.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool = False,
        read_only: bool = False,
        password: Callable[[str], str] | None = None,
    ) -> None:
        self._connection = Connection(url, password)
        self.url = self._connection.url
        self._is_read_only = read_only
        try:
            self._open(create=create)
        except StoreError:
            self.close()
            raise

    def _open(self, *, create: bool) -> None:
        """See to it that the database is a store."""
        if create:
            self._connection.run((*constraints(), "CALL db.awaitIndexes(300)", LOCK))
        elif not self._connection.read(questions.IS_STORE):
            raise StoreError(f"{self.url}: no store here")

    # --- writing --------------------------------------------------------------------------------------------------
    def put(self, note_graphs: Iterable[NoteGraph]) -> int:
        """Write each note in one transaction, in place of what it said before; return how many were not there yet.

        Small notes share a transaction. What has been put is on the server's disk when this returns.

        Raises:
            StoreError: If a note cannot be written, or is not as the shapes say; those before it are.
        """
        self._refuse_to_write_if_read_only()
        count = 0
        with Behind(self._write) as writer:
            for group in groups(note_graphs):
                if not writer.ids.isdisjoint(graph.note_id for graph in group):
                    writer.wait()
                count += self._put(group, writer)
        return count

    def _put(self, group: Sequence[NoteGraph], write: Callable[[Sequence[NoteGraph]], None]) -> int:
        """Check and write those notes of a group that are not there as they are; return how many."""
        known = self.fingerprints([graph.note_id for graph in group])
        due = [graph for graph in group if known.get(graph.note_id) != graph.fingerprint]
        return written(due, write)

    def _write(self, group: Sequence[NoteGraph]) -> None:
        """Write checked notes together, or one by one if they cannot all be written."""
        try:
            self._connection.write(partial(write, group))
        except (ServerError, OverflowError) as error:
            if len(group) == 1:
                fault = f"the server answered {error.code}" if isinstance(error, ServerError) else "a number too large"
                is_of_note = isinstance(error, OverflowError) or error.code.startswith(_OF_NOTE)
                note = group[0].note_id
                raise StoreError(f"note {note!r}: not written: {fault}", note if is_of_note else None) from None
            for graph in group:
                self._write([graph])

    def retract(self, note_id: str) -> bool:
        """Withdraw what only this note says; return False if the store does not know the note."""
        self._refuse_to_write_if_read_only()
        withdrawn: set[str] = set()
        self._connection.write(partial(retract, key(ids.note(note_id)), withdrawn))
        return bool(withdrawn)

    def _refuse_to_write_if_read_only(self) -> None:
        if self._is_read_only:
            raise StoreError(f"{self.url}: opened for reading only")

    # --- reading --------------------------------------------------------------------------------------------------
    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        return self.fingerprints([note_id]).get(note_id)

    def fingerprints(self, note_ids: Collection[str]) -> dict[str, str]:
        """Return the fingerprints of those notes that the store knows, by note id."""
        with understood(self.url, BrokenRecordError):
            keys = {note_id: key(ids.note(note_id)) for note_id in note_ids}
            found = self._connection.read(questions.FINGERPRINTS, ids=list(keys.values()))
            known = {record["id"]: str(record["fingerprint"]) for record in found}
            return {note_id: known[one] for note_id, one in keys.items() if one in known}

    def note_ids(self) -> list[str]:
        """Return the ids of the notes, sorted."""
        with understood(self.url, BrokenRecordError):
            return sorted(restored(row["key"]) for row in self._connection.read(questions.NOTES))

    def note_graphs(self, note_ids: Iterable[str]) -> Iterator[NoteGraph]:
        """Yield notes as they were put, in this order; those that are not there are left out.

        The name of a code and what stands above it are those of the note written last.
        """
        with understood(self.url, BrokenRecordError):
            yield from note_graphs(self._connection.read, iter(note_ids))

    def patients(self) -> list[PatientFacts]:
        """Return the patients by id, with the number and the span of the events that a timeline shows."""
        with understood(self.url, BrokenRecordError):
            found = self._connection.read(questions.PATIENTS, assertions=list(TIMELINE_ASSERTIONS))
            facts = [
                PatientFacts(restored(r["key"]), r["notes"], r["events"], _day(r["first"]), _day(r["last"]))
                for r in found
            ]
            return sorted(facts, key=lambda patient: patient.id)

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        with understood(self.url, BrokenRecordError):
            return [_event(row) for row in self._connection.read(questions.EVENTS, id=key(ids.patient(patient_id)))]

    def links(self, patient_id: str) -> list[Link]:
        """Return what joins a patient's events, entities and codes, and what stands above the codes."""
        with understood(self.url, BrokenRecordError):
            this = key(ids.patient(patient_id))
            found = (self._connection.read(question, id=this) for question in questions.LINKS)
            return [Link(row["type"], row["source"], row["target"]) for rows in found for row in rows]

    def concepts(self) -> dict[str, frozenset[str]]:
        """Return the curie of each code in the store, with those of the codes above it."""
        with understood(self.url, BrokenRecordError):
            found = self._connection.read(questions.CONCEPTS)
            return {restored(row["curie"]): frozenset(map(restored, row["above"])) for row in found}

    def coded(self, curies: Collection[str]) -> list[str]:
        """Return, by id, the patients on whose timeline something has one of these codes (rank 1)."""
        with understood(self.url, BrokenRecordError):
            codes = [key(ids.concept(*curie.split(":", 1))) for curie in curies]
            found = self._connection.read(questions.CODED, codes=codes, assertions=list(TIMELINE_ASSERTIONS))
            return sorted(restored(row["key"]) for row in found)

    def query(self, statement: str, *, seconds: float = QUERY_SECONDS, may_call: bool = False) -> Table:
        """Answer a Cypher statement that only reads.

        Args:
            statement: The statement.
            seconds: How long it may take.
            may_call: Allow LOAD CSV, which reads files of the server or calls another one.

        Raises:
            StoreError: If it would write, do something to the server, take too long, or is no Cypher.
        """
        return ask(self._connection, statement, seconds, may_call=may_call)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _event(record: Record) -> EventFacts:
    """Return one event."""
    event = record["event"]
    start = _day(event.get("start"))
    evidence = (
        Evidence(restored(note), start, end, _words(text) or "") for note, start, end, text in record["evidence"]
    )
    return EventFacts(
        id=record["id"],
        start=start,
        end=_day(event.get("end")),
        label=restored(record["label"]),
        name=restored(record["name"]),
        system=_words(record["system"]),
        code=_words(record["code"]),
        codes=frozenset(map(restored, record["codes"])),
        assertion=restored(event["assertion"]),
        value=_words(event.get("value")),
        number=event.get("number"),
        unit=_words(event.get("unit")),
        source="text" if record["is_dated"] else "unknown" if start is None else "note date",
        evidence=tuple(sorted(evidence, key=lambda e: (e.note, e.start, e.end))),
    )


def _day(found: object) -> date | None:
    """Return a date of Neo4j's as one of Python's."""
    return None if found is None else found.to_native()  # type: ignore[attr-defined]  # neo4j.time.Date


def _words(found: str | None) -> str | None:
    return None if found is None else restored(found)
