"""Reading in windows against brute force over the whole text; long texts, and texts beside others."""

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import permutations

import numpy as np
import pytest
from tokenizers import Tokenizer

from extractors.annotate import annotate
from extractors.decode import TOGETHER, Reading, laid_out, read_text, read_texts
from extractors.encode import Subwords, Window, subwords, windows
from extractors.selection import DISTANCE_EDGES, Places, relation_scores
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
    weights["emission.bias"][2::2] = -100  # an I- depends on the word before
    return Reading(("A", "B"), ("R", "S"), local, limit, 10, 0.07, 0.0, laid_out(weights))


TABLE = np.random.default_rng(0).normal(size=(1000, HIDDEN)).astype(np.float32)


def states(window: Window) -> Array:
    """A state a word, from its first subword alone."""
    return np.asarray(TABLE[window.ids[window.heads]], dtype=np.float32)


def is_read_in(window: Window, end: int, parts: Subwords, tags: Array) -> bool:
    """Whether a mention is read in a window: it ends there, and does not wait for what stands behind a cut sentence."""
    is_open = end == window.last - 1 and tags[end] > 0 and window.last not in parts.breaks
    return end < window.last and not is_open


@pytest.mark.parametrize("local", [(), ("S",)])
@pytest.mark.parametrize("limit", [20, 27, 48, 400])
@pytest.mark.parametrize("seed", range(4))
def test_every_pair_within_reach_is_related_as_brute_force_says(
    tokenizer: Tokenizer, seed: int, limit: int, local: tuple[str, ...]
) -> None:
    reading = random_reading(seed, limit, local)
    found = read_text(TEXT, tokenizer, states, reading)
    parts = subwords(TEXT, tokenizer)
    seen = windows(parts, tokenizer, limit=limit, context=reading.context, sparing=True)
    whole = states(Window(0, 0, len(parts.words), parts.ids, parts.offsets[:-1]))
    tags = (whole @ reading.weights["emission.weight"].T + reading.weights["emission.bias"]).argmax(axis=1)
    last_word = {end: i for i, (_, end) in enumerate(parts.words)}
    expected = set()
    for head, tail in permutations(found.mentions, 2):
        ends = np.asarray([last_word[tail.end], last_word[head.end]])
        window = next(w for w in seen if is_read_in(w, int(ends.max()), parts, tags))
        places = Places(ends, ends + 1, np.zeros(2, dtype=np.int64), tags[ends])
        alone = relation_scores(whole, places, reading.weights, np.array([0]), np.array([1]))[0, 0]
        score = alone * head.score * tail.score
        crosses = any(ends.min() < start <= ends.max() for start in parts.breaks)
        for r, label in enumerate(reading.relations):
            is_near = ends.min() >= parts.before(window.core, reading.context)
            if is_near and score[r] >= reading.threshold and not (crosses and label in local):
                expected.add((head.start, tail.start, label))
    relations = [(r.head.start, r.tail.start, r.label) for r in found.relations]
    assert len(relations) == len(set(relations))
    assert expected, "the weights relate something"
    assert set(relations) == expected


def test_relations_reach_no_farther_than_the_sentences_they_may(tokenizer: Tokenizer) -> None:
    reading = random_reading(1, 400)
    text = "Severe pain in the chest. No lesion of the liver. Mild fever today. " * 3
    parts = subwords(text, tokenizer)
    number = {span[0]: int(np.searchsorted(parts.breaks, i, side="right")) for i, span in enumerate(parts.words)}

    def read(sentences: int | None) -> list[tuple[int, tuple[int, int, str]]]:
        relations = read_text(text, tokenizer, states, replace(reading, sentences=sentences)).relations
        apart = [abs(number[r.head.start] - number[r.tail.start]) for r in relations]
        return [(n, (r.head.start, r.tail.start, r.label)) for n, r in zip(apart, relations, strict=True)]

    every = read(None)
    assert max(n for n, _ in every) > 2
    for most in (0, 1, 2):
        assert read(most) == [(n, relation) for n, relation in every if n <= most]


def test_a_mention_ends_with_its_sentence(tokenizer: Tokenizer) -> None:
    reading = random_reading(0, 64)
    reading.weights["emission.weight"][:] = 0
    reading.weights["emission.bias"][:] = [0, 0, 9, 0, 0]  # every word continues a mention
    found = read_text("calcium 219.\n2. Cyst", tokenizer, states, reading)
    assert found.mentions[0].text == "calcium 219"


def ahead(seen: Iterable[Window]) -> Iterator[Array]:
    """The states of windows, all encoded before the first is asked for."""
    return iter([states(window) for window in seen])


def test_a_text_is_read_alike_alone_and_beside_others(tokenizer: Tokenizer) -> None:
    reading = random_reading(2, 27)
    texts = [TEXT, "", "no fever", "\n", TEXT[:200], "severe pain " * 300]
    alone = [read_text(text, tokenizer, states, reading) for text in texts]
    assert [document.text for document in alone] == texts
    for order in (range(6), (5, 0, 4, 1, 3, 2)):
        some = [texts[i] for i in order]
        assert list(read_texts(some, tokenizer, ahead, reading)) == [alone[i] for i in order]
        assert list(read_texts(some, tokenizer, lambda seen: map(states, seen), reading)) == [alone[i] for i in order]


def test_a_mention_across_a_cut_sentence_is_one(tokenizer: Tokenizer) -> None:
    reading = random_reading(0, 24)
    reading.weights["emission.weight"][:] = 0
    reading.weights["emission.bias"][:] = [0, 0, 9, 0, 0]  # every word continues a mention
    text = "severe pain in the chest " * 5
    seen = windows(subwords(text, tokenizer), tokenizer, limit=24, context=10, sparing=True)
    assert [window.core for window in seen] == [0, 22]
    assert [m.text for m in read_text(text, tokenizer, states, reading).mentions] == [text.strip()]


LONG = {
    "sentences": TEXT,
    "no sentence ends": "severe pain in the chest with lesion of the liver ",
    "no blanks": "fever",
    "no letters": "1.",
    "blank lines": "pain\n\n",
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_text_costs_by_its_length_and_its_states_are_let_go(tokenizer: Tokenizer, kind: str) -> None:
    reading = replace(random_reading(1, 256), threshold=1.0)
    encoded: dict[int, int] = {}
    most = 0

    def counted(window: Window) -> Array:
        nonlocal most
        encoded[size] += len(window.ids)
        found = states(window)
        alive.append(weakref.ref(found))
        alive[:] = [one for one in alive if one() is not None]
        most = max(most, len(alive))
        return found

    alive: list[weakref.ref[Array]] = []
    for size in (10_000, 100_000):
        encoded[size] = 0
        text = (LONG[kind] * (size // len(LONG[kind]) + 1))[:size]
        found = annotate(read_text(text, tokenizer, counted, reading), date(2020, 5, 1))
        assert found.text == text
    assert encoded[100_000] <= 11 * encoded[10_000]
    assert most <= 3 * TOGETHER
