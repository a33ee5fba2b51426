"""The reading and coding of notes in several processes, when there are notes enough to pay for starting them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from kgbuild.note import Note, NoteError
from kgbuild.pipeline import Setup, resolved
from kgbuild.processes import processes
from kgbuild.resolve import ResolvedNote
from kgbuild.setup import Recipe, open_setup

PAYS = 3
"""Batches from which on more processes are faster: one takes about as long to start as a batch to read."""

_setup: Setup | None = None  # of a worker process, opened once by _read


@dataclass(frozen=True, slots=True)
class Workers:
    """A ``pipeline.Resolve`` that reads batches in ``jobs`` processes.

    Attributes:
        recipe: What each process opens.
        setup: Opened here already; reads where there is too little for more processes.
        jobs: Processes.
    """

    recipe: Recipe
    setup: Setup
    jobs: int

    def __call__(self, batches: Iterable[list[Note]]) -> Iterator[list[ResolvedNote | NoteError]]:
        """Yield the batches, read and coded, in order."""
        waiting = iter(batches)
        first = list(islice(waiting, PAYS))
        if self.jobs < 2 or len(first) < PAYS:
            yield from (resolved(batch, self.setup) for batch in chain(first, waiting))
        else:
            yield from self._spread(chain(first, waiting))

    def _spread(self, batches: Iterator[list[Note]]) -> Iterator[list[ResolvedNote | NoteError]]:
        """Yield batches from the processes; at most two a process are on their way, so memory does not grow."""
        with processes(self.jobs) as begin:
            under_way: deque[Future[list[ResolvedNote | NoteError]]] = deque()
            for batch in batches:
                under_way.append(begin(_read, self.recipe, batch))
                if len(under_way) > 2 * self.jobs:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()


def open_workers(
    systems: tuple[str, ...], model: Path | None, jobs: int | None, progress: Callable[[str], None]
) -> Workers:
    """Open what notes are read and coded with.

    Args:
        systems: Code systems; none stands for every one that has a table.
        model: Folder of an exported model; None is the shipped one.
        jobs: Processes; None is one a core.
        progress: Told in one line before something that takes seconds.

    Raises:
        ExtractionError: If the model cannot be opened.
        TableError: If a system is unknown or has no table.
    """
    recipe = Recipe(systems, model)
    return Workers(recipe, open_setup(recipe, progress), jobs if jobs is not None else os.cpu_count() or 1)


def _read(recipe: Recipe, batch: list[Note]) -> list[ResolvedNote | NoteError]:
    """Read a batch in a worker, which opens what it reads with at its first."""
    global _setup
    if _setup is None:
        _setup = open_setup(recipe, threads=1)
    return resolved(batch, _setup)
