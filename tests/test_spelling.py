"""Words spelled like a word: against brute force over all pairs, and as the index keeps them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontologies.concept import CodeTable, Concept
from resolvers import spelling
from resolvers.lexical import Lexicon
from resolvers.names import name_arrays
from resolvers.spelling import Spelling, spelling_arrays

VOCABULARY = sorted(
    stem + ending
    for stem in ("nephr", "hepat", "card", "derm", "gastr", "arthr", "neur", "pneum", "col", "cyst", "oste", "my")
    for ending in ("itis", "osis", "opathy", "oma", "algia", "ectomy", "ology", "otoxicity", "ic", "otomy")
)


def brute_force(word: str, least: float, rare: set[int]) -> dict[str, float]:
    """Return the cosine to all words that share two rare n-grams with one."""
    mine = spelling._grams(word)
    found = {}
    for other in VOCABULARY:
        theirs = spelling._grams(other)
        cosine = len(mine & theirs) / (len(mine) * len(theirs)) ** 0.5
        if len(mine & theirs & rare) >= 2 and cosine >= least:
            found[other] = cosine
    return found


@pytest.mark.parametrize("common", [3, 8, 1000])
@pytest.mark.parametrize("word", ["nephritis", "nefritis", "cardiopathy", "gastroparesis", "xyz", "osteomyelitis", ""])
def test_words_are_found_as_by_comparing_with_each(word: str, common: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever n-grams are held to be common, of which some words have more than 64 different ones."""
    monkeypatch.setattr(spelling, "_COMMON", common)
    monkeypatch.setattr(spelling, "_COMMON_SHARE", 10**6)
    arrays = spelling_arrays(VOCABULARY)
    assert (len(arrays["common_grams"]) > 64) == (common < 1000)
    (found,) = Spelling(arrays).like([word], 0.3, 1000)
    expected = brute_force(word, 0.3, set(arrays["grams"].tolist()))
    words = [VOCABULARY[i] for i in found.words.tolist()]
    assert dict(zip(words, found.cosines.tolist(), strict=True)) == pytest.approx(expected)
    assert found.cosines.tolist() == sorted(found.cosines.tolist())


def test_the_nearest_are_kept_ties_by_id() -> None:
    spelled = Spelling(spelling_arrays(VOCABULARY))
    (every,), (few,) = spelled.like(["nephrosis"], 0.2, 1000), spelled.like(["nephrosis"], 0.2, 3)
    assert few.words.tolist() == every.words.tolist()[-3:]
    for one, other in zip(every.words.tolist(), every.words.tolist()[1:], strict=False):
        cosines = dict(zip(every.words.tolist(), every.cosines.tolist(), strict=True))
        assert cosines[one] < cosines[other] or (cosines[one] == cosines[other] and one > other)


@given(st.lists(st.sampled_from([*VOCABULARY, "nephrits", "hepatitus", "", "ü", "x" * 400]), max_size=8))
@settings(max_examples=40, deadline=None)
def test_what_else_is_asked_for_changes_nothing(words: list[str]) -> None:
    spelled = Spelling(spelling_arrays(VOCABULARY))
    together = spelled.like(words, 0.25, 12)
    for word, found in zip(words, together, strict=True):
        (alone,) = spelled.like([word], 0.25, 12)
        assert (found.words.tolist(), found.cosines.tolist()) == (alone.words.tolist(), alone.cosines.tolist())


def test_an_empty_vocabulary_has_nothing_like_a_word() -> None:
    (found,) = Spelling(spelling_arrays([])).like(["fever"], 0.1, 5)
    assert not len(found.words)


def test_the_index_keeps_what_its_words_lead_to() -> None:
    table = CodeTable("mesh", "1", [Concept("mesh", str(i), word) for i, word in enumerate(VOCABULARY)])
    lexicon = Lexicon(name_arrays(table))
    for word in ("nephritis", "cardic", "hepatoma"):
        kept, found = lexicon.reach(word), lexicon._reaching([word])[0]
        assert (kept.words.tolist(), kept.similarities.tolist()) == (found.words.tolist(), found.similarities.tolist())
        assert kept.similarities[-1] == 1.0 and len(kept.words) > 1
    typed = lexicon.reach("nephritus")
    assert "nephritis" in [lexicon._vocabulary[i] for i in typed.words.tolist()]
