"""ResolvedNote as JSON Lines, in and out: the ``extract`` line.

What a line carries comes back equal: ``from_json(to_json(resolved)) == resolved``, but for what a concept is besides
its code and name, which is the code table's to say. Scores are written as they are: nothing is lost on the way.

Some keys go beyond what a reader of the line needs, so that this holds: of a resolution ``release``, ``threshold``,
``base_name``, ``base_score`` and ``base_matched``; ``modifiers``, the positions in ``relations`` of what says more of
the mention; and ``left_out``, which aspects of them the query does not hold.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TextIO, TypeVar

from extractors.abbreviations import abbreviations
from extractors.document import Document, ExtractionError, Mention, Relation, TimeExpression
from kgbuild import ids
from kgbuild.enrich import Chunk
from kgbuild.note import Note, NoteError, json_object, shown
from kgbuild.postcoordinate import SYSTEM as EXPRESSED
from kgbuild.resolve import Resolution, ResolvedNote
from ontologies.concept import Concept
from resolvers.candidate import Candidate

Json = Mapping[str, object]
_T = TypeVar("_T")


def record_line(resolved: ResolvedNote) -> str:
    """Return a note as its line, line feed included.

    Raises:
        NoteError: If a score is not finite, so that the line would not come back.
    """
    try:
        return json.dumps(to_json(resolved), ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        fault = NoteError(f"{shown(resolved.note.id)}: a score is no number; is the model damaged?")
    raise fault


def write_records(records: Iterable[ResolvedNote], out: TextIO) -> int:
    """Write one line a note; return how many."""
    written = 0
    for resolved in records:
        out.write(record_line(resolved))
        written += 1
    return written


def read_records(lines: Iterable[str | bytes], name: str = "records") -> Iterator[ResolvedNote]:
    """Read what ``write_records`` wrote, a line at a time; blank lines are passed over.

    Args:
        lines: Lines, as an open file gives them.
        name: What messages call the file.

    Raises:
        NoteError: At the first line that is no record; it names file and line.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        entry = json_object(line, where)
        try:
            resolved = from_json(entry)
        except (NoteError, ExtractionError) as error:
            fault = shown(error)
        else:
            yield resolved
            continue
        raise NoteError(f"{where}: {fault}")


# --- out ----------------------------------------------------------------------------------------------------------
def to_json(resolved: ResolvedNote) -> dict[str, object]:
    """Return the ``extract`` line of a note."""
    note, document = resolved.note, resolved.document
    assert document.text == note.text
    places = {relation: place for place, relation in reversed(list(enumerate(document.relations)))}
    names = {mention: ids.mention(note.id, mention) for mention in document.mentions}
    return {
        "note": _note_json(note),
        "mentions": [
            {
                "id": names[mention],
                "start": mention.start,
                "end": mention.end,
                "label": mention.label,
                "text": mention.text,
                "assertion": mention.assertion,
                "score": mention.score,
            }
            for mention in document.mentions
        ],
        "relations": [
            {"head": names[r.head], "tail": names[r.tail], "label": r.label, "score": r.score}
            for r in document.relations
        ],
        "times": [{"mention": names[time.mention], **_time_json(time)} for time in document.times],
        "resolutions": [
            {"mention": names[found.chunk.mention], **_resolution_json(found, places)} for found in resolved.resolutions
        ],
    }


def _note_json(note: Note) -> dict[str, object]:
    return {
        "id": note.id,
        "patient_id": note.patient_id,
        "encounter_id": note.encounter_id,
        "date": _day_json(note.date),
        "kind": note.kind,
        "sha256": sha256(note.text),
        "text": note.text,
    }


