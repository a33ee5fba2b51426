"""What a resolver answers: concepts with scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ontologies.concept import Concept


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept offered for a query.

    Attributes:
        concept: The concept.
        score: In [0, 1], higher is better, comparable between queries of one system.
        matched: The name of the concept that matched.
    """

    concept: Concept
    score: float
    matched: str


class Resolver(Protocol):
    """Strings in, scored concepts out; never sees a note.

    Attributes:
        system: Short name of the code system.
        release: What its publisher calls this edition.
        digest: Content hash of what it answers from: another one answers otherwise, under the same release too.
        threshold: Score below which a caller should abstain.
    """

    system: str
    release: str
    digest: str
    threshold: float

    def __call__(self, queries: Sequence[str], k: int) -> list[list[Candidate]]:
        """Return at most ``k`` candidates a query, best first, ties by code; an unknown query has none."""
        ...

    def within(self, roots: Sequence[str]) -> "Resolver":
        """Return the resolver over the concepts that are some codes or below them; itself if it knows none of these."""
        ...
