"""PHEE and ChemProt, on items written by hand."""

import json
import re
from pathlib import Path

import pytest

from extractors.corpora.annotated import Annotated
from extractors.corpora.chemprot import read_chemprot
from extractors.corpora.phee import read_phee
from extractors.document import ExtractionError

TEXT = "A man on 5 mg zinc daily and oral iron for a week had rash and pain."


def argument(*spans: str) -> dict[str, object]:
    """An argument by its spans; pieces of a discontinuous one are joined by a plus."""
    texts = [span.split("+") for span in spans]
    return {"text": texts, "start": [[TEXT.index(piece) for piece in span] for span in texts], "entity_id": ["T1"]}


def phee(folder: Path, *events: dict[str, object]) -> Annotated:
    item = {"id": "77_2", "context": TEXT, "is_mult_event": False, "annotations": [{"events": events}]}
    (folder / "a.json").write_text("\n" + json.dumps(item) + "\n")
    return read_phee(folder)[0]


TREATMENT = argument("5 mg zinc daily and oral iron for a week") | {
    "Drug": argument("zinc", "iron"),
    "Dosage": argument("5 mg"),
    "Freq": argument("daily"),
    "Route": argument("oral"),
    "Duration": argument("a week"),
    "Combination": [{"event_id": "E2", "event_type": "Combination", "Drug": argument("zinc", "iron")}],
}
EVENT: dict[str, object] = {
    "event_id": "E1",
    "event_type": "Adverse_event",
    "Trigger": argument("had"),
    "Subject": argument("A man") | {"Gender": argument("man")},
    "Treatment": TREATMENT,
    "Effect": argument("rash+pain"),
}


def test_an_event_reads_as_its_arguments(tmp_path: Path) -> None:
    item = phee(tmp_path, EVENT)
    assert (item.id, item.document.text) == ("PMID:77/2", TEXT)
    assert [(m.text, m.label) for m in item.document.mentions] == [
        ("A man", "Subject"), ("man", "Subject.Gender"), ("5 mg", "Treatment.Dosage"), ("zinc", "Treatment.Drug"),
        ("daily", "Treatment.Freq"), ("oral", "Treatment.Route"), ("iron", "Treatment.Drug"),
        ("a week", "Treatment.Duration"), ("rash", "Effect"), ("pain", "Effect"),
    ]  # fmt: skip


def test_effects_relate_to_every_drug_and_attributes_to_the_nearest(tmp_path: Path) -> None:
    relations = phee(tmp_path, EVENT).document.relations
    assert sorted((r.label, r.head.text, r.tail.text) for r in relations) == [
        ("Adverse-Effect", "pain", "iron"), ("Adverse-Effect", "pain", "zinc"), ("Adverse-Effect", "rash", "iron"),
        ("Adverse-Effect", "rash", "zinc"), ("DOSE", "zinc", "5 mg"), ("DURATION", "iron", "a week"),
        ("FREQUENCY", "zinc", "daily"), ("ROUTE", "iron", "oral"),
    ]  # fmt: skip


def test_the_effect_of_a_therapeutic_event_is_no_adverse_one(tmp_path: Path) -> None:
    item = phee(tmp_path, EVENT | {"event_type": "Potential_therapeutic_event"})
    assert {r.label for r in item.document.relations if r.head.label == "Effect"} == {"Therapeutic-Effect"}


@pytest.mark.parametrize(
    ("cues", "assertion"),
    [
        ([{}], "present"),
        ([{"Negated": argument("A")}], "absent"),
        ([{"Speculated": argument("A")}], "possible"),
        ([{"Negated": argument("A")}, {}], "present"),
        ([{"Speculated": argument("A")}, {"Negated": argument("A")}], "possible"),
    ],
)
def test_an_effect_is_as_sure_as_the_surest_of_its_events(
    cues: list[dict[str, object]], assertion: str, tmp_path: Path
) -> None:
    mentions = phee(tmp_path, *(EVENT | cue for cue in cues)).document.mentions
    assert {m.assertion for m in mentions if m.label == "Effect"} == {assertion}
    assert {m.assertion for m in mentions if m.label != "Effect"} == {"present"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"event_type": "Side_event"}, "event 'Side_event' is not among Adverse_event"),
        ({"Effect": {"text": [["rash"]], "start": []}}, "expected lists 'text' and 'start' of equal length in Effect"),
        ({"Effect": {"text": [["rash"]], "start": [[1, 2]]}}, "expected as many starts as texts"),
        ({"Effect": {"text": [["rash"]], "start": [["1"]]}}, "expected a text and its start"),
        ({"Effect": {"text": [["rash"]], "start": [[66]]}}, "span 66-70 leaves the text of 68 characters"),
        ({"Effect": {"text": [["rash"]], "start": [[0]]}}, "the text at 0-4 is not the annotation's"),
    ],
)
def test_a_bad_event_is_named_by_file_and_line(changed: dict[str, object], message: str, tmp_path: Path) -> None:
    where = re.escape(f"{tmp_path}/a.json:2")
    with pytest.raises(ExtractionError, match=f"{where}(, Effect)?: {re.escape(message)}") as caught:
        phee(tmp_path, EVENT | changed)
    assert "rash" not in str(caught.value)


