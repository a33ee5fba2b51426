"""What relations bring into the query of a mention: papers/004, Table 4, and the rules of schema.py."""

import pytest

from extractors.document import Document, Mention, Relation
from extractors.lexicon import LexiconExtractor
from kgbuild.enrich import MOST_FORMS, Chunk, chunks, forms
from kgbuild.resolve import Resolution, resolve_chunks
from kgbuild.schema import (
    ASPECT_TERMS,
    ASPECTS,
    ASPECTS_OF_SYSTEM,
    ENRICHMENTS,
    RELATION_LABELS,
    ROOTS,
    SYSTEMS_OF_LABEL,
)
from kgbuild.support import support
from ontologies.concept import CodeTable, Concept
from ontologies.systems import SYSTEMS
from resolvers.candidate import Candidate
from resolvers.index import memory_resolver
from tests.marked import document

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
    (read,) = EXTRACTOR([text])
    found = [chunk for chunk in chunks(read) if chunk.mention.label != "Biological_structure"]
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
    read = Document(text, (mention, site), (Relation(site, mention, "MODIFY"),))
    assert chunks(read)[0].text == "liver lesion"


def test_a_relation_the_other_way_round_brings_nothing() -> None:
    text = "lesion liver"
    mention, site = Mention(0, 6, "Sign_symptom", "lesion"), Mention(7, 12, "Biological_structure", "liver")
    assert chunks(Document(text, (mention, site), (Relation(mention, site, "MODIFY"),)))[0] == Chunk(mention)


def test_an_abbreviation_that_the_note_defines_is_written_out() -> None:
    text = "Polycystic kidney disease (PKD) was found. PKD is common."
    first, again = Mention(0, 25, "Disease_disorder", text[:25]), Mention(43, 46, "Disease_disorder", "PKD")
    found = chunks(Document(text, (first, again)))
    assert [chunk.base_text for chunk in found] == ["Polycystic kidney disease", "Polycystic kidney disease"]


def test_every_rule_names_relations_labels_and_aspects_that_exist() -> None:
    for rule in ENRICHMENTS:
        assert rule.relation in RELATION_LABELS
        assert set(rule.labels) <= SYSTEMS_OF_LABEL.keys() | {"Detailed_description"}
        assert {*rule.aspects, rule.rest or "detail"} <= set(ASPECTS)
        assert set(rule.aspects) <= ASPECT_TERMS.keys()
    for system, aspects in ASPECTS_OF_SYSTEM.items():
        assert system in SYSTEMS
        assert set(aspects) <= set(ASPECTS)


# --- aspects ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("marked", "relations", "expected"),
    [
        ("[left kidney|Biological_structure #k] [cyst|Sign_symptom #x]", "k x", "laterality=left, body site=kidney"),
        ("[R|Detailed_description #d] [numbness|Sign_symptom #x]", "d x", "laterality=right"),
        ("[R Leg|Biological_structure #k] [numbness|Sign_symptom #x]", "k x", "laterality=right, body site=Leg"),
        ("[L spine|Biological_structure #k] [pain|Sign_symptom #x]", "k x", "body site=L spine"),
        ("[L4|Biological_structure #k] [fracture|Sign_symptom #x]", "k x", "body site=L4"),
        ("[b/l|Detailed_description #d] [rales|Sign_symptom #x]", "d x", "laterality=bilateral"),
        ("[left-sided|Detailed_description #d] [effusion|Sign_symptom #x]", "d x", "laterality=left"),
        ("[acute on chronic|Detailed_description #d] [pancreatitis|Disease_disorder #x]", "d x",
         "acuity=acute on chronic"),
        ("[recurrent|Detailed_description #d] [otitis|Disease_disorder #x]", "d x", "episode=recurrent"),
        ("[stage IIB|Lab_value #d] [carcinoma|Disease_disorder #x]", "d x", "stage=stage IIB"),
        ("[decreased|Lab_value #d] [tachycardia|Disease_disorder #x]", "d x", ""),
        ("[T4N2M1|Severity #d] [carcinoma|Disease_disorder #x]", "d x", "stage=T4N2M1"),
        ("[severe|Severity #d] [pain|Sign_symptom #x]", "d x", "severity=severe"),
        ("[multi-slice|Detailed_description #d] [CT|Diagnostic_procedure #x]", "d x", "technique=multi-slice"),
        ("[contrast-enhanced|Detailed_description #d] [CT|Diagnostic_procedure #x]", "d x", "contrast=with contrast"),
        ("[gadolinium|Detailed_description #d] [MRI|Diagnostic_procedure #x]", "d x", "contrast=with contrast"),
        ("[without contrast|Detailed_description #d] [CT|Diagnostic_procedure #x]", "d x", "contrast=without contrast"),
        ("[two views|Detailed_description #d] [X-ray|Diagnostic_procedure #x]", "d x", "views=two views"),
        ("[PA and lateral|Detailed_description #d] [X-ray|Diagnostic_procedure #x]", "d x", "views=PA and lateral"),
        ("[laparoscopic|Detailed_description #d] [cholecystectomy|Therapeutic_procedure #x]", "d x",
         "technique=laparoscopic"),
        ("[palliative|Detailed_description #d] [gastrectomy|Therapeutic_procedure #x]", "d x", "detail=palliative"),
        ("[750 mg/d|Dosage #d] [aspirin|Medication #x]", "d x", "strength=750 mg"),
        ("[500 mg tablets|Dosage #d] [aspirin|Medication #x]", "d x", "strength=500 mg, form=tablets"),
        ("[p.o.|Administration #d] [aspirin|Medication #x]", "d x", "route=oral"),
        ("[nasal septum|Biological_structure #k] [tear|Sign_symptom #x]", "k x", "body site=nasal septum"),
    ],
)  # fmt: skip
def test_a_modifier_says_its_aspects(marked: str, relations: str, expected: str) -> None:
    chunk = next(
        c for c in chunks(document(marked, f"MODIFY {relations}")) if c.mention.label != "Biological_structure"
    )
    assert ", ".join(f"{part.aspect}={part.text}" for part in chunk.parts) == expected


