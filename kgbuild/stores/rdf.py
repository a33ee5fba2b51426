"""The embedded RDF store: Oxigraph in a folder of its own.

What a note says is a named graph with the note's IRI. The default graph is their union, a set: a fact that several
notes support is there once, so that queries count right, and it goes when the last note that says it goes.

A note is written, replaced or withdrawn in one transaction, which is on disk before anybody is told; very many new ones
go in by one bulk load. Both are atomic, so that a note is there whole or not at all whenever the process or the machine
stops (``docs/stores.md``).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, Store, Triple

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.stores import (
    QUERY_SECONDS,
    QUESTION_SECONDS,
    EventFacts,
    Link,
    PatientFacts,
    StoreError,
    Table,
    rdf_questions,
)
from kgbuild.stores.folder import (
    copy_database,
    fault,
    keep_from_others,
    leave_nothing_half_done,
    lock,
    make_folder,
    new_store,
    reason,
    see_whether_logs_are_sound,
    sync_log,
    told,
)
from kgbuild.stores.graphs import note_graphs
from kgbuild.stores.journal import Journal
from kgbuild.stores.mapping import iri, lines, own_subjects, triples
from kgbuild.stores.reading import EVENTS, PATIENTS, SPANS, UNION, Reader, note_of, patient_facts
from kgbuild.stores.sparql import answered, ask
from kgbuild.stores.writing import chunks, written

_Subject = NamedNode | BlankNode | Triple

_MUCH = 50_000
"""Triples of new notes from which on they are bulk loaded: twice as fast, at the price of files to be merged."""

_LONGEST_LOG = 64_000_000
"""Characters of notes that the log holds at most: it is kept in memory too, and read again when a store is opened."""


class RdfStore:
    """A folder with an Oxigraph database; only its owner may enter.

    One process writes; others may read only while none does, which a lock on a file of the folder sees to, and which
    ends with the process however that ends. Who wants to read while another writes reads a ``backup``.

    Args:
        path: The folder.
        create: Make it if it is not there.
        read_only: Only read.

    Raises:
        StoreError: If it is not there, is no store, or is in use.
    """

    def __init__(self, path: Path, *, create: bool = False, read_only: bool = False) -> None:
        make_folder(path, create=create, read_only=read_only)
        if not read_only:
            keep_from_others(path)
        self.path = path
        self._is_read_only = read_only
        self._logged = 0  # characters of what was written since the log was last made into tables
        self._lock = lock(path, shared=read_only)
        try:
            see_whether_logs_are_sound(path)
            if not read_only:
                leave_nothing_half_done(path)
            self._store = Store.read_only(str(path)) if read_only else Store(str(path))
        except StoreError:
            self._lock.close()
            raise
        except (OSError, RuntimeError) as error:
            self._lock.close()
            raise fault(path, error) from None
        self._reader = Reader(self._store)
        self._journal = Journal(path)
        if not read_only:
            self._note_logs()

    # --- writing --------------------------------------------------------------------------------------------------
    def put(self, note_graphs: Iterable[NoteGraph]) -> int:
        """Write each note whole, in place of what it said before; return how many were not there yet.

        What has been written is safe from the end of this process and from a power cut when this returns.

        Raises:
            StoreError: If a note cannot be written, or is not as the shapes say; those before it are.
        """
        return sum(self._put(chunk) for chunk in chunks(note_graphs))

    def _put(self, chunk: list[NoteGraph]) -> int:
        """Write some notes, none twice."""
        known = self.fingerprints([graph.note_id for graph in chunk])
        due = [graph for graph in chunk if known.get(graph.note_id) != graph.fingerprint]
        if due and self._is_read_only:
            raise StoreError(f"{self.path}: opened for reading only")
        return written(due, lambda graphs: self._write(graphs, known))

    def _write(self, graphs: Sequence[NoteGraph], known: Collection[str]) -> None:
        """Write checked notes: the new ones at once, the changed ones in one update each."""
        with told(self.path):
            self._load({graph.note_id: lines(graph) for graph in graphs if graph.note_id not in known})
            for graph in graphs:
                if graph.note_id in known:
                    self._replace(iri(ids.note(graph.note_id)), set(triples(graph)))
            self._sync()

    def _load(self, notes: dict[str, list[str]]) -> None:
        """Add new notes, all or none.

        A transaction goes to the log; a bulk load makes files of its own, which costs more than few triples are worth,
        and has the database merged more often than it needs.
        """
        parts = []
        for note, said in notes.items():
            for end in (" .\n", f" {iri(ids.note(note))} .\n"):
                parts.append(end.join(said) + end)
        text = "".join(parts).encode()
        if sum(map(len, notes.values())) >= _MUCH:
            self._store.bulk_load(text, RdfFormat.N_QUADS)
        else:
            self._store.load(text, RdfFormat.N_QUADS)
            self._logged += len(text)

    def _sync(self) -> None:
        """Wait until what was written is on disk; have tables made of a long log, which is held in memory till then."""
        sync_log(self.path)
        self._journal.write()
        if self._logged > _LONGEST_LOG:
            self._store.flush()
            self._logged = 0

    def _note_logs(self) -> None:
        """Write down what the logs hold, where no write waits for it: a full disk keeps nobody from reading."""
        with suppress(OSError):
            self._journal.write()

    def retract(self, note_id: str) -> bool:
        """Withdraw what only this note says; return False if the store does not know the note."""
        if self.fingerprint(note_id) is None:
            return False
        if self._is_read_only:
            raise StoreError(f"{self.path}: opened for reading only")
        with told(self.path):
            self._replace(iri(ids.note(note_id)), set())
            self._sync()
        return True

    def _replace(self, graph: NamedNode, new: set[Triple]) -> None:
        """Make a note's graph these triples, and the union follow, in one transaction."""
        old = {quad.triple for quad in self._store.quads_for_pattern(None, None, None, graph)}
        gone, come = old - new, new - old
        own = own_subjects(graph)
        unsaid = [t for t in gone if str(t.subject).startswith(own) or not self._is_said_elsewhere(t, graph)]
        update = (
            f"DELETE DATA {{ {_text(unsaid)} GRAPH {graph} {{ {_text(gone)} }} }} ;\n"
            f"INSERT DATA {{ {_text(come)} GRAPH {graph} {{ {_text(come)} }} }}"
            + ("" if new else f" ;\nDROP SILENT GRAPH {graph}")
        )
        self._store.update(update)
        self._logged += len(update)

    def _is_said_elsewhere(self, triple: Triple, graph: NamedNode) -> bool:
        """Tell whether another note says the same."""
        said = self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
        return any(quad.graph_name not in (graph, UNION) for quad in said)

    # --- reading --------------------------------------------------------------------------------------------------
    def fingerprint(self, note_id: str) -> str | None:
        """Return the fingerprint a note was put with, or None if the store does not know it."""
        with told(self.path):
            return self._reader.fingerprint(note_id)

    def fingerprints(self, note_ids: Collection[str]) -> dict[str, str]:
        """Return the fingerprints of those notes that the store knows, by note id."""
        found = ((note, self.fingerprint(note)) for note in note_ids)
        return {note: fingerprint for note, fingerprint in found if fingerprint is not None}

    def note_ids(self) -> list[str]:
        """Return the ids of the notes, sorted."""
        return sorted(map(note_of, self.graphs()))

    def note_graphs(self, note_ids: Iterable[str]) -> Iterator[NoteGraph]:
        """Yield notes as they were put, in this order; those that are not there are left out."""
        return note_graphs(self, note_ids)

    def patients(self) -> list[PatientFacts]:
        """Return the patients by id, with the number and the span of the events that a timeline shows."""
        return patient_facts(*(self._ask(question).rows for question in (PATIENTS, EVENTS, SPANS)))

    def events(self, patient_id: str) -> list[EventFacts]:
        """Return all events of a patient, in no order; none for an unknown patient."""
        with told(self.path):
            return self._reader.events(patient_id)

    def links(self, patient_id: str) -> list[Link]:
        """Return what joins a patient's events, entities and codes, and what stands above the codes."""
        return rdf_questions.links(self._ask, patient_id)

    def concepts(self) -> dict[str, frozenset[str]]:
        """Return the curie of each code in the store, with those of the codes above it."""
        return rdf_questions.concepts(self._ask)

    def coded(self, curies: Collection[str]) -> list[str]:
        """Return, by id, the patients on whose timeline something has one of these codes (rank 1)."""
        return rdf_questions.coded(self._ask, curies)

    def query(self, statement: str, *, seconds: float = QUERY_SECONDS, may_call: bool = False) -> Table:
        """Answer a SPARQL query over the union of all notes; ``GRAPH ?note { ... }`` tells which note says what.

        Args:
            statement: SELECT, ASK, CONSTRUCT or DESCRIBE.
            seconds: How long it may take.
            may_call: Allow SERVICE, by which a query sends what it found to another server.

        Raises:
            StoreError: If it would write or call another server, is not SPARQL, or takes too long.
        """
        with told(self.path):
            return ask(self._store, statement, seconds=seconds, may_call=may_call)

    def _ask(self, question: str) -> Table:
        """Answer a question of ours, however long."""
        with told(self.path):
            return answered(self._store, question, seconds=QUESTION_SECONDS)

    def quads(self, graph: NamedNode | None = None, subject: _Subject | None = None) -> Iterator[Quad]:
        """Return what one note says, or the union of all; of one subject, or of all."""
        with told(self.path):
            yield from self._store.quads_for_pattern(subject, None, None, UNION if graph is None else graph)

    def graphs(self) -> list[NamedNode]:
        """Return the names of the notes' graphs, sorted."""
        with told(self.path):
            names = [name for name in self._store.named_graphs() if isinstance(name, NamedNode)]
        return sorted(names, key=lambda name: name.value)

    def backup(self, path: Path, *, rebuild: bool = False) -> None:
        """Copy the store, as it is now, to a folder that is not there yet: others may read it while this one changes.

        On one file system the copy shares its files with the store, so that it takes no room and no time. These files
        hold words of notes that were withdrawn or changed, since Oxigraph never forgets a text it has once kept.

        Args:
            path: The folder.
            rebuild: Write the copy anew from what the store says now, so that it holds no other words.

        Raises:
            StoreError: If the folder is there or cannot be made; nothing is left of it then.
        """
        try:
            with new_store(path) as copy:
                (self._write_anew if rebuild else self._copy)(copy)
        except OSError as error:
            raise StoreError(f"{path}: not backed up: {error.strerror or reason(error)}") from None
        except RuntimeError as error:
            raise fault(self.path, error) from None

    def _copy(self, path: Path) -> None:
        """Copy the files of the database; Oxigraph leaves out the log if the store is open for reading only."""
        if self._is_read_only:
            copy_database(self.path, path)
        else:
            self._store.backup(str(path))

    def _write_anew(self, path: Path) -> None:
        """Make a database that says what this one does."""
        path.mkdir(mode=0o700)
        new = Store(str(path))
        new.bulk_extend(quad for quad in self._store)  # by Python, which heeds a signal between two
        new.flush()

    def close(self) -> None:
        """Let go of the folder; the store is not to be used after that."""
        if hasattr(self, "_store"):
            try:
                if not self._is_read_only:
                    with told(self.path):
                        self._store.flush()  # or the next to open it would have to read the log
                    self._note_logs()
            finally:
                del self._store, self._reader
                self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _text(triples: Iterable[Triple]) -> str:
    """Return triples as SPARQL writes them."""
    return "\n".join(f"{triple.subject} {triple.predicate} {triple.object} ." for triple in triples)
