"""The model that a training begins with: a new one, or one that it goes on from, exported or not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import GraphProto, NodeProto, numpy_helper
from tokenizers import Tokenizer
from torch import Tensor

from extractors.document import ExtractionError
from extractors.folders import check_files, highest_id, read_config, read_heads, read_tokenizer
from extractors.networks.bilstm import NAME, bilstm_encoder
from extractors.networks.encoders import Encoder, check_room, load_encoder, load_tokenizer_of, make_encoder
from extractors.networks.joint import JointConfig, JointModel
from extractors.networks.vectors import WordVectors
from extractors.tags import Array
from extractors.training.store import FILES, check_sizes, load_config, load_weights

EXPORTED = ("config.json", "heads.npz", "model.onnx", "tokenizer.json")
"""``runtime.FILES``, without ONNX Runtime; a test compares."""

_ENCODER = "encoder."


@dataclass(frozen=True, slots=True)
class Start:
    """A trained model, taken apart.

    Attributes:
        name: Of its encoder, as a ``JointConfig`` has it.
        labels: Its mention labels.
        relations: Its relation labels.
        sizes: Of its encoder, as ``networks.encoders.make_encoder`` takes them.
        tokenizer: Its tokenizer.
        weights: By the names of a ``JointModel``.
    """

    name: str
    labels: tuple[str, ...]
    relations: tuple[str, ...]
    sizes: Mapping[str, Any]
    tokenizer: Tokenizer
    weights: Mapping[str, Tensor]

    @property
    def fingerprint(self) -> str:
        """The identity of its weights."""
        digest = sha256()
        for name, tensor in sorted(self.weights.items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()[:16]

    def encoder(self) -> Encoder:
        """Return an encoder of its sizes, the weights still to be put in."""
        return make_encoder(self.sizes)

    def put_into(self, model: JointModel) -> bool:
        """Put the weights into a model; only the encoder's where it reads other labels or has heads of another shape.

        Returns:
            Whether the heads went in too.
        """
        own = model.state_dict()
        heads = {name for name in own if not name.startswith(_ENCODER)}
        is_alike = (model.config.labels, model.config.relations) == (self.labels, self.relations)
        fits = is_alike and all(name in self.weights and self.weights[name].shape == own[name].shape for name in heads)
        taken = {name: value for name, value in self.weights.items() if fits or name not in heads}
        model.load_state_dict(own | {name: value for name, value in taken.items() if name in own})
        return fits


def new_model(
    config: JointConfig, vectors: WordVectors | None, start: Start | None
) -> tuple[JointModel, Tokenizer, bool]:
    """Return the model that a training begins with, its tokenizer, and whether it has the heads of ``start``.

    Args:
        config: What it reads; names its encoder where there is no ``start``.
        vectors: What a Bi-LSTM reads, where there is no ``start``.
        start: A trained model to go on from.

    Raises:
        ExtractionError: If the encoder cannot be had, or is shorter than a window.
    """
    if start is not None:
        model = JointModel(config, start.encoder())
        check_room(config.encoder, model.encoder, config.limit)
        return model, start.tokenizer, start.put_into(model)
    if config.encoder != NAME:
        tokenizer, encoder = load_tokenizer_of(config.encoder), load_encoder(config.encoder)
        check_room(config.encoder, encoder, config.limit)
        return JointModel(config, encoder), tokenizer, False
    if vectors is None:
        raise ExtractionError(f"encoder {NAME}: it needs word vectors (--vectors FILE, or --vectors random:200)")
    bilstm, tokenizer = bilstm_encoder(vectors)
    return JointModel(config, bilstm), tokenizer, False


def load_start(folder: Path) -> Start:
    """Return the model of a folder: what ``kgbuild train joint`` wrote, or the ``exported`` folder in it.

    Of an exported model the weights are those it reads with: 8-bit ones are multiplied out.

    Raises:
        ExtractionError: If the folder holds neither, or an exported Bi-LSTM, whose layers ONNX holds in another form.
    """
    if (folder / "model.safetensors").exists():
        check_files(folder, FILES, "no model to go on from")
        config, sizes = load_config(folder)
        weights = load_weights(folder)
        check_sizes(folder, asdict(config), weights)
        start = Start(config.encoder, config.labels, config.relations, sizes, read_tokenizer(folder), weights)
    else:
        start = _exported_start(folder)
    _check_encoder(folder, start)
    return start


def _exported_start(folder: Path) -> Start:
    """Return the model of an exported folder."""
    check_files(folder, EXPORTED, "no model to go on from")
    values = read_config(folder / "config.json")
    name, sizes = values.get("encoder"), values.get("encoder_config")
    if not isinstance(name, str) or not sizes:
        raise ExtractionError(f"{folder}: no model to go on from: config.json does not name an encoder and its sizes")
    if sizes.get("model_type") == NAME:
        raise ExtractionError(f"{folder}: an exported {NAME} cannot be trained further; its model folder can")
    heads = read_heads(folder / "heads.npz", values["labels"], values["relations"])
    try:
        encoder = unpacked(folder / "model.onnx")
    except Exception as error:  # whatever a graph of another kind or a damaged file leads to
        raise ExtractionError(f"{folder}: no model to go on from: model.onnx ({type(error).__name__})") from error
    if not encoder:
        raise ExtractionError(f"{folder}: no model to go on from: model.onnx holds no encoder")
    weights = {name: torch.from_numpy(array) for name, array in heads.items()} | encoder
    return Start(name, values["labels"], values["relations"], sizes, read_tokenizer(folder), weights)


def _check_encoder(folder: Path, start: Start) -> None:
    """Refuse a model whose encoder does not have the sizes that its configuration gives, or its tokenizer's ids.

    Raises:
        ExtractionError: If a weight is missing or of another shape, or the tokenizer has more words.
    """
    check_sizes(folder, start.sizes, start.weights)
    try:
        with torch.device("meta"):  # shapes without numbers
            expected = dict(start.encoder().named_parameters(prefix=_ENCODER.removesuffix(".")))
        vocabulary = int(start.sizes["vocab_size"])
    except ExtractionError as error:
        raise ExtractionError(f"{folder}: {error}") from error
    except Exception as error:  # whatever layers raise of sizes that do not fit each other
        raise ExtractionError(f"{folder}: no encoder has the sizes in config.json ({type(error).__name__})") from error
    for name, tensor in expected.items():
        if name not in start.weights or start.weights[name].shape != tensor.shape:
            file = next(file for file in ("model.safetensors", "model.onnx") if (folder / file).exists())
            raise ExtractionError(f"{folder}: {file} does not fit config.json ({name})")
    if highest_id(start.tokenizer) >= vocabulary:
        raise ExtractionError(f"{folder}: tokenizer.json is not that of the model: it has more words")


def unpacked(file: Path) -> dict[str, Tensor]:
    """Return the weights of an exported encoder by their names in torch, in single precision.

    Vectors keep their names in ONNX. Matrices of linear layers lose theirs and stand transposed; each is told by the
    bias that is added to what it gives.
    """
    graph = onnx.load(file).graph
    values = _values(graph)
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = {name: value for name, value in values.items() if name.startswith(_ENCODER)}
    for node in graph.node:
        if node.op_type in ("MatMul", "MatMulInteger") and (stem := _stem(node.input[1])) in values:
            bias = _bias_behind(node, readers, values)
            found[bias.removesuffix("bias") + "weight"] = values[stem].T
    return {name: torch.from_numpy(np.array(value, order="C")) for name, value in found.items()}


def _values(graph: GraphProto) -> dict[str, Array]:
    """Return what a graph holds in floating point, 8-bit matrices multiplied out by their scales."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values = {name: value for name, value in held.items() if value.dtype == np.float32 and value.ndim}
    for name, value in held.items():
        if (stem := _stem(name)) != name:
            zero = held[f"{stem}_zero_point"].astype(np.float32)
            values[stem] = (value.astype(np.float32) - zero) * held[f"{stem}_scale"]
    return values


def _stem(name: str) -> str:
    return name.removesuffix("_quantized")


def _bias_behind(node: NodeProto, readers: Mapping[str, list[NodeProto]], values: Mapping[str, Array]) -> str:
    """Return the name of the first bias that is added behind a node."""
    waiting = [node]
    while waiting:
        for reader in (reader for output in waiting.pop(0).output for reader in readers.get(output, ())):
            name = next((name for name in reader.input if name in values and name.endswith(".bias")), None)
            if reader.op_type == "Add" and name is not None:
                return str(name)
            waiting.append(reader)
    raise ValueError("a matrix without a bias behind it")