def sha256(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _time_json(time: TimeExpression) -> dict[str, object]:
    return {
        "type": time.type,
        "value": time.value,
        "start": _day_json(time.start),
        "end": _day_json(time.end),
        "anchor": time.anchor,
    }


def _resolution_json(found: Resolution, places: Mapping[Relation, int]) -> dict[str, object]:
    """Return a resolution; code, name and score are null where it abstains."""
    best, base = found.best, found.base
    return {
        "query": found.chunk.text,
        "base_query": found.chunk.base_text,
        "base_code": None if base is None else base.concept.code,
        "base_name": None if base is None else base.concept.name,
        "base_score": None if base is None else base.score,
        "base_matched": None if base is None else base.matched,
        "modifiers": [places[relation] for relation in found.chunk.modifiers],
        "left_out": [{"relation": places[one], "aspect": aspect} for one, aspect in found.chunk.left_out],
        "system": found.system,
        "release": found.release,
        "threshold": found.threshold,
        "code": None if best is None else best.concept.code,
        "name": None if best is None else best.concept.name,
        "score": None if best is None else best.score,
        **({"expression": found.expression} if found.system == EXPRESSED else {}),
        "candidates": [
            {"code": c.concept.code, "name": c.concept.name, "score": c.score, "matched": c.matched}
            for c in found.candidates
        ],
    }


def _day_json(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


# --- in -----------------------------------------------------------------------------------------------------------
def from_json(entry: Json) -> ResolvedNote:
    """Return the note that an ``extract`` line says.

    Raises:
        NoteError: If a key is missing, a value is of another type, an id is of no mention, or the text is not the one
            that ``sha256`` was made of.
        ExtractionError: If a mention is not the text at its offsets.
    """
    note = _note(_value(entry, "note", dict))
    mentions = {_value(one, "id", str): _mention(one) for one in _entries(entry, "mentions")}
    if len(mentions) != len(_entries(entry, "mentions")):
        raise NoteError("mentions: two have one id")
    relations = tuple(_relation(one, mentions) for one in _entries(entry, "relations"))
    times = tuple(_time(one, mentions) for one in _entries(entry, "times"))
    known = abbreviations(note.text)
    return ResolvedNote(
        note,
        Document(note.text, tuple(mentions.values()), relations, times),
        tuple(_resolution(one, mentions, relations, known) for one in _entries(entry, "resolutions")),
    )


def _note(entry: Json) -> Note:
    text = _value(entry, "text", str)
    try:
        digest = sha256(text)
    except UnicodeEncodeError:
        raise NoteError("text: a lone surrogate") from None
    if digest != _value(entry, "sha256", str):
        raise NoteError("sha256 is not that of the text")
    return Note(
        _value(entry, "id", str),
        text,
        _value(entry, "patient_id", str),
        _optional(entry, "encounter_id"),
        _day(entry, "date"),
        _optional(entry, "kind"),
    )


def _mention(entry: Json) -> Mention:
    return Mention(
        _value(entry, "start", int),
        _value(entry, "end", int),
        _value(entry, "label", str),
        _value(entry, "text", str),
        _value(entry, "assertion", str),
        _number(entry, "score"),
    )


def _relation(entry: Json, mentions: Mapping[str, Mention]) -> Relation:
    head, tail = _named(entry, "head", mentions), _named(entry, "tail", mentions)
    return Relation(head, tail, _value(entry, "label", str), _number(entry, "score"))


def _time(entry: Json, mentions: Mapping[str, Mention]) -> TimeExpression:
    return TimeExpression(
        _named(entry, "mention", mentions),
        _value(entry, "type", str),
        _value(entry, "value", str),
        _day(entry, "start"),
        _day(entry, "end"),
        _optional(entry, "anchor"),
    )


def _resolution(
    entry: Json, mentions: Mapping[str, Mention], relations: Sequence[Relation], known: Mapping[str, str]
) -> Resolution:
    modifiers = tuple(_placed(place, "modifiers", relations) for place in _value(entry, "modifiers", list))
    left_out = tuple(
        (_placed(one.get("relation"), "left_out", relations), _value(one, "aspect", str))
        for one in _entries(entry, "left_out")
    )
    chunk = Chunk(_named(entry, "mention", mentions), modifiers, known, left_out)
    system = _value(entry, "system", str)
    return Resolution(
        chunk,
        system,
        _value(entry, "release", str),
        tuple(_candidate(one, system) for one in _entries(entry, "candidates")),
        _number(entry, "threshold"),
        _base(entry, system),
        _optional(entry, "expression") if system == EXPRESSED else None,
    )


def _placed(place: object, key: str, relations: Sequence[Relation]) -> Relation:
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(relations):
        raise NoteError(f"{key}: expected positions in relations")
    return relations[place]


def _base(entry: Json, system: str) -> Candidate | None:
    code = _optional(entry, "base_code")
    if code is None:
        return None
    concept = Concept(system, code, _value(entry, "base_name", str))
    return Candidate(concept, _number(entry, "base_score"), _value(entry, "base_matched", str))


def _candidate(entry: Json, system: str) -> Candidate:
    concept = Concept(system, _value(entry, "code", str), _value(entry, "name", str))
    return Candidate(concept, _number(entry, "score"), _value(entry, "matched", str))


def _value(entry: Json, key: str, kind: type[_T]) -> _T:
    value = entry.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise NoteError(f"{key}: expected {kind.__name__}, found {_found(entry, key)}")
    return value


def _optional(entry: Json, key: str) -> str | None:
    return None if key in entry and entry[key] is None else _value(entry, key, str)


def _number(entry: Json, key: str) -> float:
    value = entry.get(key)
    number = value if isinstance(value, int) and not isinstance(value, bool) else _value(entry, key, float)
    if abs(number) <= sys.float_info.max:
        return float(number)
    raise NoteError(f"{key}: expected a finite number")  # 1e400 is JSON


def _day(entry: Json, key: str) -> date | None:
    value = _optional(entry, key)
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise NoteError(f"{key}: expected an ISO 8601 date") from None


def _entries(entry: Json, key: str) -> list[Json]:
    entries = _value(entry, key, list)
    if not all(isinstance(one, dict) for one in entries):
        raise NoteError(f"{key}: expected objects")
    return entries


def _named(entry: Json, key: str, mentions: Mapping[str, Mention]) -> Mention:
    name = _value(entry, key, str)
    if name not in mentions:
        raise NoteError(f"{key}: the id of no mention")
    return mentions[name]


def _found(entry: Json, key: str) -> str:
    return type(entry[key]).__name__ if key in entry else "no such key"
