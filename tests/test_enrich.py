"""What relations bring into the query of a mention: papers/004, Table 4, and the rules of schema.py."""

import pytest

from extractors.document import Document, Mention, Relation
from extractors.lexicon import LexiconExtractor
from kgbuild.enrich import Chunk, chunks, forms
from kgbuild.resolve import resolve_chunks
from kgbuild.schema import ENRICHMENTS, RELATION_LABELS, ROOTS, SYSTEMS_OF_LABEL
from ontologies.concept import CodeTable, Concept
from resolvers.index import memory_resolver

EXTRACTOR = LexiconExtractor(
    {
        "CT scan": "Diagnostic_procedure", "lesion": "Sign_symptom", "aspirin": "Medication", "cyst": "Sign_symptom",
        "chest": "Biological_structure", "liver": "Biological_structure", "left  kidney": "Biological_structure",
        "multi-slice": "Detailed_description", "contrast": "Detailed_description", "severe": "Severity",
        "81 mg": "Dosage", "daily": "Frequency", "noted": "Clinical_event",
    },
    modifiers=("Biological_structure", "Detailed_description", "Severity", "Dosage", "Frequency"),
    targets=("Diagnostic_procedure", "Sign_symptom", "Medication"),
)  # fmt: skip


def queries(text: str) -> list[tuple[str, str]]:
    """Base and enriched text of each chunk of the problems, procedures and medications."""
    (document,) = EXTRACTOR([text])
    found = [chunk for chunk in chunks(document) if chunk.mention.label != "Biological_structure"]
    return [(chunk.base_text, chunk.text) for chunk in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Multi-slice CT scan of the chest with contrast.", [("CT scan", "CT scan chest Multi-slice contrast")]),
        ("A lesion of the liver.", [("lesion", "lesion liver")]),
        ("A severe lesion, a cyst in the left  kidney.", [("lesion", "lesion severe"), ("cyst", "cyst left kidney")]),
        ("A lesion was noted.", [("lesion", "lesion")]),
        ("aspirin 81 mg daily", [("aspirin", "aspirin 81 mg")]),
        ("CT scan. Chest and liver are clear.", [("CT scan", "CT scan")]),
    ],
)
def test_modifiers_enter_the_query_in_the_order_of_the_rules(text: str, expected: list[tuple[str, str]]) -> None:
    assert queries(text) == expected


def test_a_word_that_the_mention_has_is_not_repeated() -> None:
    text = "liver lesion of the liver"
    mention, site = Mention(0, 12, "Sign_symptom", "liver lesion"), Mention(20, 25, "Biological_structure", "liver")
    document = Document(text, (mention, site), (Relation(site, mention, "MODIFY"),))
    assert chunks(document)[0].text == "liver lesion"


def test_a_relation_the_other_way_round_brings_nothing() -> None:
    text = "lesion liver"
    mention, site = Mention(0, 6, "Sign_symptom", "lesion"), Mention(7, 12, "Biological_structure", "liver")
    assert chunks(Document(text, (mention, site), (Relation(mention, site, "MODIFY"),)))[0] == Chunk(mention)


def test_an_abbreviation_that_the_note_defines_is_written_out() -> None:
    text = "Polycystic kidney disease (PKD) was found. PKD is common."
    first, again = Mention(0, 25, "Disease_disorder", text[:25]), Mention(43, 46, "Disease_disorder", "PKD")
    found = chunks(Document(text, (first, again)))
    assert [chunk.base_text for chunk in found] == ["Polycystic kidney disease", "Polycystic kidney disease"]


def test_every_rule_names_relations_and_labels_that_exist() -> None:
    for rule in ENRICHMENTS:
        assert rule.relation in RELATION_LABELS
        assert set(rule.labels) <= SYSTEMS_OF_LABEL.keys()


def test_details_drop_one_by_one_but_the_body_site_stays() -> None:
    (document,) = EXTRACTOR(["Multi-slice CT scan of the chest with contrast."])
    (chunk,) = [chunk for chunk in chunks(document) if chunk.mention.text == "CT scan"]
    assert [form.text for form in forms(chunk)] == [
        "CT scan chest Multi-slice contrast",
        "CT scan chest Multi-slice",
        "CT scan chest",
    ]


def test_a_disease_is_not_coded_as_a_test_of_the_same_words() -> None:
    concepts = [
        Concept("mesh", "D009369", "Neoplasms"),
        Concept("mesh", "D1", "Marker of tumors", parents=("D009369",)),
        Concept("mesh", "D003933", "Diagnosis"),
        Concept("mesh", "D2", "Tumor marker", parents=("D003933",)),
    ]
    resolvers = {"mesh": memory_resolver(CodeTable("mesh", "1", concepts), threshold=0.0)}
    asked = [Chunk(Mention(0, 12, label, "tumor marker")) for label in ("Disease_disorder", "Diagnostic_procedure")]
    ((disease,), (test,)) = resolve_chunks(asked, resolvers)
    assert [c.concept.code for c in disease.candidates] == ["D1", "D009369"]
    assert test.candidates[0].concept.code == "D2"


def test_every_root_is_of_a_label_that_its_system_codes() -> None:
    assert all(system in SYSTEMS_OF_LABEL[label] for system, label in ROOTS)


def test_the_fullest_form_that_is_sure_is_used() -> None:
    rows = [Concept("snomedct", "1", "CT scan"), Concept("snomedct", "2", "CT scan of chest")]
    resolver = memory_resolver(CodeTable("snomedct", "test", rows), threshold=0.9)
    (document,) = EXTRACTOR(["Multi-slice CT scan of the chest with contrast. CT scan of the liver."])
    wanted = [chunk for chunk in chunks(document) if chunk.mention.text == "CT scan"]
    (first,), (second,) = resolve_chunks(wanted, {"snomedct": resolver})
    assert (first.chunk.text, first.best and first.best.concept.code) == ("CT scan chest", "2")
    assert (second.chunk.text, second.best) == ("CT scan liver", None), "without its site it would be another scan"
