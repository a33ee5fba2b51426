"""Where the numbers of ``rank`` come from: ``python -m resolvers.fit [EVALUATION.tsv]``.

The weights are fitted on ICD-10-CM itself. A synonym of a leaf is asked for as if the table did not hold it (every name
with the same words is taken out, in three of four examples), and the weights are those under which the leaf is most
probable: a conditional logit. The utility of abstaining, the sharpness and the threshold are chosen on the even rows of
the evaluation file together with ``NOT_CLINICAL``, so that scores are near the share of right answers.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ontologies.concept import CodeTable
from ontologies.store import open_table
from resolvers.evaluate import Phrase, read_phrases
from resolvers.index import POOL
from resolvers.lexical import Lexicon
from resolvers.names import SYNONYM, name_arrays
from resolvers.rank import WEIGHTS, Ranker, query_of

Doubles = npt.NDArray[np.float64]

NOT_CLINICAL = (
    "the patient", "Tuesday", "follow up with family", "home", "the hospital", "2 weeks", "nurse", "insurance card",
    "parking lot", "she was discharged", "Dr. Smith", "next appointment", "informed consent", "last month", "daughter",
    "no complaints", "per protocol", "in the morning", "the results", "emergency department", "a 54-year-old man",
    "as needed", "written instructions", "phone call", "our clinic", "primary care", "medical record", "history",
    "the procedure", "Boston",
)  # fmt: skip
"""What a note says beside what a patient has; no code of ICD-10-CM is right for any of it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A query with its candidates.

    Attributes:
        features: ``(names, features)``.
        rows: The concept of each name, ``(names,)``.
        right: The right concept; -1 where there is none.
    """

    features: Doubles
    rows: npt.NDArray[np.int32]
    right: int


class Examples:
    """Makes examples over one table.

    Args:
        table: The table.
    """

    def __init__(self, table: CodeTable) -> None:
        self.concepts = list(table)
        self.row_of = {concept.code: row for row, concept in enumerate(self.concepts)}
        self._arrays = name_arrays(table)
        self._lexicon = Lexicon(self._arrays)
        self._ranker = Ranker(self._arrays, self._lexicon)

    def example(self, text: str, right: int, *, is_masked: bool = False) -> Example | None:
        """Return the candidates of a query; masked, without the names that are the query. None if nothing is found."""
        query = query_of(text)
        names = self._lexicon.search(query.words, POOL).names
        if not len(names):
            return None
        features = self._ranker.features(query, names).astype(np.float64)
        kept = features[:, list(WEIGHTS).index("is the query")] == 0 if is_masked else np.ones(len(names), np.bool_)
        return Example(features[kept], self._arrays["name_rows"][names][kept], right) if kept.any() else None

    def from_synonyms(self, count: int, seed: int = 0) -> list[Example]:
        """Return examples from synonyms of leaves drawn at random, if their concept is among the candidates."""
        random = np.random.default_rng(seed)
        usable = self._arrays["row_is_usable"][self._arrays["name_rows"]]
        synonyms = np.flatnonzero((self._arrays["name_kinds"] == SYNONYM) & usable)
        found = []
        for name in random.permutation(synonyms)[:count].tolist():
            row = int(self._arrays["name_rows"][name])
            text = self.concepts[row].names[int(self._arrays["name_indices"][name])]
            example = self.example(text, row, is_masked=bool(random.random() < 0.75))
            if example is not None and row in example.rows:
                found.append(example)
        return found


def fitted_weights(examples: Sequence[Example], rounds: int = 3, steps: int = 120) -> Doubles:
    """Return the weights that make the right concepts most probable, each concept standing with its best name."""
    weights = np.array(list(WEIGHTS.values()))
    for _ in range(rounds):
        chosen = [_best_names(example, weights) for example in examples]
        weights = _ascend(chosen, weights, steps)
    return weights


def _best_names(example: Example, weights: Doubles) -> tuple[Doubles, int]:
    """Return the features of the best name of each concept, and which of these is right."""
    utilities = example.features @ weights
    order = np.lexsort((-utilities, example.rows))
    best = order[np.diff(example.rows[order], prepend=-1) != 0]
    right = np.flatnonzero(example.rows[best] == example.right)
    return example.features[best], int(right[0]) if len(right) else -1


def _ascend(chosen: Sequence[tuple[Doubles, int]], weights: Doubles, steps: int) -> Doubles:
    """Climb the mean log-likelihood with Adam (rate 0.3, L2 penalty 3e-4)."""
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        gradient = -3e-4 * weights
        for features, right in chosen:
            gradient += (features[right] - _shares(features @ weights) @ features) / len(chosen)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        weights = weights + 0.3 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-6)
    return weights


def _shares(utilities: Doubles) -> Doubles:
    powers = np.exp(utilities - utilities.max())
    shares: Doubles = powers / powers.sum()
    return shares


def top_answers(examples: Sequence[Example | None], weights: Doubles) -> list[tuple[Doubles, bool]]:
    """Return for each query the utilities of its concepts, best first, and whether the first is right."""
    answers: list[tuple[Doubles, bool]] = []
    for example in examples:
        if example is None:
            answers.append((np.array([-50.0]), False))
            continue
        features, right = _best_names(example, weights)
        utilities = features @ weights
        answers.append((-np.sort(-utilities), int(np.argmax(utilities)) == right))
    return answers


def top_scores(answers: Sequence[tuple[Doubles, bool]], abstain: float, sharpness: float) -> Doubles:
    """Return the score of the first candidate of each query, as ``rank.rank`` gives it."""
    return np.array([1 / np.exp(sharpness * (np.append(u, abstain) - u[0])).sum() for u, _ in answers])


def calibrated(answers: Sequence[tuple[Doubles, bool]]) -> tuple[float, float]:
    """Return the (abstain, sharpness) with the least mean squared distance of score and being right."""
    right = np.array([is_right for _, is_right in answers], dtype=np.float64)
    grid = [(a / 2, s / 10) for a in range(4, 41) for s in range(3, 21)]
    return min(grid, key=lambda pair: float(((top_scores(answers, *pair) - right) ** 2).mean()))


def best_threshold(scores: Doubles, right: npt.NDArray[np.bool_], answerable: int) -> float:
    """Return the threshold with the highest F1: right answers among answers, and among queries that have one."""

    def f1(threshold: float) -> float:
        given = scores >= threshold
        return float(2 * right[given].sum() / max(given.sum() + answerable, 1))

    return max((step / 50 for step in range(1, 50)), key=f1)


def main(arguments: Sequence[str]) -> None:
    """Fit on ICD-10-CM, and with an evaluation file calibrate on its even rows and report on its odd ones."""
    made = Examples(open_table("icd10cm"))
    weights = fitted_weights(made.from_synonyms(8000))
    for name, weight in zip(WEIGHTS, weights, strict=True):
        sys.stdout.write(f'    "{name}": {weight:.1f},\n')
    for file in arguments:
        _calibrate(made, np.round(weights, 1), read_phrases(Path(file)))


def _calibrate(made: Examples, weights: Doubles, phrases: Sequence[Phrase]) -> None:
    asked = [made.example(phrase.text, made.row_of.get(phrase.code, -1)) for phrase in phrases]
    idle = [made.example(text, -1) for text in NOT_CLINICAL]
    fit, held = (top_answers([*asked[half::2], *idle[half::2]], weights) for half in (0, 1))
    abstain, sharpness = calibrated(fit)
    right = np.array([is_right for _, is_right in fit])
    threshold = best_threshold(top_scores(fit, abstain, sharpness), right, len(asked[0::2]))
    sys.stdout.write(f"ABSTAIN {abstain}  SHARPNESS {sharpness}  THRESHOLD {threshold}\n")
    for name, half in (("even rows (fitted)", fit), ("odd rows (held out)", held)):
        _report(name, top_scores(half, abstain, sharpness), np.array([ok for _, ok in half]), threshold)


def _report(name: str, scores: Doubles, right: npt.NDArray[np.bool_], threshold: float) -> None:
    idle = len(NOT_CLINICAL) // 2
    given = scores >= threshold
    sys.stdout.write(
        f"{name}: answers {given.sum()} of {len(scores)}, right {right[given].mean():.3f}; "
        f"abstains on {1 - given[-idle:].mean():.2f} of what is not clinical; "
        f"squared distance {((scores - right) ** 2).mean():.3f}\n"
    )
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        within = (scores >= low) & (scores < low + 0.2 + 1e-9 * (low > 0.7))
        if within.any():
            share, mean = right[within].mean(), scores[within].mean()
            sys.stdout.write(f"  score {mean:.2f} on average: right {share:.2f} ({within.sum()})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
