"""BLAS on one thread while a text is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


class _OneThread:
    """Holds OpenBLAS to one thread for as long as anybody reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0

    def enter(self) -> None:
        """Begin to read."""
        with self._lock:
            if self._readers == 0:
                self._limiter = _openblas().limit(limits=1)
            self._readers += 1

    def leave(self) -> None:
        """Stop; the last one gives the threads back."""
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._limiter.restore_original_limits()


@cache
def _openblas() -> ThreadpoolController:
    """Return OpenBLAS as numpy has loaded it; to look for it takes milliseconds."""
    return ThreadpoolController().select(internal_api="openblas")


_HELD = _OneThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numpy's products to the thread that asks for them.

    A product behind the encoder takes a tenth of a millisecond. OpenBLAS spreads it over all cores, which saves next to
    nothing on an idle machine; on a busy one its threads wait for each other, and 28 ms were seen.
    """
    _HELD.enter()
    try:
        yield
    finally:
        _HELD.leave()
