"""Parts of a corpus by document, the same whatever the order in which its files were read."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from extractors.corpora.annotated import Annotated
from extractors.document import ExtractionError


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a corpus: to learn from, to choose the best epoch by, to measure on."""

    train: list[Annotated]
    validation: list[Annotated]
    test: list[Annotated]


def split(items: Sequence[Annotated], ratio: tuple[int, int, int] = (3, 1, 1), seed: int = 0) -> Split:
    """Return a random split into train, validation and test.

    Validation and test have their share of the documents, rounded down; train has the rest. 3:1:1 is papers/000's.

    Raises:
        ExtractionError: If a share is negative or train has none.
    """
    if min(ratio) < 0 or ratio[0] == 0:
        raise ExtractionError(f"split: expected shares such as 3:1:1, found {':'.join(map(str, ratio))}")
    order = _shuffled(items, seed)
    validation, test = (len(order) * share // sum(ratio) for share in ratio[1:])
    return Split(order[validation + test :], order[:validation], order[validation : validation + test])


def folds(items: Sequence[Annotated], k: int, seed: int = 0, *, validation: float = 0.15) -> list[Split]:
    """Return ``k`` splits whose test parts together are the corpus, their sizes differing by one at most.

    Args:
        items: The corpus.
        k: How many.
        seed: Source of chance.
        validation: Share of what is not test, at least one document; 0 for none. 0.15 is what SpERT takes on ADE.

    Raises:
        ExtractionError: If ``k`` is below 2 or above the number of documents, or the share leaves no train part.
    """
    if not 2 <= k <= len(items):
        raise ExtractionError(f"folds: expected 2 to {len(items)} of {len(items)} documents, found {k}")
    order = _shuffled(items, seed)
    return [_fold(order[i::k], [item for j, item in enumerate(order) if j % k != i], validation) for i in range(k)]


def _fold(test: list[Annotated], rest: list[Annotated], validation: float) -> Split:
    """Return the split of one fold."""
    size = 0 if validation == 0 else max(1, round(len(rest) * validation))
    if not 0 <= size < len(rest):
        raise ExtractionError(
            f"folds: a validation share of {validation} leaves none of {len(rest)} documents to train"
        )
    return Split(rest[size:], rest[:size], test)


def _shuffled(items: Sequence[Annotated], seed: int) -> list[Annotated]:
    """Return the documents in an order that depends on their names and the seed only."""
    order = sorted(items, key=lambda item: (item.id, item.document.text))
    random.Random(seed).shuffle(order)  # noqa: S311  # no secret
    return order
