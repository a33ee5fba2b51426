"""Abbreviations that a text defines itself, one line of text each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.abbreviations import abbreviations, expanded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with polycystic kidney disease (PKD)", {"PKD": "polycystic kidney disease"}),
        ("acute myocardial infarction (AMI; type 1)", {"AMI": "acute myocardial infarction"}),
        ("phenobarbital (PB: 15 mg)", {"PB": "phenobarbital"}),
        ("methicillin-resistant Staphylococcus aureus (MRSA)", {"MRSA": "methicillin-resistant Staphylococcus aureus"}),
        ("hypertension (HTN) and diabetes mellitus (DM)", {"HTN": "hypertension", "DM": "diabetes mellitus"}),
        ("a TIA (transient ischemic attack)", {"TIA": "transient ischemic attack"}),
        ("computed tomography\n(CT) of the chest", {"CT": "computed tomography"}),
        ("5-hydroxytryptamine (5-HT)", {"5-HT": "5-hydroxytryptamine"}),
        ("She was seen. Ventricular septal defect (VSD)", {"VSD": "Ventricular septal defect"}),
        ("chronic kidney disease (CKD), later chemotherapy (CKD)", {"CKD": "chronic kidney disease"}),
        ("in May (twice), in June (2)", {}),
        ("aspirin (see above)", {}),
        ("ALT (AST)", {}),
        ("with fever. He (PKD)", {}),
        ("", {}),
    ],
)
def test_a_definition_is_found(text: str, found: dict[str, str]) -> None:
    assert abbreviations(text) == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("PKD", "polycystic kidney disease"),
        ("non-PKD", "non-PKD"),
        ("PKDs", "PKDs"),
        ("polycystic kidney disease (PKD)", "polycystic kidney disease (PKD)"),
        ("severe PKD of both kidneys", "severe polycystic kidney disease of both kidneys"),
    ],
)
def test_whole_words_are_written_out_once(text: str, written: str) -> None:
    assert expanded(text, {"PKD": "polycystic kidney disease"}) == written


@given(st.text(alphabet="ab AB().;,-1\n\u0130", max_size=60))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    plain = " ".join(text.split())
    for short, long in abbreviations(text).items():
        assert short in plain
        assert long in plain
