"""Normalised words, retrieval, ranking and the laws of a resolver, on small tables."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontologies import store
from ontologies.concept import CodeTable, Concept, TableError
from ontologies.readers.tsv import read_tsv
from resolvers import words
from resolvers.candidate import Candidate, Resolver
from resolvers.evaluate import Phrase, accuracy
from resolvers.index import TableResolver, memory_resolver, open_resolver
from resolvers.normalize import normalize, order_free

EXAMPLES = Path(__file__).parent.parent / "examples" / "tables"


def table(**names: str | tuple[str, ...]) -> CodeTable:
    """Return a table with a concept for each code; the names of a code are ``name`` or ``(name, synonym, ...)``."""
    concepts = []
    for code, value in names.items():
        name, *synonyms = (value,) if isinstance(value, str) else value
        concepts.append(Concept("local", code, name, tuple(synonyms)))
    return CodeTable("local", "1", concepts)


def best(resolver: Resolver, query: str) -> str | None:
    """Return the code of the first candidate that reaches the threshold."""
    candidates = resolver([query], 1)[0]
    return candidates[0].concept.code if candidates and candidates[0].score >= resolver.threshold else None


def example(system: str) -> TableResolver:
    return memory_resolver(read_tsv(system, "toy", [EXAMPLES / f"{system}.tsv"]))


# --- normalised words ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Liver disease", "diseases of the liver"),
        ("haemorrhage", "hemorrhage"),
        ("oedema", "edema"),
        ("tumours", "tumor"),
        ("oesophageal tumour", "esophageal tumor"),
        ("localised", "localized"),
        ("leukaemia", "leukemia"),
        ("metastases", "metastasis"),
        ("thromboses", "thrombosis"),
        ("carcinomata", "carcinomas"),
        ("vertebrae", "vertebra"),
        ("bronchi", "bronchus"),
        ("calculi", "calculus"),
        ("abscesses", "abscess"),
        ("injuries", "injury"),
        ("Wilson's disease", "Wilson disease"),
        ("Wilson\u2019s disease", "Wilson disease"),
        ("Sjo\u0308gren", "Sj\u00f6gren"),
        ("Sj\u00f6gren", "Sjogren"),
        ("post-traumatic", "posttraumatic"),
        ("thrombo-embolism", "thromboembolism"),
        ("nephrotoxicity", "toxicity kidney"),
        ("CaCl(2)", "CaCl2"),
        ("PGE(2)", "pge2"),
        ("non-Hodgkin lymphoma", "nonhodgkin lymphoma"),
        ("type II diabetes", "type 2 diabetes"),
        ("stage IV", "stage 4"),
        ("third degree burn", "burn degree 3"),
        ("HTN", "hypertension"),
        ("SOB", "shortness of breath"),
        ("T2DM", "type 2 diabetes mellitus"),
        ("COPD", "chronic obstructive pulmonary disease"),
        ("acute MI", "acute myocardial infarction"),
        ("asthma NOS", "unspecified asthma"),
        ("asthma, NEC", "asthma, not elsewhere classified"),
        ("\uff21sthma", "asthma"),
    ],
)
def test_both_ways_of_writing_have_the_same_words(text: str, same: str) -> None:
    assert order_free(text) == order_free(same)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("with contrast", "without contrast"),
        ("type 1 diabetes", "type 2 diabetes"),
        ("left knee", "right knee"),
        ("IV access", "stage IV"),
        ("diabetes insipidus", "diabetes"),
        ("hypertension", "hypotension"),
    ],
)
def test_words_that_matter_are_kept_apart(text: str, other: str) -> None:
    assert order_free(text) != order_free(other)


TABLES = (
    words.ABBREVIATIONS,
    words.COMPOUNDS,
    words.PLURALS,
    words.SPELLINGS,
    words.STOP_WORDS,
    words.NUMBERED,
    words.NUMBERS,
)
LOOSE = "i iv v x not otherwise elsewhere specified classified nos nec 's - post non haemorrhages tumours localised"
WORDS = st.sampled_from([*sorted({word for table in TABLES for word in table}), *LOOSE.split()])


@settings(deadline=None, max_examples=300)
@given(st.text() | st.lists(WORDS | st.text("aeosuixym'-", max_size=9), max_size=8).map(" ".join))
def test_normalising_again_changes_nothing(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


# --- Table 4 of papers/004 ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("system", "base", "base_code", "enriched", "enriched_code"),
    [
        ("cpt", "CT Scan", "3324F", "CT Scan Chest (multi-slice) contrast", "71260"),
        ("snomedct", "CT Scan", "169072007", "CT Scan Chest (multi-slice) contrast", "169069000"),
        ("icd10cm", "Lesion", "L98.9", "Lesion liver", "K76.9"),
        ("snomedct", "Lesion", "300577008", "Lesion liver", "300331000"),
    ],
)
def test_enriched_chunk_resolves_to_the_more_specific_code(
    system: str, base: str, base_code: str, enriched: str, enriched_code: str
) -> None:
    resolver = example(system)
    assert (best(resolver, base), best(resolver, enriched)) == (base_code, enriched_code)


# --- ranking ------------------------------------------------------------------------------------------------------
def classified(flat: CodeTable) -> CodeTable:
    """Return a table as one of ICD-10-CM, each code below the one before its underscore."""
    concepts = [
        replace(
            concept, system="icd10cm", parents=tuple(p for p in [concept.code.partition("_")[0]] if p != concept.code)
        )
        for concept in flat
    ]
    known = {concept.code for concept in concepts}
    return CodeTable("icd10cm", "1", [replace(c, parents=tuple(p for p in c.parents if p in known)) for c in concepts])


HEARTS = classified(
    table(
        I50="Heart failure",
        I50_1="Left ventricular failure, unspecified",
        I50_9="Heart failure, unspecified",
        I50_30="Unspecified diastolic (congestive) heart failure",
        I51_9="Heart disease, unspecified",
        N19="Unspecified kidney failure",
        J96=("Respiratory failure", "Lung failure"),
        S26="Injury of left heart",
        S27="Injury of right heart",
    )
)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("heart failure", "I50_9"),  # nothing more is said: the unspecified code
        ("failure of the heart", "I50_9"),
        ("cardiac failure", "I50_9"),  # an adjective for its organ
        ("renal failure", "N19"),
        ("pulmonary failure", "J96"),
        ("diastolic heart failure", "I50_30"),  # more is said: not the unspecified code
        ("congestive diastolic heart failure", "I50_30"),
        ("lesion of the heart", "I51_9"),  # generic heads are near-equal
        ("heart condition", "I51_9"),
        ("injury right heart", "S27"),  # the opposite side never wins
        ("injury left heart", "S26"),
        ("hart failure", "I50_9"),  # a typing error
        ("respiratry failure", "J96"),
    ],
)
def test_query_finds_its_code_among_neighbours(query: str, code: str) -> None:
    (candidates,) = memory_resolver(HEARTS)([query], 3)
    assert candidates[0].concept.code == code


def test_matched_is_the_name_that_matched() -> None:
    (candidates,) = memory_resolver(HEARTS)(["lung failure"], 1)
    assert (candidates[0].concept.code, candidates[0].matched) == ("J96", "Lung failure")


def test_exact_name_scores_near_one_and_a_foreign_query_abstains() -> None:
    resolver = memory_resolver(HEARTS)
    assert resolver(["Respiratory failure"], 1)[0][0].score > 0.95
    assert best(resolver, "the patient was seen on Tuesday") is None


def test_two_codes_of_the_same_name_share_the_score_and_stand_in_order_of_code() -> None:
    (candidates,) = memory_resolver(table(B2="Cold", B1="Cold", B3="Fever"))(["cold"], 5)
    assert [candidate.concept.code for candidate in candidates[:2]] == ["B1", "B2"]
    assert candidates[0].score == candidates[1].score < 0.5


def test_heading_is_never_a_candidate() -> None:
    concepts = [
        Concept("local", "1", "Liver disease", assignable=False),
        Concept("local", "2", "Disease of liver", parents=("1",)),
    ]
    (candidates,) = memory_resolver(CodeTable("local", "1", concepts))(["liver disease"], 5)
    assert [candidate.concept.code for candidate in candidates] == ["2"]


def test_name_of_a_category_leads_to_its_unspecified_leaf() -> None:
    concepts = [
        Concept("icd10cm", "C", "Snuffles", ("Sniffles",)),
        Concept("icd10cm", "C.1", "Snuffles of dogs", parents=("C",)),
        Concept("icd10cm", "C.9", "Snuffles, unspecified", parents=("C",)),
    ]
    (candidates,) = memory_resolver(CodeTable("icd10cm", "1", concepts))(["sniffles"], 5)
    assert candidates[0].concept.code == "C.9"


def test_concept_of_a_terminology_is_as_good_as_those_below_it() -> None:
    concepts = [
        Concept("mesh", "D1", "Snuffles", ("Sniffles",)),
        Concept("mesh", "D2", "Snuffles of dogs", parents=("D1",)),
        Concept("mesh", "D3", "Snuffles, unspecified", parents=("D1",)),
    ]
    (candidates,) = memory_resolver(CodeTable("mesh", "1", concepts))(["sniffles"], 5)
    assert candidates[0].concept.code == "D1"


TREE = CodeTable(
    "mesh",
    "1",
    [
        Concept("mesh", "C", "Diseases"),
        Concept("mesh", "C1", "Effects of drugs", parents=("C",)),
        Concept("mesh", "C2", "Effects of mercury", parents=("C1",)),
        Concept("mesh", "E", "Procedures"),
        Concept("mesh", "E1", "Effects tests", parents=("E",)),
        Concept("mesh", "X", "Effects at home", parents=("C1", "E1")),
    ],
)


@pytest.mark.parametrize(
    ("roots", "codes"),
    [
        ((), {"C1", "C2", "E1", "X"}),
        (("C",), {"C1", "C2", "X"}),
        (("C2",), {"C2"}),
        (("E", "C2"), {"C2", "E1", "X"}),
        (("Z", "E"), {"E1", "X"}),  # a root of another release
        (("Z",), {"C1", "C2", "E1", "X"}),  # nothing is known of what a label may be
    ],
)
def test_part_of_a_table_is_what_stands_below_its_roots(roots: tuple[str, ...], codes: set[str]) -> None:
    resolver = memory_resolver(TREE)
    (candidates,) = resolver.within(roots)(["effects"], 9)
    assert {candidate.concept.code for candidate in candidates} == codes
    (all_of_them,) = resolver(["effects"], 9)
    assert len(all_of_them) == 4


def test_name_that_is_written_so_goes_before_one_of_the_same_words() -> None:
    resolver = memory_resolver(table(A="(-)-Ketamine", B="Ketamine", C="Ketamines"))
    assert best(resolver, "ketamine") == "B"
    assert best(resolver, "(-)-ketamine") == "A"


def test_table_whose_names_hold_no_word_is_refused() -> None:
    with pytest.raises(TableError, match="local 1: expected names with a word or a number, found none"):
        memory_resolver(table(A="---", B="of the"))


# --- laws ---------------------------------------------------------------------------------------------------------
QUERIES = ["heart failure", "", "   ", "lesion of heart", "\x00\ud7ff", "left right left", "heart " * 50, "\U0001f600"]


def test_batch_is_the_same_as_one_by_one_and_again() -> None:
    resolver = memory_resolver(HEARTS)
    together = resolver(QUERIES, 4)
    assert together == [resolver([query], 4)[0] for query in QUERIES] == memory_resolver(HEARTS)(QUERIES, 4)
    assert together[1] == together[2] == []


@settings(deadline=None, max_examples=200)
@given(st.text() | st.lists(WORDS | st.sampled_from(["heart", "failure", "left", "lesion"])).map(" ".join))
def test_scores_are_shares_in_descending_order_whatever_is_asked(query: str) -> None:
    (candidates,) = RESOLVER([query], 9)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores) and sum(scores) <= 1 + 1e-9
    assert RESOLVER([query], 2)[0] == candidates[:2]


RESOLVER = memory_resolver(HEARTS)


def test_fewer_than_one_candidate_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="k: expected at least 1, found 0"):
        RESOLVER(["heart"], 0)


def test_very_long_query_is_cut_and_answered_quickly() -> None:
    start = time.process_time()
    (candidates,) = RESOLVER(["heart failure " + "x y z q heart " * 2000], 1)
    assert candidates[0].concept.code.startswith("I5")
    assert time.process_time() - start < 0.5


# --- on disk ------------------------------------------------------------------------------------------------------
@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_resolver_from_disk_answers_like_the_one_in_memory(home: Path) -> None:
    store.add_table("cpt", [EXAMPLES / "cpt.tsv"], "toy")
    queries = ["CT scan", "chest ct with contrast", "mri of brain", ""]
    lines: list[str] = []
    first = open_resolver("cpt", lines.append)(queries, 5)
    assert lines == ["building the search index of cpt toy (once)"]
    assert first == open_resolver("cpt", lines.append)(queries, 5) == example("cpt")(queries, 5)
    assert len(lines) == 1


def test_index_follows_a_replaced_table(home: Path, tmp_path: Path) -> None:
    for code in ("1", "2"):
        (tmp_path / "t.tsv").write_text(f"code\tname\n{code}\tlesion\n", encoding="utf-8")
        store.add_table("local", [tmp_path / "t.tsv"])
        assert best(open_resolver("local"), "lesion") == code


def test_damaged_index_is_built_again(home: Path) -> None:
    store.add_table("cpt", [EXAMPLES / "cpt.tsv"])
    open_resolver("cpt")
    path = home / "tables/cpt/added.lexical"
    path.write_bytes(path.read_bytes()[:200])
    assert best(open_resolver("cpt"), "CT scan") == "3324F"


def test_removing_a_table_removes_its_index(home: Path) -> None:
    store.add_table("cpt", [EXAMPLES / "cpt.tsv"])
    open_resolver("cpt")
    store.remove_table("cpt")
    assert list((home / "tables/cpt").iterdir()) == []


# --- measuring ----------------------------------------------------------------------------------------------------
class Fixed:
    """Answers from a table of codes and scores."""

    system = "local"
    release = "1"
    digest = ""
    threshold = 0.5

    def __init__(self, answers: dict[str, list[tuple[str, float]]]) -> None:
        self.answers = answers

    def within(self, roots: object) -> "Fixed":
        return self

    def __call__(self, queries: object, k: int) -> list[list[Candidate]]:
        assert isinstance(queries, list)
        return [
            [Candidate(Concept("local", code, code), score, code) for code, score in self.answers[query][:k]]
            for query in queries
        ]


def test_accuracy_counts_by_hand() -> None:
    resolver = Fixed({"a": [("A", 0.9)], "b": [("X", 0.6), ("B", 0.1)], "c": [("C", 0.2)], "d": []})
    found = accuracy([Phrase(q, q.upper(), "near" if q in "ab" else "far") for q in "abcd"], resolver)
    assert [(b, a.count, a.at_1, a.at_5, a.answered, a.precision) for b, a in found.items()] == [
        ("all", 4, 0.5, 0.75, 0.5, 0.5),
        ("near", 2, 0.5, 1.0, 1.0, 0.5),
        ("far", 2, 0.5, 0.5, 0.0, 0.0),
    ]
