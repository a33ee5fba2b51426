"""What the files of a model folder must hold: a damaged folder is told in one line, before any text is read."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from tokenizers import Tokenizer

from extractors.document import ExtractionError
from extractors.encode import load_tokenizer
from extractors.selection import DISTANCE_EDGES, ORDER_EDGES, SENTENCE_EDGES
from extractors.tags import Array, tag_names

_MOST_BYTES = 1 << 30
"""Most bytes of the arrays in ``heads.npz``, unpacked; the shipped model has two million."""

_LONGEST_WINDOW = 1 << 16
"""Most subwords a window of any encoder; BERT's have 512."""

_SPECIAL = ("[CLS]", "[SEP]", "[UNK]")

_SHAPES: dict[str, tuple[str, ...]] = {
    "emission.weight": ("tags", "hidden"),
    "emission.bias": ("tags",),
    "crf.transitions": ("tags", "tags"),
    "label.weight": ("tags", "label"),
    "pair.as_head.weight": ("pair", "mention"),
    "pair.as_head.bias": ("pair",),
    "pair.as_tail.weight": ("pair", "mention"),
    "pair.distance.weight": ("distances", "pair"),
    "pair.relation.weight": ("relations", "pair"),
    "pair.relation.bias": ("relations",),
}
_BETWEEN: dict[str, tuple[str, ...]] = {
    "pair.order.weight": ("orders", "pair"),
    "pair.sentence.weight": ("sentences", "pair"),
    "pair.context.weight": ("context", "hidden"),
    "pair.context.bias": ("context",),
    "pair.between.weight": ("pair", "context"),
}
"""Shapes of the heads' weights by axis; the latter are those of ``networks.pairs.MentionPairs`` alone."""


def check_files(folder: Path, names: Sequence[str], kind: str) -> None:
    """Refuse a folder that lacks a file; a pipe in the place of a file is not waited for.

    Args:
        folder: The model folder.
        names: Its files.
        kind: What is missed without them: ``no exported joint model``.

    Raises:
        ExtractionError: If it is no folder, or a file is missing or no file.
    """
    if not folder.is_dir():
        raise ExtractionError(f"{folder}: {kind}: expected a folder, found {'a file' if folder.exists() else 'none'}")
    for name in names:
        if not (folder / name).is_file():
            found = "is no regular file" if os.path.lexists(folder / name) else "is missing"
            raise ExtractionError(f"{folder}: {kind}: {name} {found}")


def read_config(file: Path) -> dict[str, Any]:
    """Return the values of a ``config.json``; those that every joint model has are checked, lists become tuples.

    Raises:
        ExtractionError: If it is no JSON object, or a value is missing or none that a model can have.
    """
    try:
        values = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExtractionError(f"{file}: expected JSON, found {type(error).__name__}") from error
    if not isinstance(values, dict):
        raise ExtractionError(f"{file}: expected a JSON object, found {type(values).__name__}")
    names = {key: _names(file, values, key) for key in ("labels", "relations", "local")}
    if not names["labels"] or not set(names["local"]) <= set(names["relations"]):
        raise ExtractionError(f"{file}: expected labels, and local relations that are among relations")
    encoder = values.get("encoder_config", {})
    if not isinstance(encoder, dict):
        raise ExtractionError(f"{file}: expected encoder_config to be an object, found {type(encoder).__name__}")
    room = encoder.get("max_position_embeddings")
    most = room if isinstance(room, int) and 0 < room < _LONGEST_WINDOW else _LONGEST_WINDOW
    _check_number(file, values, "limit", 8, most)
    _check_number(file, values, "context", 0, values["limit"])
    for key in ("threshold", "mention_threshold"):
        _check_number(file, values, key, 0, 1, is_whole=False)
    if values.get("sentences") is not None:
        _check_number(file, values, "sentences", 0, math.inf)
    return values | names


