"""The extract line: its keys, the law that reading undoes writing, and lines that are none."""

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.abbreviations import abbreviations
from extractors.document import ASSERTIONS, Document, Mention, Relation, TimeExpression
from kgbuild import ids
from kgbuild.enrich import Chunk, chunks
from kgbuild.note import Note, NoteError
from kgbuild.records import read_records, to_json, write_records
from kgbuild.resolve import Resolution, ResolvedNote
from ontologies.concept import Concept
from resolvers.candidate import Candidate

T = TypeVar("T")

TEXT = "CT scan showed a lesion in the liver in 2019."


def example() -> ResolvedNote:
    """The lesion of papers/004 Table 4, found in the liver, with a second system that abstains."""
    lesion = Mention(17, 23, "Disease_disorder", "lesion", score=0.75)
    liver = Mention(31, 36, "Biological_structure", "liver")
    year = Mention(40, 44, "Date", "2019")
    located = Relation(liver, lesion, "MODIFY", 0.5)
    time = TimeExpression(year, "DATE", "2019", date(2019, 1, 1), date(2019, 12, 31), "text")
    document = Document(TEXT, (lesion, liver, year), (located,), (time,))
    (chunk, _) = chunks(document)
    found = (
        Candidate(Concept("icd10cm", "K76.9", "Liver disease, unspecified"), 0.875, "Lesion of liver"),
        Candidate(Concept("icd10cm", "L98.9", "Disorder of skin, unspecified"), 0.25, "Lesion"),
    )
    weak = (Candidate(Concept("hpo", "HP:0000951", "Abnormality of the skin"), 0.25, "Skin lesion"),)
    bare = Candidate(Concept("snomedct", "300577008", "Lesion"), 1.0, "Lesion")
    said = "300577008 |Lesion| : 363698007 |Finding site| = 10200004 |Liver structure|"
    without_site = Chunk(lesion, (located,), chunk.known, ((located, "body site"),))
    return ResolvedNote(
        Note("n1", TEXT, "p1", "e1", date(2019, 3, 14), "radiology report"),
        document,
        (
            Resolution(chunk, "icd10cm", "April 2026", found, 0.5, Candidate(found[1].concept, 1.0, "Lesion")),
            Resolution(chunk, "hpo", "2026", weak, 0.5),
            Resolution(without_site, "snomedct", "2026", (bare,), 0.5, bare, said),
        ),
    )


def written(*records: ResolvedNote) -> str:
    out = io.StringIO()
    assert write_records(records, out) == len(records)
    return out.getvalue()


# --- the line -----------------------------------------------------------------------------------------------------
def test_line_says_what_the_design_says() -> None:
    lesion, liver, year = (
        f"mention/n1/{span}" for span in ("17-23/Disease_disorder", "31-36/Biological_structure", "40-44/Date")
    )

    assert to_json(example()) == {
        "note": {
            "id": "n1",
            "patient_id": "p1",
            "encounter_id": "e1",
            "date": "2019-03-14",
            "kind": "radiology report",
            "sha256": "48ed547d5614a77304e6dd198d4a71b135a81222fb4cc84b8110741c9e174050",
            "text": TEXT,
        },
        "mentions": [
            {"id": lesion, "start": 17, "end": 23, "label": "Disease_disorder", "text": "lesion"}
            | {"assertion": "present", "score": 0.75},
            {"id": liver, "start": 31, "end": 36, "label": "Biological_structure", "text": "liver"}
            | {"assertion": "present", "score": 1.0},
            {"id": year, "start": 40, "end": 44, "label": "Date", "text": "2019"}
            | {"assertion": "present", "score": 1.0},
        ],
        "relations": [{"head": liver, "tail": lesion, "label": "MODIFY", "score": 0.5}],
        "times": [
            {"mention": year, "type": "DATE", "value": "2019"}
            | {"start": "2019-01-01", "end": "2019-12-31", "anchor": "text"}
        ],
        "resolutions": [
            {"mention": lesion, "query": "lesion liver", "base_query": "lesion", "modifiers": [0], "left_out": []}
            | {"base_code": "L98.9", "base_name": "Disorder of skin, unspecified", "base_score": 1.0}
            | {"base_matched": "Lesion"}
            | {"system": "icd10cm", "release": "April 2026", "threshold": 0.5}
            | {"code": "K76.9", "name": "Liver disease, unspecified", "score": 0.875}
            | {
                "candidates": [
                    {"code": "K76.9", "name": "Liver disease, unspecified", "score": 0.875}
                    | {"matched": "Lesion of liver"},
                    {"code": "L98.9", "name": "Disorder of skin, unspecified", "score": 0.25, "matched": "Lesion"},
                ]
            },
            {"mention": lesion, "query": "lesion liver", "base_query": "lesion", "modifiers": [0], "left_out": []}
            | {"base_code": None, "base_name": None, "base_score": None, "base_matched": None}
            | {"system": "hpo", "release": "2026", "threshold": 0.5, "code": None, "name": None, "score": None}
            | {
                "candidates": [
                    {"code": "HP:0000951", "name": "Abnormality of the skin", "score": 0.25, "matched": "Skin lesion"}
                ]
            },
            {"mention": lesion, "query": "lesion", "base_query": "lesion", "modifiers": [0]}
            | {"left_out": [{"relation": 0, "aspect": "body site"}]}
            | {"base_code": "300577008", "base_name": "Lesion", "base_score": 1.0, "base_matched": "Lesion"}
            | {"system": "snomedct", "release": "2026", "threshold": 0.5}
            | {"code": "300577008", "name": "Lesion", "score": 1.0}
            | {"expression": "300577008 |Lesion| : 363698007 |Finding site| = 10200004 |Liver structure|"}
            | {"candidates": [{"code": "300577008", "name": "Lesion", "score": 1.0, "matched": "Lesion"}]},
        ],
    }


