"""Word vectors: every format that word2vec, GloVe and gensim write, and what is wrong with a file, named."""

import gzip
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from extractors.document import ExtractionError
from extractors.networks.vectors import random_vectors, read_vectors

ROWS = {"the": (0.5, -1.0, 2.0), "Liver": (1.0, 0.25, 0.0), "liver": (3.0, 0.0, -0.5), "CT": (0.125, 4.0, 1.0)}


def glove(rows: Mapping[str, tuple[float, ...]] = ROWS) -> bytes:
    return "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in rows.items()).encode()


def word2vec_text() -> bytes:
    return f"{len(ROWS)} 3\n".encode() + glove()


def word2vec_binary(end: bytes = b"") -> bytes:
    """As gensim writes it; word2vec itself ends each row with a line break."""
    rows = (word.encode() + b" " + struct.pack("<3f", *row) + end for word, row in ROWS.items())
    return f"{len(ROWS)} 3\n".encode() + b"".join(rows)


FILES = {
    "GloVe text": glove(),
    "word2vec text": word2vec_text(),
    "word2vec text with blanks behind the rows": word2vec_text().replace(b"\n", b" \n"),
    "word2vec binary of gensim": word2vec_binary(),
    "word2vec binary of word2vec": word2vec_binary(b"\n"),
    "compressed": gzip.compress(word2vec_binary(), mtime=0),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_formats_are_told_apart_by_content(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "vectors").write_bytes(content)
    found = read_vectors(tmp_path / "vectors", {"the", "liver"})
    assert found.words == ("liver", "the")
    assert found.rows.tolist() == [list(ROWS["liver"]), list(ROWS["the"])]


def test_only_words_of_the_texts_are_kept(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove())
    assert read_vectors(tmp_path / "v.txt", {"the", "kidney"}).words == ("the",)


def test_frequent_words_of_the_file_are_kept_beside_them_if_asked(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove())
    assert read_vectors(tmp_path / "v.txt", {"ct"}, extra=2).words == ("ct", "the", "liver")


def test_a_word_without_lower_case_spelling_has_the_vector_of_its_other_spelling(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove())
    assert read_vectors(tmp_path / "v.txt", {"ct"}).rows.tolist() == [list(ROWS["CT"])]


def test_the_lower_case_spelling_goes_before_one_that_stands_earlier(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove())
    assert read_vectors(tmp_path / "v.txt", {"liver"}).rows.tolist() == [list(ROWS["liver"])]


def test_a_word_with_a_blank_in_it_keeps_its_numbers_apart(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove({"the": (1.0, 2.0, 3.0), ". . .": (4.0, 5.0, 6.0)}))
    assert read_vectors(tmp_path / "v.txt", {". . ."}).rows.tolist() == [[4.0, 5.0, 6.0]]


def test_the_unknown_vector_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove(ROWS | {"<unk>": (9.0, 9.0, 9.0)}))
    assert read_vectors(tmp_path / "v.txt", {"the"}).unknown.tolist() == [9.0, 9.0, 9.0]


def test_without_one_the_unknown_vector_is_the_mean_of_those_kept(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(glove({"a": (1.0, 3.0, 0.0), "b": (3.0, 5.0, 1.0)}))
    assert read_vectors(tmp_path / "v.txt", {"a", "b"}).unknown.tolist() == [2.0, 4.0, 0.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the 1 2 3\nliver 1 2\n", "v:2: expected a word and 3 numbers, found 2"),
        (b"2 3\nthe 1 2 3\nliver 1 2 x\n", "v:3: expected a word and 3 numbers"),
        (b"3 3\nthe 1 2 3\nliver 1 2 4\n", "v:1: 3 words promised, 2 found"),
        (b"1 3\nliver 1 nan 3\n", "v:2: a number of the vector is not finite"),
        (word2vec_binary()[:-4], "v: the file ends in word 4 of the 4 promised"),
        (b"2 3\n", "v: the file ends in word 1 of the 2 promised"),
        (b"", "v:1: expected a word and its vector, or the number of words and of dimensions"),
        (b"kidney 1 2 3\n", "v: none of the 1 words of the texts has a vector"),
        (gzip.compress(glove(), mtime=0)[:-9], "v: the compressed file is not whole"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(ExtractionError) as caught:
        read_vectors(tmp_path / "v", {"liver"})
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_absent_vectors_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"nowhere\.bin: no such file of word vectors; give word2vec or GloVe"):
        read_vectors(tmp_path / "nowhere.bin", {"liver"})


def test_random_vectors_are_of_the_seed_and_leave_out_words_seen_once() -> None:
    counts = {"liver": 2, "the": 9, "hapax": 1}
    one, other = random_vectors(counts, 4, seed=5), random_vectors(counts, 4, seed=5)
    assert one.words == ("liver", "the") and one.is_learnt
    assert np.array_equal(one.rows, other.rows)
    assert not np.array_equal(one.rows, random_vectors(counts, 4, seed=6).rows)
