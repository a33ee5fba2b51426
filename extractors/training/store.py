"""Model folders: ``config.json``, ``encoder/config.json``, ``model.safetensors``, ``tokenizer.json``; no pickle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from extractors.decode import Reading, read_text
from extractors.document import Document, ExtractionError
from extractors.encode import Window, load_tokenizer
from extractors.networks.encoders import make_encoder, save_tokenizer
from extractors.networks.joint import JointConfig, JointModel
from extractors.tags import Array


def save_model(model: JointModel, folder: Path) -> None:
    """Write a model folder that ``load_model`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    model.encoder.config.save_pretrained(folder / "encoder")
    (folder / "config.json").write_text(json.dumps(asdict(model.config), indent=1) + "\n", "utf-8")
    save_tokenizer(model.config.encoder, folder)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")


def load_config(folder: Path) -> JointConfig:
    """Return the configuration of a model folder.

    Raises:
        ExtractionError: If it is missing or has unknown keys.
    """
    file = folder / "config.json"
    try:
        values = json.loads(file.read_text("utf-8"))
        names = {key: tuple(values[key]) for key in ("labels", "relations", "local")}
        return JointConfig(**values | names)
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ExtractionError(f"{file}: not the configuration of a joint model ({type(error).__name__})") from error


def load_model(folder: Path) -> JointModel:
    """Return the model of a folder, ready to read.

    Raises:
        ExtractionError: If the folder holds no joint model, or one of another shape.
    """
    model = JointModel(load_config(folder), make_encoder(folder / "encoder"))
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError) as error:
        raise ExtractionError(f"{folder}: weights do not fit the configuration ({type(error).__name__})") from error
    return model.eval()


def reading(config: JointConfig, state: Mapping[str, torch.Tensor]) -> Reading:
    """Return how a model of these weights reads, everything but its encoder."""
    weights = {k: v.detach().float().cpu().numpy() for k, v in state.items() if not k.startswith("encoder.")}
    return Reading(
        config.labels, config.relations, config.local, config.limit, config.context, config.threshold, weights
    )


class TorchExtractor:
    """A joint model in torch as an ``Extractor``; the exported model in ``extractors.runtime`` reads the same.

    Args:
        model: The model, in evaluation mode.
        tokenizer: Its tokenizer.
    """

    def __init__(self, model: JointModel, tokenizer: Tokenizer) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._reading = reading(model.config, model.state_dict())

    @classmethod
    def load(cls, folder: Path) -> "TorchExtractor":
        """Return the extractor of a model folder."""
        return cls(load_model(folder), load_tokenizer(folder))

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        """Return one document a text."""
        return [read_text(text, self._tokenizer, self._states, self._reading) for text in texts]

    @torch.inference_mode()
    def _states(self, window: Window) -> Array:
        """Return the word states of a window."""
        ids = torch.from_numpy(window.ids)[None]
        states: Array = self._model.states(ids, torch.ones_like(ids), torch.from_numpy(window.heads)[None])[0].numpy()
        return states
