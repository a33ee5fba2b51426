"""What each feature of the ranking counts, and how sums become scores.

``resolvers.fit`` says where the numbers come from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WEIGHTS: dict[str, tuple[float, float]] = {
    # feature: in a classification, in a terminology
    "said": (5.4, 1.8),
    "said by what is above": (6.9, 3.6),
    "adds words": (-4.9, -1.2),
    "adds rare words": (0.0, -2.3),
    "adds a setting": (-1.5, 0.0),
    "contradicts": (-1.7, -0.5),
    "letters in order": (3.8, 0.7),
    "means the query": (4.0, 6.0),
    "is the query": (2.3, 2.0),
    "is written so": (3.0, 1.0),
    "is the query but for its head": (0.9, 0.7),
    "is preferred": (0.0, 1.3),
    "is found by many names": (0.7, 1.2),
    "has much below it": (0.0, 3.0),
    "unspecified, all said": (0.3, 0.8),
    "unspecified, not all said": (-0.1, 0.0),
    "usable": (4.9, 0.0),
    "inherited": (-1.7, 0.0),
}
"""Feature and weights; ``Ranker.features`` says what each is."""


CLASSIFICATION, TERMINOLOGY = (14.5, 1.6), (8.5, 1.2)
"""Utility of no answer and sharpness, by kind of table."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How features become scores.

    Attributes:
        weights: In the order of ``WEIGHTS``.
        abstain: Utility of no answer.
        sharpness: What all utilities are multiplied by before they become scores.
    """

    weights: npt.NDArray[np.float64]
    abstain: float
    sharpness: float


def weighing_of(*, is_classification: bool) -> Weighing:
    """Return how names of a classification, of which each case has one code, or of a terminology are weighed."""
    column, calibration = (0, CLASSIFICATION) if is_classification else (1, TERMINOLOGY)
    return Weighing(np.array([pair[column] for pair in WEIGHTS.values()]), *calibration)