@pytest.mark.parametrize(
    ("marked", "relations", "expected"),
    [
        # "R Leg numbness" lost the right in CogStack/MedCAT issue 148
        ("[R Leg numbness|Sign_symptom]", [], "right Leg numbness"),
        ("[lt kidney stone|Disease_disorder]", [], "left kidney stone"),
        ("[L spine MRI|Diagnostic_procedure]", [], "L spine MRI"),
        ("[RT|Therapeutic_procedure]", [], "RT"),
        # a mass in the left lower lobe: left modifies the lobe, the lobe the mass
        ("[left|Detailed_description #l] [lower lobe|Biological_structure #k] [mass|Sign_symptom #m]",
         ["MODIFY l k", "MODIFY k m"], "mass lower lobe left"),
        ("[lumbar|Biological_structure #l] [spine|Biological_structure #k] [pain|Sign_symptom #m]",
         ["MODIFY l k", "MODIFY k m"], "pain spine lumbar"),
        ("[mild|Severity #s] [right|Detailed_description #r] [pleural effusion|Sign_symptom #m]",
         ["MODIFY s r", "MODIFY r m"], "pleural effusion right mild"),
        # what is said of the site but is no side of it says nothing of the mass
        ("[hypoplastic|Detailed_description #l] [lower lobe|Biological_structure #k] [mass|Sign_symptom #m]",
         ["MODIFY l k", "MODIFY k m"], "mass lower lobe"),
        # each modifies the other: a circle ends
        ("[lobe|Biological_structure #l] [lung|Biological_structure #k] [mass|Sign_symptom #m]",
         ["MODIFY l k", "MODIFY k l", "MODIFY k m"], "mass lung lobe"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_modifier_enters_too(marked: str, relations: list[str], expected: str) -> None:
    assert chunks(document(marked, *relations))[-1].text == expected


# --- forms --------------------------------------------------------------------------------------------------------
def asked(text: str, term: str, system: str) -> list[str]:
    """The forms of the chunk of a term."""
    (read,) = EXTRACTOR([text])
    (chunk,) = [chunk for chunk in chunks(read) if chunk.mention.text == term]
    return [form.text for form in forms(chunk, system)]


def test_details_drop_in_every_combination_and_the_body_site_last_of_all() -> None:
    assert asked("Multi-slice CT scan of the chest with contrast.", "CT scan", "snomedct") == [
        "CT scan chest Multi-slice contrast",
        "CT scan chest Multi-slice",
        "CT scan chest contrast",
        "CT scan chest",
        "CT scan",
    ]


def test_the_side_drops_from_a_site_without_it() -> None:
    assert asked("A cyst in the left  kidney.", "cyst", "icd10cm") == ["cyst left kidney", "cyst kidney", "cyst"]


def test_what_does_not_help_a_system_is_not_asked_for() -> None:
    text = "A severe cyst in the left  kidney."
    assert asked(text, "cyst", "mesh") == ["cyst kidney", "cyst"]
    assert asked("aspirin 81 mg daily", "aspirin", "icd10cm") == ["aspirin"]
    assert asked("aspirin 81 mg daily", "aspirin", "rxnorm") == ["aspirin 81 mg", "aspirin"]


@pytest.mark.parametrize("count", range(12))
def test_forms_are_few_and_different_and_the_fullest_and_the_barest_are_among_them(count: int) -> None:
    marks = " ".join(f"[detail{i}|Detailed_description #d{i}]" for i in range(count))
    read = document(f"[pain|Sign_symptom #x] {marks}", *(f"MODIFY d{i} x" for i in range(count)))
    (chunk,) = chunks(read)
    texts = [form.text for form in forms(chunk, "icd10cm")]
    assert (texts[0], texts[-1]) == (chunk.text, "pain")
    assert len(texts) == len(set(texts)) == min(2**count, MOST_FORMS)
    assert [len(text.split()) for text in texts] == sorted((len(text.split()) for text in texts), reverse=True)


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


# --- the form that is used ----------------------------------------------------------------------------------------
def coded(text: str, term: str, system: str, *concepts: Concept, threshold: float = 0.3) -> Resolution:
    """The resolution of the chunk of a term in a table of some concepts."""
    (read,) = EXTRACTOR([text])
    table = CodeTable(system, "test", concepts)
    wanted = [chunk for chunk in chunks(read) if chunk.mention.text == term]
    ((found,),) = resolve_chunks(wanted, {system: memory_resolver(table, threshold)}, tables={system: table})
    return found


def code(candidate: Candidate | None) -> str | None:
    return None if candidate is None else candidate.concept.code


SKIN = Concept("icd10cm", "L98.9", "Disorder of skin, unspecified", ("Lesion",))
LIVER = Concept("icd10cm", "K76.9", "Liver disease, unspecified", ("Lesion of liver",))


def test_a_lesion_of_the_liver_is_coded_as_one_and_its_base_code_stays_beside_it() -> None:
    found = coded("A lesion of the liver.", "lesion", "icd10cm", SKIN, LIVER)
    assert (code(found.base), code(found.best)) == ("L98.9", "K76.9")


def test_a_lesion_of_the_liver_is_never_one_of_the_skin() -> None:
    found = coded("A lesion of the liver.", "lesion", "icd10cm", SKIN, Concept("icd10cm", "R05", "Cough"))
    assert (code(found.base), found.best) == ("L98.9", None)


def test_without_a_code_of_its_site_a_lesion_is_a_lesion() -> None:
    lesion = Concept("snomedct", "300577008", "Lesion")
    found = coded("A lesion of the liver.", "lesion", "snomedct", lesion, Concept("snomedct", "1", "Cough"))
    assert (code(found.best), found.chunk.text) == ("300577008", "lesion")
    assert [aspect for _, aspect in found.chunk.left_out] == ["body site"]


def test_the_form_of_which_the_code_says_most_is_used() -> None:
    rows = [Concept("snomedct", "1", "CT scan"), Concept("snomedct", "2", "CT scan of chest")]
    found = coded("Multi-slice CT scan of the chest with contrast.", "CT scan", "snomedct", *rows)
    assert (code(found.best), found.chunk.text.split()[:3]) == ("2", ["CT", "scan", "chest"])
    rows.append(Concept("snomedct", "3", "CT scan of chest with contrast"))
    found = coded("Multi-slice CT scan of the chest with contrast.", "CT scan", "snomedct", *rows)
    assert (code(found.best), found.chunk.text.split()[-1]) == ("3", "contrast")


def test_a_scan_of_something_else_is_none_of_this() -> None:
    rows = [Concept("snomedct", "1", "CT scan, whole body", ("CT scan",)), Concept("snomedct", "2", "CT scan of chest")]
    found = coded("CT scan of the liver.", "CT scan", "snomedct", *rows)
    assert (code(found.base), found.best) == ("1", None)


@pytest.mark.parametrize(
    ("text", "term", "names", "expected"),
    [
        ("A cyst in the left  kidney.", "cyst", ["Cyst of right kidney", "Cyst of left kidney"], 1),
        ("A cyst in the left  kidney.", "cyst", ["Cyst of right kidney", "Cyst of kidney"], 1),
        ("A cyst in the left  kidney.", "cyst", ["Cyst of right kidney", "Cough"], None),
        ("CT scan of the chest with contrast.", "CT scan",
         ["CT scan of chest without contrast", "CT scan of chest with contrast"], 1),
        ("CT scan of the chest with contrast.", "CT scan", ["CT scan of chest without contrast", "Cough"], None),
    ],
)  # fmt: skip
def test_a_code_that_says_the_opposite_is_no_candidate(
    text: str, term: str, names: list[str], expected: int | None
) -> None:
    concepts = [Concept("snomedct", str(place), name) for place, name in enumerate(names)]
    found = coded(text, term, "snomedct", *concepts)
    assert code(found.best) == (None if expected is None else str(expected))


def test_a_code_that_holds_nothing_of_what_changed_it_gives_way_to_the_base_code() -> None:
    pain, other = Concept("icd10cm", "R52", "Pain, unspecified"), Concept("icd10cm", "R10", "Pain, stinging")
    read = document("[burning|Detailed_description #b] [pain|Sign_symptom #p]", "MODIFY b p")
    resolver = memory_resolver(CodeTable("icd10cm", "test", [pain, other]), threshold=0.0)
    ((found,),) = resolve_chunks(chunks(read), {"icd10cm": resolver})
    assert (code(found.base), code(found.best)) == ("R52", "R52")


def test_of_codes_that_say_as_much_the_one_that_adds_nothing_is_used() -> None:
    (read,) = EXTRACTOR(["A cyst in the left  kidney."])
    (chunk,) = [chunk for chunk in chunks(read) if chunk.mention.text == "cyst"]
    acquired, congenital = (
        support(Candidate(Concept("icd10cm", code, name), 0.5, name), "cyst", chunk.parts, None)
        for code, name in (("N28.1", "Cyst of kidney, acquired"), ("Q61.00", "Congenital renal cyst, unspecified"))
    )
    assert acquired > congenital


def test_what_stands_above_a_code_says_what_the_code_is_of() -> None:
    rows = [
        Concept("snomedct", "1", "Lesion"),
        Concept("snomedct", "2", "Disorder of liver"),
        Concept("snomedct", "3", "Hepatoma lesion", parents=("2",)),
    ]
    assert support(Candidate(rows[2], 0.5, ""), "lesion", (), CodeTable("snomedct", "t", rows)).mention
    (read,) = EXTRACTOR(["A lesion of the liver."])
    parts = chunks(read)[0].parts
    with_table = support(Candidate(rows[2], 0.5, ""), "lesion", parts, CodeTable("snomedct", "t", rows))
    without = support(Candidate(rows[2], 0.5, ""), "lesion", parts, None)
    assert (with_table.site, without.site) == (1.0, 0.0)


def test_a_chunk_without_modifiers_has_its_base_code() -> None:
    found = coded("A lesion was noted.", "lesion", "icd10cm", SKIN, LIVER)
    assert (code(found.best), found.best) == ("L98.9", found.base)


# --- SNOMED CT expressions ----------------------------------------------------------------------------------------
def snomed(code: str, name: str, synonym: str, parent: str) -> Concept:
    return Concept("snomedct", code, name, (synonym,) if synonym else (), (parent,) if parent else ())


SNOMED = [
    snomed("404684003", "Clinical finding", "", ""),
    snomed("300577008", "Lesion", "", "404684003"),
    snomed("22253000", "Pain", "", "404684003"),
    snomed("30473006", "Pain in pelvis", "Pelvic pain", "22253000"),
    snomed("71388002", "Procedure", "", ""),
    snomed("77477000", "Computed tomography", "CT scan", "71388002"),
    snomed("123037004", "Body structure", "", ""),
    snomed("10200004", "Liver structure", "Liver", "123037004"),
    snomed("39607008", "Lung structure", "Lung", "123037004"),
    snomed("64033007", "Kidney structure", "Kidney", "123037004"),
    snomed("18639004", "Left kidney structure", "Left kidney", "64033007"),
    snomed("12921003", "Pelvic structure", "Pelvis", "123037004"),
]


@pytest.mark.parametrize(
    ("marked", "relations", "expected"),
    [
        ("[severe|Severity #s] [lesion|Sign_symptom #x] [liver|Biological_structure #k]", ["s x", "k x"],
         "300577008 |Lesion| : 363698007 |Finding site| = 10200004 |Liver structure|, "
         "246112005 |Severity| = 24484000 |Severe|"),
        ("[lesion|Sign_symptom #x] of the [left lung|Biological_structure #k]", ["k x"],
         "300577008 |Lesion| : 363698007 |Finding site| = "
         "( 39607008 |Lung structure| : 272741003 |Laterality| = 7771000 |Left| )"),
        # the side is said of the site, or of the lesion
        ("[rt|Detailed_description #l] [lung|Biological_structure #k] [lesion|Sign_symptom #x]", ["l k", "k x"],
         "300577008 |Lesion| : 363698007 |Finding site| = "
         "( 39607008 |Lung structure| : 272741003 |Laterality| = 24028007 |Right| )"),
        ("[bilateral|Detailed_description #l] [lesion|Sign_symptom #x] [lung|Biological_structure #k]", ["l x", "k x"],
         "300577008 |Lesion| : 363698007 |Finding site| = "
         "( 39607008 |Lung structure| : 272741003 |Laterality| = 51440002 |Right and left| )"),
        # a body structure that has its side already
        ("[lesion|Sign_symptom #x] of the [left kidney|Biological_structure #k]", ["k x"],
         "300577008 |Lesion| : 363698007 |Finding site| = 18639004 |Left kidney structure|"),
        ("[CT scan|Diagnostic_procedure #x] of the [liver|Biological_structure #k]", ["k x"],
         "77477000 |Computed tomography| : 405813007 |Procedure site - Direct| = 10200004 |Liver structure|"),
        ("[mild|Severity #s] [pelvic pain|Sign_symptom #x]", ["s x"],
         "30473006 |Pain in pelvis| : 246112005 |Severity| = 255604002 |Mild|"),
        # the mention says it itself
        ("[severe pelvic pain|Sign_symptom #x]", [],
         "30473006 |Pain in pelvis| : 246112005 |Severity| = 24484000 |Severe|"),
        # the code holds the site: of the two only the side is left to say
        ("[pain|Sign_symptom #x] in the [right pelvis|Biological_structure #k]", ["k x"],
         "30473006 |Pain in pelvis| : 363698007 |Finding site| = "
         "( 12921003 |Pelvic structure| : 272741003 |Laterality| = 24028007 |Right| )"),
        # nothing to say, or nothing that can be said
        ("[pain|Sign_symptom #x] in the [pelvis|Biological_structure #k]", ["k x"], None),
        ("[lesion|Sign_symptom #x] of the [toe|Biological_structure #k]", ["k x"], None),
        ("[left|Detailed_description #l] [lesion|Sign_symptom #x]", ["l x"], None),
        ("[burning|Severity #s] [pain|Sign_symptom #x]", ["s x"], None),
    ],
)  # fmt: skip
def test_what_no_concept_holds_is_an_expression(marked: str, relations: list[str], expected: str | None) -> None:
    table = CodeTable("snomedct", "test", SNOMED)
    read = document(marked, *(f"MODIFY {ends}" for ends in relations))
    wanted = [chunk for chunk in chunks(read) if chunk.mention.label != "Biological_structure"]
    ((found,),) = resolve_chunks(wanted, {"snomedct": memory_resolver(table)}, tables={"snomedct": table})
    assert found.best is not None
    assert found.expression == expected


def test_a_body_structure_is_refined_by_its_side() -> None:
    table = CodeTable("snomedct", "test", SNOMED)
    read = document("[left|Detailed_description #l] [lung|Biological_structure #k]", "MODIFY l k")
    ((found,),) = resolve_chunks(chunks(read), {"snomedct": memory_resolver(table)}, tables={"snomedct": table})
    assert found.expression == "39607008 |Lung structure| : 272741003 |Laterality| = 7771000 |Left|"


def test_without_a_hierarchy_to_tell_body_structures_by_there_is_no_site() -> None:
    flat = [Concept("snomedct", "300577008", "Lesion"), Concept("snomedct", "235856003", "Liver")]
    assert coded("A lesion of the liver.", "lesion", "snomedct", *flat).expression is None


def test_a_bar_in_a_name_does_not_end_the_term() -> None:
    odd = Concept("snomedct", "1", "Lesion | NOS")
    found = coded("A severe lesion.", "lesion", "snomedct", odd, Concept("snomedct", "2", "Cough"))
    assert found.expression == "1 |Lesion NOS| : 246112005 |Severity| = 24484000 |Severe|"


def test_only_snomed_ct_has_expressions() -> None:
    assert coded("A severe lesion.", "lesion", "icd10cm", SKIN, LIVER).expression is None
