"""JSON is what its standard says: what we write, any reader reads, and NaN and Infinity are refused in one line."""

import ast
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.corpora.files import json_items
from extractors.document import Document, ExtractionError, Mention
from extractors.strict_json import dumps, spelled
from kgbuild.note import Note, NoteError, json_object
from kgbuild.output import FORMATS
from kgbuild.reading import read_notes
from kgbuild.records import read_records, record_line
from kgbuild.resolve import ResolvedNote
from kgbuild.stores.rdf import RdfStore
from tests.test_stores import ROOT

Values = st.recursive(
    st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.none()),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=8,
)


def strictly(text: str) -> object:
    """What a reader that knows the standard alone reads."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def expected(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "INF", -math.inf: "-INF"}.get(value, "NaN")
    if isinstance(value, list):
        return [expected(one) for one in value]
    return {key: expected(one) for key, one in value.items()} if isinstance(value, dict) else value


@settings(max_examples=100, deadline=None)
@given(Values)
def test_whatever_is_written_is_json_and_says_the_same(value: object) -> None:
    assert strictly(dumps(value)) == expected(value)


@settings(max_examples=100, deadline=None)
@given(st.floats())
def test_every_format_of_a_table_spells_a_number_in_one_way(number: float) -> None:
    rows = [{"number": number}]
    shown = expected(number)
    assert strictly(FORMATS["json"](rows, ["number"])) == [{"number": shown}]
    assert strictly(FORMATS["jsonl"](rows, ["number"])) == {"number": shown}
    if not math.isfinite(number):
        assert FORMATS["csv"](rows, ["number"]).splitlines()[1].removeprefix("'") == spelled(number)
        assert FORMATS["table"](rows, ["number"]).splitlines()[1] == spelled(number)


def test_query_for_numbers_that_are_not_finite_is_answered_in_json(tmp_path: Path) -> None:
    asked = " ".join(
        f'("{text}"^^xsd:{kind})' for text in ("INF", "-INF", "NaN", "1.5") for kind in ("double", "float")
    )
    with RdfStore(tmp_path / "kg", create=True) as store:
        found = store.query(f"SELECT ?x {{ VALUES (?x) {{ {asked} }} }}")
    printed = FORMATS["json"]([dict(zip(found.columns, row, strict=True)) for row in found.rows], found.columns)
    read = strictly(printed)
    assert isinstance(read, list)
    assert [row["x"] for row in read] == ["INF", "INF", "-INF", "-INF", "NaN", "NaN", 1.5, 1.5]


# --- records ------------------------------------------------------------------------------------------------------
def record(score: float) -> ResolvedNote:
    mention = Mention(0, 5, "Sign_symptom", "Fever", score=score)
    return ResolvedNote(Note("n1", "Fever.", "p1"), Document("Fever.", (mention,)), ())


@settings(max_examples=100, deadline=None)
@given(st.floats())
def test_score_comes_back_from_a_record_or_is_refused_by_note(score: float) -> None:
    if math.isfinite(score):
        assert list(read_records([record_line(record(score))])) == [record(score)]
        strictly(record_line(record(score)))
        return
    with pytest.raises(NoteError, match=r"^n1: a score is no number") as refused:
        record_line(record(score))
    assert refused.value.__context__ is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", f"1{'0' * 400}"])
def test_record_with_a_number_that_is_none_is_refused_by_line(number: str) -> None:
    line = record_line(record(0.25)).replace("0.25", number)
    with pytest.raises(NoteError, match=r"^records:1: ") as refused:
        list(read_records([line]))
    assert "\n" not in str(refused.value) and "Fever" not in str(refused.value)


# --- in -----------------------------------------------------------------------------------------------------------
CONSTANTS = ("NaN", "Infinity", "-Infinity")


@pytest.mark.parametrize("constant", CONSTANTS)
def test_line_of_a_note_with_a_constant_is_refused(constant: str) -> None:
    lines = f'{{"id": "n1", "text": "Fever.", "weight": {constant}}}\n{{"id": "n2", "text": "Cough."}}\n'
    first, second = read_notes("-", io.BytesIO(lines.encode()))
    assert str(first) == f"stdin:1: not valid JSON: {constant} is no JSON"
    assert isinstance(second, Note)
    with pytest.raises(NoteError, match=f"^a:1: not valid JSON: {constant} is no JSON$"):
        json_object(f'{{"a": [{constant}]}}', "a:1")


@pytest.mark.parametrize("text", [f"[{{}}, {c}]" for c in CONSTANTS] + ["[" * 100_000, f'{{"a": {"9" * 5000}}}'])
def test_corpus_with_what_is_no_json_is_refused_by_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ExtractionError, match=r"a\.json:1: ") as refused:
        list(json_items(tmp_path / "a.json"))
    assert "\n" not in str(refused.value)


# --- every other place --------------------------------------------------------------------------------------------
HASHED = {"kgbuild/pipeline.py", "ontologies/arrays.py"}
"""What they write as JSON is hashed, or holds no float."""


_JSON = ("json.dump", "json.dumps", "json.load", "json.loads")


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield each call of the standard library's JSON in the packages: file, call and name."""
    for package in ("kgbuild", "extractors", "ontologies", "resolvers"):
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in _JSON:
                    yield file.relative_to(ROOT).as_posix(), node, ast.unparse(node.func)


def lax(keyword: str, is_ours: Callable[[str, str], bool]) -> list[str]:
    found = [(place, call) for place, call, name in calls() if is_ours(place, name)]
    return [f"{place}:{call.lineno}" for place, call in found if keyword not in {word.arg for word in call.keywords}]


def test_everything_that_writes_json_refuses_what_json_cannot_hold() -> None:
    assert lax("allow_nan", lambda place, name: name.startswith("json.dump") and place not in HASHED) == []


def test_everything_that_reads_json_of_users_refuses_constants() -> None:
    ours = ("kgbuild/", "extractors/corpora/", "extractors/strict_json.py")
    assert lax("parse_constant", lambda place, name: name.startswith("json.load") and place.startswith(ours)) == []
