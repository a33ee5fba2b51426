"""Events of a note: what is one, when it was, what was measured."""

from datetime import date

import pytest

from kgbuild.timeline import Event, events
from kgbuild.values import convert, parse_value
from tests.marked import resolved


def told(event: Event) -> str:
    """First and last day, and source of an event."""
    days = sorted({day.isoformat() for day in (event.start, event.end) if day is not None})
    return " ".join(["..".join(days), event.source]).strip()


# --- when ---------------------------------------------------------------------------------------------------------
NOTE = "2019-03-14 note date"
MAY_1 = "2019-05-01 text"

WHEN = [
    # a relation ties the date, in either direction, across sentences
    ("[Fever|Sign_symptom #f]. Since [May 1|Date #d @2019-05-01].", ["OVERLAP f d"], MAY_1),
    ("[Fever|Sign_symptom #f]. Since [May 1|Date #d @2019-05-01].", ["MODIFY d f"], MAY_1),
    # a relation says it was not then
    ("[Fever|Sign_symptom #f] before [May 1|Date #d @2019-05-01]", ["BEFORE f d"], NOTE),
    ("[Fever|Sign_symptom #f] after [May 1|Date #d @2019-05-01]", ["AFTER d f"], NOTE),
    # the only date of the sentence
    ("[Fever|Sign_symptom] in [2018|Date @2018-01-01..2018-12-31].", [], "2018-01-01..2018-12-31 text"),
    ("[Fever|Sign_symptom] on [May 1|Date @2019-05-01] ([5/1/19|Date @2019-05-01]).", [], MAY_1),
    # two dates: nobody can say
    ("[Fever|Sign_symptom] [May 1|Date @2019-05-01], [May 9|Date @2019-05-09].", [], NOTE),
    # the date of the next sentence is not its date
    ("[Fever|Sign_symptom]. Seen on [May 1|Date @2019-05-01].", [], NOTE),
    # a date that heads the lines below it, up to the paragraph's end or the next such date
    ("[05/01/2019|Date @2019-05-01]: Seen.\n[Fever|Sign_symptom].", [], MAY_1),
    ("- [05/01/2019|Date @2019-05-01] - Seen.\n[Fever|Sign_symptom].", [], MAY_1),
    ("[04/01|Date @2019-04-01]\n[05/01|Date @2019-05-01]\n[Fever|Sign_symptom].", [], MAY_1),
    ("[05/01/2019|Date @2019-05-01]: Seen.\n\n[Fever|Sign_symptom].", [], NOTE),
    ("Seen [05/01/2019|Date @2019-05-01].\n[Fever|Sign_symptom].", [], NOTE),
    # frequencies never date; durations only when tied
    ("[Fever|Sign_symptom #f] [daily|Frequency #d @2019-05-01]", ["OVERLAP f d"], NOTE),
    ("[Fever|Sign_symptom #f] [3 d|Duration #d @2019-03-12..2019-03-14]", [], NOTE),
    (
        "[Fever|Sign_symptom #f] [3 d|Duration #d @2019-03-12..2019-03-14]",
        ["OVERLAP f d"],
        "2019-03-12..2019-03-14 text",
    ),
    # of intervals that overlap, the one that says most
    (
        "[Fever|Sign_symptom #f] [2019|Date #y @2019-01-01..2019-12-31] [May 1|Date #d @2019-05-01]",
        ["OVERLAP f y", "OVERLAP f d"],
        MAY_1,
    ),
    (
        "[Fever|Sign_symptom #f] [3 days|Duration #s @2019-05-01..2019-05-03] [May 1|Date #d @2019-05-01]",
        ["OVERLAP f s", "OVERLAP f d"],
        "2019-05-01..2019-05-03 text",
    ),
    # denied on the note's date
    ("No [fever|Sign_symptom !absent].", [], NOTE),
    # what is past, or another person's, was not on the note's date
    ("History of [stroke|Disease_disorder !historical].", [], "unknown"),
    ("[Stroke|History].", [], "unknown"),
    ("Mother had [stroke|Disease_disorder !associated_with_someone_else].", [], "unknown"),
    ("Old [stroke|Disease_disorder !historical] on [May 1|Date @2019-05-01].", [], MAY_1),
]


