"""Scores of mentions and relations, each named by its protocol."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from extractors.document import Document, Mention, Relation


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of counted items; 0 where nothing was counted."""

    correct: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """Correct of those predicted."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Correct of those in the gold standard."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall.

        >>> round(Score(correct=1, predicted=2, gold=1).f1, 3)
        0.667
        """
        return 2 * self.correct / (self.predicted + self.gold) if self.predicted + self.gold else 0.0


def strict(mention: Mention) -> Hashable:
    """A mention is its span and label."""
    return mention.start, mention.end, mention.label


def boundary(mention: Mention) -> Hashable:
    """A mention is its span alone (papers/000, section 4.3)."""
    return mention.start, mention.end


def mention_scores(
    gold: Sequence[Document], predicted: Sequence[Document], key: Callable[[Mention], Hashable] = strict
) -> dict[str, Score]:
    """Return the score of each label, and ``micro`` over all; with ``boundary`` only ``micro`` means something."""
    return _scores(
        [{key(m): m.label for m in document.mentions} for document in gold],
        [{key(m): m.label for m in document.mentions} for document in predicted],
    )


def relaxed_mention_score(gold: Sequence[Document], predicted: Sequence[Document]) -> Score:
    """Return the micro score where a mention counts if one of its label overlaps it, each used once."""
    correct = 0
    for one, other in zip(gold, predicted, strict=True):
        free = list(other.mentions)
        for mention in one.mentions:
            match = next(
                (m for m in free if m.label == mention.label and m.start < mention.end and mention.start < m.end), None
            )
            if match is not None:
                free.remove(match)
                correct += 1
    return Score(correct, sum(len(d.mentions) for d in predicted), sum(len(d.mentions) for d in gold))


def relation_scores(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, Score]:
    """Return the score of each relation, and ``micro``: type, direction, both arguments' span and label are right."""
    return _scores(
        [{_relation(r): r.label for r in document.relations} for document in gold],
        [{_relation(r): r.label for r in document.relations} for document in predicted],
    )


def macro_f1(scores: dict[str, Score]) -> float:
    """Return the mean F1 over the labels that the gold standard holds."""
    f1 = [score.f1 for label, score in scores.items() if label != "micro" and score.gold]
    return sum(f1) / len(f1) if f1 else 0.0


def _relation(relation: Relation) -> Hashable:
    """A relation is its label and both arguments."""
    return relation.label, strict(relation.head), strict(relation.tail)


def _scores(gold: Iterable[dict[Hashable, str]], predicted: Iterable[dict[Hashable, str]]) -> dict[str, Score]:
    """Count, by label, the keys of ``gold`` that ``predicted`` has too."""
    correct: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for one, other in zip(gold, predicted, strict=True):
        wanted.update(one.values())
        found.update(other.values())
        correct.update(label for key, label in one.items() if key in other)
    scores = {label: Score(correct[label], found[label], wanted[label]) for label in sorted(wanted | found)}
    return {"micro": Score(correct.total(), found.total(), wanted.total())} | scores
