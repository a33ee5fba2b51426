"""From word states to a document: CRF decoding and multi-head selection in numpy, for every runtime alike.

A text is read in one pass over its windows. Their states are held only as far back as a relation can reach, so memory
does not grow with the text.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise, tee
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from extractors.document import Document, Mention, Relation
from extractors.encode import Pieces, Subwords, Window, subwords, windows
from extractors.selection import MULTIPLIED, Places, relation_scores
from extractors.tags import Array, IntArray, marginals, to_spans, viterbi
from extractors.text import Span

TOGETHER = 16
"""Windows of a text whose sentences are tagged together (ours): few enough to hold their states."""

SEQUENCES = 16
"""Sentences that are tagged at once (ours): enough to share numpy's cost of a call, few enough for the cache."""

AGAIN = 32
"""Most subwords of context that are encoded a second time. 64 cost 8 % more of a note and bring nothing: on
MACCROBAT's validation split mentions .652 and relations .383 against .655 and .383 (means of windows of 256, 232 and
208 subwords, first shipped model)."""

States = Callable[[Window], Array]
"""Gives the states of a window's words, ``(words, hidden)``."""

Encode = Callable[[Iterable[Window]], Iterator[Array]]
"""Yields the states of each window, in order; it may work ahead of what is asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a trained joint model reads: its labels and the weights of everything behind the encoder.

    Attributes:
        labels: Mention labels, in the order of the tags.
        relations: Relation labels.
        local: Those of them that hold within a sentence only.
        limit: Most subwords a window.
        context: Subwords before a window's core to which its relations reach back.
        threshold: Least score of a relation that is kept: the probability that it and both its mentions are right.
        mention_threshold: Least probability of a mention that is kept.
        weights: By the names of ``networks.joint.JointModel.state_dict()``, encoder left out.
        sentences: Most sentences from one argument of a relation to the other, 0 if they share it; None is any number.
            Most pairs of a window are far apart, and to score them costs more than everything else behind the encoder.
    """

    labels: tuple[str, ...]
    relations: tuple[str, ...]
    local: tuple[str, ...]
    limit: int
    context: int
    threshold: float
    mention_threshold: float
    weights: Mapping[str, Array] = field(repr=False)
    sentences: int | None = None


class Place(NamedTuple):
    """Where a mention stands, in words, the index of its label, and its probability, the least certain word's.

    The last word's tag stands for its label.
    """

    first: int
    last: int
    label: int
    tag: int
    sentence: int
    score: float


class _Tagged(NamedTuple):
    """The words that a window decides on: states ``(words, hidden)``, tags and their probability ``(words,)``."""

    window: Window
    states: Array
    tags: IntArray
    confidence: Array


