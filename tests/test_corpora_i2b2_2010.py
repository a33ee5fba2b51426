"""Notes in the format of i2b2/VA 2010; the fixtures are invented and written by hand."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.corpora.annotated import Annotated
from extractors.corpora.i2b2_2010 import RELATIONS, STATUSES, read_i2b2_2010
from extractors.document import ExtractionError

FOLDER = Path(__file__).parent / "data" / "i2b2_2010"


def note(folder: Path, text: str, con: str = "", rel: str | None = None, ast: str | None = None) -> Path:
    """A note of three or four files side by side."""
    for suffix, content in ((".txt", text), (".con", con), (".rel", rel), (".ast", ast)):
        if content is not None:
            (folder / f"n{suffix}").write_bytes(content.encode())
    return folder


def test_a_note_of_the_challenge_reads_with_concepts_assertions_and_relations() -> None:
    record, _ = read_i2b2_2010(FOLDER)
    assert record.id == "beth/record-1"
    assert [(m.text, m.label, m.assertion) for m in record.document.mentions] == [
        ('Type "2" diabetes', "problem", "present"),
        ("metformin", "treatment", "present"),
        ("chest\npain", "problem", "absent"),
        ("asthma", "problem", "associated_with_someone_else"),
        ("A head CT", "test", "present"),
        ("a small bleed", "problem", "present"),
        ("aspirin", "treatment", "present"),
    ]
    assert [(r.head.text, r.label, r.tail.text) for r in record.document.relations] == [
        ("metformin", "TrAP", 'Type "2" diabetes'),
        ("A head CT", "TeRP", "a small bleed"),
        ("aspirin", "TrNAP", "a small bleed"),
    ]


def test_a_note_without_rel_file_has_no_relations() -> None:
    _, second = read_i2b2_2010(FOLDER)
    assert (second.id, second.document.relations) == ("partners/note_2", ())
    assert [m.assertion for m in second.document.mentions] == ["absent"]


def test_files_side_by_side_read_as_in_the_folders_of_the_challenge(tmp_path: Path) -> None:
    for file in (FOLDER / "beth").rglob("record-1.*"):
        shutil.copy(file, tmp_path)
    (flat,) = read_i2b2_2010(tmp_path)
    assert flat == Annotated("record-1", read_i2b2_2010(FOLDER)[0].document)


def test_test_notes_and_their_reference_standard_may_lie_apart(tmp_path: Path) -> None:
    for kind, suffix in (("test_data", "txt"), *((f"reference_standard_for_test_data/{k}", k) for k in ("ast", "rel"))):
        shutil.copytree(FOLDER / "beth" / suffix, tmp_path / kind)
    shutil.copytree(FOLDER / "beth" / "concept", tmp_path / "reference_standard_for_test_data" / "concepts")
    assert [item.id for item in read_i2b2_2010(tmp_path)] == ["record-1"]


def test_windows_line_ends_change_no_mention(tmp_path: Path) -> None:
    for file in (FOLDER / "beth").rglob("record-1.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (windows,), unix = read_i2b2_2010(tmp_path), read_i2b2_2010(FOLDER)[0]
    assert [m.text.split() for m in windows.document.mentions] == [m.text.split() for m in unix.document.mentions]
    assert len(windows.document.relations) == 3


WORDS = st.lists(st.sampled_from(["BP", "120/80", 'a "b"', "über", "||t=", ",", 'c="x"', "x y"]), min_size=1)


@given(lines=st.lists(WORDS, min_size=1, max_size=4), data=st.data())
def test_every_span_of_tokens_reads_back(
    lines: list[list[str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "\n".join("  ".join(line) for line in lines)
    tokens = [(n, t) for n, line in enumerate(text.split("\n"), 1) for t in range(len(line.split()))]
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    words = text.split()[first : last + 1]
    (a, b), (c, d) = tokens[first], tokens[last]
    con = f'c="{" ".join(words).lower()}" {a}:{b} {c}:{d}||t="test"\n'
    ((mention,),) = (i.document.mentions for i in read_i2b2_2010(note(tmp_path_factory.mktemp("n"), text, con)))
    assert (mention.label, mention.text.split()) == ("test", words)


TEXT = "No chest pain .\nGiven aspirin .\n"
PAIN, ASPIRIN = 'c="chest pain" 1:1 1:2', 'c="aspirin" 2:1 2:1'
CON = f'{PAIN}||t="problem"\n{ASPIRIN}||t="treatment"\n'


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_relation_of_the_challenge_is_known(relation: str, tmp_path: Path) -> None:
    (item,) = read_i2b2_2010(note(tmp_path, TEXT, CON, f'{ASPIRIN}||r="{relation}"||{PAIN}\n'))
    assert [(r.label, r.head.text) for r in item.document.relations] == [(relation, "aspirin")]


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_challenge_is_known(status: str, tmp_path: Path) -> None:
    (item,) = read_i2b2_2010(note(tmp_path, TEXT, CON, ast=f'{PAIN}||t="problem"||a="{status}"\n'))
    assert item.document.mentions[0].assertion == status


def test_of_two_concepts_with_one_span_a_relation_takes_the_label_it_joins(tmp_path: Path) -> None:
    con = CON + f'{PAIN}||t="test"\n'
    (item,) = read_i2b2_2010(note(tmp_path, TEXT, con, f'{ASPIRIN}||r="TrAP"||{PAIN}\n'))
    assert [r.tail.label for r in item.document.relations] == ["problem"]


@pytest.mark.parametrize(
    ("con", "message"),
    [
        ('c="chest pain" 1:1 1:2\n', "n.con:1: expected 'c="),
        ('\nc="chest pain" 1:1 1:2||t="symptom"\n', "n.con:2: label 'symptom' is not among problem, test, treatment"),
        ('c="chest pain" 1:0 1:1||t="problem"\n', "n.con:1: the text at 1:0 1:1 is not the concept"),
        ('c="chest pain" 4:1 4:2||t="problem"\n', "n.con:1: line 4 leaves the text of 3 lines"),
        ('c="chest pain" 0:1 0:2||t="problem"\n', "n.con:1: line 0 leaves the text of 3 lines"),
        ('c="chest pain" 1:1 1:4||t="problem"\n', "n.con:1: token 4 leaves line 1 of 4 tokens (from 0)"),
        ('c="chest pain" 1:2 1:1||t="problem"\n', "n.con:1: the last word stands before the first"),
    ],
)
def test_a_bad_concept_is_named_by_file_and_line(con: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/{message}")) as caught:
        read_i2b2_2010(note(tmp_path, TEXT, con))
    assert "pain" not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "line", "message"),
    [
        ("rel", f'{ASPIRIN}||r="TrXX"||{PAIN}', "n.rel:2: relation 'TrXX' is not among PIP, TeCP, TeRP, TrAP"),
        ("rel", f'{ASPIRIN}||r="TrAP"||c="no" 1:0 1:0', "n.rel:2: no concept of the .con file has this span"),
        ("rel", f'{ASPIRIN}||r="TrAP"||c="pain" 1:2 1:9', "n.rel:2: token 9 leaves line 1 of 4 tokens"),
        ("rel", f"{ASPIRIN}||{PAIN}", "n.rel:2: expected 'c="),
        ("ast", f'{PAIN}||t="problem"||a="historical"', "n.ast:2: assertion 'historical' is not among absent, "),
        ("ast", 'c="no" 1:0 1:0||t="problem"||a="present"', "n.ast:2: no concept of the .con file has this span"),
    ],
)
def test_a_bad_relation_or_assertion_is_named_by_file_and_line(
    suffix: str, line: str, message: str, tmp_path: Path
) -> None:
    note(tmp_path, TEXT, CON)
    (tmp_path / f"n.{suffix}").write_text(f"\n{line}\n")
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/{message}")) as caught:
        read_i2b2_2010(tmp_path)
    assert "pain" not in str(caught.value)


@pytest.mark.parametrize(("gone", "left"), [("txt", "con"), ("con", "txt")])
def test_a_note_without_text_or_concepts_is_named(gone: str, left: str, tmp_path: Path) -> None:
    note(tmp_path, TEXT, CON)
    (tmp_path / f"n.{gone}").unlink()
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/n.{left}: n.{gone} is missing")):
        read_i2b2_2010(tmp_path)


def test_a_folder_without_notes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}: no .con file")):
        read_i2b2_2010(tmp_path)


def test_two_files_of_one_note_are_named(tmp_path: Path) -> None:
    note(tmp_path, TEXT, CON)
    (tmp_path / "concept").mkdir()
    shutil.copy(tmp_path / "n.con", tmp_path / "concept")
    with pytest.raises(ExtractionError, match=r"n\.con: .*n\.con is of the same note"):
        read_i2b2_2010(tmp_path)


def test_a_relation_outside_those_asked_for_is_named(tmp_path: Path) -> None:
    note(tmp_path, TEXT, CON, f'{ASPIRIN}||r="TrAP"||{PAIN}\n')
    with pytest.raises(ExtractionError, match=r"n\.rel:1: relation 'TrAP' is not among PIP"):
        read_i2b2_2010(tmp_path, relations=("PIP",))
