"""Parts of a corpus partition it, and what a training set shares with them is dropped."""

from itertools import chain
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.corpora.annotated import Annotated
from extractors.corpora.leaks import document_key, drop_leaks, drop_sentences, leak_report, sentence_key
from extractors.corpora.splits import Split, folds, split
from extractors.document import Document, ExtractionError


def items(*texts: str) -> list[Annotated]:
    return [Annotated(f"n{i:03}", Document(text)) for i, text in enumerate(texts)]


def names(part: list[Annotated]) -> list[str]:
    return [item.id for item in part]


def parts(cut: Split) -> list[str]:
    return names(cut.train + cut.validation + cut.test)


NUMBERED = items(*map(str, range(10)))


def test_ten_documents_split_three_to_one_to_one() -> None:
    cut = split(NUMBERED, seed=1)
    assert (len(cut.train), len(cut.validation), len(cut.test)) == (6, 2, 2)


@given(st.integers(0, 40), st.tuples(st.integers(1, 5), st.integers(0, 5), st.integers(0, 5)), st.integers(0, 9))
def test_parts_of_a_split_are_the_corpus_in_the_sizes_asked_for(n: int, ratio: tuple[int, int, int], seed: int) -> None:
    corpus = items(*map(str, range(n)))
    cut = split(corpus, ratio, seed)
    assert sorted(parts(cut)) == names(corpus)
    assert (len(cut.validation), len(cut.test)) == (n * ratio[1] // sum(ratio), n * ratio[2] // sum(ratio))


@given(st.permutations(NUMBERED), st.integers(0, 3))
def test_the_order_of_reading_changes_no_part(order: list[Annotated], seed: int) -> None:
    assert split(order, seed=seed) == split(NUMBERED, seed=seed)
    assert folds(order, 3, seed) == folds(NUMBERED, 3, seed)


def test_another_seed_is_another_split() -> None:
    corpus = items(*map(str, range(100)))
    assert split(corpus, seed=1) == split(corpus, seed=1) != split(corpus, seed=2)
    assert folds(corpus, 5, 1) == folds(corpus, 5, 1) != folds(corpus, 5, 2)


@given(st.integers(4, 40), st.integers(2, 9), st.sampled_from([0.0, 0.15, 0.3]), st.integers(0, 9))
def test_every_document_is_tested_in_one_fold_and_never_learnt_there(n: int, k: int, share: float, seed: int) -> None:
    corpus = items(*map(str, range(n)))
    cuts = folds(corpus, min(k, n), seed, validation=share)
    assert sorted(chain(*(names(cut.test) for cut in cuts))) == names(corpus)
    assert max(len(cut.test) for cut in cuts) - min(len(cut.test) for cut in cuts) <= 1
    assert all(sorted(parts(cut)) == names(corpus) for cut in cuts)
    assert all((len(cut.validation) > 0) == (share > 0) for cut in cuts)


@pytest.mark.parametrize("ratio", [(0, 1, 1), (3, -1, 1)])
def test_a_split_without_a_train_part_is_refused(ratio: tuple[int, int, int]) -> None:
    with pytest.raises(ExtractionError, match="split: expected shares such as 3:1:1"):
        split(NUMBERED, ratio)


@pytest.mark.parametrize("k", [1, 11])
def test_fewer_than_two_folds_or_more_than_documents_are_refused(k: int) -> None:
    with pytest.raises(ExtractionError, match=f"folds: expected 2 to 10 of 10 documents, found {k}"):
        folds(NUMBERED, k)


def test_a_validation_share_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ExtractionError, match=r"a validation share of 1\.0 leaves none of 5 documents to train"):
        folds(NUMBERED, 2, validation=1.0)


