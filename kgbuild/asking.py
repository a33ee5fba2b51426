"""Many queries asked of code tables, in several processes where there are enough of them to pay for starting these."""

import os
from collections.abc import Mapping, Sequence
from itertools import chain

from threadpoolctl import threadpool_limits

from kgbuild.processes import processes
from kgbuild.resolve import query_rows
from resolvers.index import TableResolver, open_resolver

PART = 512
"""Queries that a process answers at a time."""

PAYS = 4
"""Parts from which on more processes are faster: one starts in about the time of two parts."""

_resolvers: dict[str, TableResolver] = {}  # of a worker process, opened once by open_tables


def all_rows(
    queries: Sequence[str],
    resolvers: Mapping[str, TableResolver],
    k: int,
    *,
    why: bool = False,
    jobs: int | None = None,
) -> list[dict[str, object]]:
    """Return the rows of ``resolve.query_rows``, those of the first system first.

    Args:
        queries: What is asked for.
        resolvers: By system, as ``open_resolver`` gives them.
        k: Candidates a query.
        why: As for ``query_rows``.
        jobs: Processes; None is one a core.
    """
    count = jobs if jobs is not None else os.cpu_count() or 1
    parts = [(system, queries[i : i + PART], k, why) for system in resolvers for i in range(0, len(queries), PART)]
    if count < 2 or len(parts) < PAYS:
        return [row for resolver in resolvers.values() for row in query_rows(queries, resolver, k, why=why)]
    with processes(count) as begin:
        answers = [begin(_answer, tuple(resolvers), part) for part in parts]
        return list(chain.from_iterable(answer.result() for answer in answers))


def open_tables(systems: Sequence[str]) -> None:
    """Open what a worker asks; its products take one thread, as the other cores have workers of their own."""
    threadpool_limits(1)
    _resolvers.update({system: open_resolver(system) for system in systems})


def _answer(systems: Sequence[str], part: tuple[str, Sequence[str], int, bool]) -> list[dict[str, object]]:
    """Answer some queries in a worker, which opens what it asks at its first."""
    if not _resolvers:
        open_tables(systems)
    return ask(part)


def ask(part: tuple[str, Sequence[str], int, bool]) -> list[dict[str, object]]:
    """Answer some queries in a worker."""
    system, queries, k, why = part
    return query_rows(queries, _resolvers[system], k, why=why)
