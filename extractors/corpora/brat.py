"""brat standoff: a folder of NAME.txt with NAME.ann (https://brat.nlplab.org/standoff.html)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, check_text, make_document
from extractors.corpora.files import numbered_lines, read_text
from extractors.document import ASSERTIONS, ExtractionError, Mention, Relation

STATUS: dict[tuple[str, str], str] = {
    ("POLARITY", "NEG"): "absent",  # MACCROBAT2020
    ("POLARITY", "UNCERTAIN"): "possible",
    ("POLARITY", "MAYBE_POS"): "possible",
    ("POLARITY", "MAYBE_NEG"): "possible",
    ("Negation", ""): "absent",  # the binary attributes of the BioNLP shared tasks, brat's own example
    ("Speculation", ""): "possible",
    **{("Assertion", status): status for status in ASSERTIONS},
}
"""Name and value of an attribute -> assertion status; other attributes say nothing about it."""

_KINDS = "TERAMN#*"
_Lines = list[tuple[str, str]]


def read_brat(
    folder: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    r"""Return the annotated documents of a folder, by name.

    A discontinuous span becomes the span from its first to its last character; mentions may overlap, and two alike in
    span and label become one. A role of an event (``E1<tab>Change:T1 Theme:T2``) is a relation from its trigger, by
    the role's name without number. ``N`` lines (``Reference T1 MeSH:D006973``) are codes, ``#`` lines are passed over.
    A byte order mark before the annotations and ``\r\n`` line ends are taken as they come; in the text they count, as
    they do in brat.

    Args:
        folder: Files in pairs; other files are passed over.
        labels: Labels that a mention may have; None takes any.
        relations: Relations that are known, roles and ``*`` lines included; None takes any.

    Raises:
        ExtractionError: If there is no .ann file, a .txt is missing, or a line breaks the format, repeats an id, leaves
            the text, disagrees with it or has an unknown label; names file:line.
    """
    files = sorted(folder.glob("*.ann"))
    if not files:
        raise ExtractionError(f"{folder}: no .ann file")
    return [_read_file(file, labels, relations) for file in files]


def _read_file(file: Path, labels: Collection[str] | None, relations: Collection[str] | None) -> Annotated:
    """Return one annotated document."""
    source = file.with_suffix(".txt")
    if not source.is_file():
        raise ExtractionError(f"{file}: {source.name} is missing")
    text, lines = read_text(source), numbered_lines(file)
    _check_lines(lines, labels, relations)
    mentions = {line.split("\t")[0]: _mention(where, line, text) for where, line in lines if line[0] == "T"}
    events = {line.split("\t")[0]: _trigger(where, line, mentions) for where, line in lines if line[0] == "E"}
    arguments = mentions | events
    status = dict(filter(None, (_status(where, line, arguments) for where, line in lines if line[0] in "AM")))
    final = {m: replace(m, assertion=status.get(m, m.assertion)) for m in mentions.values()}
    named = {key: final[mention] for key, mention in arguments.items()}
    linked = {_relation(where, line, named) for where, line in lines if line[0] == "R"}
    linked.update(role for where, line in lines if line[0] == "E" for role in _roles(where, line, named, relations))
    groups = tuple(_group(where, line, named) for where, line in lines if line[0] == "*")
    codes = dict(_code(where, line, named) for where, line in lines if line[0] == "N")
    return Annotated(file.stem, make_document(text, final.values(), linked), groups, codes)


def _check_lines(lines: _Lines, labels: Collection[str] | None, relations: Collection[str] | None) -> None:
    """Check what can be said of a line by itself: its kind, that its id is new, that its label is known."""
    seen: dict[str, str] = {}
    for where, line in lines:
        key, _, rest = line.partition("\t")
        if key[0] == "#":
            continue
        if key[0] not in _KINDS or not rest.strip():
            raise ExtractionError(f"{where}: expected a line of kind {' '.join(_KINDS)}: ID<tab>ANNOTATION")
        if key[0] in "TER" and seen.setdefault(key, where) != where:
            raise ExtractionError(f"{where}: {key} is already at {seen[key]}")
        if key[0] == "T":
            check_known(where, "label", rest.split()[0], labels)
        elif key[0] in "R*":
            check_known(where, "relation", rest.split()[0], relations)


def _mention(where: str, line: str, text: str) -> Mention:
    """Return the mention of a ``T`` line, checked against the text."""
    fields = line.split("\t", 2)
    label, _, spans = fields[1].partition(" ")
    try:
        pieces = [(int(start), int(end)) for start, end in (piece.split() for piece in spans.split(";"))]
    except ValueError:
        pieces = []
    if len(fields) < 3 or not pieces:
        raise ExtractionError(f"{where}: expected 'ID<tab>LABEL START END<tab>TEXT'")
    for start, end in pieces:
        if not 0 <= start < end <= len(text):
            raise ExtractionError(f"{where}: span {start}-{end} leaves the text of {len(text)} characters")
    start, end = min(pieces)[0], max(end for _, end in pieces)
    check_text(where, start, end, "".join(text[a:b] for a, b in pieces), fields[2])
    return Mention(start, end, label, text[start:end])


def _trigger(where: str, line: str, mentions: Mapping[str, Mention]) -> Mention:
    """Return the mention that an ``E`` line stands for."""
    return _argument(where, line.split("\t")[1].split()[0].partition(":")[2], mentions)


def _argument(where: str, key: str, mentions: Mapping[str, Mention]) -> Mention:
    """Return the mention called ``key``."""
    if key not in mentions:
        raise ExtractionError(f"{where}: no annotation {key!r}")
    return mentions[key]


def _status(where: str, line: str, arguments: Mapping[str, Mention]) -> tuple[Mention, str] | None:
    """Return which mention an attribute line gives an assertion status, if it does."""
    name, key, value = (*line.split("\t")[1].split(), "", "")[:3]
    status = STATUS.get((name, value))
    return None if status is None else (_argument(where, key, arguments), status)


def _relation(where: str, line: str, named: Mapping[str, Mention]) -> Relation:
    """Return the relation of an ``R`` line."""
    fields = line.split("\t")[1].split()
    if len(fields) != 3:
        raise ExtractionError(f"{where}: expected 'ID<tab>LABEL Arg1:ID Arg2:ID'")
    head, tail = (_argument(where, field.partition(":")[2], named) for field in fields[1:])
    return Relation(head, tail, fields[0])


def _roles(
    where: str, line: str, named: Mapping[str, Mention], relations: Collection[str] | None
) -> Iterable[Relation]:
    """Yield the roles of an ``E`` line as relations."""
    trigger, *roles = (field.partition(":") for field in line.split("\t")[1].split())
    for role, _, key in roles:
        label = role.rstrip("0123456789")
        check_known(where, "relation", label, relations)
        yield Relation(_argument(where, trigger[2], named), _argument(where, key, named), label)


def _group(where: str, line: str, named: Mapping[str, Mention]) -> tuple[str, tuple[Mention, ...]]:
    """Return label and members of a ``*`` line."""
    label, *members = line.split("\t")[1].split()
    return label, tuple(_argument(where, member, named) for member in members)


def _code(where: str, line: str, named: Mapping[str, Mention]) -> tuple[Mention, str]:
    """Return mention and code of an ``N`` line."""
    fields = line.split("\t")[1].split()
    if len(fields) != 3:
        raise ExtractionError(f"{where}: expected 'ID<tab>Reference ID SYSTEM:CODE'")
    return _argument(where, fields[1], named), fields[2]
