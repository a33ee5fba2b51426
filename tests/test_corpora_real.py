"""The corpora as published, where they are at hand; the counts are those of the papers and of each SOURCE.md."""

import os
from collections import Counter
from pathlib import Path

import pytest

from extractors.corpora.ade import read_fold
from extractors.corpora.annotated import Annotated
from extractors.corpora.catalog import READERS, read_corpus
from extractors.corpora.leaks import drop_leaks
from extractors.corpora.maccrobat import fixed_split
from extractors.document import ExtractionError
from extractors.text import words

DATA = Path(os.environ.get("KGBUILD_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))


def data(name: str) -> Path:
    """A folder or file of the shared data."""
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not here: see KGBUILD_DATA and the SOURCE.md of the corpus")
    return DATA / name


def counts(items: list[Annotated]) -> tuple[int, int, int]:
    """Documents, mentions, relations."""
    documents = [item.document for item in items]
    return len(documents), sum(len(d.mentions) for d in documents), sum(len(d.relations) for d in documents)


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("i2b2_2010", "format_samples/i2b2_2010", (1, 58, 0)),
        ("bc5cdr", "bc5cdr/CDR_TestSet.PubTator.txt", (500, 5385 + 4424, None)),
        ("ncbi_disease", "ncbi_disease/NCBItestset_corpus.txt", (100, 960, 0)),
        ("ncbi_disease", "ncbi_disease/NCBItrainset_corpus.txt", (592, 5145 - 11, 0)),  # 8528200 is there twice
        ("chemprot", "chemprot/chemprot_development", (612, 15567, 2416)),
        ("phee", "phee/dev.json.gz", (961, 3848, 1412)),
        ("maccrobat2020", "maccrobat2020", (200, 25116, 18284)),
    ],
)
def test_a_corpus_reads_with_its_published_counts(name: str, path: str, expected: tuple[int, int, int | None]) -> None:
    documents, mentions, relations = counts(read_corpus(name, data(path)))
    assert (documents, mentions) == expected[:2]
    assert expected[2] in (None, relations)


def test_the_sample_of_i2b2_has_its_concepts_by_label() -> None:
    (item,) = read_corpus("i2b2_2010", data("format_samples/i2b2_2010"))
    assert Counter(m.label for m in item.document.mentions) == {"problem": 28, "treatment": 17, "test": 13}


def test_bc5cdr_keeps_the_concepts_of_its_mentions() -> None:
    items = read_corpus("bc5cdr", data("bc5cdr/CDR_TestSet.PubTator.txt"))
    codes = [code for item in items for code in item.codes.values()]
    assert len(codes) == 9718
    assert all(part[0] in "CD" and part[1:].isdigit() for code in codes for part in code.split("|"))


def test_a_fold_of_ade_is_spert_s_with_every_pmid_and_whole_words() -> None:
    fold = read_fold(data("ade_corpus_v2"), 0)
    assert [counts(part) for part in (fold.train, fold.validation, fold.test)] == [
        (3178, 8039, 5029), (560, 1408, 889), (415, 1030, 634)
    ]  # fmt: skip
    for item in fold.train + fold.validation + fold.test:
        assert item.id.startswith("PMID:")
        starts, ends = (set(side) for side in zip(*words(item.document.text), strict=True))
        assert all(m.start in starts and m.end in ends for m in item.document.mentions)
        assert {(r.head.label, r.tail.label) for r in item.document.relations} <= {("Adverse-Effect", "Drug")}


def test_phee_leaks_into_ade_and_chemprot_does_not() -> None:
    held = read_fold(data("ade_corpus_v2"), 0).test
    phee, chemprot = read_corpus("phee", data("phee")), read_corpus("chemprot", data("chemprot/chemprot_development"))
    kept, dropped = drop_leaks(phee, held)
    assert (len(kept), Counter(found.reason for found in dropped)) == (3691, {"same id": 1136})
    assert len(drop_leaks(phee, held, by_id=False)[1]) == 387
    assert drop_leaks(chemprot, held) == (chemprot, [])


def test_what_is_learnt_of_maccrobat_shares_nothing_with_its_test_part() -> None:
    cut = fixed_split(data("maccrobat2020"))
    assert sum(counts(part)[0] for part in (cut.train, cut.validation, cut.test)) == 200
    assert drop_leaks(cut.train + cut.validation, cut.test)[1] == []


def test_every_corpus_of_the_command_line_is_read_by_its_name() -> None:
    assert sorted(READERS) == [
        "ade", "bc5cdr", "brat", "chemprot", "i2b2_2010", "maccrobat2020", "ncbi_disease", "phee", "pubtator", "spert"
    ]  # fmt: skip


def test_a_corpus_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="corpus 'thyme' is not among ade, bc5cdr, brat"):
        read_corpus("thyme", tmp_path)


def test_labels_asked_for_are_those_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fever")
    (tmp_path / "a.ann").write_text("T1\tFinding 0 5\tfever\n")
    with pytest.raises(ExtractionError, match=r"a\.ann:1: label 'Finding' is not among Drug"):
        read_corpus("brat", tmp_path, labels=["Drug"])
