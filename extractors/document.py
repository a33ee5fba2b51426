"""The records an extractor makes: mentions, relations, time expressions and the document that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

ASSERTIONS = (
    "present",
    "absent",
    "possible",
    "conditional",
    "hypothetical",
    "associated_with_someone_else",
    "historical",
)
"""Assertion statuses of i2b2 2010 (Uzuner et al. 2011), and ``historical``."""


class ExtractionError(ValueError):
    """A text, corpus or model that extraction cannot use; the message names file:line or note id, never note text."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A typed span of a text: ``text[start:end]``, 0-based code points, end excluded.

    The text itself stays out of ``repr``, because reprs end up in logs.
    """

    start: int
    end: int
    label: str
    text: str = field(repr=False)
    assertion: str = "present"
    score: float = 1.0

    def __post_init__(self) -> None:
        """Refuse spans that no text can have.

        Raises:
            ExtractionError: If the span is empty, negative, or as long as its text is not.
        """
        if not 0 <= self.start < self.end or self.end - self.start != len(self.text):
            raise ExtractionError(f"{self.label} {self.start}-{self.end}: no span of {len(self.text)} characters")


@dataclass(frozen=True, slots=True)
class Relation:
    """A directed, typed link from ``head`` to ``tail``; MODIFY runs from modifier to what it modifies."""

    head: Mention
    tail: Mention
    label: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A time expression and what it means.

    Attributes:
        mention: Where it stands.
        type: DATE, TIME, DURATION or SET, as in ISO-TimeML.
        value: ISO 8601 / TIMEX3 value: ``2019-03``, ``P6W``, ``P1D`` for "daily".
        start: First day it covers, or None when it says no day.
        end: Last day it covers (closed interval), or None.
        anchor: What the value was computed from: ``text`` for an absolute date, ``note`` for the note's date,
            ``text:START-END`` for the offsets of another expression, or None when nothing anchors it.
    """

    mention: Mention
    type: str
    value: str
    start: date | None = None
    end: date | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its mentions, relations and times.

    Attributes:
        text: The text exactly as read; ``text[m.start:m.end] == m.text`` for every mention.
        mentions: Ordered by start, end, label; no two alike in all three.
        relations: Each argument is one of ``mentions``.
        times: Each mention is one of ``mentions``.
    """

    text: str = field(repr=False)
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()
    times: tuple[TimeExpression, ...] = ()

    def __post_init__(self) -> None:
        """Check what every later stage relies on.

        Raises:
            ExtractionError: If a mention is not the text at its offsets, or a relation or time names a stranger.
        """
        known = set(self.mentions)
        for mention in self.mentions:
            if self.text[mention.start : mention.end] != mention.text:
                raise ExtractionError(f"{mention.label} {mention.start}-{mention.end}: text differs from the document")
        for relation in self.relations:
            if relation.head not in known or relation.tail not in known:
                raise ExtractionError(f"{relation.label}: an argument is not a mention of the document")
        for time in self.times:
            if time.mention not in known:
                raise ExtractionError(f"{time.type}: its mention is not a mention of the document")


class Extractor(Protocol):
    """Anything that reads texts: the shipped model, a NER + pairs composition, a dictionary."""

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        """Return one document a text, in the order given."""
        ...
