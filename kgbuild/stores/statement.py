"""What a user's statement may be, whatever its language, and what of a server's words may be shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from kgbuild.stores import StoreError

LONGEST = 100_000
"""Characters of a statement; a list of a thousand IRIs fits. Parsers and optimizers recurse, so length is depth."""

_DEEPEST = 200
"""Brackets open at once; people nest ten, and a parser that is given 3,000 ends its whole process."""

_FAULTS: tuple[type[Exception], ...] = (
    *(AssertionError, AttributeError, LookupError, OverflowError, RuntimeError, StopIteration, SyntaxError),
    *(TypeError, ValueError),
)
"""What comes of values that are not as we wrote them."""

_OPENING, _CLOSING = "([{", ")]}"


def bounded(statement: str) -> None:
    """See to it that a statement can be parsed: neither too long nor too deep, and text that can be sent.

    Brackets in strings and comments count as well: what a parser takes for a string is not known before it has parsed.

    Raises:
        StoreError: In one line that says what there is too much of.
    """
    if len(statement) > LONGEST:
        raise StoreError(f"query: {len(statement):,} characters: expected at most {LONGEST:,}")
    if any("\ud800" <= char <= "\udfff" for char in statement):
        raise StoreError("query: half of a surrogate pair stands in it: it is no text in UTF-8")
    depth = 0
    for char in statement:
        if char in _OPENING:
            depth += 1
            if depth > _DEEPEST:
                raise StoreError(f"query: more than {_DEEPEST} brackets are open at once")
        elif char in _CLOSING:
            depth = max(0, depth - 1)


def on_one_line(said: str, longest: int) -> str:
    r"""Return the first line of what a server said, shortened, without the characters that a terminal obeys.

    >>> on_one_line("expected \x1b[31m a very long\n answer", 16)
    'expected ?[31m a...'
    """
    first = (said.strip().splitlines() or [""])[0]
    shown = "".join(char if char.isprintable() else "?" for char in first[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[:longest]}..."


@contextmanager
def understood(url: str, *faults: type[Exception]) -> Iterator[None]:
    """Turn what comes of a server's values that are not as kgbuild writes them into one error without its words.

    Args:
        url: Where the server is.
        faults: Errors of a driver that say so as well.

    Raises:
        StoreError: In place of these errors.
    """
    caught = (*_FAULTS, *faults)
    try:
        yield
    except StoreError:
        raise
    except caught:
        fault = StoreError(f"{url}: what the server answered is not as kgbuild writes it")
    else:
        return
    raise fault
