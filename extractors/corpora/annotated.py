"""What every corpus reader returns: documents under their names, with what a corpus knows beyond mentions."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from extractors.document import Document, ExtractionError, Mention, Relation


@dataclass(frozen=True, slots=True)
class Annotated:
    """A document of a corpus under its name.

    Attributes:
        id: The file's stem, or ``PMID:n/...`` for a sentence of an abstract.
        document: Mentions and binary relations.
        groups: n-ary equivalences (brat's ``*`` lines): their label and members.
        codes: The concept of a mention as the corpus writes it (``D008661``, ``D002318|D012131``), where it has one.
    """

    id: str
    document: Document
    groups: tuple[tuple[str, tuple[Mention, ...]], ...] = ()
    codes: Mapping[Mention, str] = field(default_factory=dict, hash=False)


class Reader(Protocol):
    """A function that reads a corpus; labels or relations outside those given are an error at their line.

    None stands for those of the corpus, or for any where users name their own.
    """

    def __call__(
        self, path: Path, /, labels: Collection[str] | None = None, relations: Collection[str] | None = None
    ) -> list[Annotated]:
        """Return the documents in an order that does not depend on the file system."""
        ...


def make_document(text: str, mentions: Iterable[Mention], relations: Iterable[Relation]) -> Document:
    """Return a document with mentions and relations each once, in order."""
    ordered = sorted(set(mentions), key=lambda m: (m.start, m.end, m.label))
    linked = sorted({(r.head.start, r.head.end, r.tail.start, r.tail.end, r.label, r.head.label, r.tail.label): r
                     for r in relations if r.head != r.tail}.items())  # fmt: skip
    return Document(text, tuple(ordered), tuple(relation for _, relation in linked))


def mention_at(where: str, text: str, start: int, end: int, label: str) -> Mention:
    """Return the mention of a span without the blanks at its edges.

    Raises:
        ExtractionError: If the span leaves the text or holds no visible character.
    """
    if not 0 <= start < end <= len(text):
        raise ExtractionError(f"{where}: span {start}-{end} leaves the text of {len(text)} characters")
    piece = text[start:end]
    if not piece.strip():
        raise ExtractionError(f"{where}: span {start}-{end} is blank")
    start, end = start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
    return Mention(start, end, label, text[start:end])


def check_text(where: str, start: int, end: int, found: str, written: str) -> None:
    """Check that an annotation repeats what stands at its offsets, but for white space.

    Raises:
        ExtractionError: If it does not.
    """
    if "".join(found.split()) != "".join(written.split()):
        raise ExtractionError(
            f"{where}: the text at {start}-{end} is not the annotation's; "
            "offsets count code points of the file as it stands, from 0, CR and LF as two"
        )


def check_known(where: str, kind: str, label: str, known: Collection[str] | None) -> None:
    """Check that a label, relation or assertion is one of those known; None knows all.

    Raises:
        ExtractionError: If it is not.
    """
    if known is not None and label not in known:
        raise ExtractionError(f"{where}: {kind} {label!r} is not among {', '.join(sorted(known))}")


def check_labels(items: Iterable[Annotated], labels: Collection[str] | None, relations: Collection[str] | None) -> None:
    """Check documents whose files are no longer at hand.

    Raises:
        ExtractionError: At the first label or relation that is not known; names the document and the offsets.
    """
    for item in items:
        for mention in item.document.mentions:
            check_known(f"{item.id}: {mention.start}-{mention.end}", "label", mention.label, labels)
        for relation in item.document.relations:
            where = f"{item.id}: {relation.head.start}-{relation.head.end} {relation.tail.start}-{relation.tail.end}"
            check_known(where, "relation", relation.label, relations)
