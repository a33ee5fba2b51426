"""Questions to a store, first of all those of papers/004, Figure 6: a calcium score and a cyst over several scans.

Every test runs on both kinds of store: the same notes, the same question, the same answer.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.document import ASSERTIONS
from kgbuild.graph import note_graph
from kgbuild.query import (
    evidence,
    neighbours,
    paths,
    patients,
    patients_with,
    timeline,
    timeline_json,
    trend,
    trend_json,
)
from kgbuild.resolve import ResolvedNote
from kgbuild.stores import GraphStore, Link, PatientFacts, open_store
from ontologies.concept import Concept
from tests.conftest import NEO4J
from tests.marked import Codes, resolved

if TYPE_CHECKING:
    from tests.neo4j.server import Server

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


@pytest.fixture(params=["rdf", pytest.param("neo4j", marks=NEO4J)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    url = tmp_path / "kg" if request.param == "rdf" else request.getfixturevalue("neo4j_url")
    with open_store(url, create=True) as opened:
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


# --- patients with a code -----------------------------------------------------------------------------------------
CODES = [
    "icd10cm:K76.89",
    "K76.89",
    "K76.8",
    "icd10cm:K76",
    "k76",
    "icd10cm:K7",
    "HP:0012638",
    "hpo:HP:0012638",
    "",
    ":",
]


@pytest.mark.parametrize("code", CODES)
def test_patients_with_a_code_are_those_whose_timeline_has_it(store: GraphStore, code: str) -> None:
    seizure = Concept("hpo", "HP:0001250", "Seizure", parents=("HP:0012638",))
    put(
        store,
        visit(*FIGURE_6[0], codes={"cyst": [(LIVER_CYST, 0.9)]}),
        resolved("[cyst|Sign_symptom]", note="n2", patient="a/b", codes={"cyst": [(LIVER_CYST, 0.9)]}),
        resolved("No [cyst|Sign_symptom !absent].", note="n3", patient="none", codes={"cyst": [(LIVER_CYST, 0.9)]}),
        resolved("[seizure|Sign_symptom]", note="n4", patient="p4", codes={"seizure": [(seizure, 1.0)]}),
    )

    found = patients_with(store, code)

    assert found == [patient.id for patient in patients(store) if timeline(store, patient.id, code=code)]
    expected = {"icd10cm:K7": [], "": [], ":": [], "HP:0012638": ["p4"], "hpo:HP:0012638": ["p4"]}
    assert found == expected.get(code, ["a/b", "p1"])


def test_descendants_are_found_over_what_other_notes_say(store: GraphStore) -> None:
    leaf, middle = (Concept("mesh", code, code, parents=(above,)) for code, above in (("D3", "D2"), ("D2", "D1")))
    put(
        store,
        resolved("[leaf|Sign_symptom]", note="n1", codes={"leaf": [(leaf, 0.9)]}),
        resolved("[middle|Sign_symptom]", note="n2", patient="p2", codes={"middle": [(middle, 0.9)]}),
    )

    assert [patients_with(store, code) for code in ("D3", "D2", "D1")] == [["p1"], ["p1", "p2"], ["p1", "p2"]]
    assert [event.name for event in timeline(store, "p1", code="D1")] == ["D3"]
    store.retract("n2")
    assert [patients_with(store, code) for code in ("D3", "D2", "D1")] == [["p1"], ["p1"], []]


# --- neighbours, paths --------------------------------------------------------------------------------------------
LESION = "entity/p1/Sign_symptom/icd10cm/K76.89"
LIVER = "entity/p1/Biological_structure/liver"
KNOWN = "concept/icd10cm/K76.89"


def test_neighbours_of_an_entity_are_its_events_codes_and_relations(store: GraphStore) -> None:
    other = Concept("icd10cm", "L72.0", "Epidermal cyst")
    put(store, *(visit(*row, codes={"cyst": [(LIVER_CYST, 0.9), (other, 0.8)]}) for row in FIGURE_6[:2]))

    days = ("2020-03-02", "2020-03-12")
    events = [event.id for event in timeline(store, "p1", code="K76.89")]
    assert [day for day in days for event in events if day in event] == list(days)
    assert neighbours(store, "p1", LESION) == [
        Link("CODED_AS", LESION, KNOWN),
        Link("MODIFY", LIVER, LESION),
        Link("MODIFY", "entity/p1/Distance/18%20mm", LESION),
        Link("MODIFY", "entity/p1/Distance/2.1%20cm", LESION),
        *(Link("OF", event, LESION) for event in sorted(events)),
    ]
    assert neighbours(store, "p1", KNOWN) == [
        Link("CODED_AS", LESION, KNOWN),
        Link("IS_A", KNOWN, "concept/icd10cm/K76.8"),
    ]
    assert neighbours(store, "p1", "entity/p1/nothing") == neighbours(store, "nobody", LESION) == []


def test_path_joins_two_findings_over_a_code_above_both(store: GraphStore) -> None:
    other = Concept("icd10cm", "K76.81", "Hepatopulmonary syndrome", parents=("K76.8",))
    codes = {"cyst": [(LIVER_CYST, 0.9)], "dyspnea": [(other, 0.9)]}
    put(store, resolved("[cyst|Sign_symptom] and [dyspnea|Sign_symptom]", codes=codes))

    first, second = (f"entity/p1/Sign_symptom/icd10cm/{code}" for code in ("K76.89", "K76.81"))
    above = "concept/icd10cm/K76.8"
    way = (
        Link("CODED_AS", first, KNOWN),
        Link("IS_A", KNOWN, above),
        Link("IS_A", "concept/icd10cm/K76.81", above),
        Link("CODED_AS", second, "concept/icd10cm/K76.81"),
    )
    assert paths(store, "p1", first, second) == [way]
    assert paths(store, "p1", second, first) == [way[::-1]]
    assert paths(store, "p1", first, first) == paths(store, "p1", first, "entity/p1/x") == []


def test_paths_are_all_the_shortest_ones_and_keep_to_the_patient(store: GraphStore) -> None:
    marked = "[a|Sign_symptom #a] [b|Sign_symptom #b] [c|Sign_symptom #c] [d|Sign_symptom #d]"
    put(
        store,
        resolved(marked, "CAUSE a b", "CAUSE b d", "CAUSE a c", "IDENTICAL d c"),
        resolved(marked, "CAUSE a d", note="n2", patient="p2"),
    )

    a, b, c, d = (f"entity/p1/Sign_symptom/{name}" for name in "abcd")
    assert paths(store, "p1", a, d) == [
        (Link("CAUSE", a, b), Link("CAUSE", b, d)),
        (Link("CAUSE", a, c), Link("IDENTICAL", d, c)),
    ]


def test_events_of_one_note_are_joined_in_time(store: GraphStore) -> None:
    put(store, resolved("[a|Sign_symptom #a] then [b|Sign_symptom #b]", "BEFORE a b"))

    first, second = (event.id for event in timeline(store, "p1"))
    assert Link("BEFORE", first, second) in neighbours(store, "p1", first)


# --- hostile ------------------------------------------------------------------------------------------------------
HOSTILE = [
    '"} } ; DROP ALL #',
    "'}) DETACH DELETE n //",
    "`\\u0060",
    "a\nb\r\t",
    "\0",
    "half \ud800 a pair",
    "> <x> .",
    "x" * 9_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_questions_take_hostile_ids_and_texts_for_what_they_are(store: GraphStore, text: str) -> None:
    put(store, resolved(f"[{text}|Sign_symptom #a] by [b|Sign_symptom #b]", "CAUSE a b", note=text, patient=text))

    (found,) = [event for event in timeline(store, text) if event.text == text]
    assert [patient.id for patient in patients(store)] == [text]
    assert [one.note for one in evidence(store, text, found.id)] == [text]
    (entity,) = [link.target for link in neighbours(store, text, found.id) if link.type == "OF"]
    assert [link.type for link in neighbours(store, text, entity)] == ["CAUSE", "OF"]
    assert patients_with(store, text) == []
    assert neighbours(store, text, text) == []
    assert timeline(store, text, code=text) == []
    assert store.retract(text)
    assert patients(store) == []


# --- both at once -------------------------------------------------------------------------------------------------
RELATIONS = ("MODIFY", "CAUSE", "BEFORE", "OVERLAP", "IDENTICAL", "UNKNOWN_RELATION")


@st.composite
def notes(draw: st.DrawFn) -> ResolvedNote:
    """A note with some mentions, related and coded somehow."""
    labels = ("Sign_symptom", "Diagnostic_procedure", "Biological_structure", "Distance", "History", "Family_history")
    names = "abcdef"[: draw(st.integers(1, 6))]
    mentions = (
        f"[{draw(st.sampled_from(['cyst', 'fever', 'scan', '2 cm', '3 cm']))}|{draw(st.sampled_from(labels))} #{name} "
        f"!{draw(st.sampled_from(['present', 'absent', 'possible', 'historical']))}]"
        for name in names
    )
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=6))
    relations = (f"{draw(st.sampled_from(RELATIONS))} {a} {b}" for a, b in sorted(pairs) if a != b)
    number, day = draw(st.integers(0, 3)), draw(st.sampled_from([None, "2020-01-01", "2020-02-02"]))
    codes: Codes = {"cyst": [(LIVER_CYST, 0.9), (CALCIUM, 0.4)], "scan": [(CALCIUM, 0.8)], "fever": [(LIVER_CYST, 0.6)]}
    patient = draw(st.sampled_from(["p1", "p2"]))
    return resolved(" ".join(mentions), *relations, note=f"n{number}", patient=patient, day=day, codes=codes)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, neo4j_server: "Server") -> Iterator[tuple[GraphStore, GraphStore]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEO4J_USERNAME", neo4j_server.user)
        patch.setenv("NEO4J_PASSWORD", neo4j_server.password)
        folder = tmp_path_factory.mktemp("both") / "kg"
        with open_store(folder, create=True) as rdf, open_store(neo4j_server.url, create=True) as neo4j:
            for patient in neo4j.query("MATCH (n:Note) RETURN n.key AS key").rows:
                neo4j.retract(str(patient[0]))
            yield rdf, neo4j


@NEO4J
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(given_notes=st.lists(notes(), max_size=4), gone=st.integers(0, 4))
def test_both_stores_say_the_same_of_any_notes(
    both: tuple[GraphStore, GraphStore], given_notes: list[ResolvedNote], gone: int
) -> None:
    """After some notes, the same ids with other content among them, and a retraction."""
    graphs = [note_graph(note, f"f{i}") for i, note in enumerate(given_notes)]
    for store in both:
        for i in range(4):
            store.retract(f"n{i}")
        for graph in graphs:
            store.put([graph])
        store.retract(f"n{gone}")

    first, second = both
    assert patients(first) == patients(second)
    assert first.concepts() == second.concepts()
    for patient in ("p1", "p2"):
        told = [timeline(store, patient, assertions=ASSERTIONS) for store in both]
        assert told[0] == told[1]
        assert sorted(first.links(patient)) == sorted(second.links(patient))
    for code in ("K76.8", "icd10cm:K76.89", "30880-0"):
        assert patients_with(first, code) == patients_with(second, code)