@pytest.mark.parametrize(("marked", "relations", "expected"), WHEN)
def test_event_is_dated_as_the_text_says(marked: str, relations: list[str], expected: object) -> None:
    assert told(events(resolved(marked, *relations))[0]) == expected


def test_historical_event_does_not_take_the_date_of_another_nearer_event() -> None:
    note = resolved(
        "She [presented|Clinical_event] on [May 1|Date @2019-05-01] with old [stroke|Disease_disorder !historical]."
    )

    assert [(event.entity.name, told(event)) for event in events(note)] == [("presented", MAY_1), ("stroke", "unknown")]


def test_without_any_date_an_event_is_not_dated() -> None:
    assert told(events(resolved("[Fever|Sign_symptom].", day=None))[0]) == "unknown"


def test_one_procedure_on_two_dates_is_two_events() -> None:
    note = resolved(
        "[CT|Diagnostic_procedure #ct] [May 1|Date #a @2019-05-01] and [May 9|Date #b @2019-05-09]",
        "OVERLAP ct a",
        "OVERLAP b ct",
    )

    assert [event.start for event in events(note)] == [date(2019, 5, 1), date(2019, 5, 9)]


def test_event_keeps_the_expression_that_dates_it() -> None:
    (event,) = events(resolved("[Fever|Sign_symptom] on [May 1|Date @2019-05-01]."))

    assert [(mention.start, mention.end) for mention in event.dated_by] == [(9, 14)]


def test_family_history_is_another_persons() -> None:
    (event,) = events(resolved("[breast cancer in her mother|Family_history]"))

    assert event.assertion == "associated_with_someone_else"


def test_modifiers_values_and_times_are_no_events() -> None:
    assert (
        events(resolved("[severe|Severity] [142|Lab_value] [liver|Biological_structure] [it|Coreference] [2019|Date]"))
        == []
    )


