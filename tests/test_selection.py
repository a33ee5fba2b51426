"""Multi-head selection: torch and numpy say the same, and what they say is what the equations say."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import selection
from extractors.networks import pairs
from extractors.networks.quick import ByteDropout
from extractors.selection import IntArray
from extractors.tags import Array

Draw = Callable[[np.random.Generator, int, int], tuple[IntArray, IntArray]]
SIZE, LABEL, WIDTH, RELATIONS = 6, 4, 8, 3


def mentions(draw: np.random.Generator, words: int, count: int) -> tuple[IntArray, IntArray]:
    """First and last words of mentions that do not overlap, in order."""
    edges = np.sort(draw.choice(words + 1, 2 * count, replace=False))
    return edges[::2], edges[1::2]


def numpy_weights(layer: torch.nn.Module, labels: torch.nn.Embedding) -> dict[str, Array]:
    weights = {f"pair.{name}": value.numpy() for name, value in layer.state_dict().items()}
    return selection.laid_out(weights | {"label.weight": labels.weight.detach().numpy()})


def nested(draw: np.random.Generator, words: int, count: int) -> tuple[IntArray, IntArray]:
    """First and last words of any mentions, in the order of their last words."""
    edges = np.asarray([np.sort(draw.choice(words + 1, 2, replace=False)) for _ in range(count)])
    return tuple(edges[np.lexsort(edges.T)].T)


@pytest.mark.parametrize("drawn", [mentions, nested])
@pytest.mark.parametrize("kind", [pairs.WordPairs, pairs.MentionPairs])
@pytest.mark.parametrize("seed", range(5))
def test_numpy_scores_as_torch_does(kind: type, drawn: Draw, seed: int) -> None:
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    layer = kind(SIZE, LABEL, WIDTH, RELATIONS).eval()
    labels = torch.nn.Embedding(9, LABEL)
    first, last = drawn(draw, 30, 7)
    if kind is pairs.WordPairs:  # a word ends one mention
        last, index = np.unique(last, return_index=True)
        first = first[index]
    count = len(last)
    tag, sentence = draw.choice([1, 3, 5], count), np.sort(draw.integers(0, 4, count))
    states = torch.randn(1, 30, SIZE)
    places = selection.Places(first, last, sentence, tag)
    low, high = np.triu_indices(count, 1)
    found = selection.relation_scores(states[0].numpy(), places, numpy_weights(layer, labels), low, high)
    with torch.no_grad():
        if kind is pairs.WordPairs:
            by_word = torch.zeros(1, 30, LABEL)
            by_word[0, last - 1] = labels(torch.from_numpy(tag))
            every = torch.sigmoid(layer(torch.cat([states, by_word], dim=-1)))[0]
            expected = every[last - 1][:, last - 1].numpy()
        else:
            rows = [torch.from_numpy(x) for x in (np.zeros(count, dtype=int), first, last, sentence, tag)]
            every_pair = torch.cartesian_prod(torch.arange(count), torch.arange(count)).T
            logits = layer(states, labels(rows[4]), pairs.Places(*rows), every_pair)
            expected = torch.sigmoid(logits).view(count, count, RELATIONS).numpy()
    np.testing.assert_allclose(found[0], expected[low, high], atol=1e-5)
    np.testing.assert_allclose(found[1], expected[high, low], atol=1e-5)


@pytest.mark.parametrize("kind", [pairs.WordPairs, pairs.MentionPairs])
def test_of_some_pairs_each_has_the_score_that_it_has_among_all(kind: type) -> None:
    torch.manual_seed(3)
    draw = np.random.default_rng(3)
    weights = numpy_weights(kind(SIZE, LABEL, WIDTH, RELATIONS), torch.nn.Embedding(9, LABEL))
    first, last = mentions(draw, 60, 20)
    places = selection.Places(first, last, np.sort(draw.integers(0, 4, 20)), draw.choice([1, 3, 5], 20))
    states = draw.normal(size=(60, SIZE)).astype(np.float32)
    low, high = np.triu_indices(20, 1)
    every = selection.relation_scores(states, places, weights, low, high)
    for some in (draw.random(len(low)) < 0.3, low == 18, low < 0):
        found = selection.relation_scores(states, places, weights, low[some], high[some])
        np.testing.assert_allclose(found, every[:, some], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 40), count=st.integers(0, 12), seed=st.integers(0, 99))
def test_maxima_are_those_of_each_range_by_itself(rows: int, count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, 3)).astype(np.float32)
    low, high = draw.integers(0, rows + 1, (2, count))
    found = selection.maxima(values, low, high)
    assert found.shape == (count, 3)
    for i in range(count):
        inside = values[low[i] : high[i]]
        np.testing.assert_array_equal(found[i], inside.max(axis=0) if len(inside) else np.zeros(3))


@settings(max_examples=60, deadline=None)
@given(words=st.integers(1, 40), seed=st.integers(0, 99))
def test_torch_takes_the_same_maximum(words: int, seed: int) -> None:
    torch.manual_seed(seed)
    values = torch.randn(2, words, 3)
    low = torch.randint(0, words + 1, (20,))
    high = torch.randint(0, words + 1, (20,))
    row = torch.randint(0, 2, (20,))
    found = pairs.range_max(values, row, low, high)
    for i in range(20):
        inside = values[row[i], low[i] : high[i]]
        assert torch.equal(found[i], inside.amax(0) if len(inside) else torch.zeros(3))


def test_a_pair_between_windows_of_a_batch_changes_nothing_in_either() -> None:
    torch.manual_seed(1)
    layer = pairs.MentionPairs(SIZE, LABEL, WIDTH, RELATIONS).eval()
    states, labels = torch.randn(2, 12, SIZE), torch.randn(4, LABEL)
    columns = [[0, 0, 1, 1], [0, 4, 2, 7], [2, 5, 3, 9], [0, 0, 1, 2], [1, 3, 1, 3]]
    both = pairs.Places(*(torch.tensor(column) for column in columns))
    together = layer(states, labels, both, torch.tensor([[2, 3], [3, 2]]))
    alone = pairs.Places(torch.tensor([0, 0]), *(torch.tensor(column[2:]) for column in columns[1:]))
    by_itself = layer(states[1:], labels[2:], alone, torch.tensor([[0, 1], [1, 0]]))
    torch.testing.assert_close(together, by_itself)


def test_cheap_dropout_keeps_the_mean_and_drops_the_share() -> None:
    torch.manual_seed(2)
    layer = ByteDropout(0.25)
    found = layer(torch.ones(400, 500))
    assert abs(float((found == 0).float().mean()) - 0.25) < 0.005
    assert abs(float(found.mean()) - 1.0) < 0.01
    assert torch.equal(layer.eval()(torch.ones(3, 5)), torch.ones(3, 5))
