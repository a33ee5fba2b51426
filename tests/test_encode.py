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
@given(text=UGLY, limit=st.integers(24, 80), context=st.integers(0, 10), sparing=st.booleans())
def test_every_word_is_in_the_core_of_one_window(
    tokenizer: Tokenizer, text: str, limit: int, context: int, sparing: bool
) -> None:
    parts = subwords(text, tokenizer)
    assert len(parts.words) == len(words(text)) == len(parts.offsets) - 1
    seen = windows(parts, tokenizer, limit=limit, context=context, sparing=sparing)
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


@settings(deadline=None)
@given(UGLY)
def test_a_word_has_the_subwords_that_it_has_alone(tokenizer: Tokenizer, text: str) -> None:
    parts = subwords(text, tokenizer)
    unknown = [tokenizer.token_to_id("[UNK]")]
    for word, (start, end) in enumerate(parts.words):
        alone = tokenizer.encode([text[start:end]], is_pretokenized=True).ids
        assert parts.ids[parts.offsets[word] : parts.offsets[word + 1]].tolist() == (alone or unknown)


PARAGRAPHS = "The scan showed a lesion.\nNo mass.\n \nSevere pain in the chest.\r\n\r\nNo fever."


def test_paragraphs_begin_behind_blank_lines(tokenizer: Tokenizer) -> None:
    parts = subwords("\n\n" + PARAGRAPHS + "\n\n", tokenizer)
    text = "\n\n" + PARAGRAPHS
    assert [text[slice(*parts.words[word])] for word in parts.paragraphs] == ["The", "Severe", "No"]


def test_a_sparing_window_takes_no_context_from_another_paragraph(tokenizer: Tokenizer) -> None:
    text = "\n\n".join(["The scan showed a lesion. No mass of the liver. " * count for count in (3, 9, 2, 1, 5)])
    parts = subwords(text, tokenizer)
    plain = windows(parts, tokenizer, limit=64, context=16)
    seen = windows(parts, tokenizer, limit=64, context=16, sparing=True)
    assert sum(len(window.ids) for window in seen) < sum(len(window.ids) for window in plain)
    assert max(len(window.ids) for window in seen) <= 64
    assert [window.first for window in seen if window.core in parts.paragraphs] == [
        window.core for window in seen if window.core in parts.paragraphs
    ]
    inside = [window for window in seen if window.core not in parts.paragraphs]
    assert inside and all(0 < window.core - window.first <= 16 for window in inside)
    assert not any(window.first < start <= window.core for window in inside for start in parts.paragraphs)


def test_a_text_of_one_paragraph_is_cut_alike(tokenizer: Tokenizer) -> None:
    parts = subwords("The scan showed a lesion. " * 60, tokenizer)
    plain = windows(parts, tokenizer, limit=64, context=16)
    sparing = windows(parts, tokenizer, limit=64, context=16, sparing=True)
    assert [(w.first, w.core, w.last) for w in plain] == [(w.first, w.core, w.last) for w in sparing]


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


@pytest.mark.parametrize("count", [253, 254, 255, 510, 511, 20_000])
def test_a_word_of_any_length_fits_a_window_and_is_decided_on_once(tokenizer: Tokenizer, count: int) -> None:
    parts = subwords("No mass. " + "\u809d" * count + " Severe pain in the liver.", tokenizer)
    seen = windows(parts, tokenizer, limit=256, context=32, sparing=True)
    assert int(parts.offsets[4] - parts.offsets[3]) == count, "a subword an ideograph"
    assert max(len(window.ids) for window in seen) <= 256
    assert max(int(window.heads.max()) for window in seen) < 255
    assert [word for window in seen for word in range(window.core, window.last)] == list(range(len(parts.words)))
    (own,) = (window for window in seen if window.core <= 3 < window.last)
    assert own.ids[own.heads[3 - own.first]] == parts.ids[parts.offsets[3]], "its first subword"
    assert own.ids[-1] == tokenizer.token_to_id("[SEP]")