# --- what was measured --------------------------------------------------------------------------------------------
MEASURED = [
    ("[calcium score|Diagnostic_procedure #t] of [142|Lab_value #v]", ["MODIFY v t"], ("142", 142.0, None)),
    ("a [2.1 cm|Distance #v] [cyst|Sign_symptom #t]", ["MODIFY v t"], ("2.1", 2.1, "cm")),
    ("a [3.2 x 2.1 cm|Area #v] [cyst|Disease_disorder #t]", ["MODIFY v t"], ("3.2 x 2.1", 3.2, "cm")),
    ("[temperature|Diagnostic_procedure #t] [38.5 °C|Lab_value #v]", ["MODIFY t v"], ("38.5", 38.5, "°C")),
    # no relation, but nothing stands between
    ("[calcium score|Diagnostic_procedure] of [142|Lab_value]", [], ("142", 142.0, None)),
    ("a [2.1-cm|Distance] [cyst|Sign_symptom]", [], ("2.1", 2.1, "cm")),
    ("[chest x-ray|Diagnostic_procedure]: [normal|Lab_value]", [], ("normal", None, None)),
    ("[calcium score|Diagnostic_procedure] and later a [142|Lab_value]", [], (None, None, None)),
    # a place, not a size
    ("[20 cm|Distance #v] from [lip|Biological_structure #t]: [sore|Sign_symptom]", ["MODIFY v t"], (None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "relations", "expected"), MEASURED)
def test_event_has_the_value_that_was_measured(marked: str, relations: list[str], expected: object) -> None:
    (event,) = events(resolved(marked, *relations))

    assert (event.value, event.number, event.unit) == expected


def test_two_results_on_two_dates_keep_to_their_dates() -> None:
    note = resolved(
        "[Hb|Diagnostic_procedure #hb] [9.2 g/dL|Lab_value #low] on [May 1|Date #a @2019-05-01], "
        "[10.1 g/dL|Lab_value #high] on [May 9|Date #b @2019-05-09]",
        *("MODIFY low hb", "MODIFY high hb", "OVERLAP hb a", "OVERLAP hb b"),
    )

    assert [(event.start, event.number) for event in events(note)] == [
        (date(2019, 5, 1), 9.2),
        (date(2019, 5, 9), 10.1),
    ]


def test_date_tied_to_the_result_dates_the_result() -> None:
    note = resolved(
        "[Platelets|Diagnostic_procedure #t] were [61 × 109/L|Lab_value #v] in [2007|Date #d @2007-01-01..2007-12-31]",
        *("MODIFY v t", "MODIFY d v"),
    )

    (event,) = events(note)
    assert (event.start, event.number, event.unit) == (date(2007, 1, 1), 61.0, "10^9/L")


def test_value_of_a_coreference_is_of_what_it_refers_to() -> None:
    note = resolved(
        "A [cyst|Sign_symptom #c]. [It|Coreference #it] measured [2.1 cm|Distance #v].", "IDENTICAL it c", "MODIFY v it"
    )

    assert [(event.entity.name, event.value) for event in events(note)] == [("cyst", None), ("cyst", "2.1")]


def test_mentions_that_say_the_same_are_one_event_with_both_as_evidence() -> None:
    (event,) = events(resolved("[Fever|Sign_symptom]. [fever|Sign_symptom] persists. "))

    assert [(mention.start, mention.end) for mention in event.evidence] == [(0, 5), (7, 12)]


VALUES = [
    ("calcium score of 142", "142", 142.0, None),
    ("3.2 x 2.1 cm", "3.2 x 2.1", 3.2, "cm"),
    ("14\u200a×\u200a3.5\u200a×\u200a2.5\u200acm", "14 × 3.5 × 2.5", 14.0, "cm"),
    ("120/80 mmHg", "120/80", 120.0, "mmHg"),
    ("107/66 mm Hg", "107/66", 107.0, "mmHg"),
    ("130/85", "130/85", 130.0, None),
    ("20/40", "20/40", None, None),
    ("normal", "normal", None, None),
    ("38.5 °C", "38.5", 38.5, "°C"),
    ("97.9°F", "97.9", 97.9, "°F"),
    ("<0.01 ng/mL", "<0.01", 0.01, "ng/mL"),
    ("less than 1", "less than 1", 1.0, None),
    ("between 50 and 60 beats per minute", "50 and 60", None, "/min"),
    ("15.6×109/litre", "15.6", 15.6, "10^9/L"),
    ("69 mm/hr", "69", 69.0, "mm/h"),
    ("85 beats per minute", "85", 85.0, "/min"),
    ("61 × 109/L", "61", 61.0, "10^9/L"),
    ("4.5 x 10^9/L", "4.5", 4.5, "10^9/L"),
    ("12,300/mm3", "12,300", 12300.0, "/mm³"),
    ("3,5 cm", "3,5", 3.5, "cm"),
    ("0.5 to 4.7 cm", "0.5 to 4.7", None, "cm"),
    ("15–20 pound", "15–20", None, "lb"),
    ("9·18 mg/dL", "9·18", 9.18, "mg/dL"),
    ("45 mL/min/1.73 m2", "45", 45.0, "mL/min/1.73m²"),
    ("-2.5 SD", "-2.5", -2.5, "SD"),
    ("29% of normal", "29", 29.0, "%"),
    ("3+", "3+", 3.0, None),
    ("6.5 (normal 4-6)", "6.5", 6.5, None),
    ("grade 2", "grade 2", None, None),
    ("1:640", "1:640", None, None),
    ("01/02/2019", "01/02/2019", None, None),
    ("negative for CD20", "negative for CD20", None, None),
    ("1 band appeared", "1 band appeared", None, None),
]


@pytest.mark.parametrize(("text", "written", "number", "unit"), VALUES)
def test_value_is_read_as_written(text: str, written: str, number: float | None, unit: str | None) -> None:
    value = parse_value(text)

    assert (value.text, value.number, value.unit) == (written, number, unit)


def test_only_units_of_one_kind_convert() -> None:
    assert (convert(18, "mm", "cm"), convert(1, "L", "mL"), convert(2, None, None)) == (1.8, 1000.0, 2)
    assert (convert(5, "mg/dL", "cm"), convert(5, None, "cm")) == (None, None)
