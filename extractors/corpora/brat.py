"""brat standoff: a folder of NAME.txt with NAME.ann (https://brat.nlplab.org/standoff.html)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from extractors.document import Document, ExtractionError, Mention, Relation

POLARITY = {"NEG": "absent", "UNCERTAIN": "possible", "MAYBE_POS": "possible", "MAYBE_NEG": "possible"}
"""MACCROBAT2020's POLARITY values as assertion statuses."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """A document of a corpus under its name.

    Attributes:
        id: The file's stem.
        document: Mentions and binary relations.
        groups: n-ary equivalences (``*`` lines): their label and members.
    """

    id: str
    document: Document
    groups: tuple[tuple[str, tuple[Mention, ...]], ...] = ()


def read_brat(folder: Path) -> list[Annotated]:
    """Return the annotated documents of a folder, by name.

    A discontinuous span becomes the span from its first to its last character; two mentions alike in span and label
    become one.

    Raises:
        ExtractionError: If there is no .ann file, a .txt is missing, or a line breaks the format; names file:line.
    """
    files = sorted(folder.glob("*.ann"))
    if not files:
        raise ExtractionError(f"{folder}: no .ann file")
    return [_read_file(file) for file in files]


def _read_file(file: Path) -> Annotated:
    """Return one annotated document."""
    source = file.with_suffix(".txt")
    if not source.is_file():
        raise ExtractionError(f"{file}: {source.name} is missing")
    text = source.read_bytes().decode("utf-8")
    lines = [(f"{file}:{n}", line) for n, line in enumerate(file.read_text("utf-8").split("\n"), 1) if line.strip()]
    mentions = {key: _mention(where, line, text) for where, line in lines if (key := line.split("\t")[0])[0] == "T"}
    events = {line.split("\t")[0]: _trigger(where, line, mentions) for where, line in lines if line[0] == "E"}
    arguments = mentions | events
    status = dict(filter(None, (_polarity(where, line, arguments) for where, line in lines if line[0] in "AM")))
    final = {m: replace(m, assertion=status.get(m, m.assertion)) for m in mentions.values()}
    relations = {_relation(where, line, arguments, final) for where, line in lines if line[0] == "R"}
    groups = tuple(_group(where, line, arguments, final) for where, line in lines if line[0] == "*")
    return Annotated(file.stem, make_document(text, final.values(), relations), groups)


def make_document(text: str, mentions: Iterable[Mention], relations: Iterable[Relation]) -> Document:
    """Return a document with mentions and relations each once, in order."""
    ordered = sorted(set(mentions), key=lambda m: (m.start, m.end, m.label))
    linked = sorted({(r.head.start, r.head.end, r.tail.start, r.tail.end, r.label, r.head.label, r.tail.label): r
                     for r in relations if r.head != r.tail}.items())  # fmt: skip
    return Document(text, tuple(ordered), tuple(relation for _, relation in linked))


def _mention(where: str, line: str, text: str) -> Mention:
    """Return the mention of a ``T`` line, checked against the text."""
    fields = line.split("\t")
    parts = fields[1].split(" ", 1) if len(fields) >= 3 else []
    try:
        offsets = [int(number) for piece in parts[1].split(";") for number in piece.split()]
    except (IndexError, ValueError):
        raise ExtractionError(f"{where}: expected 'ID<tab>LABEL START END<tab>TEXT'") from None
    start, end = offsets[0], offsets[-1]
    if not 0 <= start < end <= len(text):
        raise ExtractionError(f"{where}: span {start}-{end} leaves the text of {len(text)} characters")
    return Mention(start, end, parts[0], text[start:end])


def _trigger(where: str, line: str, mentions: Mapping[str, Mention]) -> Mention:
    """Return the mention that an ``E`` line stands for."""
    fields = line.split("\t")
    trigger = fields[1].split()[0].partition(":")[2] if len(fields) > 1 and fields[1].strip() else ""
    return _argument(where, trigger, mentions)


def _argument(where: str, key: str, mentions: Mapping[str, Mention]) -> Mention:
    """Return the mention called ``key``."""
    if key not in mentions:
        raise ExtractionError(f"{where}: no annotation {key!r}")
    return mentions[key]


def _polarity(where: str, line: str, arguments: Mapping[str, Mention]) -> tuple[Mention, str] | None:
    """Return which mention an attribute line makes absent or possible, if it is one of polarity."""
    fields = ([*line.split("\t"), ""])[1].split()
    if len(fields) == 3 and fields[0] == "POLARITY" and fields[2] in POLARITY:
        return _argument(where, fields[1], arguments), POLARITY[fields[2]]
    return None


def _relation(where: str, line: str, arguments: Mapping[str, Mention], final: Mapping[Mention, Mention]) -> Relation:
    """Return the relation of an ``R`` line."""
    fields = line.split("\t")[1].split() if "\t" in line else []
    if len(fields) != 3:
        raise ExtractionError(f"{where}: expected 'ID<tab>LABEL Arg1:ID Arg2:ID'")
    head, tail = (_argument(where, field.partition(":")[2], arguments) for field in fields[1:])
    return Relation(final[head], final[tail], fields[0])


def _group(
    where: str, line: str, arguments: Mapping[str, Mention], final: Mapping[Mention, Mention]
) -> tuple[str, tuple[Mention, ...]]:
    """Return label and members of a ``*`` line."""
    label, *members = line.split("\t")[1].split() if "\t" in line else [""]
    return label, tuple(final[_argument(where, member, arguments)] for member in members)
