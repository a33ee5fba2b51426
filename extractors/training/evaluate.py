"""What an evaluation prints: one row a protocol and label."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from extractors.document import Document, ExtractionError
from extractors.training.score import (
    Score,
    boundary,
    macro_f1,
    mention_scores,
    relation_scores,
    relaxed_mention_score,
)

COLUMNS = ("protocol", "label", "P", "R", "F1", "gold", "predicted")

PROTOCOL = (
    "mention strict: span and label; relaxed: label, and the spans overlap; boundary: span alone (papers/000)",
    "relation: type, direction, and both arguments' spans and labels (strict)",
    "end to end: from predicted mentions; gold mentions: the annotated mentions are given",
    "micro: over all; macro: mean F1 of the labels that the gold standard holds",
)
"""What the rows mean; printed before them."""

FITTING = 0.9
"""Least share of the gold mentions whose labels a model must know to be measured by them; a label that the train part
happened to lack is rare, a corpus of another label set is not."""


def evaluation_rows(
    gold: Sequence[Document], predicted: Sequence[Document], given: Sequence[Document] | None = None
) -> list[dict[str, object]]:
    """Return the scores of mentions and relations, overall and then by label.

    Args:
        gold: The annotated documents.
        predicted: The same as a model reads them.
        given: The same with the gold mentions, and the relations that a model reads between them.
    """
    mentions = mention_scores(gold, predicted)
    relations = {"relation end to end": relation_scores(gold, predicted)}
    if given is not None:
        relations["relation gold mentions"] = relation_scores(gold, given)
    tables = {"mention strict": mentions} | relations
    return [
        *_totals("mention strict", mentions),
        _row("mention relaxed", "micro", relaxed_mention_score(gold, predicted)),
        _row("mention boundary", "micro", mention_scores(gold, predicted, boundary)["micro"]),
        *(row for name, scores in relations.items() for row in _totals(name, scores)),
        *(_row(name, label, scores[label]) for name, scores in tables.items() for label in scores if label != "micro"),
    ]


def check_fit(model: Path, labels: Iterable[str], gold: Sequence[Document], corpus: str) -> None:
    """Refuse to measure a model by documents of another label set.

    Raises:
        ExtractionError: If the model knows the labels of less than 90 % of the gold mentions, or there is none.
    """
    known = set(labels)
    found = [mention.label for document in gold for mention in document.mentions]
    strange = sorted(set(found) - known)
    if not found:
        raise ExtractionError(f"{corpus}: no mention in the part to measure on")
    if sum(label in known for label in found) < FITTING * len(found):
        raise ExtractionError(
            f"{model}: a model of other labels: {corpus} has {', '.join(strange)}; "
            f"the model reads {', '.join(sorted(known))}"
        )


def _totals(name: str, scores: dict[str, Score]) -> list[dict[str, object]]:
    """Return the rows over all labels."""
    return [
        _row(name, "micro", scores["micro"]),
        {"protocol": name, "label": "macro", "F1": round(macro_f1(scores), 4)},
    ]


def _row(protocol: str, label: str, score: Score) -> dict[str, object]:
    """Return a score as a row."""
    rates: dict[str, object] = {"P": round(score.precision, 4), "R": round(score.recall, 4), "F1": round(score.f1, 4)}
    return {"protocol": protocol, "label": label} | rates | {"gold": score.gold, "predicted": score.predicted}
