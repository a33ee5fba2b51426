"""Nodes and edges of one note."""

from dataclasses import replace

import networkx as nx

from extractors.document import Relation
from kgbuild.graph import Edge, NoteGraph, note_graph
from kgbuild.resolve import ResolvedNote
from kgbuild.schema import EDGE_TYPES
from ontologies.concept import Concept
from tests.marked import resolved

LIVER = Concept("icd10cm", "K76.9", "Liver disease, unspecified", parents=("K76",))
SKIN = Concept("icd10cm", "L98.9", "Disorder of skin, unspecified")
CODES = {"lesion": [(LIVER, 0.9), (SKIN, 0.3)]}


def built(marked: str, *relations: str, **told: object) -> NoteGraph:
    return note_graph(resolved(marked, *relations, **told), "f1")  # type: ignore[arg-type]  # passed through


def edges(graph: NoteGraph, *types: str) -> list[tuple[str, str, str]]:
    return [(edge.source, edge.type, edge.target) for edge in graph.edges if edge.type in types]


def ids(graph: NoteGraph, type: str) -> list[str]:
    return [node.id for node in graph.nodes if node.type == type]


def test_lesion_in_the_liver_is_a_graph() -> None:
    graph = built("A [lesion|Disease_disorder #l] in the [liver|Biological_structure #s].", "MODIFY s l", codes=CODES)

    lesion, liver = "entity/p1/Disease_disorder/icd10cm/K76.9", "entity/p1/Biological_structure/liver"
    event = "event/p1/Disease_disorder/icd10cm/K76.9/2019-03-14..2019-03-14/present"
    assert [node.id for node in graph.nodes] == [
        "patient/p1",
        "note/n1",
        "mention/n1/16-21/Biological_structure",
        "mention/n1/2-8/Disease_disorder",
        liver,
        lesion,
        event,
        "concept/icd10cm/K76",
        "concept/icd10cm/K76.9",
        "concept/icd10cm/L98.9",
    ]
    assert [(edge.source, edge.type, edge.target) for edge in graph.edges] == [
        ("patient/p1", "HAS_NOTE", "note/n1"),
        ("note/n1", "MENTIONS", "mention/n1/16-21/Biological_structure"),
        ("note/n1", "MENTIONS", "mention/n1/2-8/Disease_disorder"),
        ("mention/n1/16-21/Biological_structure", "REFERS_TO", liver),
        ("mention/n1/2-8/Disease_disorder", "REFERS_TO", lesion),
        (lesion, "CODED_AS", "concept/icd10cm/K76.9"),
        (lesion, "CODED_AS", "concept/icd10cm/L98.9"),
        ("concept/icd10cm/K76.9", "IS_A", "concept/icd10cm/K76"),
        ("patient/p1", "HAS_ENTITY", lesion),
        ("patient/p1", "HAS_EVENT", event),
        (event, "OF", lesion),
        (event, "EVIDENCED_BY", "mention/n1/2-8/Disease_disorder"),
        (liver, "MODIFY", lesion),
    ]


def test_codes_carry_score_rank_release_and_note() -> None:
    graph = built("A [lesion|Disease_disorder].", codes=CODES)

    assert [edge.properties for edge in graph.edges if edge.type == "CODED_AS"] == [
        {"note": "n1", "score": 0.9, "rank": 1, "release": "2026"},
        {"note": "n1", "score": 0.3, "rank": 2, "release": "2026"},
    ]


def test_relation_carries_note_score_and_both_mentions() -> None:
    graph = built("[severe|Severity #s] [pain|Sign_symptom #p]", "MODIFY s p")

    (edge,) = [edge for edge in graph.edges if edge.type == "MODIFY"]
    assert edge.properties == {
        "note": "n1",
        "score": 1.0,
        "source_mention": "mention/n1/0-6/Severity",
        "target_mention": "mention/n1/7-11/Sign_symptom",
    }


def test_below_the_threshold_the_words_name_the_entity_and_nothing_is_coded() -> None:
    graph = built("A [lesion|Disease_disorder].", codes={"lesion": [(LIVER, 0.4), (SKIN, 0.3)]})

    assert ids(graph, "Entity") == ["entity/p1/Disease_disorder/lesion"]
    assert ids(graph, "Concept") == []


