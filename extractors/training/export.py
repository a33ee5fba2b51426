"""A trained joint model as the folder that ``extractors.runtime`` reads."""

import json
import logging
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from extractors.networks.joint import JointModel
from extractors.onnx import quantize
from extractors.training.store import encoder_sizes, heads, load_model


class _WordStates(nn.Module):
    """The part of the model that ONNX Runtime runs: one window's subwords in, its words' states out."""

    def __init__(self, model: JointModel) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, ids: Tensor, heads: Tensor) -> Tensor:
        """Return states ``(words, hidden)`` of ``ids`` ``(1, subwords)`` and ``heads`` ``(words,)``."""
        hidden = self.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return torch.index_select(hidden[0], 0, heads)


def export_model(source: Path, target: Path, *, int8: bool = True) -> None:
    """Write the exported form of a model folder.

    Everything behind the encoder stays in single precision in ``heads.npz``: it is little work.

    Args:
        source: A folder of ``training.store.save_model``.
        target: The folder to write.
        int8: Whether the encoder's weights become 8-bit integers, a quarter of the size.
    """
    model = load_model(source)
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        full = Path(scratch) / "full.onnx"
        _write_onnx(model, full)
        if int8:
            logging.disable(logging.WARNING)  # of preprocessing, which changes nothing here
            quantize(full, target / "model.onnx")
            logging.disable(logging.NOTSET)
        else:
            shutil.copy(full, target / "model.onnx")
    np.savez(target / "heads.npz", **heads(model.state_dict()))  # type: ignore[arg-type]  # numpy types the keywords as bool
    names = ("labels", "relations", "local", "limit", "context", "threshold", "mention_threshold", "sentences")
    facts = {name: getattr(model.config, name) for name in (*names, "encoder")}
    facts["encoder_config"] = encoder_sizes(model)  # this and the encoder's name are for who trains on
    (target / "config.json").write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", "utf-8")
    shutil.copy(source / "tokenizer.json", target / "tokenizer.json")


def _write_onnx(model: JointModel, file: Path) -> None:
    """Write the encoder as one ONNX file of any length of window."""
    ids = torch.randint(5, 100, (1, 12))
    heads = torch.arange(1, 9)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    if isinstance(model.encoder, PreTrainedModel):
        model.encoder.set_attn_implementation("eager")
    dimensions = {
        "ids": {1: torch.export.Dim("subwords", min=3, max=512)},
        "heads": {0: torch.export.Dim("words", min=1, max=512)},
    }
    torch.onnx.export(
        _WordStates(model).eval(),
        (ids, heads),
        file,
        input_names=["ids", "heads"],
        output_names=["states"],
        dynamic_shapes=dimensions,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
