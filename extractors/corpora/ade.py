"""ADE corpus v2 (Gurulingappa et al. 2012) in SpERT's ten folds, the variant without overlapping mentions."""

from collections.abc import Collection
from pathlib import Path

from extractors.corpora.annotated import Annotated
from extractors.corpora.files import json_items, numbered_lines
from extractors.corpora.leaks import sentence_key
from extractors.corpora.spert import text_id, token_document
from extractors.corpora.splits import Split
from extractors.document import ExtractionError

LABELS = ("Adverse-Effect", "Drug")
RELATIONS = ("Adverse-Effect",)
FOLDS = 10


def read_fold(
    folder: Path, fold: int, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> Split:
    """Return the parts of a fold, 0 to 9: SpERT's train part without and with its 15 % for validation, and test.

    An item is a sentence: the tokens of ``folds/{train,valid,test}.ADE{fold}.json.gz`` with a blank between, so every
    gold span begins and ends at a word of ``extractors.text.words``, which may split finer inside. Relations run from
    effect (head) to drug. Ids are ``PMID:n/...`` for the sentences found in ``DRUG-AE.rel``, which are all 4,153 of the
    published files; the rest, and all where that file is missing, are named by their text.

    Raises:
        ExtractionError: If there is no such fold, or an item breaks the format; names ``file: item N``.
        OSError: If a file is missing.
    """
    if not 0 <= fold < FOLDS:
        raise ExtractionError(f"ADE: expected a fold from 0 to {FOLDS - 1}, found {fold}")
    known = (LABELS if labels is None else labels, RELATIONS if relations is None else relations)
    pmids = _pmids(folder / "DRUG-AE.rel")
    parts = (folder / "folds" / f"{part}.ADE{fold}.json.gz" for part in ("train", "valid", "test"))
    return Split(*(_read_part(file, pmids, *known) for file in parts))


def read_ade(
    folder: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return all 4,153 sentences, which are those of any fold, by name.

    Raises:
        ExtractionError: As ``read_fold``.
    """
    split = read_fold(folder, 0, labels, relations)
    return sorted(split.train + split.validation + split.test, key=lambda item: (item.id, item.document.text))


def _read_part(
    file: Path, pmids: dict[str, str], labels: Collection[str], relations: Collection[str]
) -> list[Annotated]:
    """Return one part of a fold."""
    found = []
    for where, item in json_items(file):
        document = token_document(where, item, labels, relations)
        pmid = pmids.get(sentence_key(document.text))
        source = "ade" if pmid is None else f"PMID:{pmid}"
        found.append(Annotated(f"{source}/{text_id(document.text)}", document))
    return found


def _pmids(file: Path) -> dict[str, str]:
    """Return sentence key -> PMID; of two abstracts with the same sentence the first in the file."""
    pmids: dict[str, str] = {}
    for where, line in numbered_lines(file) if file.is_file() else []:
        fields = line.split("|")
        if len(fields) != 8:
            raise ExtractionError(f"{where}: expected 8 fields between |, found {len(fields)}")
        pmids.setdefault(sentence_key(fields[1]), fields[0])
    return pmids
