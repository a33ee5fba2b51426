"""Where the numbers of ``weights`` come from.

    python -m resolvers.fit icd10cm EVALUATION.tsv
    python benchmarks/coding.py DATA --part train --write TRAIN.tsv
    python -m resolvers.fit mesh TRAIN.tsv

**A classification** is fitted on ICD-10-CM itself. A synonym of a leaf is asked for as if the table did not hold it
(every name with the same words is taken out, in three of four examples), and the weights are those under which the leaf
is most probable: a conditional logit. The word vectors have learnt from these very synonyms, so meaning takes no part
in it; its weight is ``MEANING``. The weights in use are those of this fit when rapidfuzz's ``token_set_ratio`` was a
feature too, with half of its weight at "letters in order": what is printed now is near them, and 1.3 points worse on
the development part of the index, mostly by its lower "said" (docs/coding.md); "is found by many names", "said by what
is above" and "unspecified, not all said" were chosen on that part. The utility of abstaining, the sharpness and the
threshold are chosen on the even rows of the evaluation file together with ``NOT_CLINICAL``, so that scores are
near the share of right answers.

**A terminology** is fitted on phrases with codes: the annotated mentions of the training parts of NCBI disease and
BC5CDR, each as often as it is mentioned up to ``TIMES``, three quarters for the weights and a quarter for the rest. The
phrases teach some twenty weights; none enters a table. The weights in use are of all four quarters, with the words of
``meanings`` as they were a little earlier: what is printed now differs by 0.6 at most.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ontologies.arrays import firsts
from resolvers.evaluate import read_phrases
from resolvers.index import TableResolver, open_resolver
from resolvers.names import SYNONYM
from resolvers.weights import WEIGHTS

Doubles = npt.NDArray[np.float64]

TIMES = 4
"""Times that a phrase counts, however often it is mentioned; chosen, so that few words do not rule."""

BIASED = ("means the query", "is preferred", "is found by many names")
"""Features that synonyms of a table cannot teach: the vectors know them, and what is asked for is never the preferred
name and always has another."""

MEANING = 4.0
"""Weight of "means the query" in a classification; chosen of 0, 2, 4, 6 and 8 on the development part of the ICD-10-CM
index (accuracy .693, .707, .710, .703, .700)."""

AGAINST = ("adds words", "adds rare words", "adds a setting", "contradicts", "unspecified, not all said", "inherited")
"""Features that speak against a name; all others speak for it. No weight may have the other sign: what annotators of
one corpus are used to shall not make an exact name worse than another."""

LEAST = {"is the query": 2.0, "is written so": 1.0}
"""Weights that are not fitted to less: a name that is the query is its answer, though annotators often choose what
stands above it. It cost nothing on the development parts of NCBI disease and BC5CDR."""

MOST = {"means the query": 6.0}
"""Weights that are not fitted to more: mentions of abstracts that share no word with a name ask for more meaning than
what is said in notes, which mostly has the words of the table."""

NOT_CLINICAL = (
    "the patient", "Tuesday", "follow up with family", "home", "the hospital", "2 weeks", "nurse", "insurance card",
    "parking lot", "she was discharged", "Dr. Smith", "next appointment", "informed consent", "last month", "daughter",
    "no complaints", "per protocol", "in the morning", "the results", "emergency department", "a 54-year-old man",
    "as needed", "written instructions", "phone call", "our clinic", "primary care", "medical record", "history",
    "the procedure", "Boston",
)  # fmt: skip
"""What a note says beside what a patient has; no code is right for any of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A phrase with its right codes.

    Attributes:
        text: What is asked for.
        codes: Any of them is right; none is.
        roots: The codes that it is looked for below; none is the whole table.
        times: How often it counts.
        is_masked: Whether names that are the phrase are taken out.
    """

    text: str
    codes: frozenset[str] = frozenset()
    roots: tuple[str, ...] = ()
    times: int = 1
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A phrase with its candidates, by concept.

    Attributes:
        features: ``(names, features)``, the names of a concept beside each other.
        starts: Where the names of each concept begin, ``(concepts,)``.
        right: Whether each concept is right, ``(concepts,)``.
        times: How often it counts.
    """

    features: Doubles
    starts: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]
    times: int

    def utilities(self, weights: Doubles) -> tuple[Doubles, npt.NDArray[np.int64]]:
        """Return the utility of each concept's best name, and which name that is."""
        all_of_them = self.features @ weights
        ends = np.append(self.starts[1:], len(all_of_them))
        places = [start + int(all_of_them[start:end].argmax()) for start, end in zip(self.starts, ends, strict=True)]
        best = np.array(places)
        return all_of_them[best], best


