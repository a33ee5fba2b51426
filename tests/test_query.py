"""Questions to a store, first of all those of papers/004, Figure 6: a calcium score and a cyst over several scans."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from kgbuild.graph import note_graph
from kgbuild.query import evidence, patients, timeline, timeline_json, trend, trend_json
from kgbuild.resolve import ResolvedNote
from kgbuild.stores import GraphStore, PatientFacts, open_store
from ontologies.concept import Concept
from tests.marked import Codes, resolved

CALCIUM = Concept("loinc", "30880-0", "Coronary artery calcium score")
LIVER_CYST = Concept("icd10cm", "K76.89", "Other specified diseases of liver", parents=("K76.8",))

SCAN = "[coronary calcium score|Diagnostic_procedure #t] of [{score}|Lab_value #v]"
CYST = "a [{size}|Distance #d] [cyst|Sign_symptom #c] of the [liver|Biological_structure #s]"
FIGURE_6 = [  # note, day, score, size
    ("scan-1", "2020-03-02", "142", "2.1 cm"),
    ("scan-2", "2020-03-12", "151", "18 mm"),
    ("scan-3", "2020-03-30", "1,010", "1.2 cm"),
]


def visit(note: str, day: str, score: str, size: str, codes: Codes | None = None) -> ResolvedNote:
    marked = f"{SCAN.format(score=score)}. There is {CYST.format(size=size)}. No [fever|Sign_symptom !absent]."
    return resolved(marked, "MODIFY v t", "MODIFY d c", "MODIFY s c", note=note, day=day, codes=codes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(tmp_path / "kg", create=True) as opened:
        yield opened


def put(store: GraphStore, *notes: ResolvedNote) -> None:
    assert store.put([note_graph(note, "f1") for note in notes]) == len(notes)


def test_calcium_score_of_figure_6_is_a_trend(store: GraphStore) -> None:
    put(store, *(visit(*row) for row in FIGURE_6))

    assert trend_json(trend(store, "p1", "calcium score")) == {
        "patient": "p1",
        "what": "calcium score",
        "unit": None,
        "points": [
            {"start": day, "value": value, "unit": None, "evidence": [{"note": note, "start": 0, "end": 22}]}
            for note, day, value in (
                ("scan-1", "2020-03-02", 142.0),
                ("scan-2", "2020-03-12", 151.0),
                ("scan-3", "2020-03-30", 1010.0),
            )
        ],
    }


def test_cyst_of_figure_6_shrinks_in_one_unit(store: GraphStore) -> None:
    put(store, *(visit(*row) for row in FIGURE_6))

    found = trend(store, "p1", "liver cyst")

    assert (found.unit, [(point.value, point.unit, point.text) for point in found.points]) == (
        "cm",
        [(2.1, "cm", "2.1"), (1.8, "cm", "18"), (1.2, "cm", "1.2")],
    )


def test_timeline_of_figure_6_is_the_design_s_json(store: GraphStore) -> None:
    put(store, visit(*FIGURE_6[0]))

    assert timeline_json("p1", timeline(store, "p1")) == {
        "patient": "p1",
        "events": [
            {
                "id": "event/p1/Diagnostic_procedure/coronary%20calcium%20score/2020-03-02..2020-03-02/present/142",
                "start": "2020-03-02",
                "end": "2020-03-02",
                "label": "Diagnostic_procedure",
                "text": "coronary calcium score",
                "name": "coronary calcium score",
                "system": None,
                "code": None,
                "assertion": "present",
                "value": "142",
                "unit": None,
                "source": "note date",
                "evidence": [{"note": "scan-1", "start": 0, "end": 22}],
            },
            {
                "id": "event/p1/Sign_symptom/cyst%2C%20liver/2020-03-02..2020-03-02/present/2.1%20cm",
                "start": "2020-03-02",
                "end": "2020-03-02",
                "label": "Sign_symptom",
                "text": "cyst",
                "name": "cyst, liver",
                "system": None,
                "code": None,
                "assertion": "present",
                "value": "2.1",
                "unit": "cm",
                "source": "note date",
                "evidence": [{"note": "scan-1", "start": 49, "end": 53}],
            },
        ],
    }


def test_trend_by_code_finds_the_thing_however_it_is_called(store: GraphStore) -> None:
    put(
        store,
        visit(*FIGURE_6[0], codes={"coronary calcium score": [(CALCIUM, 0.9)]}),
        resolved(
            "[CAC|Diagnostic_procedure #t]: [160|Lab_value #v]",
            "MODIFY v t",
            note="n9",
            day="2021-01-01",
            codes={"CAC": [(CALCIUM, 0.8)]},
        ),
    )

    for what in ("loinc:30880-0", "30880-0", "Coronary artery calcium score"):
        assert [point.value for point in trend(store, "p1", what).points] == [142, 160]
    assert trend(store, "p1", "troponin").points == ()
    assert trend(store, "nobody", "calcium score").points == ()


def test_trend_leaves_out_what_is_no_number_or_has_no_date(store: GraphStore) -> None:
    put(
        store,
        resolved("[BP|Diagnostic_procedure] [120/80 mmHg|Lab_value]; [BP|Diagnostic_procedure] [stable|Lab_value]"),
        resolved("[BP|Diagnostic_procedure] [110/70 mmHg|Lab_value]", note="n2", day=None),
    )

    assert [(point.value, point.unit, point.text) for point in trend(store, "p1", "bp").points] == [
        (120.0, "mmHg", "120/80")
    ]


def test_kidney_and_liver_cysts_are_not_one_trend(store: GraphStore) -> None:
    kidney = "[3 cm|Distance #d] [cyst|Sign_symptom #c], [kidney|Biological_structure #s]"
    put(store, visit(*FIGURE_6[0]), resolved(kidney, "MODIFY d c", "MODIFY s c"))

    assert [point.value for point in trend(store, "p1", "cyst liver").points] == [2.1]
    assert [point.value for point in trend(store, "p1", "kidney cysts").points] == [3.0]
    assert [point.value for point in trend(store, "p1", "cyst").points] == [3.0, 2.1]


# --- timeline -----------------------------------------------------------------------------------------------------
def test_denied_and_family_and_planned_events_are_out_unless_asked_for(store: GraphStore) -> None:
    statuses = ("absent", "possible", "conditional", "hypothetical", "associated_with_someone_else", "historical")
    put(store, resolved(" ".join(f"[{status}|Sign_symptom !{status}]." for status in ("present", *statuses))))

    assert [event.name for event in timeline(store, "p1")] == ["possible", "present", "historical"]
    assert [event.name for event in timeline(store, "p1", assertions=("absent",))] == ["absent"]


def test_event_of_two_notes_appears_once_with_all_evidence(store: GraphStore) -> None:
    put(
        store,
        resolved("[Fever|Sign_symptom] on [May 1|Date @2019-05-01].", note="n2", day="2019-06-01"),
        resolved("[fever|Sign_symptom]", note="n1", day="2019-05-01"),
    )

    (event,) = timeline(store, "p1")

    assert (event.start, event.source, event.text) == (date(2019, 5, 1), "text", "fever")
    assert [(one.note, one.start, one.end) for one in event.evidence] == [("n1", 0, 5), ("n2", 0, 5)]
    assert evidence(store, "p1", event.id) == event.evidence
    assert evidence(store, "p1", "event/p1/none") == ()
    store.retract("n2")
    assert [event.source for event in timeline(store, "p1")] == ["note date"]


def test_timeline_is_ordered_by_day_and_undated_events_come_last(store: GraphStore) -> None:
    put(
        store,
        resolved("[c|Sign_symptom]", note="n1", day=None),
        resolved("[b|Sign_symptom]", note="n2", day="2020-01-01"),
        resolved("[a|Sign_symptom]", note="n3", day="2021-01-01"),
    )

    assert [event.name for event in timeline(store, "p1")] == ["b", "a", "c"]


WINDOWS = [
    (None, None, ["2018", "may", "june", "undated"]),
    (date(2018, 12, 31), None, ["2018", "may", "june"]),
    (date(2019, 1, 1), date(2019, 5, 1), ["may"]),
    (None, date(2018, 1, 1), ["2018"]),
    (date(2019, 6, 2), None, []),
]


@pytest.mark.parametrize(("since", "until", "expected"), WINDOWS)
def test_window_keeps_what_touches_it(
    store: GraphStore, since: date | None, until: date | None, expected: list[str]
) -> None:
    put(
        store,
        resolved("[2018|Sign_symptom] in [18|Date @2018-01-01..2018-12-31]."),
        resolved("[may|Sign_symptom]", note="n2", day="2019-05-01"),
        resolved("[june|Sign_symptom]", note="n3", day="2019-06-01"),
        resolved("[undated|Sign_symptom]", note="n4", day=None),
    )

    assert [event.name for event in timeline(store, "p1", since=since, until=until)] == expected


@pytest.mark.parametrize("code", ["icd10cm:K76.89", "K76.89", "icd10cm:K76.8", "icd10cm:K76", "k76", "K76.8"])
def test_code_finds_itself_and_what_is_below_it(store: GraphStore, code: str) -> None:
    put(store, visit(*FIGURE_6[0], codes={"cyst": [(LIVER_CYST, 0.9)]}))

    assert [event.text for event in timeline(store, "p1", code=code)] == ["cyst"]


@pytest.mark.parametrize("code", ["icd10cm:K7", "K77", "snomedct:K76.89", "76.89", "", ":"])
def test_code_finds_nothing_else(store: GraphStore, code: str) -> None:
    put(store, visit(*FIGURE_6[0], codes={"cyst": [(LIVER_CYST, 0.9)]}))

    assert timeline(store, "p1", code=code) == []


def test_code_that_is_only_an_alternative_is_not_the_code(store: GraphStore) -> None:
    other = Concept("icd10cm", "L72.0", "Epidermal cyst")
    put(store, visit(*FIGURE_6[0], codes={"cyst": [(LIVER_CYST, 0.9), (other, 0.8)]}))

    assert timeline(store, "p1", code="L72.0") == []


def test_code_with_a_colon_of_its_own_is_found(store: GraphStore) -> None:
    seizure = Concept("hpo", "HP:0001250", "Seizure", parents=("HP:0012638",))
    put(store, resolved("[seizure|Sign_symptom]", codes={"seizure": [(seizure, 1.0)]}))

    for code in ("HP:0001250", "hpo:HP:0001250", "HP:0012638"):
        assert [event.text for event in timeline(store, "p1", code=code)] == ["seizure"]


def test_labels_are_kept_as_asked(store: GraphStore) -> None:
    put(store, visit(*FIGURE_6[0]))

    assert [event.label for event in timeline(store, "p1", labels=("Sign_symptom",))] == ["Sign_symptom"]


def test_unknown_patient_has_an_empty_timeline(store: GraphStore) -> None:
    assert timeline(store, "nobody") == []


# --- patients -----------------------------------------------------------------------------------------------------
def test_patients_are_listed_with_the_events_that_their_timelines_show(store: GraphStore) -> None:
    put(
        store,
        *(visit(*row) for row in FIGURE_6),
        resolved("[fever|Sign_symptom]", note="n8", patient="a/b", day=None),
        resolved("No [fever|Sign_symptom !absent]", note="n9", patient="none"),
        resolved("Old [stroke|Disease_disorder !historical]", note="n10"),
    )

    assert patients(store) == [
        PatientFacts("a/b", 1, 1, None, None),
        PatientFacts("none", 1, 0, None, None),
        PatientFacts("p1", 4, 7, date(2020, 3, 2), date(2020, 3, 30)),
    ]
    assert len(timeline(store, "p1")) == 7
