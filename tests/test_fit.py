"""The fit of the ranking's weights, on tables small enough to see through."""

from pathlib import Path

import numpy as np

from ontologies.concept import CodeTable, Concept
from resolvers.fit import (
    AGAINST,
    LEAST,
    MOST,
    TIMES,
    Asked,
    answers,
    best_threshold,
    examples,
    fitted_weights,
    read_asked,
)
from resolvers.index import memory_resolver
from resolvers.weights import WEIGHTS

CODES = (
    "acute liver failure",
    "chronic liver failure",
    "liver failure",
    "kidney failure",
    "heart failure",
    "liver cyst",
)
TABLE = CodeTable("mesh", "1", [Concept("mesh", str(i), name) for i, name in enumerate(CODES)])
NAMES = list(WEIGHTS)
ALL = np.ones(len(NAMES), dtype=np.bool_)


def phrases(*pairs: tuple[str, str]) -> list[Asked]:
    return [Asked(text, frozenset((str(CODES.index(name)),))) for text, name in pairs]


def test_fit_makes_the_right_concept_first_where_the_first_weights_did_not() -> None:
    asked = phrases(("failing livers", "liver failure"), ("failing kidney", "kidney failure"))
    found = examples(memory_resolver(TABLE), asked)
    wrong = np.array([5.0 if name in AGAINST else 0.0 for name in NAMES])  # the more a name adds, the better
    assert not answers(found, wrong).right.all()
    assert answers(found, fitted_weights(found, wrong, ALL)).right.all()


def test_fitted_weights_have_their_sign_and_keep_their_bounds() -> None:
    # what no fit should learn from: a name that is the query is called wrong
    found = examples(
        memory_resolver(TABLE), phrases(("liver failure", "liver cyst"), ("heart failure", "kidney failure"))
    )
    weights = dict(zip(NAMES, fitted_weights(found, np.zeros(len(NAMES)), ALL).tolist(), strict=True))
    assert all(weight <= 0 if name in AGAINST else weight >= 0 for name, weight in weights.items())
    assert all(weights[name] >= least for name, least in LEAST.items())
    assert all(weights[name] <= most for name, most in MOST.items())


def test_weight_that_is_not_taught_stays() -> None:
    found = examples(memory_resolver(TABLE), phrases(("failing livers", "liver failure")))
    is_taught = np.array([name != "said" for name in NAMES])
    start = np.array([3.25 if name == "said" else 0.0 for name in NAMES])
    assert fitted_weights(found, start, is_taught)[NAMES.index("said")] == 3.25


def test_threshold_is_where_answers_are_right_above_and_wrong_below() -> None:
    found = examples(
        memory_resolver(TABLE), phrases(("liver failure", "liver failure"), ("heart failure", "liver cyst"))
    )
    said = answers(found, np.array([pair[1] for pair in WEIGHTS.values()]))
    assert said.right.tolist() == [True, False]
    assert 0.3 < best_threshold(np.array([0.9, 0.3]), said, 1.0) <= 0.9


def test_phrases_are_read_with_several_codes_and_counted_up_to_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "t.tsv"
    file.write_text("phrase\tcodes\troots\ttimes\nfailure\tA|B\tR|S\t99\ncyst\tC\t\t1\n", encoding="utf-8")
    assert read_asked(file) == [
        Asked("failure", frozenset("AB"), ("R", "S"), TIMES),
        Asked("cyst", frozenset("C"), (), 1),
    ]
