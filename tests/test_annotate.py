"""What rules add to a model's document and take away from it."""

from datetime import date

import pytest

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