def test_a_label_that_a_model_does_not_know_is_named(tmp_path: Path) -> None:
    phee(tmp_path, EVENT)
    with pytest.raises(ExtractionError, match=r"a\.json:2: label 'Subject' is not among Effect"):
        read_phee(tmp_path, labels=("Effect",))


ENTITIES = "5\tT1\tCHEMICAL\t0\t4\tZinc\n5\tT2\tGENE-Y\t14\t17\tABC\n"
RELATIONS = "5\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n5\tCPR:2\tN \tREGULATOR\tArg1:T1\tArg2:T2\n"


def chemprot(folder: Path, entities: str = ENTITIES, relations: str = RELATIONS) -> list[Annotated]:
    folder.mkdir(exist_ok=True)
    (folder / "x_abstracts_gs.tsv").write_text("5\tZinc inhibits\tABC, it is said.\n")
    (folder / "x_entities_gs.tsv").write_text(entities)
    (folder / "x_relations_gs.tsv").write_text(relations)
    return read_chemprot(folder)


def test_chemprot_reads_the_relations_that_the_task_scores(tmp_path: Path) -> None:
    (item,) = chemprot(tmp_path)
    assert (item.id, item.document.text) == ("5", "Zinc inhibits\nABC, it is said.")
    assert [(m.text, m.label) for m in item.document.mentions] == [("Zinc", "CHEMICAL"), ("ABC", "GENE-Y")]
    assert [(r.head.text, r.tail.text, r.label) for r in item.document.relations] == [("Zinc", "ABC", "CPR:4")]


def test_an_abstract_of_two_parts_of_chemprot_comes_once(tmp_path: Path) -> None:
    for part in ("sample", "training"):
        chemprot(tmp_path / part)
    assert [item.id for item in read_chemprot(tmp_path)] == ["5"]


@pytest.mark.parametrize(
    ("entities", "relations", "message"),
    [
        ("5\tT1\tCHEMICAL\t0\t4\n", "", "x_entities_gs.tsv:1: expected 6 columns, found 5"),
        ("6\tT1\tCHEMICAL\t0\t4\tZinc\n", "", "x_entities_gs.tsv:1: no abstract 6"),
        ("5\tT1\tGENE\t0\t4\tZinc\n", "", "x_entities_gs.tsv:1: label 'GENE' is not among CHEMICAL, GENE-N, GENE-Y"),
        ("5\tT1\tCHEMICAL\t0\t44\tZinc\n", "", "x_entities_gs.tsv:1: span 0-44 leaves the text of 30 characters"),
        ("5\tT1\tCHEMICAL\ta\t4\tZinc\n", "", "x_entities_gs.tsv:1: expected offsets, found no numbers"),
        ("5\tT1\tCHEMICAL\t1\t5\tZinc\n", "", "x_entities_gs.tsv:1: the text at 1-4 is not the annotation's"),
        (ENTITIES, RELATIONS.replace("T2", "T9"), "x_relations_gs.tsv:1: no mention T1 or T9 in abstract 5"),
        (ENTITIES, RELATIONS.replace("CPR:2", "CPR:11"), "x_relations_gs.tsv:2: relation 'CPR:11' is not among CPR:0"),
    ],
)
def test_a_bad_row_of_chemprot_is_named_by_file_and_line(
    entities: str, relations: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/{message}")) as caught:
        chemprot(tmp_path, entities, relations)
    assert "Zinc" not in str(caught.value)


def test_a_folder_without_chemprot_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}: no *_abstracts*.tsv file")):
        read_chemprot(tmp_path)
