"""What comes before a note is written, in every store: gathering, and the check against the shapes."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from kgbuild.graph import NoteGraph
from kgbuild.stores import StoreError
from kgbuild.stores.checking import violations
from kgbuild.stores.mapping import lines
from kgbuild.stores.quick_check import is_right

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


def written(due: Sequence[NoteGraph], write: Callable[[Sequence[NoteGraph]], None]) -> int:
    """Write notes that are as they should be; return how many.

    Args:
        due: The notes, each once.
        write: Writes some.

    Raises:
        StoreError: At the first note that is not as it should be; those before it are written, nothing of it is.
    """
    right, fault = _checked(due)
    if right:
        write(right)
    if fault is not None:
        raise fault
    return len(right)


def _checked(due: Sequence[NoteGraph]) -> tuple[Sequence[NoteGraph], StoreError | None]:
    """Return the notes up to the first that is not as it should be, and what is wrong with that one."""
    for i, graph in enumerate(due):
        fault = None if is_right(graph) else _fault(graph)
        if fault is not None:
            return due[:i], fault
    return due, None


def _fault(graph: NoteGraph) -> StoreError | None:
    """Return what is wrong with a note, if anything is."""
    try:
        found = violations(graph.note_id, lines(graph))
    except ValueError:  # its message would repeat the id or code
        return StoreError(f"note {graph.note_id!r}: not written: an id or code that no IRI can hold", graph.note_id)
    if not found:
        return None
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    said = "; ".join(f"shape {one.shape}, {one.node}: {one.rule}" for one in found[:_SHOWN])
    return StoreError(f"note {graph.note_id!r}: not written: {said}{more}", graph.note_id)
