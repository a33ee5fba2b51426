"""Base against enriched chunk: papers/004, Table 4, what the relations did in sum, and scores against gold codes."""

import json
from collections.abc import Sequence

import pytest

from extractors.document import Document
from kgbuild.compare import (
    ALL,
    COLUMNS,
    SCORE_COLUMNS,
    Comparison,
    as_row,
    compare,
    is_below,
    judged,
    read_gold,
    scores,
    summaries,
    summary,
)
from kgbuild.enrich import chunks
from kgbuild.note import Note, NoteError
from kgbuild.resolve import ResolvedNote, resolve_chunks
from ontologies.concept import CodeTable, Concept
from resolvers.candidate import Candidate
from resolvers.index import memory_resolver
from tests.marked import document

# The rows of Table 4 in tables of a few concepts; synonyms as in examples/tables.
TABLES = {
    "cpt": CodeTable("cpt", "test", [
        Concept("cpt", "3324F", "CT scan or MRI scan, ordered, reviewed or requested", ("CT scan",)),
        Concept("cpt", "71250", "CT of the chest without contrast", ("CT scan of the chest without contrast",)),
        Concept("cpt", "71260", "CT of the chest with contrast", ("CT scan of the chest with contrast",)),
    ]),
    "snomedct": CodeTable("snomedct", "test", [
        Concept("snomedct", "169072007", "CT scan, whole body", ("CT scan",)),
        Concept("snomedct", "169069000", "CT of chest", ("CT scan of chest",)),
        Concept("snomedct", "300577008", "Lesion"),
        Concept("snomedct", "300331000", "Lesion of liver", (), ("300577008",)),
    ]),
    "icd10cm": CodeTable("icd10cm", "test", [
        Concept("icd10cm", "L98.9", "Disorder of the skin and subcutaneous tissue, unspecified", ("Lesion",)),
        Concept("icd10cm", "K76.9", "Liver disease, unspecified", ("Lesion of liver",)),
    ]),
}  # fmt: skip
CT = document(
    "[CT scan|Diagnostic_procedure #ct] [Chest|Biological_structure #c] ([multi-slice|Detailed_description #m]) "
    "[contrast|Detailed_description #k]",
    "MODIFY c ct", "MODIFY m ct", "MODIFY k ct",
)  # fmt: skip
LESION = document("[Lesion|Sign_symptom #x] [liver|Biological_structure #l]", "MODIFY l x")


def resolved(read: Document, note: str = "n1") -> ResolvedNote:
    """A document coded in the tables."""
    resolvers = {system: memory_resolver(table, threshold=0.3) for system, table in TABLES.items()}
    found = resolve_chunks(chunks(read), resolvers, tables=TABLES)
    return ResolvedNote(Note(note, read.text, "p1"), read, tuple(one for some in found for one in some))


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (CT, ("cpt", "CT scan", "3324F", "CT scan Chest multi-slice contrast", "71260", False)),
        (CT, ("snomedct", "CT scan", "169072007", "CT scan Chest multi-slice contrast", "169069000", False)),
        (LESION, ("icd10cm", "Lesion", "L98.9", "Lesion liver", "K76.9", False)),
        (LESION, ("snomedct", "Lesion", "300577008", "Lesion liver", "300331000", True)),
    ],
)
def test_table_4(read: Document, expected: tuple[object, ...]) -> None:
    rows = [as_row(row) for row in compare(resolved(read), TABLES)]
    keys = ("system", "base", "base_code", "enriched", "enriched_code", "is_below")
    assert expected in [tuple(row[key] for key in keys) for row in rows]


def test_a_row_has_every_column_and_is_json() -> None:
    row = as_row(compare(resolved(LESION), TABLES)[0])
    assert set(COLUMNS) <= row.keys()
    assert json.loads(json.dumps(row)) == row


def test_what_was_asked_stands_beside_what_was_said() -> None:
    (row,) = [row for row in compare(resolved(CT), TABLES) if row.system == "snomedct"]
    assert row.enriched_text == "CT scan Chest multi-slice contrast"
    assert row.query.startswith("CT scan Chest")


def test_a_chunk_that_no_relation_says_more_of_is_no_row() -> None:
    assert compare(resolved(document("[Lesion|Sign_symptom]")), TABLES) == []
    assert compare(resolved(document("[bad|Severity #s] [Lesion|Sign_symptom #x]")), TABLES) == []


def test_a_modifier_that_helps_one_system_is_a_row_of_that_one() -> None:
    read = document("[severe|Severity #s] [Lesion|Sign_symptom #x]", "MODIFY s x")
    mesh = CodeTable("mesh", "test", [Concept("mesh", "D1", "Lesion")])
    tables = {"mesh": mesh, "icd10cm": TABLES["icd10cm"]}
    resolvers = {system: memory_resolver(table) for system, table in tables.items()}
    (found,) = resolve_chunks(chunks(read), resolvers, tables=tables)
    rows = compare(ResolvedNote(Note("n1", read.text, "p1"), read, tuple(found)), tables)
    assert [row.system for row in rows] == ["icd10cm"]


def test_without_a_table_it_is_not_known_what_is_below() -> None:
    assert {row.is_below for row in compare(resolved(LESION), {})} == {None}


