"""Cells of CSV and TSV: no spreadsheet runs one, two texts are never one cell, and every text comes back."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.export_tables import cell
from kgbuild.output import FORMATS
from kgbuild.spreadsheet import guarded, line, unguarded
from kgbuild.stores.escaping import XML, restored

BLANK = " \t\r\n\x0b\xa0\u3000\u2009\u200b\u200e\u2060\ufeff'\"`\u2018\u2019\u201c\x00\u0301"
BEGINS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212\u207a\u208a\u207b\u207c"
"""What a formula may begin with, as a keyboard, a Chinese keyboard, and others have it."""

Formula = st.builds(
    "".join,
    st.tuples(st.text(BLANK, max_size=4), st.sampled_from(BEGINS), st.text("1+cmd|' /C calc'!A0\"", max_size=9)),
)
Text = st.one_of(Formula, st.text("'=1-+@.e\uff1d \t\r\n,;\"\ufeff", max_size=6), st.text(max_size=8))

FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1", '"=1', "'=1", "\ufeff=1", "\u200b=1",
    "\uff1d1", "\uff0b1+1", "\uff0d1+1", "\uff20SUM(A1)", "\u22121+1", "-5+cmd|' /C calc'!A0", "-", "+", "--1", "-INF",
    "-1 mg", "- cough", "=", " \t '\" =1", "+49 30 1234", "\uff0d5", "-\u0665", "-\xb2",
)  # fmt: skip
NUMBERS = ("-5", "+3.2", "1e-3", "-1E+9", "-.5", "5.", "0", "-0")


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_is_marked_in_every_table(text: str) -> None:
    assert guarded(text) == f"'{text}"
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        printed = FORMATS[form]([{text: text}], [text])
        assert list(csv.reader(io.StringIO(printed, newline=""), delimiter=delimiter)) == [[f"'{text}"], [f"'{text}"]]
    (exported,) = next(csv.reader(io.StringIO(cell(text), newline="")))
    assert restored(exported) == f"'{text}" or exported.startswith("'")


@pytest.mark.parametrize("text", [*NUMBERS, "", "fever", "K76.9", "3 - 4", "a=b", "\u03b2-blocker", "(-5)"])
def test_number_and_harmless_text_stay(text: str) -> None:
    assert guarded(text) == text


@settings(max_examples=200, deadline=None)
@given(Text)
def test_no_cell_begins_with_what_a_formula_begins_with(text: str) -> None:
    found = guarded(text)
    assert found.startswith("'") or found[:1] not in (*BEGINS, *"\t\r\n") or float(found) is not None
    if text.lstrip(BLANK)[:1] in tuple(BEGINS) and not re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", text, re.ASCII):
        assert found == f"'{text}"


@settings(max_examples=200, deadline=None)
@given(Text, Text)
def test_two_texts_are_two_cells_and_each_comes_back(one: str, other: str) -> None:
    assert (guarded(one) == guarded(other)) == (one == other)
    assert guarded(guarded(one)) == guarded(one) or guarded(one).startswith("'")
    assert unguarded(guarded(one)) == one


@settings(max_examples=200, deadline=None)
@given(st.lists(Text.filter(lambda text: "\0" not in text), min_size=1, max_size=4), st.sampled_from(",\t"))
def test_line_is_one_row_of_the_same_cells(cells: list[str], delimiter: str) -> None:
    written = line(cells, delimiter)
    (row,) = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    assert [unguarded(found) for found in row] == cells


@pytest.mark.parametrize("text", ["a,=1", "a;=1", "a\t=1", "a\r=1", "a\n=1", "a\x0b=1", "a\u2028=1", 'a"=1'])
def test_cell_that_another_reader_would_part_is_in_quotes(text: str) -> None:
    assert line([text, "b"], ",") == '"' + text.replace('"', '""') + '",b\n'


@settings(max_examples=200, deadline=None)
@given(Text)
def test_export_marks_the_same_cells(text: str) -> None:
    if not XML.search(text):
        assert cell(text) == '"' + guarded(text).replace('"', '""') + '"'
