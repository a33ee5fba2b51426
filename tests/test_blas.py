"""numpy's products on one thread while texts are read."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from extractors.blas import one_thread

np.zeros(1)  # OpenBLAS is found once numpy has loaded it


def threads() -> set[int]:
    return {found["num_threads"] for found in threadpool_info() if found["internal_api"] == "openblas"}


@pytest.mark.skipif(not threads(), reason="numpy here computes without OpenBLAS: nothing to hold")
def test_openblas_has_one_thread_until_the_last_reader_leaves() -> None:
    with ThreadpoolController().limit(limits=2):
        with one_thread():
            assert threads() == {1}
            with one_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {min(2, os.cpu_count() or 1)}


@pytest.mark.skipif(not threads(), reason="numpy here computes without OpenBLAS: nothing to hold")
def test_readers_that_overlap_give_the_threads_back() -> None:
    both, first_left = Barrier(2), Barrier(2)

    def first() -> None:
        with one_thread():
            both.wait()
        first_left.wait()

    def second() -> set[int]:
        with one_thread():
            both.wait()
            first_left.wait()
            return threads()

    with ThreadpoolController().limit(limits=2), ThreadPoolExecutor(2) as pool:
        left, stayed = pool.submit(first), pool.submit(second)
        left.result()
        assert stayed.result() == {1}
        assert threads() == {min(2, os.cpu_count() or 1)}


def test_an_error_while_reading_gives_the_threads_back() -> None:
    before = threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert threads() == before
