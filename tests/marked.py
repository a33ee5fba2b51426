"""Resolved notes from a line of marked text, for tests: ``[cyst|Sign_symptom #c]`` is a mention named c.

After the label: ``#name``, ``!assertion``, ``@day`` or ``@day..day`` for the interval of a time expression.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from extractors.document import Document, Mention, Relation, TimeExpression
from kgbuild.enrich import chunks
from kgbuild.note import Note
from kgbuild.resolve import Resolution, ResolvedNote
from ontologies.concept import Concept
from resolvers.candidate import Candidate

_MARK = re.compile(r"\[([^\[\]|]+)\|([^\[\]]+)\]")
_TYPES = {"Date": "DATE", "Time": "TIME", "Duration": "DURATION", "Frequency": "SET"}

Codes = Mapping[str, Sequence[tuple[Concept, float]]]
"""Words of a mention -> what a system offers for it, best first."""


def document(marked: str, *relations: str) -> Document:
    """Return the document; a relation is ``"MODIFY liver cyst"``: label, head, tail by name."""
    text, mentions, times, names = "", [], [], {}
    place = 0
    for mark in _MARK.finditer(marked):
        text += marked[place : mark.start()]
        place = mark.end()
        label, *marks = mark[2].split()
        told = {sign[0]: sign[1:] for sign in marks}
        mention = Mention(len(text), len(text) + len(mark[1]), label, mark[1], told.get("!", "present"))
        text += mark[1]
        mentions.append(mention)
        if "#" in told:
            names[told["#"]] = mention
        if "@" in told:
            start, _, end = told["@"].partition("..")
            days = (date.fromisoformat(start), date.fromisoformat(end or start))
            times.append(TimeExpression(mention, _TYPES[label], told["@"], *days, "text"))
    read = tuple(Relation(names[head], names[tail], label) for label, head, tail in map(str.split, relations))
    return Document(text + marked[place:], tuple(mentions), read, tuple(times))


def resolved(
    marked: str,
    *relations: str,
    note: str = "n1",
    patient: str = "p1",
    day: str | None = "2019-03-14",
    codes: Codes | None = None,
) -> ResolvedNote:
    """Return the note of one patient, coded as told with threshold 0.5."""
    read = document(marked, *relations)
    found = [
        Resolution(chunk, offered[0][0].system, "2026", tuple(Candidate(c, s, c.name) for c, s in offered), 0.5)
        for chunk in chunks(read)
        if (offered := (codes or {}).get(chunk.mention.text)) is not None
    ]
    written = Note(note, read.text, patient, None, None if day is None else date.fromisoformat(day))
    return ResolvedNote(written, read, tuple(found))
