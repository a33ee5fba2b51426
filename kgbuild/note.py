"""A clinical note, and the rules by which bytes and fields become one."""

import codecs
import datetime
import difflib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from extractors.strict_json import ConstantError, loads

FIELDS = ("note_id", "patient_id", "encounter_id", "date", "kind")
"""What is known of a note besides its text: the columns of ``notes.csv`` and the keys of a JSON line."""

_OTHER_NAMES = {
    "patient_id": ("patient", "subjectid", "personid", "mrn"),
    "encounter_id": ("encounter", "visitid", "hadmid"),
    "date": ("notedate", "chartdate", "charttime", "datetime"),
    "text": ("notetext", "body", "content"),
}
"""What others (OMOP, MIMIC) call our JSON keys, lower case, letters only: ignored, they would lose patient or date."""

_ISO_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}([T ].+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NoteError(ValueError):
    """A note, or a file of notes, that cannot be read; names file, line or note id, never the note's text."""


@dataclass(frozen=True, slots=True)
class Note:
    """One clinical text with its patient, encounter and date.

    The text stays out of ``repr``, because reprs end up in logs. Ids are composed, so that ``é`` is one id however it
    is spelled.
    """

    id: str
    text: str = field(repr=False)
    patient_id: str = field(repr=False)
    encounter_id: str | None = None
    date: datetime.date | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        for name in ("id", "patient_id", "encounter_id"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, composed(given))


def composed(name: str) -> str:
    r"""Return an id, a code or a label as it is kept and asked for: letters with their accents (Unicode NFC).

    File systems write names with letters and accents apart.

    >>> composed("Jose\u0301") == "Jos\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name)


def note_from(fields: Mapping[str, object], text: str, where: str) -> Note:
    """Make a note of its fields and its text.

    Ids lose white space around them and are composed (Unicode NFC), so that ``é`` is one id however a file system
    spells it. The text is kept code point for code point.

    Args:
        fields: Some of ``FIELDS``; ``note_id`` and ``patient_id`` must be there and have a value, the others may be
            missing, None or empty. Ids may be integers, as JSON often has them.
        text: The text exactly as read, and checked.
        where: File and line of the fields, for messages.

    Raises:
        NoteError: If an id has no value, or a field cannot be what it should be.

    >>> note_from({"note_id": " n1", "patient_id": 7, "date": "2019-03-14T08:30"}, "Seen today.", "a.jsonl:1").date
    datetime.date(2019, 3, 14)
    """
    note_id, patient_id, encounter_id, kind = (
        _name(fields.get(name), name, where) for name in ("note_id", "patient_id", "encounter_id", "kind")
    )
    if note_id is None or patient_id is None:
        raise NoteError(f"{where}: {'note_id' if note_id is None else 'patient_id'} is empty")
    return Note(note_id, text, patient_id, encounter_id, _date(fields.get("date"), where), kind)


def note_from_json(line: bytes, where: str) -> Note:
    """Make a note of a line of JSON: ``id`` (or ``note_id``), ``text``, and the other ``FIELDS``.

    Without ``patient_id`` the note is its own patient.

    Raises:
        NoteError: If the line is no JSON object, has no id or text, or a field cannot be what it should be.
    """
    entry = json_object(line, where)
    fields = {name: entry[name] for name in FIELDS if name in entry}
    if "id" in entry:
        if fields.setdefault("note_id", entry["id"]) != entry["id"]:
            raise NoteError(f"{where}: id and note_id differ")
    elif "note_id" not in fields:
        raise NoteError(f"{where}: no note id; expected the key id")
    _refuse_lookalikes(entry, where)
    fields.setdefault("patient_id", fields["note_id"])
    text = entry.get("text")
    if not isinstance(text, str):
        raise NoteError(f"{where}: {'text is no string' if 'text' in entry else 'no text; expected the key text'}")
    return note_from(fields, check_text(text, where), where)


def check_text(text: str, where: str) -> str:
    """Return the text as it came, if it is one.

    Raises:
        NoteError: If nothing or only white space is there, or NUL, or half a surrogate pair, which JSON can spell.
    """
    if not text or text.isspace():
        raise NoteError(f"{where}: an empty note")
    if "\0" in text:
        raise NoteError(f"{where}: character {text.index(chr(0))} of the text is NUL")
    halves = _SURROGATE.search(text)
    if halves is not None:
        raise NoteError(f"{where}: character {halves.start()} of the text is half a character (a lone surrogate)")
    return text


def decode(data: bytes, where: str) -> str:
    r"""Return UTF-8 bytes as text, line ends untouched, without the byte order mark some editors put first.

    The mark is no part of the text: offset 0 is the character after it.

    Raises:
        NoteError: If the bytes are in another encoding, or binary.

    >>> decode(b"\xef\xbb\xbfBP 120/80\r\n", "a.txt")
    'BP 120/80\r\n'
    """
    if data.startswith(UTF16_BOMS):
        raise NoteError(f"{where}: UTF-16, expected UTF-8; re-encode it: iconv -f UTF-16 -t UTF-8")
    if b"\0" in data:
        at = data.index(b"\0")
        raise NoteError(f"{where}: byte {at} is NUL, expected UTF-8 text, found a binary file or UTF-16")
    signed = data.startswith(codecs.BOM_UTF8)
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start + (len(codecs.BOM_UTF8) if signed else 0)
        fix = "iconv -f WINDOWS-1252 -t UTF-8, if that is what it is"
    raise NoteError(f"{where}: byte {at} is not UTF-8; re-encode it: {fix}")


def json_object(line: str | bytes, where: str) -> dict[str, object]:
    """Return the JSON object that a line is.

    Raises:
        NoteError: If the line is not UTF-8, not JSON, no object, or has a key twice.
    """
    text = decode(line, where) if isinstance(line, bytes) else line
    fault = "too deep or too long a value"
    try:
        found = loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        fault = f"character {error.pos}"
    except _DoubleKeyError:
        fault = "a key appears twice"
    except ConstantError as error:
        fault = str(error)
    except (RecursionError, ValueError):
        pass
    else:
        if isinstance(found, dict):
            return found
        raise NoteError(f"{where}: expected a JSON object, found another JSON value")
    raise NoteError(f"{where}: not valid JSON: {fault}")


def shown(name: object) -> str:
    r"""Return a file name or id on one line: what a terminal would not show is escaped.

    >>> shown("a\nb.txt")
    'a\\nb.txt'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(name))


