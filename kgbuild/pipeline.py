"""THE FLOW: notes in, coded notes out, their graphs into a store. Read this first.

read_notes -> extract -> annotate -> chunks -> resolve -> note_graph -> store
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import TypeVar

from extractors.annotate import annotate
from extractors.document import ExtractionError, Extractor
from kgbuild.enrich import chunks
from kgbuild.faults import Report, during, reported, spared, stop
from kgbuild.graph import NoteGraph, note_graph
from kgbuild.note import Note, NoteError
from kgbuild.resolve import ResolvedNote, resolve_chunks
from kgbuild.stores import GraphStore
from kgbuild.without_text import without_text
from ontologies.concept import CodeTable
from resolvers.candidate import Resolver

FORMAT = 3
"""Raised when the graph of an unchanged note would come out differently, so that stores are brought up to date."""

Resolve = Callable[[Iterable[list[Note]]], Iterable[list[ResolvedNote | NoteError]]]
"""Reads and codes batches of notes, each as ``resolved`` does, in order."""

BATCH = 16
"""Notes resolved and written together: their queries are asked at once."""

_LOOK_UP = 64
"""Notes that a store is asked of at once: a folder that has not changed takes a question to the server for so many."""


_Note = TypeVar("_Note")
_Made = TypeVar("_Made")


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


def resolve_notes(
    notes: Iterable[Note | NoteError], setup: Setup, resolve: Resolve | None = None, report: Report = stop
) -> Iterator[ResolvedNote]:
    """Yield each note with what was read in it and what its chunks are coded as.

    Args:
        notes: From ``reading.read_notes``; an error stands for a note that cannot be read.
        setup: What they are read and coded with.
        resolve: Reads and codes batches, in order, in this process by default; ``workers.Workers`` is another.
        report: Receives one line for each note that cannot be read, which is left out.

    Raises:
        NoteError: At the first note that cannot be read, if nobody wants the reports.
    """
    for batch in _resolved(_batches(reported(notes, report)), setup, resolve):
        yield from reported(batch, report)


def made(
    notes: Iterable[ResolvedNote], stage: str, make: Callable[[ResolvedNote], _Made], report: Report = stop
) -> Iterator[_Made]:
    """Yield what is made of each note; report those of which nothing can be made.

    Args:
        notes: The notes.
        stage: What is being done, as in "KeyError while it was ...".
        make: Makes it.
        report: As of ``resolve_notes``.
    """

    def each(some: Sequence[ResolvedNote]) -> list[_Made]:
        with during(stage):
            return [make(note) for note in some]

    for note in notes:
        yield from reported(spared([note], [note.note.id], each), report)


def _resolved(
    batches: Iterable[list[Note]], setup: Setup, resolve: Resolve | None
) -> Iterable[list[ResolvedNote | NoteError]]:
    """Return the batches, read and coded here or by ``resolve``."""
    return (resolved(batch, setup) for batch in batches) if resolve is None else resolve(batches)


def resolved(batch: Sequence[Note], setup: Setup) -> list[ResolvedNote | NoteError]:
    """Return some notes with what was read in them and what their chunks are coded as, or why one cannot be read."""
    return spared(batch, [note.id for note in batch], partial(_read, setup))


def _read(setup: Setup, batch: Sequence[Note]) -> list[ResolvedNote]:
    """Read and code some notes together."""
    with during("extracted"):
        texts = [note.text for note in batch]
        read = setup.extractor(texts)
        if [document.text for document in read] != texts:
            raise ExtractionError("expected one document a text, in order")
    with during("annotated"):
        documents = [annotate(document, note.date) for note, document in zip(batch, read, strict=True)]
    with during("coded"):
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
    report: Report,
    resolve: Resolve | None = None,
) -> Ingested:
    """Bring notes into a store: skip what is there unchanged, replace what has changed, report what cannot be read.

    Each note is written whole or not at all, so an interrupted ingest is resumed by running it again. What the store
    holds of a note that can no longer be read stays as it is.

    Args:
        notes: From ``reading.read_notes``; an error stands for a note that cannot be read.
        setup: What they are read and coded with.
        store: Where they go.
        report: Receives one line for each note that cannot be read; ``faults.stop`` ends the ingest there.
        resolve: Reads and codes batches, in order, in this process by default; ``workers.Workers`` is another.
    """
    counts: Counter[str] = Counter()
    failed = _counting(counts, report)
    kinds: dict[str, str] = {}  # of the notes that are being read: new or changed
    due = _due(reported(notes, failed), setup, store, counts, kinds)
    for batch in _resolved(due, setup, resolve):
        read = [one for one in batch if not isinstance(one, NoteError)]
        graphs = spared(read, [one.note.id for one in read], partial(_graphs, setup))
        right = [graph for graph in graphs if not isinstance(graph, NoteError)]
        put = spared(right, [graph.note_id for graph in right], partial(_put, store))
        counts.update(kinds.pop(note_id, "changed") for note_id in put if isinstance(note_id, str))
        for _ in reported([*batch, *graphs, *put], failed):
            pass
    return Ingested(**counts)


def _graphs(setup: Setup, notes: Sequence[ResolvedNote]) -> list[NoteGraph]:
    """Return the graphs of some notes, with their words or without."""
    with during("made a graph"):
        graphs = [note_graph(note, fingerprint(note.note, setup)) for note in notes]
        return graphs if setup.with_text else [without_text(graph) for graph in graphs]


def _put(store: GraphStore, graphs: Sequence[NoteGraph]) -> list[str]:
    """Write some notes; return their ids."""
    with during("written"):
        store.put(graphs)
        return [graph.note_id for graph in graphs]


def _counting(counts: Counter[str], report: Report) -> Report:
    """Return a report that counts as well."""

    def counted(line: str) -> None:
        counts["failed"] += 1
        report(line)

    return counted


def _due(
    notes: Iterable[Note], setup: Setup, store: GraphStore, counts: Counter[str], kinds: dict[str, str]
) -> Iterator[list[Note]]:
    """Yield, in batches, the notes that the store does not hold as they are, with their kinds; count the others."""
    return _batches(note for some in _batches(notes, _LOOK_UP) for note in _changed(some, setup, store, counts, kinds))


def _changed(
    notes: Sequence[Note], setup: Setup, store: GraphStore, counts: Counter[str], kinds: dict[str, str]
) -> list[Note]:
    """Return those notes that the store does not hold as they are, with their kinds; count the others."""
    known = store.fingerprints([note.id for note in notes])
    due = [note for note in notes if known.get(note.id) != fingerprint(note, setup)]
    kinds.update((note.id, "changed" if note.id in known else "new") for note in due)
    counts["unchanged"] += len(notes) - len(due)
    return due


def fingerprint(note: Note, setup: Setup) -> str:
    """Return what a note's graph depends on, as one hash: note, model, code tables, and this program's format.

    A table is its content: what is added again under the same release may say something else.
    """
    tables = sorted((system, r.release, r.digest, r.threshold) for system, r in setup.resolvers.items())
    above = sorted((system, table.digest) for system, table in setup.tables.items())
    day = None if note.date is None else note.date.isoformat()
    facts = [FORMAT, note.id, note.text, note.patient_id, note.encounter_id, day, note.kind, setup.model, tables, above]
    facts += [] if setup.with_text else ["without text"]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _batches(notes: Iterable[Note], size: int = BATCH) -> Iterator[list[Note]]:
    """Yield the notes in lists of at most so many."""
    waiting = iter(notes)
    while batch := list(islice(waiting, size)):
        yield batch