def test_ids_keep_hostile_parts_apart() -> None:
    mention = Mention(0, 1, "a/b", "x")

    assert ids.mention("p1/2019 é?#%", mention) == "mention/p1%2F2019%20%C3%A9%3F%23%25/0-1/a%2Fb"
    assert ids.encounter("p/1", "e") != ids.encounter("p", "1/e")
    assert [ids.patient("p1"), ids.note("n1"), ids.concept("icd10cm", "K76.9")] == [
        "patient/p1",
        "note/n1",
        "concept/icd10cm/K76.9",
    ]


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_id_parts_come_back(parts: list[str]) -> None:
    assert ids.parts(ids.path(*parts)) == tuple(parts)
    assert ids.path(*parts).isascii()


# --- reading undoes writing ---------------------------------------------------------------------------------------
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
texts = st.text(
    st.one_of(
        st.sampled_from(list("ab \t\r\n\x0c\x85\u2028\u0301\u200d\ufeffא👩")), st.characters(exclude_categories=["Cs"])
    ),
    min_size=1,
)
scores = st.floats(0, 1)
days = st.none() | st.dates()


def several(of: st.SearchStrategy[T], most: int = 4) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(of, max_size=most).map(tuple)


@st.composite
def documents(draw: st.DrawFn, text: str) -> Document:
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text)), names).filter(lambda s: s[0] < s[1])
    mentions = tuple(
        Mention(start, end, label, text[start:end], draw(st.sampled_from(ASSERTIONS)), draw(scores))
        for start, end, label in sorted(draw(st.sets(spans, max_size=5)))
    )
    if not mentions:
        return Document(text)
    mention = st.sampled_from(mentions)
    relations = several(st.builds(Relation, mention, mention, names, scores))
    times = several(st.builds(TimeExpression, mention, names, names, days, days, st.none() | names))
    return Document(text, mentions, draw(relations), draw(times))


@st.composite
def resolved_notes(draw: st.DrawFn) -> ResolvedNote:
    note = draw(st.builds(Note, names, texts, names, st.none() | names, days, st.none() | names))
    document = draw(documents(note.text))
    if not document.mentions:
        return ResolvedNote(note, document)
    relation = st.sampled_from(document.relations) if document.relations else None
    modifiers = st.just(()) if relation is None else several(relation)
    left_out = st.just(()) if relation is None else several(st.tuples(relation, names))
    known = st.just(abbreviations(note.text))
    chunk = st.builds(Chunk, st.sampled_from(document.mentions), modifiers, known, left_out)
    system = draw(st.sampled_from(["snomedct", "icd10cm"]) | names)
    candidate = st.builds(Candidate, st.builds(Concept, st.just(system), names, names), scores, names)
    expression = st.none() | names if system == "snomedct" else st.none()
    resolutions = several(
        st.builds(
            Resolution, chunk, st.just(system), names, several(candidate), scores, st.none() | candidate, expression
        )
    )
    return ResolvedNote(note, document, draw(resolutions))


