"""brat files as users write them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.corpora.annotated import Annotated, check_labels
from extractors.corpora.brat import read_brat
from extractors.document import ExtractionError

TEXT = "No fever.\nSevere chest pain after aspirin."
T = {
    "T1": "T1\tFinding 3 8\tfever",
    "T2": "T2\tSeverity 10 16\tSevere",
    "T3": "T3\tFinding 17 27\tchest pain",
    "T4": "T4\tDrug 34 41\taspirin",
}


def read(folder: Path, *lines: str, text: str = TEXT, end: str = "\n", labels: set[str] | None = None) -> Annotated:
    (folder / "a.txt").write_bytes(text.encode())
    (folder / "a.ann").write_bytes("".join(line + end for line in lines).encode())
    return read_brat(folder, labels)[0]


def test_mentions_relations_attributes_groups_and_codes_read(tmp_path: Path) -> None:
    item = read(
        tmp_path, *T.values(), "R1\tMODIFY Arg1:T2 Arg2:T3\t", "A1\tNegation T1", "A2\tAssertion T3 possible",
        "A3\tTREND T3 INC", "*\tSAME T1 T3", "N1\tReference T4 MeSH:D001241\tAspirin", "#1\tAnnotatorNotes T1\tsure?",
    )  # fmt: skip
    fever, severe, pain, aspirin = item.document.mentions
    assert [(m.text, m.assertion) for m in item.document.mentions] == [
        ("fever", "absent"), ("Severe", "present"), ("chest pain", "possible"), ("aspirin", "present")
    ]  # fmt: skip
    assert [(r.head, r.tail, r.label) for r in item.document.relations] == [(severe, pain, "MODIFY")]
    assert (item.id, item.groups, item.codes) == ("a", (("SAME", (fever, pain)),), {aspirin: "MeSH:D001241"})


def test_roles_of_an_event_are_relations_of_its_trigger(tmp_path: Path) -> None:
    item = read(tmp_path, *T.values(), "E1\tFinding:T3 Cause:T4 Theme2:T2", "A1\tPOLARITY E1 NEG")
    assert [(r.head.text, r.head.assertion, r.label, r.tail.text) for r in item.document.relations] == [
        ("chest pain", "absent", "Theme", "Severe"), ("chest pain", "absent", "Cause", "aspirin")
    ]  # fmt: skip


def test_lines_may_come_in_any_order(tmp_path: Path) -> None:
    lines = [*T.values(), "E1\tFinding:T3 ", "R1\tMODIFY Arg1:T2 Arg2:E1", "A1\tPOLARITY E1 NEG"]
    forward = read(tmp_path, *lines)
    assert read(tmp_path, *reversed(lines)) == forward


def test_byte_order_mark_windows_line_ends_and_comments_change_nothing(tmp_path: Path) -> None:
    plain = read(tmp_path, *T.values())
    assert read(tmp_path, "\ufeff" + T["T1"], "# checked", "", T["T2"], T["T3"], T["T4"], end="\r\n") == plain


def test_carriage_returns_of_the_text_count_as_in_brat(tmp_path: Path) -> None:
    item = read(tmp_path, "T1\tFinding 18 28\tchest pain", text=TEXT.replace("\n", "\r\n"))
    assert [m.text for m in item.document.mentions] == ["chest pain"]


def test_overlapping_and_discontinuous_mentions_are_kept(tmp_path: Path) -> None:
    item = read(tmp_path, T["T3"], "T4\tSite 17 22\tchest", "T5\tFinding 10 16;23 27\tSevere pain")
    assert [m.text for m in item.document.mentions] == ["Severe chest pain", "chest", "chest pain"]


def test_a_line_break_inside_a_mention_may_be_written_as_a_blank(tmp_path: Path) -> None:
    item = read(tmp_path, "T1\tFinding 3 16\tfever. Severe")
    assert [m.text for m in item.document.mentions] == ["fever.\nSevere"]


def test_an_empty_annotation_file_is_a_document_without_mentions(tmp_path: Path) -> None:
    assert read(tmp_path).document.mentions == ()


@given(text=st.text(st.characters(codec="utf-8"), min_size=1), data=st.data())
def test_offsets_are_code_points_of_the_text_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    line = f"T1\tX {start} {end}\t{' '.join(text[start:end].split())}"
    item = read(tmp_path_factory.mktemp("b"), line, text=text)
    assert item.document.text == text
    assert [(m.start, m.end) for m in item.document.mentions] == [(start, end)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T5\tFinding 3 99\tfever", "span 3-99 leaves the text of 42 characters"),
        ("T5\tFinding 8 3\tfever", "span 8-3 leaves the text of 42 characters"),
        ("T5\tFinding 4 9\tfever", "the text at 4-9 is not the annotation's"),
        ("T5\tFinding 3\tfever", "expected 'ID<tab>LABEL START END<tab>TEXT'"),
        ("T5\tFinding 3 8", "expected 'ID<tab>LABEL START END<tab>TEXT'"),
        ("T5 Finding 3 8 fever", "expected a line of kind T E R A M N # *: ID<tab>ANNOTATION"),
        ("X1\tFinding T1", "expected a line of kind T E R A M N # *: ID<tab>ANNOTATION"),
        ("T1\tDrug 34 41\taspirin", "T1 is already at {file}:1"),
        ("R1\tMODIFY Arg1:T2", "expected 'ID<tab>LABEL Arg1:ID Arg2:ID'"),
        ("R1\tMODIFY Arg1:T1 Arg2:T9", "no annotation 'T9'"),
        ("E1\tFinding:T1 Cause:T9", "no annotation 'T9'"),
        ("E1\tFinding", "no annotation ''"),
        ("A1\tNegation T9", "no annotation 'T9'"),
        ("*\tSAME T1 T9", "no annotation 'T9'"),
        ("N1\tReference T1", "expected 'ID<tab>Reference ID SYSTEM:CODE'"),
        ("T5\tDrog 34 41\taspirin", "label 'Drog' is not among Drug, Finding, Severity"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "a.ann"
    with pytest.raises(ExtractionError, match=re.escape(f"{file}:3: {message.format(file=file)}")) as caught:
        read(tmp_path, T["T1"], T["T2"], line, labels={"Drug", "Finding", "Severity"})
    assert "fever" not in str(caught.value)


@pytest.mark.parametrize("line", ["R1\tMODIFIES Arg1:T2 Arg2:T1", "*\tMODIFIES T1 T2", "E1\tFinding:T1 MODIFIES:T2"])
def test_an_unknown_relation_is_named_by_file_and_line(line: str, tmp_path: Path) -> None:
    read(tmp_path, T["T1"], T["T2"], line)
    with pytest.raises(ExtractionError, match=r"a\.ann:3: relation 'MODIFIES' is not among MODIFY"):
        read_brat(tmp_path, relations={"MODIFY"})


def test_bytes_that_are_no_text_are_named_by_file_and_line(tmp_path: Path) -> None:
    read(tmp_path, T["T1"])
    (tmp_path / "a.txt").write_bytes(b"No fever.\nSevere \xe9")
    with pytest.raises(ExtractionError, match=r"a\.txt:2: expected UTF-8, found byte 0xe9"):
        read_brat(tmp_path)


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.ann").write_text("")
    with pytest.raises(ExtractionError, match=r"b\.ann: b\.txt is missing"):
        read_brat(tmp_path)


def test_documents_at_hand_are_checked_by_name_and_offsets(tmp_path: Path) -> None:
    item = read(tmp_path, *T.values(), "R1\tMODIFY Arg1:T2 Arg2:T3")
    check_labels([item], {"Finding", "Severity", "Drug"}, {"MODIFY"})
    with pytest.raises(ExtractionError, match=r"^a: 34-41: label 'Drug' is not among Finding, Severity$"):
        check_labels([item], {"Finding", "Severity"}, None)
    with pytest.raises(ExtractionError, match=r"^a: 10-16 17-27: relation 'MODIFY' is not among CAUSE$"):
        check_labels([item], None, {"CAUSE"})
