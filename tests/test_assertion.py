"""Assertion status, one line a case: the mention in braces, and its status. Add lines freely."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.assertion import with_assertions
from extractors.document import ASSERTIONS, Mention
from extractors.evaluate_assertion import Case, negex_cases, scores

KIT = Path(os.environ.get("KGBUILD_DATA", "../shared/data")) / "negex_context" / "rsAnnotations.tsv"


def marked(text: str, label: str) -> tuple[str, list[Mention]]:
    """Return the text without its braces, and a mention for each pair of them."""
    mentions: list[Mention] = []
    plain = ""
    for piece in re.split(r"(\{[^{}]*\})", text):
        if piece.startswith("{"):
            mentions.append(Mention(len(plain), len(plain) + len(piece) - 2, label, piece[1:-1]))
        plain += piece.strip("{}")
    return plain, mentions


PROBLEMS = [
    # Lists: every item, the last one too.
    ("Denies {hypertension}, {psychosis} and {glaucoma}.", "absent"),
    ("No {chest pain}, {shortness of breath}, or {nausea}.", "absent"),
    ("No {chest pain}\n{shortness of breath} or cough.", "absent"),
    ("The patient was not {lethargic} or {agitated} during the stay.", "absent"),
    ("She had neither {fever} nor {chills}.", "absent"),
    ("ROS is negative for {weight loss}, {fevers} and {night sweats}.", "absent"),
    ("{Cough}, {fever} and {chills} were denied.", "absent"),
    # Before the mention.
    ("without evidence of {metastasis}", "absent"),
    ("He does not have {diabetes}.", "absent"),
    ("Patient denied any {headache}.", "absent"),
    ("Biopsy had ruled out {myocarditis}.", "absent"),
    ("ruled out for {MI}", "absent"),
    ("free of {disease}", "absent"),
    ("w/o {edema}", "absent"),
    ("No known {drug allergies}", "absent"),
    ("No history of {seizures}.", "absent"),
    ("ENDOCRINE:  Denies any {polyuria}.", "absent"),
    ("She didn't have {pain}.", "absent"),
    ("{no acute distress}", "absent"),
    # Behind it.
    ("{Pneumonia} was ruled out.", "absent"),
    ("{Fecal occult blood} was negative.", "absent"),
    ("{Masses} were not seen.", "absent"),
    ("{Murmurs}: none", "absent"),
    ("{Paralysis} was not found.", "absent"),
    # Where a denial ends.
    ("no fever but has {cough}", "present"),
    ("No fever; {cough} for a week.", "present"),
    ("No fever. {Cough} for a week.", "present"),
    ("No fever although {tachycardia} was seen.", "present"),
    ("No wheezes, but {rales} at both bases.", "present"),
    ("No chest pain, and the patient has {dyspnea}.", "present"),
    ("{Pain} not relieved by rest", "present"),
    ("{Fever}, no chills", "present"),
    ("Chest x-ray showed {pneumonia} and blood culture was negative.", "present"),
    ("{Cough} that does not respond to codeine", "present"),
    # What looks like a denial.
    ("gram negative {sepsis}", "present"),
    ("no increase in {edema}", "present"),
    ("no change in {pneumonia}", "present"),
    ("not only {asthma} but gout", "present"),
    ("In general no {change in vision}.", "absent"),
    # Possible.
    ("rule out {pneumonia}", "possible"),
    ("R/O {DVT}", "possible"),
    ("{Pneumonia} is not ruled out.", "possible"),
    ("{Infection} cannot be excluded.", "possible"),
    ("cannot rule out {fracture}", "possible"),
    ("probable {pneumonia}", "possible"),
    ("findings suspicious for {malignancy}", "possible"),
    ("?{appendicitis}", "possible"),
    ("No fever, possible {pneumonia}", "possible"),
    # Someone else.
    ("father had a {stroke}", "associated_with_someone_else"),
    ("Her mother died of {breast cancer} at 60.", "associated_with_someone_else"),
    ("{Colon cancer} in his father.", "associated_with_someone_else"),
    ("Family history of {diabetes} and {hypertension}.", "associated_with_someone_else"),
    ("FAMILY HISTORY: {Diabetes}, {gout}.", "associated_with_someone_else"),
    ("No family history of {colon cancer}.", "associated_with_someone_else"),
    ("Mother reports that he has {fever}.", "present"),
    ("Seen with his wife for {chest pain}.", "present"),
    ("His father had gout and he has {asthma}.", "present"),
    # Historical.
    ("history of {MI} and {CHF}", "historical"),
    ("s/p {hip fracture}", "historical"),
    ("status post {stroke}", "historical"),
    ("PAST MEDICAL HISTORY: {Hypertension}.", "historical"),
    ("PAST MEDICAL HISTORY:\n{HYPERTENSION}\n{DIABETES}", "historical"),
    ("{MI} 5 years ago", "historical"),
    ("A man with a history of gout who presents with {chest pain}", "present"),
    ("a 6-week history of {palpitations}", "present"),
    ("HISTORY OF PRESENT ILLNESS: {Chest pain} since Monday.", "present"),
    ("pain for 3 days prior to {vomiting}", "present"),
    # Not (yet) so.
    ("Return if {fever} or {vomiting} develops.", "hypothetical"),
    ("Call for {redness}, {swelling} or {pus}.", "hypothetical"),
    ("risk of {bleeding}", "hypothetical"),
    ("{Dyspnea} on exertion", "conditional"),
    ("ALLERGIES: {Rash} from penicillin", "conditional"),
    ("{Chest pain} and {dyspnea}.", "present"),
]

DONE = [
    ("will undergo {colonoscopy}", "hypothetical"),
    ("scheduled for {CT} of the abdomen", "hypothetical"),
    ("She refused {surgery}.", "absent"),
    ("{MRI} was not performed.", "absent"),
    ("s/p {appendectomy}", "historical"),
    ("PAST SURGICAL HISTORY: {Appendectomy}.", "historical"),
    ("ALLERGIES: {Penicillin}.", "conditional"),
    # A negative test was done all the same.
    ("{Blood cultures} were negative.", "present"),
    ("{Stress test} was negative.", "present"),
    ("no abnormality on {CT}", "present"),
]


@pytest.mark.parametrize(("text", "status"), PROBLEMS)
def test_status_of_problems(text: str, status: str) -> None:
    plain, mentions = marked(text, "Disease_disorder")
    assert {mention.text: mention.assertion for mention in with_assertions(plain, mentions)} == {
        mention.text: status for mention in mentions
    }


@pytest.mark.parametrize(("text", "status"), DONE)
def test_status_of_procedures_and_drugs(text: str, status: str) -> None:
    plain, mentions = marked(text, "Diagnostic_procedure")
    assert [mention.assertion for mention in with_assertions(plain, mentions)] == [status] * len(mentions)


def test_planned_repair_leaves_the_hernia_present() -> None:
    plain, mentions = marked("Scheduled for repair of {hernia}.", "Disease_disorder")
    assert with_assertions(plain, mentions)[0].assertion == "present"


@pytest.mark.parametrize(
    ("text", "label", "status"),
    [
        ("{smoker}", "History", "historical"),
        ("no {smoking}", "History", "absent"),
        ("{diabetes} in aunts", "Family_history", "associated_with_someone_else"),
        ("no {fever}", "Biological_structure", "present"),
        ("no fever for {3 days}", "Duration", "present"),
    ],
)
def test_label_decides(text: str, label: str, status: str) -> None:
    plain, mentions = marked(text, label)
    assert with_assertions(plain, mentions)[0].assertion == status


def test_scores_by_hand() -> None:
    absent, none = frozenset({"absent"}), frozenset[str]()
    cases = [Case(1, absent, "absent"), Case(2, absent, "present"), Case(3, none, "absent"), Case(4, absent, "absent")]
    assert scores(cases, "absent").split()[:7] == ["absent", "P", "0.667", "R", "0.667", "F1", "0.667"]


@pytest.mark.skipif(not KIT.exists(), reason="needs the NegEx/ConText kit under KGBUILD_DATA")
def test_negation_on_the_half_of_the_kit_that_was_not_tuned_on() -> None:
    """Measured F1 .976; printed by ``python -m extractors.evaluate_assertion FILE``."""
    cases, _ = negex_cases(KIT)
    assert float(scores([case for case in cases if case.line % 2], "absent").split()[6]) >= 0.93


UGLY = st.lists(
    st.sampled_from(
        ["no ", "fever", "and ", ".", "but ", "\r\n", ":", ";", "?", "(", ")", "e\u0301", "👩‍⚕️", "שלום", "İ", "PMH: "]
    ),
    max_size=30,
).map("".join)


@given(UGLY, st.data())
def test_spans_texts_and_order_never_change(text: str, data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda place: place[0] < place[1])
    spans = data.draw(st.lists(places, max_size=5)) if text else []
    mentions = [Mention(start, end, "Sign_symptom", text[start:end]) for start, end in spans]
    found = with_assertions(text, mentions)
    assert [(m.start, m.end, m.label, m.text, m.score) for m in found] == [
        (m.start, m.end, m.label, m.text, m.score) for m in mentions
    ]
    assert all(m.assertion in ASSERTIONS for m in found)


def test_long_text_without_full_stops_is_read_in_linear_time() -> None:
    text = "no fever and " * 8_000
    mentions = [Mention(i, i + 5, "Sign_symptom", "fever") for i in range(3, len(text), 13)]
    assert {mention.assertion for mention in with_assertions(text, mentions)} == {"absent"}