def examples(resolver: TableResolver, phrases: Sequence[Asked]) -> list[Example | None]:
    """Return the candidates of some phrases; None where nothing is found."""
    found = []
    for phrase in phrases:
        part = resolver.within(phrase.roots)
        names, features = part.features(phrase.text)
        if phrase.is_masked:
            kept = features[:, list(WEIGHTS).index("is the query")] == 0
            names, features = names[kept], features[kept]
        found.append(_example(part, names, features, phrase) if len(names) else None)
    return found


def _example(resolver: TableResolver, names: npt.NDArray[np.int32], features: Doubles, phrase: Asked) -> Example:
    rows = resolver.arrays["name_rows"][names]
    order = np.argsort(rows, kind="stable")
    starts = firsts(rows[order])
    right = {resolver.row_of(code) for code in phrase.codes}
    is_right = np.array([row in right for row in rows[order][starts].tolist()], dtype=np.bool_)
    return Example(features[order], starts, is_right, phrase.times)


def synonyms(resolver: TableResolver, count: int, seed: int = 0) -> Iterator[Asked]:
    """Yield synonyms of leaves drawn at random, three of four to be masked."""
    random = np.random.default_rng(seed)
    arrays, rows = resolver.arrays, resolver.table.rows
    usable = arrays["row_is_usable"][arrays["name_rows"]]
    for name in random.permutation(np.flatnonzero((arrays["name_kinds"] == SYNONYM) & usable))[:count].tolist():
        concept = rows[int(arrays["name_rows"][name])]
        text = concept.names[int(arrays["name_indices"][name])]
        yield Asked(text, frozenset((concept.code,)), is_masked=bool(random.random() < 0.75))


def fitted_weights(
    found: Sequence[Example | None], weights: Doubles, is_taught: npt.NDArray[np.bool_], rounds: int = 4
) -> Doubles:
    """Return the weights that make the right concepts most probable, each concept standing with its best name.

    Args:
        found: The examples; those without a right candidate teach nothing.
        weights: To begin with.
        is_taught: Which of them may change.
        rounds: How often the best names are chosen anew.
    """
    usable = [example for example in found if example is not None and example.right.any()]
    for _ in range(rounds):
        chosen = [(example.features[example.utilities(weights)[1]], example) for example in usable]
        weights = _ascend(chosen, weights, is_taught)
    return weights


def _ascend(
    chosen: Sequence[tuple[Doubles, Example]], weights: Doubles, is_taught: npt.NDArray[np.bool_], steps: int = 150
) -> Doubles:
    """Climb the mean log-likelihood with Adam (rate 0.3, L2 penalty 3e-4)."""
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    least = np.array([LEAST.get(name, -np.inf) for name in WEIGHTS])
    most = np.array([MOST.get(name, np.inf) for name in WEIGHTS])
    signs = np.array([-1.0 if name in AGAINST else 1.0 for name in WEIGHTS])
    total = sum(example.times for _, example in chosen)
    for step in range(1, steps + 1):
        gradient = -3e-4 * weights
        for features, example in chosen:
            shares = _shares(features @ weights)
            among_right = shares * example.right
            among_right /= max(among_right.sum(), 1e-12)
            gradient += example.times * ((among_right - shares) @ features) / total
        gradient *= is_taught
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        weights = weights + 0.3 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-6)
        weights = np.clip(np.where(weights * signs > 0, weights, 0.0), least, most)
    return weights


def _shares(utilities: Doubles) -> Doubles:
    powers = np.exp(utilities - utilities.max())
    shares: Doubles = powers / powers.sum()
    return shares


@dataclass(frozen=True, slots=True)
class Answers:
    """What weights say of some phrases.

    Attributes:
        utilities: Of the concepts of each, the best first.
        right: Whether the first is right, ``(phrases,)``.
        times: How often each counts, ``(phrases,)``.
    """

    utilities: tuple[Doubles, ...]
    right: npt.NDArray[np.bool_]
    times: Doubles

    def scores(self, abstain: float, sharpness: float) -> Doubles:
        """Return the score of the first concept of each, as ``rank.rank`` gives it."""
        return np.array([1 / np.exp(sharpness * (np.append(u, abstain) - u[0])).sum() for u in self.utilities])


