"""Model folders as on the Hugging Face hub: ``config.json``, ``model.safetensors``, ``tokenizer.json``; no pickle."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from extractors.blas import one_thread
from extractors.decode import Reading, laid_out, read_text
from extractors.document import Document, ExtractionError
from extractors.encode import Window
from extractors.folders import check_files, check_heads, highest_id, read_config, read_tokenizer
from extractors.given import read_given
from extractors.networks.encoders import SPECIAL, check_room, make_encoder
from extractors.networks.joint import JointConfig, JointModel
from extractors.tags import Array

FILES = ("config.json", "model.safetensors", "tokenizer.json")
"""What a model folder cannot do without."""

_KIND = {"model_type": "kgbuild-joint", "architectures": ["JointModel"]}


def save_model(model: JointModel, folder: Path, tokenizer: Tokenizer) -> None:
    """Write a model folder that ``load_model`` reads; each of its files is whole or absent."""
    folder.mkdir(parents=True, exist_ok=True)
    values = _KIND | asdict(model.config) | {"encoder_config": encoder_sizes(model)}
    write_text(folder / "config.json", json.dumps(values, indent=1, allow_nan=False) + "\n")
    write_text(folder / "tokenizer.json", tokenizer.to_str())
    facts = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.config.limit} | SPECIAL
    write_text(folder / "tokenizer_config.json", json.dumps(facts, indent=1, allow_nan=False) + "\n")
    save_tensors(folder / "model.safetensors", model.state_dict(), {"format": "pt"})


def encoder_sizes(model: JointModel) -> dict[str, object]:
    """Return the sizes of a model's encoder, without the place on this machine that it came from."""
    return {key: value for key, value in model.encoder.config.to_dict().items() if key != "_name_or_path"}


