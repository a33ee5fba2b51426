"""Retrieval by words and by meaning against brute force, and what speaks for a candidate."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontologies.concept import CodeTable, Concept
from resolvers.dense import Dense, dense_arrays, in_bytes, word_vectors
from resolvers.index import memory_resolver
from resolvers.lexical import Lexicon
from resolvers.meanings import GENERIC_HEADS
from resolvers.names import name_arrays
from resolvers.normalize import words
from resolvers.rank import query_of
from resolvers.reach import derived
from resolvers.weights import WEIGHTS

NAMES = [
    f"{adjective} {noun} of {organ}"
    for adjective in ("acute", "chronic", "toxic", "viral", "ischemic", "hereditary")
    for noun in ("disease", "failure", "inflammation", "neoplasm", "injury", "disease disorder")
    for organ in ("liver", "kidney", "heart", "colon", "brain", "left lung", "right lung", "skin")
]
TABLE = CodeTable("mesh", "1", [Concept("mesh", f"{i:03}", name) for i, name in enumerate(NAMES)])
ARRAYS = name_arrays(TABLE)
LEXICON = Lexicon(ARRAYS)


# --- words --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hepatitis A", ["hepatitis", "lettera"]),
        ("Hepatitis a", ["hepatitis", "lettera"]),
        ("HEPATITIS A", ["hepatitis", "lettera"]),
        ("vitamin A deficiency", ["vitamin", "lettera", "deficiency"]),
        ("Factor VIII a deficiency", ["factor", "8", "deficiency"]),
        ("A lesion of the liver", ["lesion", "liver"]),
        ("a cyst", ["cyst"]),
        ("CYST OF A LIVER", ["cyst", "liver"]),
    ],
)
def test_letter_a_is_kept_and_the_article_is_not(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("adjective", "noun"),
    [
        ("hypertensive", "hypertension"), ("ischemic", "ischemia"), ("epileptic", "epilepsy"), ("diabetic", "diabetes"),
        ("thrombotic", "thrombosis"), ("parkinsonian", "parkinsonism"), ("nephrotoxic", "nephrotoxicity"),
        ("arthritic", "arthritis"), ("embolic", "embolus"), ("malignant", "malignancy"), ("obese", "obesity"),
    ],
)  # fmt: skip
def test_adjective_and_noun_are_forms_of_each_other(adjective: str, noun: str) -> None:
    assert noun in derived(adjective) and adjective in derived(noun)


def test_adjective_finds_the_name_that_has_the_noun() -> None:
    table = CodeTable("mesh", "1", [Concept("mesh", "1", "Ischemia"), Concept("mesh", "2", "Anemia")])
    (candidates,) = memory_resolver(table)(["ischemic"], 1)
    assert candidates[0].concept.code == "1"


# --- retrieval by words -------------------------------------------------------------------------------------------
def brute_force(query: list[str]) -> npt.NDArray[np.float64]:
    """Return the cosine of every name to a query: of each query word, the best word of the name."""
    starts, flat = ARRAYS["name_word_starts"], ARRAYS["name_words"]
    scores = np.zeros(len(NAMES))
    weights = np.array([LEXICON.weight(word) for word in query])
    for name in range(len(NAMES)):
        inside = flat[starts[name] : starts[name + 1]]
        for word, weight in zip(query, weights, strict=True):
            reach = LEXICON.reach(word)
            shares = (reach.similarities * LEXICON.idf[reach.words]).tolist()
            near = dict(zip(reach.words.tolist(), shares, strict=True))
            scores[name] += weight * max(near.get(int(w), 0.0) for w in inside)
    scores /= ARRAYS["name_norms"] * np.sqrt((weights**2).sum())
    return scores


WORDS = st.lists(
    st.sampled_from("acute chronic toxic viral ischemic failure inflammation liver hepatic kidney left lung".split()),
    min_size=1, max_size=4, unique=True,
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(WORDS, st.integers(1, 12))
def test_search_finds_the_names_with_the_highest_cosines(query: list[str], limit: int) -> None:
    (found,) = LEXICON.search([query], limit)
    scores = brute_force(query)
    assert list(found) == sorted(set(found.tolist())) and len(found) <= limit
    least = np.sort(scores)[::-1][min(limit, len(scores)) - 1]
    if least > 0.35:  # below, a common word alone finds no name
        assert len(found) == limit and scores[found].min() >= least - 1e-5


def test_common_word_finds_names_only_where_nothing_else_does() -> None:
    (alone,) = LEXICON.search([["disease"]], 96)
    assert all(not GENERIC_HEADS.isdisjoint(NAMES[name].split()) for name in alone.tolist()) and len(alone)


def test_search_looks_only_among_the_names_it_is_told() -> None:
    among = np.zeros(len(NAMES), dtype=np.bool_)
    among[::7] = True
    (found,) = LEXICON.search([["acute", "liver", "failure"]], 20, among)
    assert len(found) and among[found].all()


# --- retrieval by meaning -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "near", "far"),
    [
        ("renal", "kidney", "lung"), ("hepatic", "liver", "skin"), ("carcinoma", "cancer", "fracture"),
        ("seizure", "epilepsy", "diarrhea"), ("myocardial", "heart", "bladder"),
    ],
)  # fmt: skip
def test_word_is_nearer_to_its_synonym_than_to_another(one: str, near: str, far: str) -> None:
    vectors = in_bytes(word_vectors()((one, near, far))).astype(np.float32)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_unknown_word_has_the_direction_of_words_spelled_like_it() -> None:
    vectors = in_bytes(word_vectors()(("pneumoniaz", "pneumonia", "fracture")))
    products = vectors.astype(np.float32) @ vectors[0].astype(np.float32)
    assert products[1] > products[2]


def test_cells_are_searched_as_all_names_are_where_all_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolvers.dense._FEW", 10)
    monkeypatch.setattr("resolvers.dense._PROBES", 10_000)
    vocabulary = sorted({word for name in NAMES for word in words(name)})
    id_of = {word: i for i, word in enumerate(vocabulary)}
    lists = [[id_of[word] for word in dict.fromkeys(words(name))] for name in NAMES]
    starts = np.cumsum([0, *map(len, lists)])
    arrays = dense_arrays(vocabulary, np.array([i for one in lists for i in one]), starts)
    assert len(arrays["cell_centres"]) == round(len(NAMES) ** 0.5)
    dense = Dense(arrays)
    query = dense.vectors([["hepatic", "failure"]])
    (found,) = dense.search(query, 9)
    everything = dense.cosines(query, np.zeros(len(NAMES), dtype=np.int64), np.arange(len(NAMES), dtype=np.int32))
    assert everything[found].min() >= np.sort(everything)[::-1][8]
    assert sorted(arrays["cell_names"].tolist()) == list(range(len(NAMES)))


def test_meaning_finds_a_name_that_shares_no_word() -> None:
    names = ["Kidney Diseases", "Neoplasms", "Fractures, Bone", "Dermatitis", "Epilepsy"]
    table = CodeTable("mesh", "1", [Concept("mesh", str(i), name) for i, name in enumerate(names)])
    (candidates,) = memory_resolver(table)(["nephropathy"], 1)
    assert candidates[0].concept.name == "Kidney Diseases"


# --- what speaks for a candidate ----------------------------------------------------------------------------------
def test_explanation_adds_up_to_the_order_of_the_candidates() -> None:
    resolver = memory_resolver(TABLE)
    (candidates,) = resolver(["acute liver failure"], 4)
    reasons = resolver.why("acute liver failure", candidates)
    totals = [sum(parts.values()) for parts in reasons]
    assert totals == sorted(totals, reverse=True)
    assert candidates[0].concept.name == "acute failure of liver"
    assert reasons[0]["is the query"] == pytest.approx(WEIGHTS["is the query"][1])
    assert set(reasons[0]) <= set(WEIGHTS)


@pytest.mark.parametrize("system", ["mesh", "icd10cm"])
def test_name_that_is_the_query_is_its_answer_in_a_table_of_any_kind(system: str) -> None:
    concepts = [Concept(system, c.code, c.name) for c in TABLE]
    concepts.append(Concept(system, "X", "Failure", tuple(f"failure {i}" for i in range(60))))  # a name all know
    resolver = memory_resolver(CodeTable(system, "1", concepts))
    answers = resolver(NAMES, 1)
    assert [candidates[0].concept.name for candidates in answers] == NAMES


def test_query_of_no_word_is_no_query() -> None:
    assert query_of("the of").words == ()
    assert memory_resolver(TABLE)(["the of", "---", ""], 3) == [[], [], []]
    assert memory_resolver(TABLE).why("", []) == []
