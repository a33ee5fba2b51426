"""What comes before a note is written, in every RDF store: gathering, mapping, and the check against the shapes."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from kgbuild.graph import NoteGraph
from kgbuild.stores import StoreError
from kgbuild.stores.checking import violations
from kgbuild.stores.mapping import lines

_LARGEST = 50_000
"""Nodes and edges that are written together; some 200,000 triples, 30 MB of text."""

_SHOWN = 3  # violations of a note that a message names


def chunks(graphs: Iterable[NoteGraph]) -> Iterator[list[NoteGraph]]:
    """Yield the notes in lists that are written together; no list has a note twice."""
    chunk: dict[str, NoteGraph] = {}
    size = 0
    for graph in graphs:
        if graph.note_id in chunk or size > _LARGEST:
            yield list(chunk.values())
            chunk, size = {}, 0
        chunk[graph.note_id] = graph
        size += len(graph.nodes) + len(graph.edges)
    if chunk:
        yield list(chunk.values())


def written(due: Sequence[NoteGraph], write: Callable[[dict[str, list[str]]], None]) -> int:
    """Write notes whose triples are as they should be; return how many.

    Args:
        due: The notes, each once.
        write: Writes the triples of notes, by note id.

    Raises:
        StoreError: At the first note that is not as it should be; those before it are written, nothing of it is.
    """
    notes, fault = _mapped(due)
    wrong = violations(notes)
    if wrong:
        first = next(note for note in notes if any(one.note == note for one in wrong))
        found = [one for one in wrong if one.note == first]
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        said = "; ".join(f"shape {one.shape}, {one.node}: {one.rule}" for one in found[:_SHOWN])
        fault = StoreError(f"note {first!r}: not written: {said}{more}")
        names = list(notes)
        notes = {note: notes[note] for note in names[: names.index(first)]}
    if notes:
        try:
            write(notes)
        except OSError as error:
            raise StoreError(f"{len(notes)} notes from {next(iter(notes))!r} on: not written: {error}") from None
    if fault is not None:
        raise fault
    return len(notes)


def _mapped(due: Sequence[NoteGraph]) -> tuple[dict[str, list[str]], StoreError | None]:
    """Return the triples of notes up to the first that has none, and what is wrong with that one."""
    notes: dict[str, list[str]] = {}
    for graph in due:
        try:
            notes[graph.note_id] = lines(graph)
        except ValueError:  # its message would repeat the id or code
            return notes, StoreError(f"note {graph.note_id!r}: not written: an id or code that no IRI can hold")
    return notes, None
