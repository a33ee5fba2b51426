"""THE FLOW: notes in, coded notes out, their graphs into a store. Read this first.

read_notes -> extract -> annotate -> chunks -> resolve -> note_graph -> store
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

from extractors.annotate import annotate
from extractors.document import Extractor
from kgbuild.enrich import chunks
from kgbuild.graph import note_graph
from kgbuild.note import Note, NoteError
from kgbuild.resolve import ResolvedNote, resolve_chunks
from kgbuild.stores import GraphStore
from kgbuild.without_text import without_text
from ontologies.concept import CodeTable
from resolvers.candidate import Resolver

FORMAT = 3
"""Raised when the graph of an unchanged note would come out differently, so that stores are brought up to date."""

Resolve = Callable[[Iterable[list[Note]]], Iterable[list[ResolvedNote]]]
"""Reads and codes batches of notes, each as ``resolved`` does, in order."""

BATCH = 16
"""Notes resolved and written together: their queries are asked at once."""

_LOOK_UP = 64
"""Notes that a store is asked of at once: a folder that has not changed takes a question to the server for so many."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What notes are read and coded with.

    Attributes:
        extractor: Reads mentions and relations.
        resolvers: By system.
        model: Identity of the extractor: another model reads unchanged notes anew.
        tables: By system, for what stands above a code; those of some systems may be missing.
        with_text: Whether what is written holds words of the notes (``without_text.py``).
    """

    extractor: Extractor = field(repr=False)
    resolvers: Mapping[str, Resolver] = field(repr=False)
    model: str
    tables: Mapping[str, CodeTable] = field(default_factory=dict, repr=False)
    with_text: bool = True


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did, in notes."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0


def resolve_notes(notes: Iterable[Note], setup: Setup, resolve: Resolve | None = None) -> Iterator[ResolvedNote]:
    """Yield each note with what was read in it and what its chunks are coded as.

    Args:
        notes: The notes.
        setup: What they are read and coded with.
        resolve: Reads and codes batches, in order, in this process by default; ``workers.Workers`` is another.
    """
    for batch in _resolved(_batches(notes), setup, resolve):
        yield from batch


def _resolved(batches: Iterable[list[Note]], setup: Setup, resolve: Resolve | None) -> Iterable[list[ResolvedNote]]:
    """Return the batches, read and coded here or by ``resolve``."""
    return (resolved(batch, setup) for batch in batches) if resolve is None else resolve(batches)


def resolved(batch: Sequence[Note], setup: Setup) -> list[ResolvedNote]:
    """Return some notes with what was read in them and what their chunks are coded as."""
    read = setup.extractor([note.text for note in batch])
    documents = [annotate(document, note.date) for note, document in zip(batch, read, strict=True)]
    wanted = [chunks(document) for document in documents]
    asked = [chunk for some in wanted for chunk in some]
    answers = iter(resolve_chunks(asked, setup.resolvers, tables=setup.tables))
    return [
        ResolvedNote(note, document, tuple(resolution for _ in some for resolution in next(answers)))
        for note, document, some in zip(batch, documents, wanted, strict=True)
    ]


def ingest(
    notes: Iterable[Note | NoteError],
    setup: Setup,
    store: GraphStore,
    report: Callable[[str], None],
    resolve: Resolve | None = None,
) -> Ingested:
    """Bring notes into a store: skip what is there unchanged, replace what has changed, report what cannot be read.

    Each note is written whole or not at all, so an interrupted ingest is resumed by running it again.

    Args:
        notes: From ``reading.read_notes``; an error stands for a note that cannot be read.
        setup: What they are read and coded with.
        store: Where they go.
        report: Receives one line for each note that cannot be read.
        resolve: Reads and codes batches, in order, in this process by default; ``workers.Workers`` is another.
    """
    counts: Counter[str] = Counter()
    readable = _reported(notes, counts, report)
    due = _due(readable, setup, store, counts)
    for batch in _resolved(due, setup, resolve):
        graphs = [note_graph(note, fingerprint(note.note, setup)) for note in batch]
        store.put(graphs if setup.with_text else map(without_text, graphs))
    return Ingested(**counts)


def _reported(notes: Iterable[Note | NoteError], counts: Counter[str], report: Callable[[str], None]) -> Iterator[Note]:
    """Yield the notes; count and report what is none."""
    for note in notes:
        if isinstance(note, NoteError):
            report(str(note))
            counts["failed"] += 1
        else:
            yield note


def _due(notes: Iterable[Note], setup: Setup, store: GraphStore, counts: Counter[str]) -> Iterator[list[Note]]:
    """Yield, in batches, the notes that the store does not hold as they are; count all."""
    return _batches(note for some in _batches(notes, _LOOK_UP) for note in _changed(some, setup, store, counts))


def _changed(notes: Sequence[Note], setup: Setup, store: GraphStore, counts: Counter[str]) -> list[Note]:
    """Return those notes that the store does not hold as they are; count all."""
    known = store.fingerprints([note.id for note in notes])
    due = [note for note in notes if known.get(note.id) != fingerprint(note, setup)]
    changed = sum(note.id in known for note in due)
    counts.update(new=len(due) - changed, changed=changed, unchanged=len(notes) - len(due))
    return due


def fingerprint(note: Note, setup: Setup) -> str:
    """Return what a note's graph depends on, as one hash: note, model, code tables, and this program's format."""
    tables = sorted((system, resolver.release) for system, resolver in setup.resolvers.items())
    day = None if note.date is None else note.date.isoformat()
    facts = [FORMAT, note.id, note.text, note.patient_id, note.encounter_id, day, note.kind, setup.model, tables]
    facts += [] if setup.with_text else ["without text"]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _batches(notes: Iterable[Note], size: int = BATCH) -> Iterator[list[Note]]:
    """Yield the notes in lists of at most so many."""
    waiting = iter(notes)
    while batch := list(islice(waiting, size)):
        yield batch
