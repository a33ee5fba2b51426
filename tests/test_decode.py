"""Reading in windows against brute force over the whole text."""

from itertools import permutations

import numpy as np
import pytest
from tokenizers import Tokenizer

from extractors.decode import DISTANCE_EDGES, Reading, pair_scores, read_text
from extractors.encode import Window, subwords, windows
from extractors.tags import Array
from tests.tiny import tiny_tokenizer

HIDDEN, LABEL, PAIR, TAGS, RELATIONS = 6, 3, 5, 5, 2
TEXT = "severe pain in the chest , lesion of the liver . no fever today . " * 6


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def random_reading(seed: int, limit: int, local: tuple[str, ...] = ()) -> Reading:
    """A reading with random weights whose tags depend on each word alone, so that windows cannot change them."""
    draw = np.random.default_rng(seed)
    shapes = {
        "emission.weight": (TAGS, HIDDEN), "emission.bias": (TAGS,), "label.weight": (TAGS, LABEL),
        "pair.as_head.weight": (PAIR, HIDDEN + LABEL), "pair.as_head.bias": (PAIR,),
        "pair.as_tail.weight": (PAIR, HIDDEN + LABEL), "pair.distance.weight": (len(DISTANCE_EDGES) + 1, PAIR),
        "pair.relation.weight": (RELATIONS, PAIR), "pair.relation.bias": (RELATIONS,),
    }  # fmt: skip
    weights: dict[str, Array] = {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    crf = {"start_transitions": (TAGS,), "transitions": (TAGS, TAGS), "end_transitions": (TAGS,)}
    weights |= {f"crf.{name}": np.zeros(shape, dtype=np.float32) for name, shape in crf.items()}
    return Reading(("A", "B"), ("R", "S"), local, limit, 10, 0.5, weights)


def states(window: Window) -> Array:
    """A state a word, from its first subword alone."""
    table = np.random.default_rng(0).normal(size=(1000, HIDDEN)).astype(np.float32)
    return np.asarray(table[window.ids[window.heads]], dtype=np.float32)


@pytest.mark.parametrize("local", [(), ("S",)])
@pytest.mark.parametrize("limit", [20, 27, 48, 400])
@pytest.mark.parametrize("seed", range(4))
def test_every_pair_within_reach_is_related_as_brute_force_says(
    tokenizer: Tokenizer, seed: int, limit: int, local: tuple[str, ...]
) -> None:
    reading = random_reading(seed, limit, local)
    found = read_text(TEXT, tokenizer, states, reading)
    parts = subwords(TEXT, tokenizer)
    seen = windows(parts, tokenizer, limit=limit, context=reading.context)
    whole = states(Window(0, 0, len(parts.words), parts.ids, parts.offsets[:-1]))
    tags = (whole @ reading.weights["emission.weight"].T + reading.weights["emission.bias"]).argmax(axis=1)
    last_word = {end: i for i, (_, end) in enumerate(parts.words)}
    expected = set()
    for head, tail in permutations(found.mentions, 2):
        ends = np.asarray([last_word[tail.end], last_word[head.end]])
        (window,) = [w for w in seen if w.core <= ends.max() < w.last]
        words = np.concatenate([whole[ends], reading.weights["label.weight"][tags[ends]]], axis=1)
        score = pair_scores(words, ends, reading.weights)[0, 1]
        crosses = any(ends.min() < start <= ends.max() for start in parts.breaks)
        for r, label in enumerate(reading.relations):
            if ends.min() >= window.first and score[r] >= 0.5 and not (crosses and label in local):
                expected.add((head.start, tail.start, label))
    relations = [(r.head.start, r.tail.start, r.label) for r in found.relations]
    assert len(relations) == len(set(relations))
    assert expected, "the weights relate something"
    assert set(relations) == expected


def test_a_mention_ends_with_its_sentence(tokenizer: Tokenizer) -> None:
    reading = random_reading(0, 64)
    reading.weights["emission.weight"][:] = 0
    reading.weights["emission.bias"][:] = [0, 0, 9, 0, 0]  # every word continues a mention
    found = read_text("calcium 219.\n2. Cyst", tokenizer, states, reading)
    assert found.mentions[0].text == "calcium 219"
