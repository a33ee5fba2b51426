"""SpERT-style JSON (Eberts & Ulges 2020): tokens, entities and relations a sentence or document."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from extractors.corpora.annotated import Annotated, check_known, make_document
from extractors.corpora.files import corpus_files, json_items, member
from extractors.document import Document, ExtractionError, Mention, Relation

PATTERNS = ("*.json", "*.jsonl")
_Rows = list[tuple[int, int, str]]


def read_spert(
    path: Path, labels: Collection[str] | None = None, relations: Collection[str] | None = None
) -> list[Annotated]:
    """Return the items of a file (JSON list or JSON Lines, ``.gz`` or not) or of a folder's, in order of reading.

    Two layouts: ``{"tokens", "entities": [{"type", "start", "end"}], "relations": [{"type", "head", "tail"}]}``, head
    and tail being positions in ``entities``, and the flat ``[[start, end, type]]``, ``[[head start, head end,
    tail start, tail end, type]]``; ends are excluded. The text is the tokens with a blank between. Items are called
    FILE/orig_id, or by their text where they have none. A folder's ``*_types.json`` is passed over.

    Raises:
        ExtractionError: If an item breaks both layouts, points outside its tokens or entities, or has a label or
            relation that is not among those given; names ``file: item N``, from 1.
    """
    found = []
    for file in corpus_files(path, PATTERNS):
        if path.is_dir() and "_types.json" in file.name:
            continue
        for where, item in json_items(file):
            document = token_document(where, item, labels, relations)
            name = item.get("orig_id")
            key = text_id(document.text) if name is None else str(name)
            found.append(Annotated(f"{file.name.partition('.')[0]}/{key}", document))
    return found


def text_id(text: str) -> str:
    """Return a name made from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def token_document(
    where: str,
    item: dict[str, object],
    labels: Collection[str] | None = None,
    relations: Collection[str] | None = None,
) -> Document:
    """Return the document of one item: its tokens with a blank between, so that spans of tokens stay whole words.

    Raises:
        ExtractionError: As ``read_spert``.
    """
    tokens = member(where, item, "tokens", list)
    if not tokens or not all(isinstance(token, str) and token.strip() for token in tokens):
        raise ExtractionError(f"{where}: expected 'tokens' that are words")
    text = " ".join(tokens)
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    mentions = []
    for row, (start, end, label) in enumerate(_entities(where, item), 1):
        check_known(f"{where}, entity {row}", "label", label, labels)
        if not 0 <= start < end <= len(tokens):
            raise ExtractionError(f"{where}, entity {row}: tokens {start}-{end} leave the {len(tokens)} of the text")
        first, last = starts[start], starts[end] - 1
        mentions.append(Mention(first, last, label, text[first:last]))
    linked = []
    for row, (head, tail, label) in enumerate(_relations(where, item), 1):
        check_known(f"{where}, relation {row}", "relation", label, relations)
        if not (0 <= head < len(mentions) and 0 <= tail < len(mentions)):
            raise ExtractionError(f"{where}, relation {row}: entities {head}, {tail} of {len(mentions)} (from 0)")
        linked.append(Relation(mentions[head], mentions[tail], label))
    return make_document(text, mentions, linked)


def _entities(where: str, item: dict[str, object]) -> _Rows:
    """Return first token, last token + 1 and type of the entities."""
    rows = []
    for n, entity in enumerate(member(where, item, "entities", list), 1):
        match entity:
            case {"start": int(start), "end": int(end), "type": str(label)} | [int(start), int(end), str(label)]:
                rows.append((start, end, label))
            case _:
                raise ExtractionError(f"{where}, entity {n}: expected start, end and type")
    return rows


def _relations(where: str, item: dict[str, object]) -> _Rows:
    """Return the positions of head and tail among the entities, and the type, of the relations."""
    spans = [(start, end) for start, end, _ in _entities(where, item)]
    rows = []
    for n, relation in enumerate(member(where, item, "relations", list), 1):
        match relation:
            case {"head": int(head), "tail": int(tail), "type": str(label)}:
                rows.append((head, tail, label))
            case [int(a), int(b), int(c), int(d), str(label)]:
                if (a, b) not in spans or (c, d) not in spans:
                    raise ExtractionError(f"{where}, relation {n}: no entity {a}-{b} or none {c}-{d}")
                rows.append((spans.index((a, b)), spans.index((c, d)), label))
            case _:
                raise ExtractionError(f"{where}, relation {n}: expected head, tail and type")
    return rows
