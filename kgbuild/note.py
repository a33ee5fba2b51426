"""A clinical note."""

from dataclasses import dataclass, field
from datetime import date


class NoteError(ValueError):
    """A note, or a file of notes, that cannot be read; names file, line or note id, never the note's text."""


@dataclass(frozen=True, slots=True)
class Note:
    """One clinical text with its patient, encounter and date.

    The text stays out of ``repr``, because reprs end up in logs.
    """

    id: str
    text: str = field(repr=False)
    patient_id: str = field(repr=False)
    encounter_id: str | None = None
    date: date | None = None
    kind: str | None = None
