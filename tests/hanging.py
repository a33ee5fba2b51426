"""What ends a test that hangs, such as one that opens a pipe that nobody writes to."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_after(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block when it takes longer; without SIGALRM (Windows) nothing ends it."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def fail(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