def test_first_system_of_the_label_names_the_entity() -> None:
    note = resolved("A [lesion|Disease_disorder].", codes=CODES)
    (resolution,) = note.resolutions
    snomed = replace(
        resolution,
        system="snomedct",
        candidates=(replace(resolution.candidates[0], concept=Concept("snomedct", "300331000", "Lesion of liver")),),
    )

    graph = note_graph(replace(note, resolutions=(snomed, resolution)), "f1")

    assert ids(graph, "Entity") == ["entity/p1/Disease_disorder/icd10cm/K76.9"]
    assert [target for _, _, target in edges(graph, "CODED_AS")] == [
        "concept/icd10cm/K76.9",
        "concept/icd10cm/L98.9",
        "concept/snomedct/300331000",
    ]


def test_site_and_side_make_another_entity_but_severity_does_not() -> None:
    graph = built(
        "[left|Detailed_description #x] [leg|Biological_structure #s] [pain|Sign_symptom #p], "
        "[severe|Severity #v] [Pain|Sign_symptom #q]",
        *("MODIFY x p", "MODIFY s p", "MODIFY v q"),
    )

    assert [i for i in ids(graph, "Entity") if "Sign_symptom" in i] == [
        "entity/p1/Sign_symptom/pain",
        "entity/p1/Sign_symptom/pain%2C%20left%2C%20leg",
    ]


def test_coreference_refers_to_the_entity_that_identical_leads_to() -> None:
    graph = built(
        "A [cyst|Sign_symptom #c]. [It|Coreference #a] grew. [This|Coreference #b] hurts. [That|Coreference].",
        *("IDENTICAL a c", "IDENTICAL b a"),
    )

    assert edges(graph, "REFERS_TO") == [
        ("mention/n1/17-21/Coreference", "REFERS_TO", "entity/p1/Sign_symptom/cyst"),
        ("mention/n1/2-6/Sign_symptom", "REFERS_TO", "entity/p1/Sign_symptom/cyst"),
        ("mention/n1/8-10/Coreference", "REFERS_TO", "entity/p1/Sign_symptom/cyst"),
    ]


def test_patient_has_only_what_is_asserted_of_them() -> None:
    graph = built(
        "[fever|Sign_symptom], no [cough|Sign_symptom !absent], old [stroke|Disease_disorder !historical], "
        "mother: [cancer|Disease_disorder !associated_with_someone_else], [gout|Family_history], maybe "
        "[flu|Disease_disorder !possible]"
    )

    assert [target for _, _, target in edges(graph, "HAS_ENTITY")] == [
        "entity/p1/Disease_disorder/stroke",
        "entity/p1/Sign_symptom/fever",
    ]
    assert len(ids(graph, "Entity")) == 6


def test_temporal_relations_join_events_and_after_is_turned_round() -> None:
    graph = built(
        "[fever|Sign_symptom #f] [cough|Sign_symptom #c] [rash|Sign_symptom #r]",
        *("AFTER c f", "OVERLAP c r", "BEFORE f r"),
    )

    fever, cough, rash = (
        f"event/p1/Sign_symptom/{name}/2019-03-14..2019-03-14/present" for name in ("fever", "cough", "rash")
    )
    assert edges(graph, "BEFORE", "OVERLAPS", "AFTER", "OVERLAP") == [
        (fever, "BEFORE", cough),
        (fever, "BEFORE", rash),
        (cough, "OVERLAPS", rash),
    ]
    assert graph.edges[-1].properties["source_mention"] == "mention/n1/6-11/Sign_symptom"


def test_relation_of_another_model_keeps_its_name_as_a_property_whatever_it_is() -> None:
    note = resolved("[aspirin|Medication #a] [ulcer|Disease_disorder #u]", "Drug-ADE a u")
    (relation,) = note.document.relations
    stranger = replace(note, document=replace(note.document, relations=(relation, replace(relation, label="HAS_NOTE"))))

    found = [edge for edge in note_graph(stranger, "f1").edges if edge.type == "RELATED_TO"]

    assert [edge.properties["label"] for edge in found] == ["Drug-ADE", "HAS_NOTE"]


