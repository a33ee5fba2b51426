"""i2b2/VA 2010 (Uzuner et al. 2011): notes with concepts (.con), assertions (.ast) and relations (.rel)."""

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, make_document
from extractors.corpora.files import numbered_lines, read_text
from extractors.document import ASSERTIONS, ExtractionError, Mention, Relation
from extractors.text import Span

LABELS = ("problem", "test", "treatment")
RELATIONS = {
    "TrIP": ("treatment", "problem"),  # improves
    "TrWP": ("treatment", "problem"),  # worsens
    "TrCP": ("treatment", "problem"),  # causes
    "TrAP": ("treatment", "problem"),  # is administered for
    "TrNAP": ("treatment", "problem"),  # is not administered because of
    "TeRP": ("test", "problem"),  # reveals
    "TeCP": ("test", "problem"),  # is conducted to investigate
    "PIP": ("problem", "problem"),  # indicates
}
"""The eight relations with the labels of head and tail (2010 i2b2/VA Challenge, relation annotation guidelines)."""

STATUSES = tuple(status for status in ASSERTIONS if status != "historical")
"""The six assertion statuses of the challenge."""

_LAYOUT = {"txt", "concept", "concepts", "ast", "rel", "test_data", "reference_standard_for_test_data"}
"""Folders of the challenge that say what kind a file is, not which section it belongs to."""

_SUFFIXES = (".txt", ".con", ".ast", ".rel")
_CONCEPT = r'c="(.*)" (\d+):(\d+) (\d+):(\d+)'
_CON = re.compile(_CONCEPT + r'\|\|t="([^"]*)"\s*')
_AST = re.compile(_CONCEPT + r'\|\|t="([^"]*)"\|\|a="([^"]*)"\s*')
_REL = re.compile(_CONCEPT + r'\|\|r="([^"]*)"\|\|' + _CONCEPT + r"\s*")
_TOKEN = re.compile(r"\S+")

_Lines = list[list[Span]]
_Mentions = dict[tuple[int, int, str], Mention]


def read_i2b2_2010(
    folder: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the notes of a folder, by name.

    The files of a note lie side by side or in the challenge's folders (``beth/txt``, ``beth/concept``, ``beth/ast``,
    ``beth/rel``); a note of a section is called ``beth/record-13``. Head is the first argument of a ``.rel`` line. A
    problem's status is the one of the ``.ast`` file; without ``.ast`` or ``.rel`` file a note has no statuses or
    relations.

    Raises:
        ExtractionError: If a note lacks its .txt or .con, or a line breaks the format, leaves the text, disagrees with
            it, or names an unknown label, relation, status or concept; names file:line.
    """
    notes = _by_note(folder)
    if not notes:
        raise ExtractionError(f"{folder}: no .con file, nor one in a folder below")
    known = (LABELS if labels is None else labels, RELATIONS if relations is None else relations)
    return [_read_note(name, notes[name], *known) for name in sorted(notes)]


def _by_note(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the files of each note by their suffix."""
    notes: dict[str, dict[str, Path]] = {}
    for file in sorted(file for suffix in _SUFFIXES for file in folder.rglob(f"[!.]*{suffix}")):
        section = [part for part in file.relative_to(folder).parent.parts if part not in _LAYOUT]
        files = notes.setdefault("/".join([*section, file.stem]), {})
        if files.setdefault(file.suffix, file) != file:
            raise ExtractionError(f"{file}: {files[file.suffix]} is of the same note")
    for files in notes.values():
        for suffix in (".txt", ".con"):
            if suffix not in files:
                there = next(iter(files.values()))
                raise ExtractionError(f"{there}: {there.with_suffix(suffix).name} is missing")
    return notes


def _read_note(name: str, files: dict[str, Path], labels: Collection[str], relations: Collection[str]) -> Annotated:
    """Return one annotated note."""
    text = read_text(files[".txt"])
    lines = _tokens(text)
    mentions: _Mentions = {}
    for where, line in numbered_lines(files[".con"]):
        *concept, label = _fields(where, _CON, line, 'c="TEXT" LINE:TOKEN LINE:TOKEN||t="LABEL"')
        check_known(where, "label", label, labels)
        start, end = _span(where, concept, text, lines)
        mentions[start, end, label] = Mention(start, end, label, text[start:end])
    for where, line in numbered_lines(files[".ast"]) if ".ast" in files else []:
        *concept, label, status = _fields(where, _AST, line, 'c="TEXT" LINE:TOKEN LINE:TOKEN||t="problem"||a="STATUS"')
        check_known(where, "assertion", status, STATUSES)
        mention = _concept(where, _span(where, concept, text, lines), label, mentions)
        mentions[mention.start, mention.end, mention.label] = replace(mention, assertion=status)
    linked = []
    for where, line in numbered_lines(files[".rel"]) if ".rel" in files else []:
        fields = _fields(where, _REL, line, 'c="TEXT" SPAN||r="RELATION"||c="TEXT" SPAN')
        check_known(where, "relation", fields[5], relations)
        first, second = RELATIONS.get(fields[5], (None, None))
        head = _concept(where, _span(where, fields[:5], text, lines), first, mentions)
        tail = _concept(where, _span(where, fields[6:], text, lines), second, mentions)
        linked.append(Relation(head, tail, fields[5]))
    return Annotated(name, make_document(text, mentions.values(), linked))


def _tokens(text: str) -> _Lines:
    """Return the tokens of each line: what stands between white space."""
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append([(start + match.start(), start + match.end()) for match in _TOKEN.finditer(line)])
        start += len(line) + 1
    return lines


def _fields(where: str, pattern: re.Pattern[str], line: str, expected: str) -> list[str]:
    """Return the fields of a line."""
    match = pattern.fullmatch(line)
    if match is None:
        raise ExtractionError(f"{where}: expected '{expected}'")
    return list(match.groups())


def _span(where: str, concept: list[str], text: str, lines: _Lines) -> Span:
    """Return the offsets of a concept given as its text and the line and token of its first and last word."""
    written, *numbers = concept
    first_line, first, last_line, last = map(int, numbers)
    for line, token in ((first_line, first), (last_line, last)):
        if not 1 <= line <= len(lines):
            raise ExtractionError(f"{where}: line {line} leaves the text of {len(lines)} lines")
        if token >= len(lines[line - 1]):
            raise ExtractionError(
                f"{where}: token {token} leaves line {line} of {len(lines[line - 1])} tokens (from 0)"
            )
    start, end = lines[first_line - 1][first][0], lines[last_line - 1][last][1]
    if start >= end:
        raise ExtractionError(f"{where}: the last word stands before the first")
    if text[start:end].casefold().split() != written.casefold().split():
        raise ExtractionError(
            f"{where}: the text at {first_line}:{first} {last_line}:{last} is not the concept; "
            "lines count from 1, tokens between white space from 0"
        )
    return start, end


def _concept(where: str, span: Span, label: str | None, mentions: _Mentions) -> Mention:
    """Return the mention of a span, of the label where two share it."""
    found = [mention for (start, end, _), mention in mentions.items() if (start, end) == span]
    if not found:
        raise ExtractionError(f"{where}: no concept of the .con file has this span")
    return next((mention for mention in found if mention.label == label), found[0])
