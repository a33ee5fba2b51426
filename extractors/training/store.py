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
from extractors.encode import Window, load_tokenizer
from extractors.given import read_given
from extractors.networks.encoders import SPECIAL, make_encoder
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
        ExtractionError: If it is missing or has unknown keys.
    """
    file = folder / "config.json"
    try:
        values = json.loads(file.read_text("utf-8"))
        encoder = dict(values.pop("encoder_config"))
        names = {key: tuple(values[key]) for key in ("labels", "relations", "local")}
        own = {key: value for key, value in values.items() if key not in _KIND}
        return JointConfig(**own | names), encoder
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ExtractionError(f"{file}: not the configuration of a joint model ({type(error).__name__})") from error


def load_model(folder: Path) -> JointModel:
    """Return the model of a folder, ready to read.

    Raises:
        ExtractionError: If the folder holds no joint model, or one of another shape.
    """
    config, encoder = load_config(folder)
    model = JointModel(config, make_encoder(encoder))
    try:
        model.load_state_dict(load_weights(folder))
    except RuntimeError as error:
        raise ExtractionError(f"{folder}: weights do not fit the configuration ({type(error).__name__})") from error
    return model.eval()


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights of a model folder.

    Raises:
        ExtractionError: If they cannot be read.
    """
    try:
        return load_file(folder / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise ExtractionError(f"{folder}: model.safetensors cannot be read ({type(error).__name__})") from error


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
        return cls(load_model(folder).to(device), load_tokenizer(folder))

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
