"""PubTator text (Wei et al. 2013): abstracts, mentions with concepts, relations of concepts; BC5CDR, NCBI disease."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, check_text, make_document, mention_at
from extractors.corpora.files import corpus_files, numbered_lines
from extractors.document import ExtractionError, Mention, Relation
from extractors.text import sentences

PATTERNS = ("*.txt", "*.pubtator")
BC5CDR_LABELS = ("Chemical", "Disease")
BC5CDR_RELATIONS = ("CID",)
NCBI_LABELS = ("CompositeMention", "DiseaseClass", "Modifier", "SpecificDisease")

_HEAD = re.compile(r"([^|\t]+)\|([ta])\|(.*)")
_SEVERAL = re.compile(r"[|,;+]")
_Row = tuple[str, list[str]]


@dataclass(slots=True)
class _Block:
    """The lines of one abstract."""

    where: str
    pmid: str
    text: str = field(repr=False)
    rows: list[_Row] = field(default_factory=list, repr=False)


def read_pubtator(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    r"""Return the abstracts of a file or of a folder's files, in order of reading; of two that are alike, one.

    The text is title, ``\n``, abstract: PubTator counts one character between them, and a line break ends the title's
    sentence. Mentions may overlap; blanks at the edges of a span are cut off. Concepts are in ``Annotated.codes`` as
    written (several joined by ``|`` or ``+``), without ``-1``.

    PubTator relates concepts, not mentions. A relation of two concepts becomes one of every mention of the first (head)
    with every mention of the second (tail) in the same sentence; a pair of concepts that never share a sentence gives
    none: in BC5CDR about a quarter of the 3,116.

    Raises:
        ExtractionError: If a line breaks the format, leaves the text, disagrees with it, relates a concept that has no
            mention, or has a label or relation that is not among those given; names file:line.
    """
    return _read_files(corpus_files(path, PATTERNS), labels, relations)


def read_bc5cdr(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the abstracts of one file of BC5CDR (Li et al. 2016) or of the folder's three, as ``read_pubtator``.

    CID runs from the chemical (head) to the disease that it induces.
    """
    known = (BC5CDR_LABELS if labels is None else labels, BC5CDR_RELATIONS if relations is None else relations)
    return _read_files(corpus_files(path, ("CDR_*Set.PubTator.txt",)), *known)


def read_ncbi_disease(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the abstracts of one file of the NCBI disease corpus (Dogan et al. 2014) or of the folder's three.

    As ``read_pubtator``; there are no relations.
    """
    known = NCBI_LABELS if labels is None else labels
    return _read_files(corpus_files(path, ("NCBI*set_corpus.txt",)), known, relations)


def _read_files(
    files: Iterable[Path], labels: Collection[str] | None, relations: Collection[str] | None
) -> list[Annotated]:
    """Return the abstracts of some files, each once."""
    found: dict[str, Annotated] = {}
    for file in files:
        for block in _blocks(file):
            item = _annotated(block, labels, relations)
            if found.setdefault(item.id, item) != item:
                raise ExtractionError(f"{block.where}: {block.pmid} was read before with another text or annotation")
    return list(found.values())


def _blocks(file: Path) -> list[_Block]:
    """Return the lines of a file by abstract."""
    blocks: list[_Block] = []
    for where, line in numbered_lines(file):
        head = _HEAD.fullmatch(line)
        key = line.split("\t")[0] if head is None else head[1]
        if head is not None and head[2] == "t":
            blocks.append(_Block(where, key, head[3]))
            continue
        if not blocks or blocks[-1].pmid != key:
            raise ExtractionError(f"{where}: expected 'PMID|t|TITLE' before the lines of an abstract")
        if head is None:
            blocks[-1].rows.append((where, line.split("\t")))
        else:
            blocks[-1].text += "\n" + head[3]
    return blocks


def _annotated(block: _Block, labels: Collection[str] | None, relations: Collection[str] | None) -> Annotated:
    """Return the abstract of some lines."""
    codes: dict[Mention, str] = {}
    for where, row in block.rows:
        if not _is_relation(row):
            mention = _mention(where, row, block.text)
            check_known(where, "label", mention.label, labels)
            written = row[5].strip() if len(row) > 5 else ""
            codes[mention] = "|".join(filter(None, dict.fromkeys([codes.get(mention, ""), written])))
    by_code: dict[str, list[Mention]] = {}
    for mention, written in codes.items():
        for code in filter(None, map(str.strip, _SEVERAL.split(written))):
            by_code.setdefault(code, []).append(mention)
    starts = [start for start, _ in sentences(block.text)]
    linked: list[Relation] = []
    for where, row in block.rows:
        if _is_relation(row):
            check_known(where, "relation", row[1], relations)
            heads, tails = (_mentions_of(where, code, by_code) for code in row[2:4])
            linked += [Relation(h, t, row[1]) for h, t in product(heads, tails) if _same_sentence(starts, h, t)]
    coded = {mention: code for mention, code in codes.items() if code not in ("", "-1")}
    return Annotated(block.pmid, make_document(block.text, codes, linked), codes=coded)


def _is_relation(row: Sequence[str]) -> bool:
    """Tell whether a row is ``PMID TYPE CONCEPT CONCEPT``; BioRED has a fifth column that says what is new."""
    return len(row) in (4, 5) and not row[1].strip().lstrip("-").isdigit()


def _mention(where: str, row: Sequence[str], text: str) -> Mention:
    """Return the mention of ``PMID START END TEXT LABEL``, with or without concept and parts behind."""
    try:
        start, end, written, label = int(row[1]), int(row[2]), row[3], row[4].strip()
    except (IndexError, ValueError):
        raise ExtractionError(
            f"{where}: expected 'PMID<tab>START<tab>END<tab>TEXT<tab>LABEL', with or without '<tab>CONCEPT', or "
            "'PMID<tab>RELATION<tab>CONCEPT<tab>CONCEPT'"
        ) from None
    mention = mention_at(where, text, start, end, label)
    check_text(where, start, end, mention.text, written)
    return mention


def _mentions_of(where: str, code: str, by_code: dict[str, list[Mention]]) -> list[Mention]:
    """Return the mentions of a concept."""
    if code.strip() not in by_code:
        raise ExtractionError(f"{where}: concept {code.strip()!r} has no mention in the abstract")
    return by_code[code.strip()]


def _same_sentence(starts: Sequence[int], head: Mention, tail: Mention) -> bool:
    """Tell whether two mentions begin in the same sentence."""
    return bisect_right(starts, head.start) == bisect_right(starts, tail.start)