def laid_out(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return weights in single precision, those that states are multiplied by column by column, as BLAS is fastest."""
    columns = {"emission.weight", *(f"pair.{layer}.weight" for layer in MULTIPLIED)}
    return {
        name: np.asarray(array, dtype=np.float32, order="F" if name in columns else "C")
        for name, array in weights.items()
    }


def read_text(text: str, tokenizer: Tokenizer, states: States, reading: Reading) -> Document:
    """Return the document that a model reads in a text."""
    (document,) = read_texts([text], tokenizer, lambda seen: map(states, seen), reading)
    return document


def read_texts(
    texts: Iterable[str],
    tokenizer: Tokenizer,
    encode: Encode,
    reading: Reading,
    known: dict[str, Pieces] | None = None,
) -> Iterator[Document]:
    """Yield the document that a model reads in each text; a text's result does not depend on the others.

    Mentions come from the core of each window. A relation is read when its later argument is: every pair of mentions of
    a window, or less than ``reading.context`` subwords before it, is scored once. ``known`` is as for ``subwords``.
    """
    words_seen = {} if known is None else known
    ahead, behind = tee(cut(text, tokenizer, reading, words_seen) for text in texts)
    states = encode(window for _, _, seen in ahead for window in seen)
    for text, parts, seen in behind:
        yield _document(text, parts, zip(seen, islice(states, len(seen)), strict=True), reading)


def cut(
    text: str, tokenizer: Tokenizer, reading: Reading, known: dict[str, Pieces]
) -> tuple[str, Subwords, list[Window]]:
    """Return a text with its subwords and windows."""
    parts = subwords(text, tokenizer, known)
    context = min(reading.context, AGAIN)
    return text, parts, windows(parts, tokenizer, limit=reading.limit, context=context, sparing=True)


def _document(text: str, parts: Subwords, seen: Iterator[tuple[Window, Array]], reading: Reading) -> Document:
    """Return the document of the windows of a text and their states."""
    tags = np.zeros(len(parts.words), dtype=np.int64)
    confidence = np.zeros(len(parts.words), dtype=np.float32)
    places: list[Place] = []
    mentions: list[Mention] = []
    relations: list[Relation] = []
    held = np.empty((0, reading.weights["emission.weight"].shape[1]), dtype=np.float32)
    begin = undecided = 0  # the words from which on states are held, and from which on tags are not yet mentions
    for read in _tagged(seen, parts, reading.weights):
        core, last = read.window.core, read.window.last
        tags[core:last], confidence[core:last] = read.tags, read.confidence
        reach = parts.before(core, reading.context)
        held, begin = np.concatenate([held[reach - begin :], read.states]), reach
        spans, undecided = _places(text, parts, tags, confidence, undecided, read.window)
        found = [place for place in spans if place.score >= reading.mention_threshold]
        near = places[bisect_left(places, reach, key=lambda place: place.last - 1) :]
        if reading.sentences is not None and found:
            near = [place for place in near if place.sentence >= found[0].sentence - reading.sentences]
        known = len(places) - len(near)
        places += found
        mentions += [_mention(text, parts.words, place, reading.labels) for place in found]
        relations += [
            Relation(mentions[known + head], mentions[known + tail], reading.relations[r], score)
            for head, tail, r, score in related([*near, *found], len(near), held, begin, reading)
        ]
    return Document(text, tuple(mentions), tuple(relations))


def _tagged(seen: Iterator[tuple[Window, Array]], parts: Subwords, weights: Mapping[str, Array]) -> Iterator[_Tagged]:
    """Yield the windows of a text with the tags of the words in their cores.

    Each sentence is a sequence of its own: mentions end with their sentence, and many short sequences are tagged
    together faster than a few long ones.
    """
    while block := list(islice(seen, TOGETHER)):
        begin, end = block[0][0].core, block[-1][0].last
        tags, confidence = np.zeros(end - begin, dtype=np.int64), np.zeros(end - begin, dtype=np.float32)
        rows = [(window, *span, states) for window, states in block for span in _sequences(window, parts)]
        rows.sort(key=lambda row: row[1] - row[2])
        for some in (rows[i : i + SEQUENCES] for i in range(0, len(rows), SEQUENCES)):
            decoded = _best([states[a - w.first : b - w.first] for w, a, b, states in some], weights)
            for (window, first, last, _), path, certain in zip(some, *decoded, strict=True):
                core = max(first, window.core)
                tags[core - begin : last - begin] = path[core - first : last - first]
                confidence[core - begin : last - begin] = certain[core - first : last - first]
        for window, states in block:
            low, high = window.core - begin, window.last - begin
            yield _Tagged(window, states[window.core - window.first :], tags[low:high], confidence[low:high])


def _sequences(window: Window, parts: Subwords) -> list[Span]:
    """Return the sentences of a window's core, in words; of one that begins before the core, what the window has."""
    at = bisect_right(parts.breaks, window.core)
    inside = parts.breaks[at : bisect_left(parts.breaks, window.last)]
    return list(pairwise([max(window.first, parts.breaks[at - 1]), *inside, window.last]))


def _best(sequences: Sequence[Array], weights: Mapping[str, Array]) -> tuple[IntArray, Array]:
    """Return the best tags of sequences of states, the longest first, and their probability, ``(sequences, words)``.

    A sentence stands between words of no mention, mostly full stops; the CRF's own start and end are those of windows.
    """
    transitions = weights["crf.transitions"]
    crf = (transitions[0], transitions, transitions[:, 0])
    lengths = np.asarray([len(states) for states in sequences])
    emissions = np.zeros((len(sequences), lengths[0], len(crf[0])), dtype=np.float32)
    is_word = np.arange(lengths[0]) < lengths[:, None]
    emissions[is_word] = np.concatenate(sequences) @ weights["emission.weight"].T + weights["emission.bias"]
    paths = viterbi(emissions, lengths, *crf)
    probability = np.take_along_axis(marginals(emissions, lengths, *crf), paths[:, :, None], axis=2)[:, :, 0]
    return paths, np.clip(probability, 0.0, 1.0)


def _places(
    text: str, parts: Subwords, tags: IntArray, confidence: Array, first: int, window: Window
) -> tuple[list[Place], int]:
    """Return the mentions from a word on to the end of a window, and the word from which on there may be others.

    A mention that begins in the window's core and reaches its end inside a sentence waits for the window behind.
    """
    spans = [(first + a, first + b, label) for a, b, label in to_spans(tags[first : window.last].tolist())]
    following = window.last
    if spans and window.core <= spans[-1][0] and spans[-1][1] == following and not parts.is_break(following):
        following = spans.pop()[0]
    found = []
    for span in spans:
        start, end, label = _within_sentence(text, parts, span)
        sentence, score = bisect_right(parts.breaks, end - 1), float(confidence[start:end].min())
        found.append(Place(start, end, label, int(tags[end - 1]), sentence, score))
    return found, following


def _within_sentence(text: str, parts: Subwords, span: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return a span of words without what lies behind the end of its sentence, full stop included."""
    first, last, label = span
    after = parts.breaks[bisect_right(parts.breaks, first)]
    if after >= last:
        return span
    is_stop = after - first > 1 and text[slice(*parts.words[after - 1])] in ".:;,"
    return first, after - is_stop, label


def _mention(text: str, words: Sequence[Span], place: Place, labels: Sequence[str]) -> Mention:
    """Return the mention at a place."""
    start, end = words[place.first][0], words[place.last - 1][1]
    return Mention(start, end, labels[place.label], text[start:end], score=round(place.score, 4))


def related(
    places: Sequence[Place], earlier: int, states: Array, begin: int, reading: Reading
) -> list[tuple[int, int, int, float]]:
    """Return head, tail, relation and score of the related pairs of mentions, not both among the first ``earlier``.

    A score is the probability that the relation and both its mentions are right, as if these were independent: a
    relation of a doubtful mention is doubtful. ``states`` are those of the words from ``begin`` on.
    """
    if len(places) < 2 or earlier == len(places):
        return []
    first, last, _, tag, sentence = np.asarray([place[:5] for place in places], dtype=np.int64).T
    near = Places(np.maximum(first - begin, 0), last - begin, sentence, tag)
    certain = np.asarray([place.score for place in places], dtype=np.float32)
    both = certain[:, None] * certain
    apart = np.abs(sentence[:, None] - sentence)
    possible = (apart == 0)[:, :, None] | ~np.isin(reading.relations, reading.local)
    wanted = possible.any(axis=2) & (both >= reading.threshold)
    if reading.sentences is not None:
        wanted &= apart <= reading.sentences
    np.fill_diagonal(wanted, False)
    wanted[:earlier, :earlier] = False
    scores = relation_scores(states, near, reading.weights, wanted) * both[:, :, None]
    keep = possible & wanted[:, :, None] & (scores >= reading.threshold)
    return [
        (head, tail, r, round(float(scores[tail, head, r]), 4))
        for tail, head, r in zip(*(index.tolist() for index in np.nonzero(keep)), strict=True)
    ]
