"""Processes that work for this one, and end when it ends, however it ends."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import ParamSpec, Protocol, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_OF_A_TERMINAL = ("SIGINT", "SIGHUP")
"""Signals that a terminal sends to workers as well as to this process: what they mean for workers is its matter."""


class Begin(Protocol):
    """Has a function called in one of the processes, with arguments that can be pickled."""

    def __call__(  # noqa: D102 (said above)
        self, work: Callable[_Arguments, _Result], /, *arguments: _Arguments.args, **options: _Arguments.kwargs
    ) -> Future[_Result]: ...


@contextmanager
def processes(count: int) -> Iterator[Begin]:
    """Start processes as they are needed; all have ended afterwards, at once if it was an error that ended this.

    They are spawned, not forked: this process may hold a store, whose threads and locks a fork would copy.

    Raises:
        ChildProcessError: If a process is killed.
    """
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)  # closes when this process ends, and tells the workers so
    # by a thread, as a signal would interrupt this one halfway, and the worker would complain of half a beginning
    with ThreadPoolExecutor(1) as starter:
        made = partial(ProcessPoolExecutor, count, context, _end_with_parent, (theirs,))
        pool = starter.submit(_undisturbed, made).result()

        def begin(
            work: Callable[_Arguments, _Result], /, *arguments: _Arguments.args, **options: _Arguments.kwargs
        ) -> Future[_Result]:
            return starter.submit(_undisturbed, partial(pool.submit, work, *arguments, **options)).result()

        try:
            yield begin
            pool.shutdown()
        except BrokenProcessPool:
            raise ChildProcessError(
                "a process that worked for this one was killed, perhaps for want of memory: try again with --jobs 1"
            ) from None
        finally:
            ours.close()
            pool.shutdown(cancel_futures=True)
            theirs.close()


def _undisturbed(work: Callable[[], _Result]) -> _Result:
    """Call a function in this thread; processes that it starts are born without the signals of a terminal."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _signals())
    return work()


def _signals() -> list[signal.Signals]:
    """Return the signals of a terminal that this system has."""
    return [getattr(signal, name) for name in _OF_A_TERMINAL if hasattr(signal, name)]


def _end_with_parent(parent: Connection) -> None:
    """Have this process end as soon as the one that started it does, whatever it is doing."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)

    def wait() -> None:
        with suppress(EOFError, OSError):
            parent.recv_bytes()  # nothing is ever sent
        os._exit(1)

    Thread(target=wait, daemon=True).start()