@given(records=st.lists(resolved_notes(), max_size=3))
def test_reading_undoes_writing(records: list[ResolvedNote]) -> None:
    lines = written(*records)

    assert list(read_records(io.StringIO(lines, newline=""))) == records
    assert list(read_records(io.BytesIO(lines.encode()))) == records
    assert written(*read_records(io.StringIO(lines, newline=""))) == lines


def test_synonyms_and_parents_are_the_code_tables_and_stay_behind() -> None:
    concept = Concept("icd10cm", "K76.9", "Liver disease", ("Hepatopathy",), ("K76",))
    lesion = Mention(17, 23, "Disease_disorder", "lesion")
    resolution = Resolution(Chunk(lesion), "icd10cm", "2026", (Candidate(concept, 1.0, "Hepatopathy"),), 0.5)
    note = ResolvedNote(Note("n1", TEXT, "p1"), Document(TEXT, (lesion,)), (resolution,))
    (read,) = read_records([written(note)])

    assert read.resolutions[0].candidates[0].concept == Concept("icd10cm", "K76.9", "Liver disease")


def test_blank_lines_are_passed_over() -> None:
    assert list(read_records(["\n", written(example()), "  \n"])) == [example()]


# --- lines that are none ------------------------------------------------------------------------------------------
Damage = Callable[[dict[str, Any]], object]

DAMAGES: dict[str, tuple[Damage, str]] = {
    "key gone": (lambda line: line.pop("mentions"), "mentions: expected list, found no such key"),
    "note gone": (lambda line: line.pop("note"), "note: expected dict, found no such key"),
    "text changed": (lambda line: line["note"].update(text="Zyxwv"), "sha256 is not that of the text"),
    "half a character": (lambda line: line["note"].update(text="Zyxwv\ud83d"), "text: a lone surrogate"),
    "no date": (lambda line: line["note"].update(date="2019-13-40"), "date: expected an ISO 8601 date"),
    "key of an option gone": (lambda line: line["note"].pop("kind"), "kind: expected str, found no such key"),
    "offset is text": (lambda line: line["mentions"][0].update(start="17"), "start: expected int, found str"),
    "offset is true": (lambda line: line["mentions"][0].update(start=True), "start: expected int, found bool"),
    "score is text": (lambda line: line["mentions"][0].update(score="1"), "score: expected float, found str"),
    "text elsewhere": (
        lambda line: line["mentions"][0].update(start=16, end=22),
        "Disease_disorder 16-22: text differs",
    ),
    "two mentions, one id": (lambda line: line["mentions"].append(line["mentions"][0]), "mentions: two have one id"),
    "stranger": (lambda line: line["relations"][0].update(head="mention/n1/0-2/Date"), "head: the id of no mention"),
    "modifier out of range": (
        lambda line: line["resolutions"][0].update(modifiers=[1]),
        "modifiers: expected positions",
    ),
    "modifier is true": (
        lambda line: line["resolutions"][0].update(modifiers=[False]),
        "modifiers: expected positions",
    ),
    "left out of nothing": (
        lambda line: line["resolutions"][2].update(left_out=[{"relation": 7, "aspect": "body site"}]),
        "left_out: expected positions",
    ),
    "base without a name": (
        lambda line: line["resolutions"][0].pop("base_name"),
        "base_name: expected str, found no such key",
    ),
    "base gone": (lambda line: line["resolutions"][0].pop("base_code"), "base_code: expected str, found no such key"),
    "expression gone": (lambda line: line["resolutions"][2].pop("expression"), "expression: expected str, found no"),
    "no object": (lambda line: line["times"].append("Zyxwv"), "times: expected objects"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_broken_line_is_named_and_not_quoted(case: str) -> None:
    damage, expected = DAMAGES[case]
    line = json.loads(written(example()))
    damage(line)
    reads = read_records([written(example()), json.dumps(line)], "run.jsonl")

    assert next(reads) == example()
    with pytest.raises(NoteError) as raised:
        next(reads)
    assert str(raised.value).startswith(f"run.jsonl:2: {expected}")
    assert "Zyxwv" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "run.jsonl:1: not valid JSON: character 1"),
        ("[]", "run.jsonl:1: expected a JSON object"),
        (b"caf\xe9", "run.jsonl:1: byte 3 is not UTF-8"),
    ],
)
def test_line_that_is_no_json_is_named(line: str | bytes, expected: str) -> None:
    with pytest.raises(NoteError) as raised:
        list(read_records([line], "run.jsonl"))
    assert str(raised.value).startswith(expected)