def save_tensors(file: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write tensors and a few words about them as one safetensors file, whole or not at all."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _whole(file, lambda part: save_file(ready, part, dict(facts)))


def write_text(file: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    _whole(file, lambda part: part.write_text(text, "utf-8"))


def _whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write beside a file, then put the new one in its place."""
    part = file.with_name(f".{file.name}.part")
    try:
        write(part)
        part.chmod(0o644)  # safetensors makes files that their owner alone may read
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def load_config(folder: Path) -> tuple[JointConfig, dict[str, object]]:
    """Return the configuration of a model folder: the joint model's, and its encoder's sizes.

    Raises:
        ExtractionError: If it is missing, has unknown keys, or values that no model has.
    """
    file = folder / "config.json"
    values = read_config(file)
    try:
        encoder = dict(values.pop("encoder_config"))
        return JointConfig(**{key: value for key, value in values.items() if key not in _KIND}), encoder
    except (KeyError, TypeError) as error:
        raise ExtractionError(f"{file}: not the configuration of a joint model ({type(error).__name__})") from error


def load_model(folder: Path) -> JointModel:
    """Return the model of a folder, ready to read.

    Raises:
        ExtractionError: If the folder holds no joint model, or one of another shape.
    """
    check_files(folder, FILES, "no joint model")
    config, encoder = load_config(folder)
    weights = load_weights(folder)
    check_sizes(folder, asdict(config), weights)
    check_sizes(folder, encoder, weights)
    check_heads(folder / "model.safetensors", heads(weights), config.labels, config.relations)
    try:
        model = JointModel(config, make_encoder(encoder))
        model.load_state_dict(weights)
    except ExtractionError as error:
        raise ExtractionError(f"{folder}: {error}") from error
    except Exception as error:  # whatever layers raise of sizes that do not fit each other
        raise ExtractionError(f"{folder}: weights do not fit the configuration ({type(error).__name__})") from error
    return model.eval()


def check_sizes(folder: Path, sizes: Mapping[str, object], weights: Mapping[str, Tensor]) -> None:
    """Refuse sizes that no weight has, before layers of such a size take all memory.

    Raises:
        ExtractionError: If a size is not a length of some weight, or there are more layers than weights.
    """
    longest = max((length for tensor in weights.values() for length in tensor.shape), default=0)
    for key, value in sizes.items():
        is_size = key.endswith(("_size", "_embeddings")) or key == "hidden"
        most = longest if is_size else len(weights) if key.endswith("layers") else None
        if most is not None and isinstance(value, int | float) and not 0 <= value <= most:
            raise ExtractionError(f"{folder}: weights do not fit the configuration ({key} {str(value)[:20]})")


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights of a model folder.

    Raises:
        ExtractionError: If they cannot be read, or a number is not finite.
    """
    try:
        weights = load_file(folder / "model.safetensors")
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ExtractionError(f"{folder}: model.safetensors cannot be read ({type(error).__name__})") from error
    for name, tensor in weights.items():
        if not (tensor.is_floating_point() or name.startswith("encoder.")) or not torch.isfinite(tensor).all():
            raise ExtractionError(f"{folder}: model.safetensors: expected finite numbers in {name}, found others")
    return weights


def check_tokenizer(folder: Path, tokenizer: Tokenizer, model: JointModel) -> None:
    """Refuse the tokenizer of another model.

    Raises:
        ExtractionError: If it gives ids that the encoder does not have, or windows are longer than its positions.
    """
    if highest_id(tokenizer) >= int(model.encoder.config.vocab_size):
        raise ExtractionError(f"{folder}: tokenizer.json is not that of the model: it has more words")
    check_room(str(folder), model.encoder, model.config.limit)


def heads(state: Mapping[str, Tensor]) -> dict[str, Array]:
    """Return the weights of everything behind the encoder."""
    return {k: v.detach().float().cpu().numpy() for k, v in state.items() if not k.startswith("encoder.")}


def reading(config: JointConfig, state: Mapping[str, Tensor]) -> Reading:
    """Return how a model of these weights reads, everything but its encoder."""
    return Reading(
        config.labels,
        config.relations,
        config.local,
        config.limit,
        config.context,
        config.threshold,
        config.mention_threshold,
        laid_out(heads(state)),
        config.sentences,
    )


class TorchExtractor:
    """A joint model in torch as an ``Extractor``; the exported model in ``extractors.runtime`` reads the same.

    Args:
        model: The model, in evaluation mode, on the device that it is to read on.
        tokenizer: Its tokenizer.
    """

    def __init__(self, model: JointModel, tokenizer: Tokenizer) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._reading = reading(model.config, model.state_dict())
        self._device = next(model.parameters()).device

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> "TorchExtractor":
        """Return the extractor of a model folder, on a device."""
        model, tokenizer = load_model(folder), read_tokenizer(folder)
        check_tokenizer(folder, tokenizer, model)
        return cls(model.to(device), tokenizer)

    @property
    def labels(self) -> tuple[str, ...]:
        """The mention labels it reads."""
        return self._reading.labels

    @property
    def relations(self) -> tuple[str, ...]:
        """The relation labels it reads."""
        return self._reading.relations

    @cached_property
    def fingerprint(self) -> str:
        """The model's identity, from its weights, labels and vocabulary."""
        digest = sha256(json.dumps(asdict(self._model.config), allow_nan=False).encode())
        digest.update(self._tokenizer.to_str().encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        """Return one document a text."""
        with one_thread():
            return [read_text(text, self._tokenizer, self._states, self._reading) for text in texts]

    def read_relations(self, documents: Sequence[Document]) -> list[Document]:
        """Return the documents with the relations that the model reads between their mentions."""
        with one_thread():
            return [read_given(document, self._tokenizer, self._states, self._reading) for document in documents]

    @torch.inference_mode()
    def _states(self, window: Window) -> Array:
        """Return the word states of a window."""
        ids = torch.from_numpy(window.ids)[None].to(self._device)
        heads = torch.from_numpy(window.heads)[None].to(self._device)
        states: Array = self._model.states(ids, torch.ones_like(ids), heads)[0].float().cpu().numpy()
        return states