def answers(found: Sequence[Example | None], weights: Doubles) -> Answers:
    """Return what weights say of some phrases; one that finds nothing has a utility that no abstaining is below."""
    utilities, right = [], []
    for example in found:
        values = np.array([-50.0]) if example is None else example.utilities(weights)[0]
        utilities.append(-np.sort(-values))
        right.append(example is not None and bool(example.right[values.argmax()]))
    times = [1.0 if example is None else float(example.times) for example in found]
    return Answers(tuple(utilities), np.array(right, dtype=np.bool_), np.array(times))


def calibrated(said: Answers) -> tuple[float, float]:
    """Return the (abstain, sharpness) with the least mean squared distance of score and being right."""
    grid = [(a / 2, s / 10) for a in range(0, 41) for s in range(3, 21)]
    return min(grid, key=lambda pair: float((said.scores(*pair) - said.right) ** 2 @ said.times))


def best_threshold(scores: Doubles, said: Answers, answerable: float) -> float:
    """Return the threshold with the highest F1: right answers among answers, and among phrases that have one."""

    def f1(threshold: float) -> float:
        given = scores >= threshold
        return float(2 * (said.times * said.right)[given].sum() / max(said.times[given].sum() + answerable, 1))

    return max((step / 50 for step in range(1, 50)), key=f1)


def read_asked(file: Path) -> list[Asked]:
    """Return the phrases of a file with the columns phrase, codes, roots and times; several are joined by ``|``."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Asked(
                row["phrase"],
                frozenset(row["codes"].split("|")),
                tuple(filter(None, row["roots"].split("|"))),
                min(int(row["times"]), TIMES),
            )
            for row in rows
        ]


def main(arguments: Sequence[str]) -> None:
    """Fit and calibrate, and report on what took part in neither."""
    resolver, file = open_resolver(arguments[0]), Path(arguments[1])
    idle = [Asked(text) for text in NOT_CLINICAL]
    column = 0 if resolver.is_classification else 1
    start = np.array([pair[column] for pair in WEIGHTS.values()])
    is_taught = np.array([not (resolver.is_classification and name in BIASED) for name in WEIGHTS])
    if resolver.is_classification:
        taught = list(synonyms(resolver, 8000))
        kept = [Asked(phrase.text, frozenset((phrase.code,))) for phrase in read_phrases(file)]
    else:
        known = frozenset(resolver.table.by_code)
        asked = [Asked(p.text, p.codes & known, p.roots, p.times) for p in read_asked(file) if p.codes & known]
        taught = [phrase for i, phrase in enumerate(asked) if i % 4]
        kept = asked[0::4]
    fit, held = [*kept[0::2], *idle[0::2]], [*kept[1::2], *idle[1::2]]
    weights = np.round(fitted_weights(examples(resolver, taught), start * is_taught, is_taught), 1)
    if resolver.is_classification:
        weights[list(WEIGHTS).index("means the query")] = MEANING
    sys.stdout.write(f"{len(taught)} examples\n")
    for name, weight in zip(WEIGHTS, weights, strict=True):
        sys.stdout.write(f'    "{name}": {weight:.1f},\n')
    _calibrate(resolver, weights, fit, held)


def _calibrate(resolver: TableResolver, weights: Doubles, fit: Sequence[Asked], held: Sequence[Asked]) -> None:
    said = answers(examples(resolver, fit), weights)
    abstain, sharpness = calibrated(said)
    threshold = best_threshold(said.scores(abstain, sharpness), said, float(sum(p.times for p in fit if p.codes)))
    sys.stdout.write(f"({abstain}, {sharpness})  threshold {threshold}\n")
    for name, one in (("fitted", said), ("held out", answers(examples(resolver, held), weights))):
        _report(name, one.scores(abstain, sharpness), one, threshold)


def _report(name: str, scores: Doubles, said: Answers, threshold: float) -> None:
    idle = len(NOT_CLINICAL) // 2
    given = scores >= threshold
    sys.stdout.write(
        f"{name}: first is right {np.average(said.right[:-idle], weights=said.times[:-idle]):.3f}; "
        f"answers {given.sum()} of {len(scores)}, right {said.right[given].mean():.3f}; "
        f"abstains on {1 - given[-idle:].mean():.2f} of what is not clinical; "
        f"squared distance {((scores - said.right) ** 2).mean():.3f}\n"
    )
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        within = (scores >= low) & (scores < low + 0.2 + 1e-9 * (low > 0.7))
        if within.any():
            share, mean = said.right[within].mean(), scores[within].mean()
            sys.stdout.write(f"  score {mean:.2f} on average: right {share:.2f} ({within.sum()})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
