"""BLAS on one thread while texts are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import LibController, ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numpy's products to one thread until the last of those who asked for it has left.

    A product behind the encoder takes a tenth of a millisecond. OpenBLAS spreads it over all cores, which saves next to
    nothing on an idle machine; on a busy one its threads wait for each other, and 28 ms were seen. The limit is the
    process's. threadpoolctl's own ``with`` is for one thread at a time: of two that overlap, the second would take the
    limit of the first for what was before, and leave it.
    """
    _HELD.enter()
    try:
        yield
    finally:
        _HELD.leave()


class _Held:
    """Who reads now, and how many threads there were before."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0
        self._before: list[int] = []

    def enter(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._before = [library.get_num_threads() for library in _openblas()]
                _limit([1] * len(self._before))
            self._readers += 1

    def leave(self) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                _limit(self._before)


_HELD = _Held()


def _limit(threads: list[int]) -> None:
    """Give each OpenBLAS so many threads, whichever Python thread did so before."""
    for library, count in zip(_openblas(), threads, strict=True):
        library.clear_controlling_thread(force=True)
        library.set_num_threads(count)


@cache
def _openblas() -> list[LibController]:
    """Return OpenBLAS as numpy has loaded it; to look for it takes milliseconds."""
    return list(ThreadpoolController().select(internal_api="openblas").lib_controllers)
