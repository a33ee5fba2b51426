"""Words, sentences, subwords and windows: offsets stay exact on any text."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from extractors.encode import subwords, windows
from extractors.text import sentences, words
from tests.tiny import tiny_tokenizer

UGLY = st.text(
    st.sampled_from("aB9 .,:;-/\t\r\n\n  é\u0301\u200f\u05d0\u0627😀\u200d👩\x00\x07²½µ_…“İß\ufeff"), max_size=300
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@given(UGLY)
def test_words_and_sentences_cover_every_visible_character_once(text: str) -> None:
    spans = words(text)
    assert all(a < b for a, b in spans) and all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())
    assert "".join("".join(text[a:b].split()) for a, b in sentences(text)) == "".join(text.split())


@settings(deadline=None)
@given(text=UGLY, limit=st.integers(24, 80), context=st.integers(0, 10))
def test_every_word_is_in_the_core_of_one_window(tokenizer: Tokenizer, text: str, limit: int, context: int) -> None:
    parts = subwords(text, tokenizer)
    assert len(parts.words) == len(words(text)) == len(parts.offsets) - 1
    seen = windows(parts, tokenizer, limit=limit, context=context)
    assert [word for window in seen for word in range(window.core, window.last)] == list(range(len(parts.words)))
    for window in seen:
        assert len(window.heads) == window.last - window.first
        assert (window.ids[window.heads] == parts.ids[parts.offsets[window.first : window.last]]).all()


def test_windows_are_full_and_share_context(tokenizer: Tokenizer) -> None:
    parts = subwords("The scan showed a lesion. " * 60, tokenizer)
    seen = windows(parts, tokenizer, limit=64, context=16)
    assert max(len(window.ids) for window in seen) <= 64
    assert all(8 <= window.core - window.first <= 16 for window in seen[1:])
    assert all(window.core in parts.breaks for window in seen), "a window begins with a sentence"


def test_a_hundred_thousand_characters_without_a_newline_are_read_whole(tokenizer: Tokenizer) -> None:
    text = "stable cyst; " * 7693
    parts = subwords(text, tokenizer)
    seen = windows(parts, tokenizer, limit=256, context=64)
    assert sum(window.last - window.core for window in seen) == len(parts.words) == 3 * 7693


def test_one_endless_word_is_unknown_but_kept(tokenizer: Tokenizer) -> None:
    parts = subwords("x" * 100_000, tokenizer)
    assert parts.words == ((0, 100_000),)
    assert len(parts.ids) == 1


@pytest.mark.parametrize(
    "marked",
    [
        "Seen by Dr. Ho today.| No fever.",
        "BP 120/80 at approx. 10 a.m. today.|\nPLAN: rest",
        "Denies chest\npain.|\n- cough|\n- fever",
        "Size 2.1 cm.| Stable vs. 2019.",
        "Impression:|\n1. Cyst.|\n2. Lesion.",
    ],
)
def test_sentences_end_where_a_reader_ends_them(marked: str) -> None:
    text = marked.replace("|", "")
    assert [text[a:b] for a, b in sentences(text)] == [piece.strip() for piece in marked.split("|")]