LONG = "The patient developed a rash after aspirin."
HELD = [Annotated("PMID:12/ab", Document(LONG)), Annotated("x", Document("Aspirin rash ."))]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("12", "Anything.", "same id"),
        ("PMID:12", "Anything.", "same id"),
        ("PMID:12/3", "Anything.", "same id"),
        ("x", "Anything.", "same id"),
        ("12", LONG, "same id"),
        ("7", LONG, "same sentence"),
        ("7", "We saw him. THE patient developed a rash after aspirin .\nHe left.", "same sentence"),
        ("7", "The pati-ent developed a ( rash ) after aspirin", "same sentence"),
        ("7", "aspirin-rash", "same sentence"),
        ("7", "Aspirin rash. He left.", None),
        ("7", "The patient developed a rash after aspirin and zinc.", None),
        ("PMC12", "Anything.", None),
        ("121", "Anything.", None),
        ("7", "", None),
    ],
)
def test_a_training_document_goes_if_its_id_or_sentence_is_held_out(name: str, text: str, reason: str | None) -> None:
    kept, dropped = drop_leaks([Annotated(name, Document(text))], HELD)
    assert [found.reason for found in dropped] == ([] if reason is None else [reason])
    assert names(kept) == ([name] if reason is None else [])


def test_short_sentences_are_common_property() -> None:
    held = items("She was discharged. Her liver enzymes rose after one week.")
    assert drop_leaks([Annotated("a", Document("He fell ill. She was discharged ."))], held)[1] == []


def test_ids_are_not_compared_where_a_corpus_is_cut_by_sentence() -> None:
    train = [Annotated("PMID:12/cd", Document("Another sentence.")), Annotated("PMID:12/ef", Document(LONG))]
    kept, dropped = drop_leaks(train, HELD, by_id=False)
    assert (names(kept), [tuple(found) for found in dropped]) == (["PMID:12/cd"], [("PMID:12/ef", "same sentence")])


def test_the_report_counts_and_shows_no_text() -> None:
    kept, dropped = drop_leaks([Annotated("12", Document(LONG)), *items(LONG, "Fine.")], HELD)
    line = leak_report("phee", len(kept), dropped)
    assert line == "leak check: phee: dropped 2 of 3 documents (same id 1, same sentence 1)"


SENTENCES = st.lists(st.integers(0, 30).map(lambda n: f"Sentence number {n} has some words in it."), max_size=8)


@given(st.lists(SENTENCES.filter(bool), max_size=5), st.lists(SENTENCES.filter(bool), max_size=5))
def test_what_is_kept_shares_nothing_and_dropping_again_drops_nothing(
    train: list[list[str]], held: list[list[str]]
) -> None:
    corpus, out = items(*map(" ".join, train)), [Annotated(f"h{i}", Document(" ".join(h))) for i, h in enumerate(held)]
    kept, _ = drop_leaks(corpus, out)
    secret = set(chain(*held))
    assert names(kept) == [item.id for item, own in zip(corpus, train, strict=True) if secret.isdisjoint(own)]
    assert drop_leaks(kept, out) == (kept, [])
    texts, count = drop_sentences([item.document.text for item in corpus], out)
    assert count == sum(sentence in secret for own in train for sentence in own)
    assert drop_sentences(texts, out) == (texts, 0)


def test_leaking_sentences_leave_raw_text_and_the_rest_stays() -> None:
    texts = [f"Seen today. {LONG} Well since.", LONG, "Aspirin rash.\nNothing else.", "Untouched  text.\n"]
    assert drop_sentences(texts, HELD) == (["Seen today.  Well since.", "\nNothing else.", "Untouched  text.\n"], 3)


@given(st.text())
def test_tokenising_changes_no_key(text: str) -> None:
    spaced = "".join(f" {c} " if not c.isalnum() else c for c in text)
    assert sentence_key(spaced) == sentence_key(text)


@given(st.integers(1, 99_999_999))
def test_a_pmid_is_the_same_in_every_spelling(pmid: int) -> None:
    spellings = (f"{pmid}", f"PMID:{pmid}", f"PMID: {pmid}", f"pmid{pmid}", f"PMID:{pmid}/3", f"{pmid:08}")
    assert {document_key(name) for name in spellings} == {str(pmid)}


def test_a_thousand_documents_are_compared_in_a_moment() -> None:
    draw = Random(1)  # noqa: S311
    words = [f"word{i}" for i in range(500)]
    corpus = items(*(" ".join(draw.choices(words, k=100)).capitalize() + "." for _ in range(1000)))
    held = [Annotated(f"h{i}", item.document) for i, item in enumerate(corpus[:300])]
    assert len(drop_leaks(corpus, held)[1]) == 300
