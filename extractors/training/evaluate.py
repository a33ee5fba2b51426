"""What an evaluation prints: one row a protocol and label."""

from collections.abc import Sequence

from extractors.document import Document
from extractors.training.score import (
    Score,
    boundary,
    macro_f1,
    mention_scores,
    relation_scores,
    relaxed_mention_score,
)


def evaluation_rows(gold: Sequence[Document], predicted: Sequence[Document]) -> list[dict[str, object]]:
    """Return the scores of mentions (strict, relaxed, boundary) and of end-to-end relations, overall and by label."""
    mentions, relations = mention_scores(gold, predicted), relation_scores(gold, predicted)
    edge = mention_scores(gold, predicted, boundary)["micro"]
    return [
        _row("mention strict", "micro", mentions["micro"]),
        {"protocol": "mention strict", "label": "macro", "F1": macro_f1(mentions)},
        _row("mention relaxed", "micro", relaxed_mention_score(gold, predicted)),
        _row("mention boundary", "micro", edge),
        _row("relation strict", "micro", relations["micro"]),
        {"protocol": "relation strict", "label": "macro", "F1": macro_f1(relations)},
        *(_row("mention strict", label, score) for label, score in mentions.items() if label != "micro"),
        *(_row("relation strict", label, score) for label, score in relations.items() if label != "micro"),
    ]


def _row(protocol: str, label: str, score: Score) -> dict[str, object]:
    """Return a score as a row."""
    rates: dict[str, object] = {"P": round(score.precision, 4), "R": round(score.recall, 4), "F1": round(score.f1, 4)}
    return {"protocol": protocol, "label": label} | rates | {"gold": score.gold, "predicted": score.predicted}
