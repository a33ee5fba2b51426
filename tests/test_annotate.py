"""What rules add to a model's document and take away from it."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.annotate import annotate
from extractors.document import Document, Mention, Relation
from extractors.lexicon import LexiconExtractor

EXTRACTOR = LexiconExtractor(
    {
        "radiology report": "Diagnostic_procedure", "medications": "Medication", "aspirin": "Medication",
        "plan": "Activity",
        "cyst": "Sign_symptom", "fever": "Sign_symptom", "March 4, 2019": "Date", "kidney": "Biological_structure",
    },
    modifiers=("Date", "Biological_structure"),
    targets=("Sign_symptom", "Medication"),
)  # fmt: skip


def read(text: str, anchor: date | None = None) -> Document:
    return annotate(EXTRACTOR([text])[0], anchor)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("RADIOLOGY REPORT\n\nA cyst.", ["cyst"]),
        ("MEDICATIONS:\naspirin", ["aspirin"]),
        ("MEDICATIONS: aspirin", ["aspirin"]),
        ("His medications are aspirin and rest.", ["medications", "aspirin"]),
        ("The plan is aspirin.", ["plan", "aspirin"]),
    ],
)
def test_a_heading_is_no_mention(text: str, kept: list[str]) -> None:
    assert [mention.text for mention in read(text).mentions] == kept


def test_relations_of_a_heading_go_with_it() -> None:
    text = "MEDICATIONS: aspirin"
    heading, drug = Mention(0, 11, "Medication", text[:11]), Mention(13, 20, "Medication", "aspirin")
    found = annotate(Document(text, (heading, drug), (Relation(drug, heading, "SUB_PROCEDURE"),)), None)
    assert (found.mentions, found.relations) == ((drug,), ())


def marked(text: str, *mentions: tuple[str, str]) -> Document:
    """The text as a model reads it that finds those words with those labels, in this order."""
    found, at = [], 0
    for words, label in mentions:
        start = text.index(words, at)
        at = start + len(words)
        found.append(Mention(start, at, label, words))
    return Document(text, tuple(found))


@pytest.mark.parametrize(
    ("mention", "label"),
    [
        ("3/20/99", "Date"), ("12/31/2008", "Date"), ("31/12/2008", "Date"), ("03/2008", "Date"),
        ("120/80", "Lab_value"), ("99/99/99", "Lab_value"), ("1/2", "Lab_value"), ("4/45/99", "Lab_value"),
    ],
)  # fmt: skip
def test_a_date_with_slashes_is_no_lab_value(mention: str, label: str) -> None:
    assert annotate(marked(f"seen {mention} here", (mention, "Lab_value")), None).mentions[0].label == label


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ([("20 mg b.", "Dosage"), ("i.d.", "Administration")], [("20 mg", "Dosage"), ("b.i.d.", "Frequency")]),
        ([("20 mg", "Dosage"), ("b.i.d.", "Administration")], [("20 mg", "Dosage"), ("b.i.d.", "Frequency")]),
        ([("b.", "Dosage"), ("i.d.", "Administration")], [("b.i.d.", "Frequency")]),
        ([("i.d. by mouth", "Administration")], [("b.i.d.", "Frequency"), ("by mouth", "Administration")]),
        ([("20 mg b.i.d.", "Dosage")], [("20 mg b.i.d.", "Dosage")]),  # as annotators have it
        ([("b.i.d. by mouth", "Administration")], [("b.i.d. by mouth", "Administration")]),
        ([("b.", "Sign_symptom")], [("b.", "Sign_symptom")]),
    ],
)
def test_how_often_a_drug_is_given_is_one_mention(read: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    found = annotate(marked("Lasix 20 mg b.i.d. by mouth", ("Lasix", "Medication"), *read), None)
    assert [(m.text, m.label) for m in found.mentions[1:]] == expected


def test_relations_of_two_parts_are_those_of_the_whole() -> None:
    text = "Lasix b.i.d."
    read = marked(
        text, ("Lasix", "Medication"), ("b.", "Dosage"), ("i.d.", "Administration"),
    )  # fmt: skip
    unsure = replace(read.mentions[2], score=0.5)  # two parts are never equally sure
    drug, part = read.mentions[:2]
    relations = (Relation(part, drug, "MODIFY"), Relation(unsure, drug, "MODIFY"), Relation(part, unsure, "MODIFY"))
    found = annotate(Document(text, (drug, part, unsure), relations), None)
    assert [(r.head.text, r.tail.text) for r in found.relations] == [("b.i.d.", "Lasix")]
    assert [m.text for m in found.mentions] == ["Lasix", "b.i.d."]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Calcium score was 142.", "Calcium score"),
        ("The calcium COUNT rose.", "calcium COUNT"),
        ("Calcium was 142.", "Calcium"),
        ("Calcium level was 142.", "Calcium"),  # as most annotators have it
        ("Calcium scored 142.", "Calcium"),
        ("Calcium\nscore", "Calcium"),
        ("Low calcium, score 3.", "calcium"),
        ("cyst score", "cyst"),  # no procedure
    ],
)
def test_a_measurement_is_called_by_its_whole_name(text: str, name: str) -> None:
    extractor = LexiconExtractor({"calcium": "Diagnostic_procedure", "cyst": "Sign_symptom"})
    assert [mention.text for mention in annotate(extractor([text])[0], None).mentions] == [name]


def test_a_measures_word_that_is_a_mention_itself_stays_one_and_relations_follow_the_wider_name() -> None:
    text = "calcium score, calcium ratio 3"
    one, score = Mention(0, 7, "Diagnostic_procedure", "calcium"), Mention(8, 13, "Lab_value", "score")
    other, three = Mention(15, 22, "Diagnostic_procedure", "calcium"), Mention(29, 30, "Lab_value", "3")
    links = (Relation(score, one, "MODIFY"), Relation(three, other, "MODIFY"))
    found = annotate(Document(text, (one, score, other, three), links), None)
    assert [(r.head.text, r.tail.text) for r in found.relations] == [("score", "calcium"), ("3", "calcium ratio")]


def test_dates_that_the_model_missed_are_found_and_none_is_found_twice() -> None:
    found = read("A cyst on March 4, 2019 and on 05/06/2020.")
    assert [(m.text, m.label) for m in found.mentions if m.label == "Date"] == [
        ("March 4, 2019", "Date"),
        ("05/06/2020", "Date"),
    ]
    assert [time.value for time in found.times] == ["2019-03-04", "2020-05-06"]


def test_relative_dates_count_from_the_day_of_the_note_and_stay_open_without_one() -> None:
    (known,) = read("Fever two weeks ago.", date(2020, 3, 15)).times
    (unknown,) = read("Fever two weeks ago.").times
    assert (known.start, known.anchor) == (date(2020, 3, 1), "note")
    assert unknown.start is None


def test_assertions_reach_the_arguments_of_relations() -> None:
    found = read("No cyst of the kidney.")
    (relation,) = found.relations
    assert (relation.head.text, relation.tail.text, relation.tail.assertion) == ("kidney", "cyst", "absent")


PIECES = st.sampled_from(
    [
        "Lasix",
        "20 mg",
        "b.i.d.",
        "p.o.",
        "q12 hours",
        "daily",
        "3/20/99",
        "calcium",
        "score",
        "MEDICATIONS:",
        "\n",
        "pain",
        ",",
        ".",
    ]
)
LABELS = st.sampled_from(["Dosage", "Administration", "Frequency", "Lab_value", "Diagnostic_procedure", "Medication"])


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, min_size=1, max_size=12).map(" ".join), st.data())
def test_whatever_a_model_reads_stays_a_document(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), unique=True, max_size=10).map(sorted))
    mentions = [
        Mention(a, b, data.draw(LABELS), text[a:b], score=data.draw(st.sampled_from([0.5, 0.9])))
        for a, b in pairwise(cuts)
        if text[a:b] == text[a:b].strip() != ""
    ]
    relations = tuple(Relation(a, b, "MODIFY") for a in mentions for b in mentions if a != b)
    found = annotate(Document(text, tuple(mentions), relations), date(2020, 5, 1))
    assert all(text[m.start : m.end] == m.text and m.text.strip() for m in found.mentions)
    assert len(set(found.mentions)) == len(found.mentions)
