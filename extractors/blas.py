"""BLAS on one thread while a text is read."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Hold numpy's products to the thread that asks for them.

    A product behind the encoder takes a tenth of a millisecond. OpenBLAS spreads it over all cores, which saves next to
    nothing on an idle machine; on a busy one its threads wait for each other, and 28 ms were seen. The limit is the
    process's: while one thread of it reads, those that begin later are under the same limit, and do not change it.
    """
    held: AbstractContextManager[object] = _openblas().limit(limits=1)
    return held


@cache
def _openblas() -> ThreadpoolController:
    """Return OpenBLAS as numpy has loaded it; to look for it takes milliseconds."""
    return ThreadpoolController().select(internal_api="openblas")
