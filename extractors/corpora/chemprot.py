"""ChemProt (BioCreative VI track 5, Krallinger et al. 2017): relations of chemicals and genes in PubMed abstracts."""

from collections.abc import Collection
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, check_text, make_document, mention_at
from extractors.corpora.files import corpus_files, numbered_lines
from extractors.document import ExtractionError, Mention, Relation

LABELS = ("CHEMICAL", "GENE-N", "GENE-Y")
EVALUATED = ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
"""The groups that the task scores: up-regulator, down-regulator, agonist, antagonist, substrate."""

RELATIONS = tuple(f"CPR:{n}" for n in range(11))

_Table = list[tuple[str, list[str]]]


def read_chemprot(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    r"""Return the abstracts of a part (a folder with ``*_abstracts*.tsv``, entities and relations) or of several.

    The text is title, ``\n``, abstract. Head is the chemical, tail the gene. Kept are the relations of the five groups
    that the task scores. Of an abstract that is in two parts (the sample's are) the first by the name of its folder is
    taken.

    Raises:
        ExtractionError: If a file is missing or a line breaks the format, leaves the text, disagrees with it, names an
            unknown abstract or mention, or a label or relation that is not known; names file:line.
    """
    parts = sorted({file.parent for file in path.rglob("*_abstracts*.tsv")})
    if not parts:
        raise ExtractionError(f"{path}: no *_abstracts*.tsv file, nor one in a folder below")
    known = (LABELS if labels is None else labels, EVALUATED if relations is None else relations)
    found: dict[str, Annotated] = {}
    for part in parts:
        for item in _read_part(part, *known):
            found.setdefault(item.id, item)
    return list(found.values())


def _read_part(folder: Path, labels: Collection[str], relations: Collection[str]) -> list[Annotated]:
    """Return the abstracts of one part, by name."""
    texts = {pmid: f"{title}\n{abstract}" for _, (pmid, title, abstract) in _table(folder, "abstracts", 3)}
    mentions: dict[str, dict[str, Mention]] = {pmid: {} for pmid in texts}
    for where, (pmid, key, label, start, end, written) in _table(folder, "entities", 6):
        check_known(where, "label", label, labels)
        if pmid not in texts:
            raise ExtractionError(f"{where}: no abstract {pmid}")
        mentions[pmid][key] = _mention(where, texts[pmid], start, end, label, written)
    linked: dict[str, list[Relation]] = {pmid: [] for pmid in texts}
    for where, (pmid, group, evaluated, _, *arguments) in _table(folder, "relations", 6):
        check_known(where, "relation", group, RELATIONS)
        keys = [argument.partition(":")[2] for argument in arguments]
        if not all(key in mentions.get(pmid, {}) for key in keys):
            raise ExtractionError(f"{where}: no mention {' or '.join(keys)} in abstract {pmid}")
        if evaluated.strip() == "Y":
            check_known(where, "relation", group, relations)
            linked[pmid].append(Relation(mentions[pmid][keys[0]], mentions[pmid][keys[1]], group))
    return [Annotated(p, make_document(texts[p], mentions[p].values(), linked[p])) for p in sorted(texts)]


def _table(folder: Path, kind: str, columns: int) -> _Table:
    """Return the rows of a table of a part."""
    rows = []
    for file in corpus_files(folder, (f"*_{kind}*.tsv",)):
        for where, line in numbered_lines(file):
            fields = line.split("\t")
            if len(fields) != columns:
                raise ExtractionError(f"{where}: expected {columns} columns, found {len(fields)}")
            rows.append((where, fields))
    return rows


def _mention(where: str, text: str, start: str, end: str, label: str, written: str) -> Mention:
    """Return the mention of an entity's row."""
    if not (start.isdigit() and end.isdigit()):
        raise ExtractionError(f"{where}: expected offsets, found no numbers")
    mention = mention_at(where, text, int(start), int(end), label)
    check_text(where, mention.start, mention.end, mention.text, written)
    return mention