def test_nothing_is_related_to_itself_or_to_a_time() -> None:
    graph = built(
        "[pain|Sign_symptom #a] [pain|Sign_symptom #b] [today|Date #d]", "IDENTICAL a b", "OVERLAP a b", "MODIFY d a"
    )

    assert edges(graph, "IDENTICAL", "OVERLAPS", "MODIFY") == []


def test_dates_and_values_lead_back_to_their_mentions() -> None:
    graph = built(
        "[CT|Diagnostic_procedure #c] [May 1|Date #d @2019-05-01]: [4 mm|Distance #v]", "OVERLAP c d", "MODIFY v c"
    )

    event = "event/p1/Diagnostic_procedure/ct/2019-05-01..2019-05-01/present/4%20mm"
    assert edges(graph, "DATED_BY", "VALUED_BY") == [
        (event, "DATED_BY", "mention/n1/3-8/Date"),
        (event, "VALUED_BY", "mention/n1/10-14/Distance"),
    ]


def test_every_edge_joins_nodes_of_the_types_the_schema_allows() -> None:
    graph = everything()
    types = {node.id: node.type for node in graph.nodes}

    found = {edge.type: (types[edge.source], types[edge.target]) for edge in graph.edges}

    assert found == {name: tuple(EDGE_TYPES[name]) for name in EDGE_TYPES}


def test_no_entity_is_isolated_and_the_graph_is_one() -> None:
    graph = nx.Graph((edge.source, edge.target) for edge in everything().edges)

    assert nx.number_connected_components(graph) == 1
    assert set(graph) == {node.id for node in everything().nodes}


def test_building_twice_gives_the_same_whatever_the_order_of_relations() -> None:
    note = everything_read()
    turned = replace(note, document=replace(note.document, relations=note.document.relations[::-1]))

    assert note_graph(note, "f1") == note_graph(note, "f1") == note_graph(turned, "f1")


def test_same_fact_in_two_notes_has_the_same_id() -> None:
    first, second = (built("[Fever|Sign_symptom] on [May 1|Date @2019-05-01].", note=note) for note in ("n1", "n2"))

    assert ids(first, "Event") == ids(second, "Event")
    assert ids(first, "Entity") == ids(second, "Entity")


def test_encounters_are_a_patients_own() -> None:
    note = resolved("[Fever|Sign_symptom]")
    graph = note_graph(replace(note, note=replace(note.note, encounter_id="7")), "f1")

    assert edges(graph, "IN_ENCOUNTER") == [("note/n1", "IN_ENCOUNTER", "encounter/p1/7")]


def test_very_long_names_do_not_make_very_long_ids() -> None:
    graph = built(f"[{'ab' * 5_000_000}|Sign_symptom]")

    assert max(len(node.id) for node in graph.nodes) < 200


def test_reprs_show_no_text() -> None:
    graph = built("[secretword|Sign_symptom] in [secretplace|Biological_structure]")

    assert "secret" not in repr(graph) + repr(graph.nodes) + repr(graph.edges)


def everything_read() -> ResolvedNote:
    """A note with an edge of every type."""
    note = resolved(
        "On [May 1|Date #d @2019-05-01] [CT|Diagnostic_procedure #ct] with [slices|Diagnostic_procedure #sl] showed a "
        "[4 mm|Distance #v] [lesion|Disease_disorder #l] of the [liver|Biological_structure #s] from "
        "[alcohol|History #a], then [pain|Sign_symptom #p] = [ache|Sign_symptom #q]",
        *("OVERLAP ct d", "SUB_PROCEDURE sl ct", "MODIFY v l", "MODIFY s l", "CAUSE a l", "BEFORE l p", "OVERLAP p q"),
        *("IDENTICAL p q", "Other ct l"),
        codes=CODES,
    )
    return replace(note, note=replace(note.note, encounter_id="e1"))


def everything() -> NoteGraph:
    return note_graph(everything_read(), "f1")


def test_edge_keeps_its_direction() -> None:
    note = resolved("[a|Sign_symptom #a] [b|Sign_symptom #b]", "CAUSE b a")

    assert note.document.relations[0] == Relation(note.document.mentions[1], note.document.mentions[0], "CAUSE")
    (edge,) = [edge for edge in note_graph(note, "f").edges if edge.type == "CAUSE"]
    assert edge == Edge("CAUSE", "entity/p1/Sign_symptom/b", "entity/p1/Sign_symptom/a", edge.properties)
