"""Measure a resolver on phrases with codes: ``python -m resolvers.evaluate FILE [SYSTEM]``.

The file is tab-separated with a header and has at least the columns ``phrase``, ``code`` and ``bucket``.
"""

import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resolvers.candidate import Resolver
from resolvers.index import open_resolver


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase and its right code.

    Attributes:
        text: What is asked for.
        code: The right answer.
        bucket: The group it is counted in.
    """

    text: str
    code: str
    bucket: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a resolver was right.

    Attributes:
        count: Phrases asked for.
        at_1: Share whose first candidate has the right code, whatever its score.
        at_5: Share with the right code among the first five candidates.
        answered: Share whose first candidate reaches the threshold.
        precision: Share of those that are right; 0 where none is.
    """

    count: int
    at_1: float
    at_5: float
    answered: float
    precision: float


def read_phrases(file: Path) -> list[Phrase]:
    """Return the phrases of an evaluation file."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Phrase(row["phrase"], row["code"], row["bucket"]) for row in rows]


def accuracy(phrases: Sequence[Phrase], resolver: Resolver) -> dict[str, Accuracy]:
    """Return the accuracy by bucket, ``all`` first."""
    answers = resolver([phrase.text for phrase in phrases], 5)
    codes = [[candidate.concept.code for candidate in candidates] for candidates in answers]
    scores = [candidates[0].score if candidates else 0.0 for candidates in answers]
    groups = {"all": list(range(len(phrases)))}
    for index, phrase in enumerate(phrases):
        groups.setdefault(phrase.bucket, []).append(index)
    found = {}
    for bucket, group in groups.items():
        first = [i for i in group if codes[i][:1] == [phrases[i].code]]
        given = [i for i in group if scores[i] >= resolver.threshold and codes[i]]
        among = sum(phrases[i].code in codes[i] for i in group)
        precision = len(set(first) & set(given)) / len(given) if given else 0.0
        share = 1 / len(group)
        found[bucket] = Accuracy(len(group), len(first) * share, among * share, len(given) * share, precision)
    return found


def main(arguments: Sequence[str]) -> None:
    """Print protocol, accuracy by bucket and speed."""
    file, system = Path(arguments[0]), arguments[1] if len(arguments) > 1 else "icd10cm"
    resolver = open_resolver(system, lambda line: print(line, file=sys.stderr))  # noqa: T201
    phrases = read_phrases(file)
    start, used = time.perf_counter(), time.process_time()
    table = accuracy(phrases, resolver)
    wall, cpu = time.perf_counter() - start, time.process_time() - used
    lines = [
        f"{system} {resolver.release}, {len(phrases)} phrases of {file.name}; each phrase alone, no context;",
        f"right: the code itself, not a parent; threshold {resolver.threshold}",
        f"{'bucket':8} {'phrases':>7} {'acc@1':>6} {'acc@5':>6} {'answered':>8} {'precision':>9}",
        *(
            f"{bucket:8} {a.count:7} {a.at_1:6.3f} {a.at_5:6.3f} {a.answered:8.3f} {a.precision:9.3f}"
            for bucket, a in table.items()
        ),
        f"{len(phrases) / wall:.0f} queries/s ({len(phrases) / cpu:.0f} per second of processor time), first pass",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
