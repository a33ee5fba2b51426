"""Work that is waited for no longer than it may take: neither Oxigraph nor a Neo4j always stops when it is told to."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TypeVar

from kgbuild.stores import StoreError

_Result = TypeVar("_Result")

_starting = Lock()  # the size of stacks is one setting for all threads of a process


def in_time(work: Callable[[Event], _Result], seconds: float, *, stack: int = 0) -> _Result:
    """Do some work in a thread and return what it returns; its errors are raised here.

    Args:
        work: Is given an event that is set when nobody waits any more, and ends as soon as it can then.
        seconds: How long it may take. The thread of work that takes longer ends with the process at the latest.
        stack: Bytes of the thread's stack; 0 is what the system gives. What is not used costs addresses, no memory.

    Raises:
        TimeoutError: If it takes longer.
        StoreError: If the system gives no such stack.
    """
    done: SimpleQueue[tuple[_Result | None, BaseException | None]] = SimpleQueue()
    given_up = Event()

    def run() -> None:
        try:
            done.put((work(given_up), None))
        except BaseException as error:
            done.put((None, error))

    _start(Thread(target=run, daemon=True), stack)
    try:
        result, error = done.get(timeout=seconds)
    except Empty:
        given_up.set()
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # there is no error


def _start(thread: Thread, stack: int) -> None:
    """Start a thread with a stack of this size."""
    with _starting:
        before = threading.stack_size(stack)
        try:
            thread.start()
        except RuntimeError:
            raise StoreError(f"no memory for a thread with a stack of {stack:,} bytes: ask with less text") from None
        finally:
            threading.stack_size(before)
