"""numpy's products on one thread while texts are read."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from extractors.blas import one_thread

np.zeros(1)  # OpenBLAS is found once numpy has loaded it


def threads() -> set[int]:
    return {found["num_threads"] for found in threadpool_info() if found["internal_api"] == "openblas"}


@pytest.mark.skipif(not threads(), reason="numpy here computes without OpenBLAS: nothing to hold")
def test_openblas_has_one_thread_while_somebody_reads() -> None:
    before = threads()
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_an_error_while_reading_gives_the_threads_back() -> None:
    before = threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert threads() == before


def test_of_two_readers_that_overlap_the_last_gives_the_threads_back() -> None:
    before = threads()
    inside, first_left = Barrier(2), Event()

    def first() -> None:
        with one_thread():
            inside.wait()
        first_left.set()

    def second() -> set[int]:
        with one_thread():
            inside.wait()
            first_left.wait()
            return threads()

    with ThreadPoolExecutor(2) as pool:
        left, stayed = pool.submit(first), pool.submit(second)
        left.result()
        assert stayed.result() <= {1}
    assert threads() == before


def test_many_threads_that_read_leave_what_was() -> None:
    before = threads()

    def read() -> None:
        for _ in range(200):
            with one_thread():
                pass

    readers = [Thread(target=read) for _ in range(4 * (os.cpu_count() or 1))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert threads() == before
