"""How the shipped model was trained, as one call."""

from collections.abc import Callable
from pathlib import Path

import torch

from extractors.corpora.maccrobat import LABELS, LOCAL, RELATIONS, read_split
from extractors.networks.joint import JointConfig
from extractors.training.export import export_model
from extractors.training.loop import Epoch, TrainingConfig, train_joint


def train_maccrobat(
    corpus: Path, folder: Path, *, encoder: str, epochs: int, seed: int, threads: int, report: Callable[[str], None]
) -> Path:
    """Train the joint model on MACCROBAT2020's training split and export its best epoch; return that folder.

    Args:
        corpus: Folder of the 200 reports.
        folder: Folder of the run; a run that is there already is resumed.
        encoder: Hub name, folder, or packaged encoder.
        epochs: Passes over the training documents.
        seed: Of weights, windows and order.
        threads: Of torch; 0 leaves its default.
        report: Receives one line an epoch.
    """
    if threads:
        torch.set_num_threads(threads)
    config = JointConfig(LABELS, RELATIONS, encoder, LOCAL)
    training = TrainingConfig(epochs=epochs, seed=seed)
    train, validation = read_split("train", corpus), read_split("validation", corpus)
    best = train_joint(train, validation, folder, config, training, lambda epoch: report(_line(epoch, epochs)))
    export_model(best, folder / "exported")
    return folder / "exported"


def _line(epoch: Epoch, epochs: int) -> str:
    """Return an epoch as a line."""
    return (
        f"epoch {epoch.number}/{epochs}: loss {epoch.mention_loss:.3f} + {epoch.relation_loss:.3f}; "
        f"validation, strict, end to end: mentions {epoch.mention_f1:.4f}, relations {epoch.relation_f1:.4f}"
    )
