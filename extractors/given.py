"""Relations read between mentions that are given: how good the second half of a model is by itself."""

from bisect import bisect_left, bisect_right

import numpy as np
from tokenizers import Tokenizer

from extractors.corpora.annotated import make_document
from extractors.decode import Place, Reading, States, cut, related
from extractors.document import Document, Mention, Relation
from extractors.encode import Subwords


def read_given(document: Document, tokenizer: Tokenizer, states: States, reading: Reading) -> Document:
    """Return a document with the relations that a model reads between its mentions.

    A mention whose label the model does not know has none.

    Args:
        document: Its mentions are taken as they are, nested ones too; its relations are not looked at.
        tokenizer: The model's.
        states: The model's encoder.
        reading: The rest of the model.
    """
    text, parts, seen = cut(document.text, tokenizer, reading, {})
    known = [mention for mention in document.mentions if mention.label in reading.labels]
    given = sorted(((_place(parts, m, reading), m) for m in known), key=lambda item: (item[0].last, item[0].first))
    places = [place for place, _ in given]
    relations: list[Relation] = []
    held = np.empty((0, reading.weights["emission.weight"].shape[1]), dtype=np.float32)
    begin = 0
    for window in seen:
        reach = parts.before(window.core, reading.context)
        held = np.concatenate([held[reach - begin :], states(window)[window.core - window.first :]])
        begin = reach
        first, core, last = (bisect_left(places, word, key=_end) for word in (reach, window.core, window.last))
        relations += [
            Relation(given[first + head][1], given[first + tail][1], reading.relations[r], score)
            for head, tail, r, score in related(places[first:last], [0] * (last - core), held, begin, reading)
        ]
    return make_document(text, document.mentions, relations)


def _end(place: Place) -> int:
    """Return the last word of a mention."""
    return place.last - 1


def _place(parts: Subwords, mention: Mention, reading: Reading) -> Place:
    """Return the words that a mention covers any part of, with its label as the tag of the last one."""
    first = bisect_right(parts.words, mention.start, key=lambda word: word[1])
    last = max(bisect_left(parts.words, mention.end, key=lambda word: word[0]), first + 1)
    label = reading.labels.index(mention.label)
    return Place(first, last, label, 1 + 2 * label + (last - first > 1), bisect_right(parts.breaks, last - 1), 1.0)
