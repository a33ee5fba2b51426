"""How a command ends: in order when a signal ends it, and without a word when nobody reads what it prints."""

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that ask a process to end; each system has some of them."""

NOBODY_READS = 141
"""Exit status as a shell gives it for a program that SIGPIPE ended: 128 + 13."""

INTERRUPTED = 130
"""Exit status as a shell gives it for a program that SIGINT ended: 128 + 2."""


@contextmanager
def signals_end_in_order() -> Iterator[None]:
    """Have the first signal that asks for it leave every ``with`` block on the way out; a second ends at once.

    SIGINT raises KeyboardInterrupt, the others SystemExit with the status that a shell gives for a signal. One that was
    ignored when this process began, as under nohup, stays so.
    """
    if current_thread() is not main_thread():  # elsewhere Python sets no handlers
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    due = [number for number in numbers if before[number] in (signal.SIG_DFL, signal.default_int_handler)]

    def end(number: int, frame: FrameType | None) -> None:
        for other in due:
            signal.signal(other, signal.SIG_DFL)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in due:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in due:
            signal.signal(number, before[number])


class _Closed(io.RawIOBase):
    """A stream that was closed before this process began: an error for who reads or writes it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise self._error()

    def write(self, data: object) -> int:
        raise self._error()

    def _error(self) -> OSError:
        return OSError(errno.EBADF, "closed", self._name)


def replace_closed_streams() -> None:
    """See to it that no file takes the place of a standard stream that is closed, and that this one is told of."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # is given the lowest number that is free
        if getattr(sys, name) is None:
            kind = io.BufferedReader if name == "stdin" else io.BufferedWriter
            setattr(sys, name, io.TextIOWrapper(kind(_Closed(name)), encoding="utf-8"))


def flush_output() -> None:
    """Write out what was printed.

    Raises:
        OSError: If stdout takes it not; names stdout.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, "stdout") from None


def let_go_of_output() -> None:
    """Keep Python from trying again, as it ends, to write what could not be written: it would complain of that."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            setattr(sys, name, None)
