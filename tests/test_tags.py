"""BIO tags and CRF decoding against brute force."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.document import Mention
from extractors.tags import (
    Array,
    IntArray,
    allowed_transitions,
    flat_mentions,
    marginals,
    tag_names,
    to_spans,
    to_tags,
    viterbi,
)
from extractors.text import words

LABELS = ("Date", "Severity")


def crf(seed: int, lengths: Sequence[int], tags: int) -> tuple[Array, IntArray, Array, Array, Array]:
    """Random emissions of some sequences, with noise behind their ends, their lengths, and a random CRF of BIO tags."""
    draw = np.random.default_rng(seed)
    shapes = [(len(lengths), lengths[0], tags), (tags,), (tags, tags), (tags,)]
    emissions, start, transitions, end = (draw.normal(size=shape).astype(np.float32) * 2 for shape in shapes)
    transitions[~allowed_transitions(tags)] = -1e4
    return emissions, np.asarray(lengths), start, transitions, end


def path_score(path: Sequence[int], emissions: Array, start: Array, transitions: Array, end: Array) -> float:
    moved = sum(transitions[a, b] for a, b in pairwise(path))
    return float(start[path[0]] + sum(emissions[i, y] for i, y in enumerate(path)) + moved + end[path[-1]])


LENGTHS = [(1,), (4,), (5, 2), (4, 4, 3, 1), (3, 1, 1)]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("seed", range(6))
def test_viterbi_finds_the_paths_that_brute_force_finds(seed: int, lengths: tuple[int, ...]) -> None:
    emissions, sizes, *rest = crf(seed, lengths, tags=5)
    found = viterbi(emissions, sizes, *rest)
    for row, length in enumerate(lengths):
        paths = [list(path) for path in product(range(5), repeat=length)]
        best = max(paths, key=lambda path: path_score(path, emissions[row], *rest))
        assert found[row].tolist() == best + [0] * (lengths[0] - length)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("seed", range(4))
def test_marginals_are_the_sums_over_all_paths(seed: int, lengths: tuple[int, ...]) -> None:
    emissions, sizes, *rest = crf(seed, lengths, tags=3)
    found = marginals(emissions, sizes, *rest)
    for row, length in enumerate(lengths):
        expected = np.zeros((length, 3))
        for path in product(range(3), repeat=length):
            expected[np.arange(length), list(path)] += np.exp(path_score(path, emissions[row], *rest))
        expected /= expected.sum(axis=1, keepdims=True)
        assert found[row, :length] == pytest.approx(expected, abs=1e-5)


def test_sequences_decoded_together_are_decoded_as_alone() -> None:
    lengths = (40, 33, 33, 7, 1)
    emissions, sizes, *rest = crf(3, lengths, tags=9)
    paths, probability = viterbi(emissions, sizes, *rest), marginals(emissions, sizes, *rest)
    for row, length in enumerate(lengths):
        own, size = emissions[row : row + 1, :length], sizes[row : row + 1]
        assert viterbi(own, size, *rest)[0].tolist() == paths[row, :length].tolist()
        assert marginals(own, size, *rest)[0] == pytest.approx(probability[row, :length], abs=1e-6)


def test_decoding_leaves_its_arguments_alone() -> None:
    parameters = crf(5, (6,), tags=5)
    before = [array.copy() for array in parameters]
    viterbi(*parameters)
    marginals(*parameters)
    assert all((a == b).all() for a, b in zip(before, parameters, strict=True))


def test_marginals_of_a_long_text_stay_numbers() -> None:
    found = marginals(*crf(1, (3000,), tags=9))
    assert np.isfinite(found).all()
    assert found.sum(axis=2) == pytest.approx(1.0, abs=1e-4)


def test_only_a_mention_of_the_same_label_is_continued() -> None:
    names = tag_names(LABELS)
    follow = allowed_transitions(len(names))
    refused = {(a, b) for i, a in enumerate(names) for j, b in enumerate(names) if not follow[i, j]}
    assert refused == {
        ("O", "I-Date"), ("O", "I-Severity"),
        ("B-Date", "I-Severity"), ("I-Date", "I-Severity"), ("B-Severity", "I-Date"), ("I-Severity", "I-Date"),
    }  # fmt: skip


def test_of_nested_mentions_the_outer_is_tagged() -> None:
    text = "history of severe asthma in May"
    outer, inner = Mention(0, 24, "Date", text[:24]), Mention(11, 17, "Severity", text[11:17])
    assert flat_mentions([inner, outer]) == [outer]
    assert to_tags(words(text), [inner, outer], LABELS) == [1, 2, 2, 2, 0, 0]


def test_mentions_that_meet_inside_a_word_both_begin_with_b() -> None:
    text = "80mgdaily"
    mentions = [Mention(0, 4, "Severity", text[:4]), Mention(4, 9, "Date", text[4:])]
    assert to_tags([(0, 2), (2, 9)], mentions, LABELS) == [3, 4], "the word they share is the first one's"
    assert to_tags([(0, 2), (2, 4), (4, 9)], mentions, LABELS) == [3, 4, 1]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.data())
def test_tags_and_mentions_tell_the_same(lengths: list[int], data: st.DataObject) -> None:
    text = " ".join("w" * 3 for _ in range(sum(n + 1 for n in lengths)))
    spans, mentions, word = words(text), [], 0
    for n in lengths:
        if n > 0:
            start, end = spans[word][0], spans[word + n - 1][1]
            mentions.append(Mention(start, end, data.draw(st.sampled_from(LABELS)), text[start:end]))
        word += n + 1
    tags = to_tags(spans, mentions, LABELS)
    again = [
        Mention(spans[a][0], spans[b - 1][1], LABELS[c], text[spans[a][0] : spans[b - 1][1]])
        for a, b, c in to_spans(tags)
    ]
    assert again == mentions
