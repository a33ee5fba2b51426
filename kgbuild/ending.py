"""How a command ends: in order when a signal ends it, and without a word when nobody reads what it prints."""

import errno
import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from kgbuild.temporary import named, remove_written

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that ask a process to end; each system has some of them."""

NOBODY_READS = 141
"""Exit status as a shell gives it for a program that SIGPIPE ended: 128 + 13."""

INTERRUPTED = 130
"""Exit status as a shell gives it for a program that SIGINT ended: 128 + 2."""


_PATIENCE = 8.0
"""Seconds in which this process may end in order after a signal; after 10, Docker kills it, and nothing is tidied."""

_TOGETHER = 0.5
"""Seconds within which two signals count as one: ``timeout`` sends it to a command and then to its group."""

_came: list[int] = []  # numbers of the signals that asked this process to end


def signalled() -> bool:
    """Tell whether a signal has asked this process to end: what is wrong now is its doing, and no news."""
    return bool(_came)


@contextmanager
def signals_end_in_order() -> Iterator[None]:
    """Have the first signal that asks for it leave every ``with`` block on the way out, and then end this process.

    SIGINT raises KeyboardInterrupt, the others SystemExit. Whatever becomes of that on its way (an import makes
    ImportError of it, or it is lost), SystemExit comes out of here, with the status that a shell gives for a signal.
    Where Python cannot raise, as in a database that does not come back, a second signal ends this process at once, and
    so does time. A signal that was ignored when this process began, as under nohup, stays so.
    """
    if current_thread() is not main_thread():  # elsewhere Python sets no handlers
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    due = [number for number in numbers if before[number] in (signal.SIG_DFL, signal.default_int_handler)]
    is_over = False

    def end(number: int, frame: FrameType | None) -> None:
        _came.append(number)
        if len(_came) == 1 and not is_over:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    if not due:  # as within another such block
        yield
        return
    _came.clear()
    with _watched(due), _no_news_of_signals():
        for number in due:
            signal.signal(number, end)
        try:
            yield
            is_over = True
        except BaseException:
            is_over = True
            if not _came:
                raise
        finally:
            for number in due:
                signal.signal(number, before[number])
    if _came:
        raise SystemExit(128 + _came[0])


@contextmanager
def _no_news_of_signals() -> Iterator[None]:
    """Have Python not tell of a signal's exception where it can only ignore it, as while an object is removed."""
    tell = sys.unraisablehook

    def tell_of_others(lost: "sys.UnraisableHookArgs") -> None:
        if not (signalled() and isinstance(lost.exc_value, (KeyboardInterrupt, SystemExit))):
            tell(lost)

    sys.unraisablehook = tell_of_others
    try:
        yield
    finally:
        sys.unraisablehook = tell


@contextmanager
def _watched(due: list[int]) -> Iterator[None]:
    """Have a thread told of signals by the system itself: Python runs no handler before a call of C code is done."""
    reader, writer = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(writer, False)
    Thread(target=_watch, args=(reader, frozenset(due)), daemon=True).start()
    told_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(told_before)
        os.close(writer)


def _watch(reader: int, due: frozenset[int]) -> None:
    """End this process if it has not ended in time after a signal, or at once at the second; until the pipe closes."""
    first = 0.0
    late: Timer | None = None
    while told := os.read(reader, 1):
        if told[0] not in due:
            continue
        if late is None:
            first = time.monotonic()
            late = Timer(_PATIENCE, _end_now, told)
            late.daemon = True
            late.start()
        elif time.monotonic() - first > _TOGETHER:
            _end_now(told[0])
    os.close(reader)
    if late is not None:
        late.cancel()


def _end_now(number: int) -> None:
    """End this process, whatever it is doing, without what it is writing; workers end when they lose it."""
    try:
        remove_written()
    finally:
        os._exit(128 + number)


class _Stream(io.RawIOBase):
    """A standard stream whose errors name it; one that was closed before this process began is an error to use."""

    def __init__(self, name: str, raw: io.RawIOBase | None) -> None:
        self._name = name
        self._raw = raw

    def readable(self) -> bool:
        """Return whether it is to be read."""
        return self._name == "stdin"

    def writable(self) -> bool:
        """Return whether it is to be written."""
        return self._name != "stdin"

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read some bytes."""
        with named(Path(self._name)):
            return self._open().readinto(buffer)

    def write(self, data: "ReadableBuffer") -> int | None:
        """Write some bytes; return how many were."""
        with named(Path(self._name)):
            return self._open().write(data)

    def fileno(self) -> int:
        """Return the number that the system knows it by."""
        return self._open().fileno()

    def _open(self) -> io.RawIOBase:
        if self._raw is None:
            raise OSError(errno.EBADF, "closed", self._name)
        return self._raw


def prepare_streams() -> None:
    """See to it that no file takes the place of a standard stream that is closed, and that errors name the stream.

    A stdout that is no terminal is written by whole buffers, also where Python was told not to: it would then leave out
    what the system does not take at once.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # is given the lowest number that is free
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Stream("stdin", None)), encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    out = sys.stdout
    if out is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Stream("stdout", None)), encoding="utf-8")
    elif out is sys.__stdout__ and isinstance(out, io.TextIOWrapper) and not out.isatty():
        raw = io.FileIO(out.fileno(), "w", closefd=False)
        buffer = io.BufferedWriter(_Stream("stdout", raw))
        sys.stdout = io.TextIOWrapper(buffer, encoding=out.encoding, errors=out.errors)


def let_go_of_output() -> None:
    """Keep Python from trying again, as it ends, to write what could not be written: it would complain of that."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            setattr(sys, name, None)
