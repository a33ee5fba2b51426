"""BIO tags and CRF decoding against brute force."""

from collections.abc import Sequence
from itertools import accumulate, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.chain import Chain, best_tags
from extractors.document import Mention
from extractors.tags import Array, IntArray, allowed_transitions, flat_mentions, tag_names, to_spans, to_tags
from extractors.text import words

LABELS = ("Date", "Severity")


def crf(seed: int, lengths: Sequence[int], tags: int, scale: float = 2.0) -> tuple[Array, IntArray, Chain]:
    """Random emissions of some sequences, their lengths, and a random CRF of BIO tags."""
    draw = np.random.default_rng(seed)
    start, transitions, end = (draw.normal(size=size).astype(np.float32) * 2 for size in (tags, (tags, tags), tags))
    transitions[~allowed_transitions(tags)] = 1e4  # not to be looked at
    emissions = draw.normal(size=(sum(lengths), tags)).astype(np.float32) * scale
    return emissions, np.asarray(lengths), Chain(start, transitions, end)


def path_score(path: Sequence[int], emissions: Array, chain: Chain) -> float:
    if not all(allowed_transitions(emissions.shape[1])[a, b] for a, b in pairwise(path)):
        return -np.inf
    moved = sum(chain.transitions[a, b] for a, b in pairwise(path))
    return float(chain.start[path[0]] + sum(emissions[i, y] for i, y in enumerate(path)) + moved + chain.end[path[-1]])


def rows(lengths: Sequence[int]) -> list[slice]:
    """The words of each sequence."""
    return [slice(end - length, end) for length, end in zip(lengths, accumulate(lengths), strict=True)]


LENGTHS = [(1,), (4,), (2, 5), (4, 1, 4, 3), (3, 1, 1)]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("scale", [0.3, 2.0, 10.0, 100.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_path_is_that_of_brute_force(seed: int, scale: float, lengths: tuple[int, ...]) -> None:
    emissions, sizes, chain = crf(seed, lengths, 5, scale)
    found, _ = best_tags(emissions, sizes, chain)
    for row in rows(lengths):
        paths = [list(path) for path in product(range(5), repeat=row.stop - row.start)]
        assert found[row].tolist() == max(paths, key=lambda path: path_score(path, emissions[row], chain))


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("seed", range(6))
def test_a_tag_is_as_probable_as_the_paths_that_have_it(seed: int, lengths: tuple[int, ...]) -> None:
    emissions, sizes, chain = crf(seed, lengths, 5)
    tags, found = best_tags(emissions, sizes, chain)
    for row in rows(lengths):
        paths = np.asarray(list(product(range(5), repeat=row.stop - row.start)))
        weights = np.exp([path_score(path, emissions[row], chain) for path in paths])
        expected = (weights[:, None] * (paths == tags[row])).sum(axis=0) / weights.sum()
        assert found[row] == pytest.approx(expected, abs=1e-5)


def plain_viterbi(emissions: Array, chain: Chain) -> list[int]:
    """The best path, step by step and without a thought of speed."""
    moves = np.where(allowed_transitions(emissions.shape[1]), chain.transitions, -np.inf).astype(np.float64)
    best, came = chain.start + emissions[0].astype(np.float64), []
    for row in emissions[1:]:
        every = best[:, None] + moves + row
        came.append(every.argmax(axis=0))
        best = every.max(axis=0)
    path = [int((best + chain.end).argmax())]
    for before in reversed(came):
        path.append(int(before[path[-1]]))
    return path[::-1]


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    tags=st.sampled_from([3, 9, 69]),
    scale=st.sampled_from([0.1, 1.0, 3.0, 8.0, 50.0]),
    seed=st.integers(0, 999),
)
def test_whatever_is_left_to_viterbi_the_path_is_the_best(
    lengths: list[int], tags: int, scale: float, seed: int
) -> None:
    emissions, sizes, chain = crf(seed, lengths, tags, scale)
    found, probability = best_tags(emissions, sizes, chain)
    for row in rows(lengths):
        best = plain_viterbi(emissions[row], chain)
        assert path_score(found[row].tolist(), emissions[row], chain) == pytest.approx(
            path_score(best, emissions[row], chain), rel=1e-5
        )
    assert np.isfinite(probability).all()


@pytest.mark.parametrize("gap", [30, 70, 130, 1000])
def test_a_tag_is_not_lost_for_being_far_behind_at_its_first_word(gap: int) -> None:
    flat = Chain(np.zeros(3, dtype=np.float32), np.zeros((3, 3), dtype=np.float32), np.zeros(3, dtype=np.float32))
    emissions = np.asarray([[0, -gap, -9999], [0, -9999, gap + 1]], dtype=np.float32)  # O O, or B I
    assert best_tags(emissions, np.asarray([2]), flat)[0].tolist() == [1, 2]


def test_sequences_decoded_together_are_decoded_as_alone() -> None:
    lengths = (33, 7, 40, 1, 33)
    emissions, sizes, chain = crf(3, lengths, 9)
    tags, probability = best_tags(emissions, sizes, chain)
    for row in rows(lengths):
        alone = best_tags(emissions[row], np.asarray([row.stop - row.start]), chain)
        assert alone[0].tolist() == tags[row].tolist()
        assert alone[1] == pytest.approx(probability[row], abs=1e-6)


def test_decoding_leaves_its_arguments_alone() -> None:
    emissions, sizes, chain = crf(5, (6,), 5)
    before = [array.copy() for array in (emissions, sizes, *chain)]
    best_tags(emissions, sizes, chain)
    assert all((a == b).all() for a, b in zip(before, (emissions, sizes, *chain), strict=True))


def test_probabilities_of_a_long_sequence_stay_numbers() -> None:
    emissions, sizes, chain = crf(1, (3000,), 9)
    tags, probability = best_tags(emissions, sizes, chain)
    assert tags.tolist() == plain_viterbi(emissions, chain)
    assert ((probability > 0) & (probability < 1.001)).all()


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