# --- hierarchy ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "base", "expected"),
    [
        ("M25.561", "M25.569", True),  # right knee, of the category that "unspecified" stands for
        ("M25.561", "M25.56", True),
        ("M25.561", "M25", True),
        ("M25.56", "M25.561", False),
        ("M25.562", "M25.561", False),  # a sibling of a code that says something
        ("M25.569", "M25.569", False),
        ("K76.9", "M25.569", False),
        ("unknown", "M25", False),
    ],
)
def test_below_is_in_the_hierarchy_and_unspecified_stands_for_its_category(
    code: str, base: str, expected: bool
) -> None:
    rows = [
        Concept("icd10cm", "M25", "Other joint disorder"),
        Concept("icd10cm", "M25.56", "Pain in knee", (), ("M25",)),
        Concept("icd10cm", "M25.561", "Pain in right knee", (), ("M25.56",)),
        Concept("icd10cm", "M25.562", "Pain in left knee", (), ("M25.56",)),
        Concept("icd10cm", "M25.569", "Pain in unspecified knee", (), ("M25.56",)),
        Concept("icd10cm", "K76.9", "Liver disease, unspecified"),
    ]
    table = CodeTable("icd10cm", "test", rows)
    concept = table.by_code.get(code, Concept("icd10cm", code, "Unknown"))
    assert is_below(concept, table.by_code[base], table) is expected


# --- summary ------------------------------------------------------------------------------------------------------
def row(base: str | None, enriched: str | None, below: bool | None = None, system: str = "snomedct") -> Comparison:
    before, after = (None if c is None else Candidate(Concept(system, c, c), 0.9, c) for c in (base, enriched))
    return Comparison("n1", 0, 6, system, "lesion", before, "lesion liver", "lesion liver", after, below)


ROWS = [
    row("1", "2", below=True),
    row("1", "3", below=False),
    row("1", "3"),
    row("1", "1", below=False),
    row(None, None),
    row(None, "2"),
    row("1", None),
]


def test_the_summary_counts_each_change_once() -> None:
    found = summary(ROWS)
    assert (found.compared, found.same, found.changed) == (7, 2, 5)
    assert (found.more_specific, found.other, found.newly_coded, found.withdrawn) == (1, 2, 1, 1)
    assert str(found) == (
        "7 chunks enriched by relations, 5 codes changed: 1 more specific, 2 other, 1 newly coded, 1 withdrawn"
    )


def test_several_systems_are_summed_up_one_by_one_and_together() -> None:
    rows = [*ROWS, row("L98.9", "K76.9", system="icd10cm")]
    assert {system: one.compared for system, one in summaries(rows).items()} == {"snomedct": 7, "icd10cm": 1, ALL: 8}
    assert list(summaries(ROWS)) == ["snomedct"]
    assert summaries([])[ALL].compared == 0


# --- gold ---------------------------------------------------------------------------------------------------------
HEADER = "note\tstart\tend\tsystem\tcode\n"


def gold(*lines: str) -> Sequence[str]:
    return [HEADER, *(line.replace(" ", "\t") + "\n" for line in lines)]


def test_base_and_enriched_codes_are_scored_against_gold() -> None:
    wanted = read_gold(
        gold(
            "n1 0 6 icd10cm K76.9",
            "n1 0 6 icd10cm K76.89",  # either is right
            "n1 0 6 snomedct 300577008",
            "n1 50 60 snomedct 1",  # no such mention
            "n2 0 6 icd10cm ",  # NIL is right
        ),
        "gold.tsv",
    )
    found = judged(resolved(LESION), wanted) | judged(resolved(document("[Cough|Sign_symptom] "), "n2"), wanted)
    assert [tuple(row[column] for column in SCORE_COLUMNS) for row in scores(wanted, found)] == [
        ("icd10cm", 2, 1, 0, 0.0, 1, 1.0),
        ("snomedct", 2, 1, 1, 1.0, 0, 0.0),
        (ALL, 4, 2, 1, 0.5, 1, 0.5),
    ]


def test_to_abstain_is_right_where_gold_has_no_code() -> None:
    wanted = read_gold(gold("n2 0 5 icd10cm "), "gold.tsv")
    found = judged(resolved(document("[Cough|Sign_symptom] "), "n2"), wanted)
    assert scores(wanted, found)[-1]["base_right"] == 1


def test_of_what_is_not_found_nothing_is_said() -> None:
    (of_system, _) = scores(read_gold(gold("n9 0 5 icd10cm R05"), "gold.tsv"), {})
    assert (of_system["gold"], of_system["found"], of_system["base_accuracy"]) == (1, 0, None)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["note start end code\n"], "gold.tsv:1: expected the header note start end system code, tabs between"),
        ([HEADER], "gold.tsv: expected gold codes, found none"),
        ([], "gold.tsv: expected gold codes, found none"),
        ([HEADER, "\n", "Zyxwv\n"], "gold.tsv:3: expected 5 columns, found 1"),
        ([HEADER, "n1\tZyxwv\t6\ticd10cm\tR05\n"], "gold.tsv:2: expected start and end, two numbers"),
        ([HEADER, "n1\t6\t6\ticd10cm\tR05\n"], "gold.tsv:2: expected start and end, two numbers"),
        ([HEADER, "n1\t0\t6\tZyxwv\tR05\n"], "gold.tsv:2: expected a code system, one of icd10cm, "),
    ],
)
def test_a_line_that_is_no_gold_is_named_and_not_quoted(lines: list[str], expected: str) -> None:
    with pytest.raises(NoteError) as raised:
        read_gold(lines, "gold.tsv")
    assert str(raised.value).startswith(expected)
    assert "Zyxwv" not in str(raised.value)


def test_gold_with_a_byte_order_mark_and_windows_lines_is_read() -> None:
    lines = ["\ufeff" + HEADER.replace("\n", "\r\n"), "n1\t0\t6\ticd10cm\tK76.9\r\n", "n1\t0\t6\tsnomedct\r\n"]
    assert read_gold(lines, "gold.tsv") == {
        ("n1", 0, 6, "icd10cm"): frozenset(["K76.9"]),
        ("n1", 0, 6, "snomedct"): frozenset([""]),
    }
