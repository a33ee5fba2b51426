"""The parts of a corpus that a model learns from, is chosen by and is measured on, and the lines that say which."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from extractors.corpora.ade import read_fold
from extractors.corpora.annotated import Annotated, make_document
from extractors.corpora.catalog import read_corpus
from extractors.corpora.leaks import drop_leaks, leak_report
from extractors.corpora.maccrobat import read_split
from extractors.corpora.splits import Split, folds, split
from extractors.document import Document, ExtractionError
from extractors.text import Span, sentences

PUBLISHED = ("ade", "bc5cdr", "chemprot", "ncbi_disease", "phee")
"""Corpora of published sentences and abstracts: the same one in two parts is a leak. Notes repeat phrases."""

LINES = ("i2b2_2010",)
"""Corpora that have one sentence a line."""

Ratio = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """Where annotated documents come from and how they are parted.

    Attributes:
        corpus: One of ``corpora.catalog.READERS``.
        path: Its folder or file.
        ratio: Shares of train, validation and test by document; None is the corpus's own split, else 3:1:1.
        seed: Of a random split.
        fold: ``N`` of ADE's published ten, or ``N/K`` of K by document; counted from 0.
        validation: Documents of their own for validation, in the same format.
        test: Documents of their own for the test.
        by_sentence: Whether each sentence becomes a document.
        drop: Whether training documents that share a sentence with held-out ones go; None: in published corpora.
    """

    corpus: str
    path: Path
    ratio: Ratio | None = None
    seed: int = 13
    fold: str | None = None
    validation: Path | None = None
    test: Path | None = None
    by_sentence: bool = False
    drop: bool | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The documents of a source.

    Attributes:
        train: Documents to learn from.
        validation: Documents that choose the epoch.
        test: Documents to measure on.
        protocol: One line: which split it is.
        leaks: One line: what the leak check found and dropped.
    """

    train: list[Document]
    validation: list[Document]
    test: list[Document]
    protocol: str
    leaks: str


def read_parts(source: Source) -> Parts:
    """Return the parts of a source.

    Raises:
        ExtractionError: If a file breaks its format, the split has no such fold, or options contradict each other.
    """
    found, protocol = _split(source)
    held_out = found.validation + found.test
    own_files = source.validation is not None or source.test is not None
    kept, dropped = drop_leaks(found.train, held_out, by_id=own_files)
    leaks = leak_report(source.corpus, len(kept), dropped)
    is_dropped = source.corpus in PUBLISHED if source.drop is None else source.drop
    if not is_dropped:
        kept, leaks = found.train, leaks.replace("dropped", "kept all; would drop") if dropped else leaks
    train, validation, test = ([item.document for item in part] for part in (kept, found.validation, found.test))
    if source.by_sentence:
        train, validation, test = (by_sentence(part, source) for part in (train, validation, test))
        protocol += "; each sentence by itself"
    return Parts(train, validation, test, protocol, leaks)


def settled(source: Source) -> Source:
    """Return a source with the split that it gets if it names none: MACCROBAT2020's own, else 3:1:1."""
    has_own = source.corpus == "maccrobat2020" and source.validation is None and source.test is None
    if source.ratio is not None or source.fold is not None or has_own:
        return source
    return replace(source, ratio=(3, 1, 1))


def parse_ratio(text: str) -> Ratio:
    """Return the shares that ``3:1:1`` names.

    >>> parse_ratio("3:1:1")
    (3, 1, 1)

    Raises:
        ExtractionError: If the text is of another form.
    """
    found = re.fullmatch(r"([0-9]{1,6}):([0-9]{1,6}):([0-9]{1,6})", text)
    if found is None:
        raise ExtractionError(f"split: expected shares of train, validation and test such as 3:1:1, found {text!r}")
    return int(found[1]), int(found[2]), int(found[3])


def local_relations(documents: Iterable[Document], least: float = 0.9) -> tuple[str, ...]:
    """Return the relations that lie within a sentence in at least that share of their cases.

    What a model reads of them across sentences is mostly wrong: leaving it out raises F1 (measured on MACCROBAT2020's
    validation split, where the four local ones lie in one line in 90 % of their cases or more, the others below 70 %).
    """
    seen: Counter[str] = Counter()
    local: Counter[str] = Counter()
    for document in documents:
        spans = sentences(document.text)
        for relation in document.relations:
            seen[relation.label] += 1
            first, last = sorted((relation.head, relation.tail), key=lambda m: m.start)
            local[relation.label] += any(start <= first.start and last.end <= end for start, end in spans)
    return tuple(sorted(label for label, count in seen.items() if local[label] >= least * count))