def _names(file: Path, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = values.get(key)
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise ExtractionError(f"{file}: expected {key} to be a list of names, found {type(found).__name__}")
    if len(set(found)) < len(found):
        raise ExtractionError(f"{file}: expected each of {key} once, found one again")
    return tuple(found)


def _check_number(
    file: Path, values: Mapping[str, Any], key: str, least: float, most: float, *, is_whole: bool = True
) -> None:
    found = values.get(key)
    is_number = isinstance(found, int if is_whole else int | float) and not isinstance(found, bool)
    if not is_number or not least <= found <= most:  # type: ignore[operator]  # a number; NaN is not between
        shown = repr(found)[:40] if is_number else type(found).__name__
        raise ExtractionError(f"{file}: expected {key} from {least} to {most}, found {shown}")


def read_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model folder.

    Raises:
        ExtractionError: If it is none, or not of the BERT kind.
    """
    file = folder / "tokenizer.json"
    try:
        tokenizer = load_tokenizer(folder)
        tokenizer.encode(["word"], is_pretokenized=True, add_special_tokens=False)
    except Exception as error:  # the library knows no other class of error
        raise ExtractionError(f"{file}: not a tokenizer that can be read ({type(error).__name__})") from error
    missing = [token for token in _SPECIAL if tokenizer.token_to_id(token) is None]
    if missing:
        raise ExtractionError(f"{file}: expected the vocabulary of a BERT, found no {', '.join(missing)}")
    return tokenizer


def highest_id(tokenizer: Tokenizer) -> int:
    """Return the highest id that a tokenizer gives."""
    return max(tokenizer.get_vocab().values())


def read_heads(file: Path, labels: Sequence[str], relations: Sequence[str]) -> dict[str, Array]:
    """Return the weights behind the encoder, of a model that reads some labels and relations.

    Raises:
        ExtractionError: If the file is damaged, or an array is missing, of another shape or kind, or not finite.
    """
    try:
        with ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MOST_BYTES:
            raise ExtractionError(f"{file}: expected at most {_MOST_BYTES} bytes of arrays, found {size}")
        with np.load(file, allow_pickle=False) as arrays:
            weights = {name: np.asarray(arrays[name]) for name in arrays.files}
    except ExtractionError:
        raise
    except Exception as error:  # damage has zipfile, zlib and numpy raise a dozen classes of error
        raise ExtractionError(f"{file}: not arrays that can be read ({type(error).__name__})") from error
    check_heads(file, weights, labels, relations)
    return weights


def check_heads(file: Path, weights: Mapping[str, Array], labels: Sequence[str], relations: Sequence[str]) -> None:
    """Refuse weights behind the encoder that are not those of a model that reads some labels and relations.

    Raises:
        ExtractionError: If an array is missing, of another shape or kind, or holds a number that is not finite.
    """
    has_between = "pair.between.weight" in weights
    sizes = {
        "tags": len(tag_names(labels)),
        "relations": len(relations),
        "distances": len(DISTANCE_EDGES) + 1,
        "orders": len(ORDER_EDGES) + 1,
        "sentences": len(SENTENCE_EDGES) + 1,
    }
    for name, axes in (_SHAPES | _BETWEEN if has_between else _SHAPES).items():
        array = weights.get(name)
        if array is None:
            raise ExtractionError(f"{file}: {name} is missing")
        expected = tuple(sizes.get(axis, n) for axis, n in zip(axes, array.shape, strict=False))
        if array.ndim != len(axes) or array.shape != expected:
            shown = ", ".join(f"{sizes.get(axis, axis)}" for axis in axes)
            raise ExtractionError(f"{file}: expected {name} to be ({shown}), found {array.shape}")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ExtractionError(f"{file}: expected {name} to be finite numbers, found {array.dtype} or NaN")
        sizes |= dict(zip(axes, array.shape, strict=True))
    mention = sizes["hidden"] * (2 if has_between else 1) + sizes["label"]
    if sizes["mention"] != mention:
        raise ExtractionError(f"{file}: expected pair.as_head.weight to be {mention} wide, found {sizes['mention']}")