class _DoubleKeyError(ValueError):
    """A JSON object has a key twice."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the pairs as a dict; the standard library would keep the last of two alike without a word."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubleKeyError
    return found


def _refuse_lookalikes(entry: Mapping[str, object], where: str) -> None:
    """Refuse a key that seems to mean one of ours that is missing: ignored, it would lose a patient or a date."""
    others = {"".join(c for c in key.lower() if c.isalnum()): key for key in entry}
    for name in (*FIELDS[1:], "text"):
        plain = name.replace("_", "")
        alike = difflib.get_close_matches(plain, others, n=1, cutoff=0.86)
        alike += [other for other in _OTHER_NAMES.get(name, ()) if other in others]
        if name not in entry and alike:
            raise NoteError(f"{where}: unknown key {shown(others[alike[0]])!r}; is it {name}?")


def _name(value: object, name: str, where: str) -> str | None:
    """Return an id or a kind as it is kept, or None when there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NoteError(f"{where}: {name} is no string")
    kept = composed(str(value)).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in kept):
        raise NoteError(f"{where}: {name} holds a control character or half a character")
    return kept if kept else None


def _date(value: object, where: str) -> datetime.date | None:
    """Return the day of an ISO 8601 date or date and time; None when there is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and _ISO_DATE.fullmatch(value.strip()):
        try:
            return datetime.datetime.fromisoformat(value.strip()).date()
        except ValueError:
            pass
    raise NoteError(f"{where}: date is no ISO 8601 date such as 2019-03-14")
