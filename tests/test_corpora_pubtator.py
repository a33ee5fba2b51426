"""PubTator files, on abstracts written by hand."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.corpora.pubtator import read_bc5cdr, read_ncbi_disease, read_pubtator
from extractors.document import ExtractionError

HEAD = "12|t|Aspirin and asthma\n12|a|Asthma got worse. Aspirin was stopped, and rash went.\n"
TITLE_DRUG, TITLE_DISEASE = "12\t0\t7\tAspirin\tChemical\tD1\n", "12\t12\t18\tasthma\tDisease\tD2\n"
ASTHMA = "12\t19\t25\tAsthma\tDisease\tD2\n"
DRUG, RASH = "12\t37\t44\tAspirin\tChemical\tD1\n", "12\t62\t66\trash\tDisease\tD3\n"
ABSTRACT = HEAD + TITLE_DRUG + TITLE_DISEASE + ASTHMA + DRUG + RASH


def write(folder: Path, *blocks: str, name: str = "a.txt") -> Path:
    (folder / name).write_bytes("\n".join(blocks).encode())
    return folder / name


def test_title_and_abstract_are_one_text_with_one_character_between(tmp_path: Path) -> None:
    (item,) = read_pubtator(write(tmp_path, ABSTRACT))
    assert item.id == "12"
    assert item.document.text == "Aspirin and asthma\nAsthma got worse. Aspirin was stopped, and rash went."
    assert [(m.text, m.label, item.codes[m]) for m in item.document.mentions] == [
        ("Aspirin", "Chemical", "D1"), ("asthma", "Disease", "D2"), ("Asthma", "Disease", "D2"),
        ("Aspirin", "Chemical", "D1"), ("rash", "Disease", "D3"),
    ]  # fmt: skip


def test_related_concepts_relate_their_mentions_of_one_sentence(tmp_path: Path) -> None:
    (item,) = read_pubtator(write(tmp_path, ABSTRACT + "12\tCID\tD1\tD2\n12\tCID\tD1\tD3\tNovel\n"))
    assert [(r.head.start, r.tail.start, r.label) for r in item.document.relations] == [(0, 12, "CID"), (37, 62, "CID")]


def test_concepts_that_share_no_sentence_relate_no_mentions(tmp_path: Path) -> None:
    (item,) = read_pubtator(write(tmp_path, HEAD + ASTHMA + DRUG + "12\tCID\tD1\tD2\n"))
    assert item.document.relations == ()


def test_composite_mentions_have_several_concepts(tmp_path: Path) -> None:
    lines = "12\t12\t25\tasthma Asthma\tDisease\tD2|D9\tasthma|Asthma\n" + TITLE_DRUG + "12\tCID\tD1\tD9\n"
    (item,) = read_pubtator(write(tmp_path, HEAD + lines))
    assert list(item.codes.values()) == ["D2|D9", "D1"]
    assert [(r.head.text, r.tail.start) for r in item.document.relations] == [("Aspirin", 12)]


def test_mentions_without_concept_have_no_code(tmp_path: Path) -> None:
    lines = "12\t0\t7\tAspirin\tChemical\t-1\n12\t12\t18\tasthma\tDisease\t\n12\t19\t25\tAsthma\tDisease\n"
    (item,) = read_pubtator(write(tmp_path, HEAD + lines))
    assert (len(item.document.mentions), item.codes) == (3, {})


def test_overlapping_mentions_are_kept_and_blanks_at_the_edges_are_not(tmp_path: Path) -> None:
    lines = TITLE_DISEASE + "12\t8\t19\tand asthma \tDisease\tD5\n12\t7\t12\t and \tChemical\tD6\n"
    (item,) = read_pubtator(write(tmp_path, HEAD + lines))
    assert [m.text for m in item.document.mentions] == ["and", "and asthma", "asthma"]


def test_windows_line_ends_and_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    plain = read_pubtator(write(tmp_path, ABSTRACT))
    assert read_pubtator(write(tmp_path, ("\ufeff" + ABSTRACT).replace("\n", "\r\n"))) == plain


def test_an_abstract_given_twice_comes_once(tmp_path: Path) -> None:
    assert len(read_pubtator(write(tmp_path, ABSTRACT, ABSTRACT))) == 1


def test_files_of_a_folder_are_read_by_name(tmp_path: Path) -> None:
    write(tmp_path, "9|t|Nine\n", name="b.PubTator.txt")
    write(tmp_path, "x7|t|Seven\nx7|a|\n", name="a.pubtator")
    write(tmp_path, "notes", name="SOURCE.md")
    assert [(item.id, item.document.text) for item in read_pubtator(tmp_path)] == [("x7", "Seven\n"), ("9", "Nine")]


@given(st.text("ab .é😀|", min_size=1).filter(str.strip), st.text("ab .é"), st.data())
def test_offsets_are_code_points_of_the_joined_text(
    tmp_path_factory: pytest.TempPathFactory, title: str, abstract: str, data: st.DataObject
) -> None:
    text = f"{title}\n{abstract}"
    start = data.draw(st.sampled_from([i for i, c in enumerate(text) if not c.isspace()]))
    end = data.draw(st.sampled_from([i + 1 for i, c in enumerate(text) if i >= start and not c.isspace()]))
    line = f"1\t{start}\t{end}\t{text[start:end].replace(chr(10), ' ')}\tX"
    folder = tmp_path_factory.mktemp("p")
    (item,) = read_pubtator(write(folder, f"1|t|{title}\n1|a|{abstract}\n{line}\n"))
    assert [(m.start, m.end, m.text) for m in item.document.mentions] == [(start, end, text[start:end])]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("12\t70\t99\trash\tDisease\tD3", "span 70-99 leaves the text of 72 characters"),
        ("12\t-1\t7\tAspirin\tChemical\tD1", "span -1-7 leaves the text of 72 characters"),
        ("12\t7\t7\t\tChemical\tD1", "span 7-7 leaves the text of 72 characters"),
        ("12\t7\t8\t \tChemical\tD1", "span 7-8 is blank"),
        ("12\t1\t8\tAspirin\tChemical\tD1", "the text at 1-8 is not the annotation's"),
        ("12\tone\t8\tAspirin\tChemical\tD1", "expected 'PMID<tab>START<tab>END"),
        ("12\t0\t7", "expected 'PMID<tab>START<tab>END"),
        ("13\t0\t7\tAspirin\tChemical\tD1", "expected 'PMID|t|TITLE' before the lines of an abstract"),
        ("12\t0\t7\tAspirin\tChemicl\tD1", "label 'Chemicl' is not among Chemical, Disease"),
        ("12\tCIDE\tD1\tD1", "relation 'CIDE' is not among CID"),
        ("12\tCID\tD1\tD77", "concept 'D77' has no mention in the abstract"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, HEAD + TITLE_DRUG + line + "\n")
    with pytest.raises(ExtractionError, match=re.escape(f"{file}:4: {message}")) as caught:
        read_pubtator(file, {"Chemical", "Disease"}, {"CID"})
    assert "Aspirin" not in str(caught.value)


def test_two_abstracts_under_one_number_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD, HEAD + TITLE_DRUG)
    with pytest.raises(ExtractionError, match=re.escape(f"{file}:4: 12 was read before with another text")):
        read_pubtator(file)


def test_named_corpora_know_their_files_and_labels(tmp_path: Path) -> None:
    write(tmp_path, HEAD + TITLE_DRUG, name="CDR_TestSet.PubTator.txt")
    write(tmp_path, HEAD + "12\t12\t18\tasthma\tSpecificDisease\t D2\n", name="NCBItestset_corpus.txt")
    write(tmp_path, "none of it", name="LICENSE.txt")
    assert [m.label for m in read_bc5cdr(tmp_path)[0].document.mentions] == ["Chemical"]
    assert list(read_ncbi_disease(tmp_path)[0].codes.values()) == ["D2"]
    with pytest.raises(ExtractionError, match=r"corpus\.txt:3: label 'SpecificDisease' is not among Chemical, Disease"):
        read_bc5cdr(tmp_path / "NCBItestset_corpus.txt")