def sentence_reach(documents: Iterable[Document], least: float = 0.98) -> int:
    """Return how many sentences apart, at most, the arguments of at least that share of all relations are.

    0 is the same sentence. Pairs farther apart are many and seldom related (MACCROBAT2020's training part: 98.6 % of
    the relations reach the next sentence at most): to score them costs more than they bring.
    """
    apart: Counter[int] = Counter()
    for document in documents:
        starts = [start for start, _ in sentences(document.text)]
        for relation in document.relations:
            head, tail = (bisect_right(starts, mention.start) for mention in (relation.head, relation.tail))
            apart[abs(head - tail)] += 1
    counts = accumulate(apart[n] for n in range(max(apart, default=0) + 1))
    return next(n for n, count in enumerate(counts) if count >= least * apart.total())


def only_labels(documents: Sequence[Document], labels: Sequence[str]) -> list[Document]:
    """Return documents with the mentions of some labels, and the relations between them."""
    return [
        make_document(
            document.text,
            [mention for mention in document.mentions if mention.label in labels],
            [r for r in document.relations if r.head.label in labels and r.tail.label in labels],
        )
        for document in documents
    ]


def _split(source: Source) -> tuple[Split, str]:
    """Return the parts of a source before the leak check, and the line that says how they came about."""
    if source.fold is not None:
        if source.ratio or source.validation or source.test:
            raise ExtractionError("a fold has its own parts: give no split and no files for validation or test")
        return _fold(source, source.fold)
    ratio = settled(source).ratio
    if ratio is None:
        return _checked_in(source.path), "split by document, extractors/corpora/maccrobat2020.split.json"
    items = read_corpus(source.corpus, source.path)
    own = {name: path for name, path in (("validation", source.validation), ("test", source.test)) if path}
    shares = (ratio[0], 0 if "validation" in own else ratio[1], 0 if "test" in own else ratio[2])
    parts = split(items, shares, source.seed)
    for name, path in own.items():
        parts = replace(parts, **{name: read_corpus(source.corpus, path)})
    told = f"random split {':'.join(map(str, shares))} by document, seed {source.seed}"
    return parts, "; ".join([*([told] if any(shares[1:]) else []), *(f"{name}: {path}" for name, path in own.items())])


def _fold(source: Source, fold: str) -> tuple[Split, str]:
    """Return the parts of a fold."""
    number, _, count = fold.partition("/")
    if not re.fullmatch("[0-9]{1,6}(/[0-9]{1,6})?", fold):
        raise ExtractionError(f"fold: expected N, or N/K, found {fold!r}")
    if source.corpus == "ade" and not count:
        return read_fold(source.path, int(number)), f"fold {number} of SpERT's ten (published, no overlapping mentions)"
    if not count or int(number) >= int(count):
        raise ExtractionError(f"fold: expected N/K with N below K, such as 0/5, found {fold!r}")
    found = folds(read_corpus(source.corpus, source.path), int(count), source.seed)
    return found[int(number)], f"fold {number} of {count} by document, seed {source.seed}"


def _checked_in(path: Path) -> Split:
    """Return MACCROBAT2020's checked-in split."""
    parts = ("train", "validation", "test")
    return Split(*([Annotated(part, document) for document in read_split(part, path)] for part in parts))


def by_sentence(documents: Iterable[Document], source: Source) -> list[Document]:
    """Return each sentence as a document; sentences that share a mention stay together."""
    spans_of = _lines if source.corpus in LINES else sentences
    return [_piece(document, span) for document in documents for span in _joined(spans_of(document.text), document)]


def _lines(text: str) -> list[Span]:
    """Return the lines that are not blank."""
    spans, start = [], 0
    for line in text.splitlines(keepends=True):
        spans += [(start, start + len(line.rstrip("\r\n")))] * bool(line.strip())
        start += len(line)
    return spans


def _joined(spans: Iterable[Span], document: Document) -> list[Span]:
    """Return the spans, those that a mention ties together as one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and any(m.start < joined[-1][1] and start < m.end for m in document.mentions):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _piece(document: Document, span: Span) -> Document:
    """Return a part of a document, its mentions and the relations between them."""
    start, end = span
    moved = {
        mention: replace(mention, start=mention.start - start, end=mention.end - start)
        for mention in document.mentions
        if start <= mention.start and mention.end <= end
    }
    relations = [
        replace(relation, head=moved[relation.head], tail=moved[relation.tail])
        for relation in document.relations
        if relation.head in moved and relation.tail in moved
    ]
    return make_document(document.text[start:end], moved.values(), relations)
