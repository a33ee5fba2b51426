"""Checkpoints of a training: tensors and facts in one safetensors file, whole or absent, of one run and no other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.optim import Optimizer

from extractors.document import ExtractionError
from extractors.training.store import save_tensors

Groups = Mapping[str, Mapping[str, Tensor]]
"""Tensors by the part of a training that they belong to, such as ``model``, and by name."""


def write_checkpoint(file: Path, groups: Groups, optimizer: Optimizer, run: Mapping[str, Any], state: object) -> None:
    """Write a checkpoint.

    Args:
        file: The file to be; its folder is made.
        groups: The tensors; no group is called ``optimizer``.
        optimizer: Its state goes along.
        run: What must agree between this checkpoint and a run that resumes it, as JSON holds it.
        state: How far the run is, as JSON holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"{group}.{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
    save_tensors(file, tensors, {"facts": json.dumps({"run": run, "state": state}, allow_nan=False)})


def read_checkpoint(
    file: Path, optimizer: Optimizer, run: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Tensor]], Any] | None:
    """Return the tensors and the state of a checkpoint, the optimiser's already in place; None if there is no file.

    Raises:
        ExtractionError: If it is of another run, saying what differs, or no checkpoint at all.
    """
    if not file.exists():
        return None
    try:
        with safe_open(file, "pt") as stored:
            facts = json.loads(stored.metadata()["facts"])
            _check(file, json.loads(json.dumps(run, allow_nan=False)), facts["run"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
            state = facts["state"]
    except (SafetensorError, KeyError, TypeError) as error:
        raise ExtractionError(f"{file}: not a checkpoint of this program; remove it to begin anew") from error
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        group, _, own = name.partition(".")
        groups.setdefault(group, {})[own] = tensor
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in groups.pop("optimizer", {}).items():
        number, _, own = name.partition(".")
        moments.setdefault(int(number), {})[own] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return groups, state


def _check(file: Path, ours: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Refuse the checkpoint of another run, saying what differs."""
    other = sorted(key for key in ours.keys() | run.keys() if ours.get(key) != run.get(key))
    if other:
        raise ExtractionError(f"{file}: checkpoint of another run: {', '.join(other)} differ; take another folder")
