"""Transactions that write notes into Neo4j and take them back; each may be done again, see ``Connection.write``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from neo4j import ManagedTransaction, Record

from kgbuild import ids
from kgbuild.graph import NoteGraph
from kgbuild.stores import neo4j_rows as cypher
from kgbuild.stores.neo4j_questions import FINGERPRINTS

ROWS = 10_000
"""Rows after which a transaction takes no further note; a longer note has one of its own."""


class Behind:
    """Writes notes in a thread of its own, so that the next are made and checked while the server works.

    One write is under way at most; what is wrong with it is raised by the call after it, or when the block is left.

    Args:
        write: Writes some notes.

    Attributes:
        ids: The notes that are being written.
    """

    def __init__(self, write: Callable[[Sequence[NoteGraph]], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None
        self.ids: frozenset[str] = frozenset()

    def __call__(self, group: Sequence[NoteGraph]) -> None:
        """Have some notes written after those before them."""
        self.wait()
        self._last = self._pool.submit(self._write, group)
        self.ids = frozenset(graph.note_id for graph in group)

    def wait(self) -> None:
        """Return when all has been written."""
        last, self._last, self.ids = self._last, None, frozenset()
        if last is not None:
            last.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._pool:
            self.wait()


def groups(note_graphs: Iterable[NoteGraph]) -> Iterator[list[NoteGraph]]:
    """Yield notes in groups of at most ``ROWS`` rows, in which no note comes twice."""
    group: dict[str, NoteGraph] = {}
    size = 0
    for graph in note_graphs:
        more = len(graph.nodes) + len(graph.edges)
        if group and (graph.note_id in group or size + more > ROWS):
            yield list(group.values())
            group, size = {}, 0
        group[graph.note_id] = graph
        size += more
    if group:
        yield list(group.values())


def write(group: Sequence[NoteGraph], transaction: ManagedTransaction) -> None:
    """Write those notes of a group that are not there as they are."""
    run = partial(_run, transaction)
    run(cypher.LOCK)
    keys = {graph.note_id: cypher.key(ids.note(graph.note_id)) for graph in group}
    known = {row["id"]: row["fingerprint"] for row in run(FINGERPRINTS, ids=list(keys.values()))}
    due = [graph for graph in group if known.get(keys[graph.note_id]) != graph.fingerprint]
    if not due:
        return
    old = [keys[graph.note_id] for graph in due if keys[graph.note_id] in known]
    shared = _withdraw(run, old) if old else None
    new = cypher.rows(due)
    for label, some in new.nodes.items():
        run(cypher.NODES[label], rows=some)
    for name, links in new.edges.items():
        run(cypher.EDGES[name], rows=links)
    if shared is not None:
        _forget(run, shared)


def retract(note: str, withdrawn: set[str], transaction: ManagedTransaction) -> None:
    """Withdraw a note, if it is there; then add its id to ``withdrawn``."""
    run = partial(_run, transaction)
    run(cypher.LOCK)
    if run(FINGERPRINTS, ids=[note]):
        withdrawn.add(note)
        _forget(run, _withdraw(run, [note]))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What withdrawn notes shared with others.

    Attributes:
        ids: Node type -> ids.
        said: Codes, and what the notes said of them.
    """

    ids: dict[str, list[str]] = field(repr=False)
    said: list[dict[str, object]] = field(repr=False)


def _withdraw(run: Callable[..., list[Record]], notes: list[str]) -> _Shared:
    """Take away what belongs to notes; return what they shared with others."""
    shared = {label: [row["id"] for row in run(found, notes=notes)] for label, found in cypher.SHARED_BY.items()}
    said = [row.data() for row in run(cypher.CODED, notes=notes)]
    for statement in cypher.WITHDRAW:
        run(statement, notes=notes)
    return _Shared(shared, said)


def _forget(run: Callable[..., list[Record]], shared: _Shared) -> None:
    """Take away what no note says any more of what some have shared."""
    ids = dict(shared.ids)
    if shared.said:
        above = [row["id"] for row in run(cypher.PARENTS, said=shared.said)]
        run(cypher.NAMES, said=shared.said)
        ids["Concept"] = list({*(str(row["id"]) for row in shared.said), *above})
    if entities := ids.get("Entity"):
        run(cypher.NOT_HAD, ids=entities, had=cypher.HAD)
        run(cypher.NAMES_OF_ENTITIES, ids=entities)
    for label, statement in cypher.FORGET.items():
        if some := ids.get(label):
            run(statement, ids=some)


def _run(transaction: ManagedTransaction, statement: str, **parameters: object) -> list[Record]:
    """Run a statement to its end."""
    return list(transaction.run(statement, parameters))
