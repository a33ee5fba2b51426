"""What a fault costs while notes are read: the note that has it, and no other.

This is the one place that catches whatever is raised, since a text can do what nobody thought of, and one note of a
hospital must not keep the others out. Of what was raised only the kind is told and nothing is kept: its message may
repeat what the note says, and so may the values that its traceback holds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from kgbuild.note import NoteError
from kgbuild.stores import StoreError
from ontologies.concept import TableError

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")

Report = Callable[[str], None]
"""Receives one line for each note that cannot be read; it may raise to end the whole."""

_ASK = "please report it"


class _Fault(Exception):  # noqa: N818 (never leaves this file)
    """What happened, without a word of any note; a whole line if ``names_note``."""

    def __init__(self, told: str, *, names_note: bool = False) -> None:
        super().__init__(told)
        self.names_note = names_note


def stop(line: str) -> None:
    """Report a note that cannot be read by ending the whole.

    Raises:
        NoteError: With the line.
    """
    raise NoteError(line)


@contextmanager
def during(stage: str) -> Iterator[None]:
    """Tell what goes wrong inside by the stage and the kind of error alone, so that ``spared`` can tell the note.

    Faults of the machine, its disk, a code table or a store are no note's, and stay what they are.

    Args:
        stage: What is being done, as in "KeyError while it was ...".
    """
    try:
        yield
    except (MemoryError, TableError):
        raise
    except OSError as error:
        if error.errno is not None:  # it comes from the system
            raise
        fault = _Fault(f"{type(error).__name__} while it was {stage}")
    except StoreError as error:
        if error.note_id is None:  # the store itself cannot be written
            raise
        fault = _Fault(str(error), names_note=True)  # our own words: the shape that is broken
    except Exception as error:
        fault = _Fault(f"{type(error).__name__} while it was {stage}")
    else:
        return
    raise fault


def spared(
    items: Sequence[_Item], ids: Sequence[str], work: Callable[[Sequence[_Item]], Sequence[_Done]]
) -> list[_Done | NoteError]:
    """Return what work makes of some notes, and an error in place of each note that it cannot be done with.

    It is done with all together; only where that fails, with each by itself, and so twice with some.

    Args:
        items: The notes, or what was made of them.
        ids: Of the notes.
        work: Returns one result an item, and does all that can fail inside ``during``.
    """
    try:
        return list(work(items))
    except _Fault as fault:
        told = str(fault) if fault.names_note else f"note {ids[0]!r}: cannot be read: {fault}; {_ASK}"
    if len(items) > 1:
        return [done for item, id in zip(items, ids, strict=True) for done in spared([item], [id], work)]
    return [NoteError(told)]


def reported(found: Iterable[_Done | NoteError], report: Report) -> Iterator[_Done]:
    """Yield what could be read; report what could not."""
    for one in found:
        if isinstance(one, NoteError):
            report(str(one))
        else:
            yield one
