"""Measure assertion status: ``python -m extractors.evaluate_assertion rsAnnotations.tsv`` or a folder of brat files.

NegEx/ConText test kit (a .tsv): the condition is the upper-cased span of its sentence; where a cut sentence no longer
holds it, the row is left out and counted. Scored are P, R and F1 of one class each: Negated against ``absent``,
Historical against ``historical``, another experiencer against ``associated_with_someone_else``, and "Not particular"
against ``hypothetical``. A mention has one status here, so a row that is both Negated and Historical in the kit can be
right in only one. The cues were tuned on the even line numbers; the odd ones are printed beside them, but a sentence
with several conditions may stand in both halves.

Brat (a folder): gold events; POLARITY NEG against ``absent``, UNCERTAIN, MAYBE_POS and MAYBE_NEG against ``possible``.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from extractors.assertion import LABELS, with_assertions
from extractors.document import Mention

FIRST_FILES = 60
"""Brat files measured, by name; the others stay unseen for whoever trains on them."""

NEGEX_CLASSES = {"Negated": "absent", "Historical": "historical", "Not particular": "hypothetical"}
POLARITIES = {"NEG": "absent", "UNCERTAIN": "possible", "MAYBE_POS": "possible", "MAYBE_NEG": "possible"}


class Case(NamedTuple):
    """A mention with the statuses that the gold standard gives it, and the one it was given."""

    line: int
    gold: frozenset[str]
    given: str


def negex_cases(path: Path) -> tuple[list[Case], int]:
    """Return the cases of the NegEx/ConText kit, and how many rows do not hold their condition."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    cases, missing = [], 0
    for line, condition, sentence, negation, temporality, experiencer in rows:
        match = re.search(r"\s+".join(map(re.escape, condition.upper().split())), sentence)
        if match is None:
            missing += 1
            continue
        gold = {NEGEX_CLASSES[value] for value in (negation, temporality) if value in NEGEX_CLASSES}
        if experiencer.strip() != "Patient":
            gold.add("associated_with_someone_else")
        mention = Mention(match.start(), match.end(), "Disease_disorder", match[0])
        cases.append(Case(int(line), frozenset(gold), with_assertions(sentence, [mention])[0].assertion))
    return cases, missing


def brat_cases(folder: Path) -> list[Case]:
    """Return the events of the first brat files with their polarity."""
    cases = []
    for number, path in enumerate(sorted(folder.glob("*.ann"))[:FIRST_FILES]):
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        mentions, polarity = _brat(text, path.read_text(encoding="utf-8"))
        for (event, _), mention in zip(mentions, with_assertions(text, [m for _, m in mentions]), strict=True):
            gold = frozenset({POLARITIES[polarity[event]]} if polarity.get(event) in POLARITIES else ())
            cases.append(Case(number, gold, mention.assertion))
    return cases


def _brat(text: str, annotations: str) -> tuple[list[tuple[str, Mention]], dict[str, str]]:
    """Return the event mentions with their ids, and the polarity of ids."""
    lines = [line.split("\t") for line in annotations.splitlines()]
    events = {line[1].strip().split(":")[1]: line[0] for line in lines if line[0].startswith("E")}
    polarity = {line[1].split()[1]: line[1].split()[2] for line in lines if line[1].startswith("POLARITY")}
    mentions = []
    for identifier, fields in (
        (line[0], line[1].replace(";", " ").split()) for line in lines if line[0].startswith("T")
    ):
        start, end = int(fields[1]), int(fields[-1])
        if identifier in events and fields[0] in LABELS:
            mentions.append((events[identifier], Mention(start, end, fields[0], text[start:end])))
    return mentions, polarity


def scores(cases: Iterable[Case], status: str) -> str:
    """Return P, R and F1 of a status as a line."""
    pairs = [(status in case.gold, case.given == status) for case in cases]
    right = sum(gold and given for gold, given in pairs)
    given, gold = sum(given for _, given in pairs), sum(gold for gold, _ in pairs)
    precision, recall = right / max(given, 1), right / max(gold, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"{status:29s} P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  ({gold} gold, {given} given, of {len(pairs)})"


def report(path: Path) -> Iterator[str]:
    """Yield the lines of the report on a file of the kit or a folder of brat files."""
    if path.is_dir():
        cases = brat_cases(path)
        yield f"{path.name}: first {FIRST_FILES} files by name, gold events, one status a mention"
        yield from (scores(cases, status) for status in ("absent", "possible"))
        return
    cases, missing = negex_cases(path)
    yield f"{path.name}: {len(cases)} rows, {missing} left out (condition not in the sentence), one status a mention"
    for name, rest in (("even line numbers (tuned on)", 0), ("odd line numbers (held out)", 1)):
        yield name
        half = [case for case in cases if case.line % 2 == rest]
        yield from (scores(half, s) for s in (*NEGEX_CLASSES.values(), "associated_with_someone_else"))


def main(arguments: Sequence[str]) -> None:
    """Print the reports on the paths given."""
    for argument in arguments:
        sys.stdout.writelines(f"{line}\n" for line in report(Path(argument)))


if __name__ == "__main__":
    main(sys.argv[1:])
