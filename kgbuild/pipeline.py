"""THE FLOW: notes in, coded notes out, their graphs into a store. Read this first.

    read_notes -> extract -> annotate -> chunks -> resolve -> note_graph -> store
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import TypeVar

from extractors.annotate import annotate
from extractors.document import Extractor
from kgbuild.enrich import chunks
from kgbuild.graph import note_graph
from kgbuild.note import Note, NoteError
from kgbuild.resolve import ResolvedNote, resolve_chunks
from kgbuild.stores import GraphStore
from resolvers.candidate import Resolver

FORMAT = 1
"""Raised when the graph of an unchanged note would come out differently, so that stores are brought up to date."""

_Item = TypeVar("_Item")

BATCH = 8
"""Notes resolved and written together: their queries are asked at once."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What notes are read and coded with.

    Attributes:
        extractor: Reads mentions and relations.
        resolvers: By system.
        model: Identity of the extractor: another model reads unchanged notes anew.
    """

    extractor: Extractor = field(repr=False)
    resolvers: Mapping[str, Resolver] = field(repr=False)
    model: str


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did, in notes."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0


def resolve_notes(notes: Iterable[Note], setup: Setup) -> Iterator[ResolvedNote]:
    """Yield each note with what was read in it and what its chunks are coded as."""
    for batch in _batches(notes):
        yield from _resolved(batch, setup)


def ingest(
    notes: Iterable[Note | NoteError], setup: Setup, store: GraphStore, report: Callable[[str], None]
) -> Ingested:
    """Bring notes into a store: skip what is there unchanged, replace what has changed, and tell of what cannot be read.

    Each note is written whole or not at all, so an interrupted ingest is resumed by running it again.

    Args:
        notes: From ``reading.read_notes``; an error stands for a note that cannot be read.
        setup: What they are read and coded with.
        store: Where they go.
        report: Receives one line for each note that cannot be read.
    """
    done = Ingested()
    for batch in _batches(notes):
        errors = [note for note in batch if isinstance(note, NoteError)]
        readable = [note for note in batch if isinstance(note, Note)]
        known = {note.id: store.fingerprint(note.id) for note in readable}
        due = [note for note in readable if known[note.id] != fingerprint(note, setup)]
        store.put([note_graph(resolved, fingerprint(resolved.note, setup)) for resolved in _resolved(due, setup)])
        for error in errors:
            report(str(error))
        new = sum(known[note.id] is None for note in due)
        done = Ingested(
            new=done.new + new,
            changed=done.changed + len(due) - new,
            unchanged=done.unchanged + len(readable) - len(due),
            failed=done.failed + len(errors),
        )
    return done


def fingerprint(note: Note, setup: Setup) -> str:
    """Return what a note's graph depends on, as one hash: the note, the model, the code tables, and this program's format."""
    tables = sorted((system, resolver.release) for system, resolver in setup.resolvers.items())
    day = None if note.date is None else note.date.isoformat()
    facts = [FORMAT, note.id, note.text, note.patient_id, note.encounter_id, day, note.kind, setup.model, tables]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _resolved(batch: Sequence[Note], setup: Setup) -> list[ResolvedNote]:
    """Return some notes with what was read in them and what their chunks are coded as."""
    read = setup.extractor([note.text for note in batch])
    documents = [annotate(document, note.date) for note, document in zip(batch, read, strict=True)]
    wanted = [chunks(document) for document in documents]
    answers = iter(resolve_chunks([chunk for some in wanted for chunk in some], setup.resolvers))
    return [
        ResolvedNote(note, document, tuple(resolution for _ in some for resolution in next(answers)))
        for note, document, some in zip(batch, documents, wanted, strict=True)
    ]


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield the items in lists of at most ``BATCH``."""
    waiting = iter(items)
    while batch := list(islice(waiting, BATCH)):
        yield batch
