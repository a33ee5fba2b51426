"""Training of the joint model: epochs, checkpoints, resume, best epoch by validation."""

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from extractors.document import Document, ExtractionError
from extractors.encode import load_tokenizer
from extractors.networks.encoders import load_encoder, save_tokenizer, without_pooler
from extractors.networks.joint import Batch, JointConfig, JointModel
from extractors.training.examples import batches, encode, examples
from extractors.training.score import mention_scores, relation_scores
from extractors.training.store import TorchExtractor, save_model


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a joint model is trained.

    Attributes:
        epochs: Passes over the training documents.
        batch_subwords: Subwords a batch, padding included.
        encoder_rate: Peak learning rate of the encoder.
        head_rate: Peak learning rate of everything else.
        relation_weight: Weight of the relations' loss beside the CRF's.
        masked: Share of the subwords hidden in each window.
        average: Decay of the running mean of the weights, which is what is validated and kept.
        seed: Of weights, windows and order.
    """

    epochs: int = 16
    batch_subwords: int = 1024
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    relation_weight: float = 1.0
    masked: float = 0.1
    average: float = 0.998
    seed: int = 13


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch brought, on the validation documents, strict and end to end."""

    number: int
    mention_loss: float
    relation_loss: float
    mention_f1: float
    relation_f1: float

    @property
    def goal(self) -> float:
        """What the best epoch is chosen by."""
        return self.mention_f1 + self.relation_f1


def train_joint(
    train: Sequence[Document],
    validation: Sequence[Document],
    folder: Path,
    config: JointConfig,
    training: TrainingConfig,
    report: Callable[[Epoch], None],
) -> Path:
    """Train a joint model into a folder and return the model folder of its best epoch.

    Each epoch ends with a checkpoint in ``folder/checkpoint``; called again with the same arguments, training goes on
    from there and ends as if it had not been interrupted.

    Args:
        train: Documents to learn from.
        validation: Documents that choose the epoch.
        folder: Receives ``checkpoint``, ``epochs.jsonl`` and ``best``.
        config: The model.
        training: The training.
        report: Called after each epoch.

    Raises:
        ExtractionError: If there is nothing to learn from, the loss is no number, or the checkpoint is of another run.
    """
    if not any(document.mentions for document in train):
        raise ExtractionError("training set: no mention in it")
    torch.manual_seed(training.seed)
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(config.encoder, folder)
    run = _Run(JointModel(config, load_encoder(config.encoder)), load_tokenizer(folder), folder, training)
    run.prepare(train)
    run.resume()
    while run.epoch < training.epochs:
        losses = run.learn()
        epoch = run.validate(validation, losses)
        run.save(epoch)
        report(epoch)
    return folder / "best"


class _Run:
    """A training under way: model, running mean of its weights, optimiser and epoch."""

    def __init__(self, model: JointModel, tokenizer: Tokenizer, folder: Path, training: TrainingConfig) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.folder = folder
        self.training = training
        self.epoch = 0
        self.best = -1.0
        self.steps = 0
        self.mean = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(_groups(model, training), weight_decay=0.01, fused=True)

    def prepare(self, train: Sequence[Document]) -> None:
        """Encode the training documents, and count the steps from the first epoch's windows."""
        self.encoded = [encode(document, self.tokenizer, self.model.config) for document in train]
        first = list(self._epoch_batches(0))
        self.total = len(first) * self.training.epochs

    def _epoch_batches(self, epoch: int) -> list[Batch]:
        """Return the batches of an epoch, the same whenever asked."""
        draw = random.Random(f"{self.training.seed}/{epoch}")  # noqa: S311 (no secret)
        windows = examples(self.encoded, self.tokenizer, draw, masked=self.training.masked)
        return list(batches(windows, self.training.batch_subwords, draw))

    def learn(self) -> tuple[float, float]:
        """Learn one epoch; return the mean losses of mentions and relations."""
        self.model.train()
        torch.manual_seed(hash((self.training.seed, self.epoch)) & 0xFFFFFFFF)
        totals, count = torch.zeros(2), 0
        for batch in self._epoch_batches(self.epoch):
            totals += self._step(batch)
            count += 1
        mention, relation = (totals / max(count, 1)).tolist()
        return mention, relation

    def _step(self, batch: Batch) -> torch.Tensor:
        """Learn from one batch; return its losses, ``(2,)``."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * _rate(self.steps / self.total)
        mention, relation = self.model.loss(batch)
        loss = mention + self.training.relation_weight * relation
        if not math.isfinite(loss.item()):
            raise ExtractionError(
                f"epoch {self.epoch + 1}, step {self.steps}: the loss is no number; lower the learning rate"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.model.forbid()
        self.steps += 1
        self._follow()
        return torch.tensor([mention.item(), relation.item()])

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the running mean towards the weights; early steps count more, since the first weights are no use."""
        keep = min(self.training.average, (1 + self.steps) / (10 + self.steps))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self.mean[name].lerp_(tensor, 1 - keep)
            else:
                self.mean[name].copy_(tensor)

    def averaged(self) -> JointModel:
        """Return a model with the mean weights."""
        encoder = without_pooler(type(self.model.encoder)(self.model.encoder.config))
        model = JointModel(self.model.config, encoder)
        model.load_state_dict(self.mean)
        model.forbid()
        return model.eval()

    def validate(self, documents: Sequence[Document], losses: tuple[float, float]) -> Epoch:
        """Return the epoch with its scores on the validation documents; keep the model if it is the best so far."""
        self.epoch += 1
        model = self.averaged()
        predicted = TorchExtractor(model, self.tokenizer)([document.text for document in documents])
        mention = mention_scores(documents, predicted)["micro"].f1
        relation = relation_scores(documents, predicted)["micro"].f1
        epoch = Epoch(self.epoch, *losses, mention_f1=mention, relation_f1=relation)
        if epoch.goal > self.best:
            self.best = epoch.goal
            save_model(model, self.folder / "best")
        return epoch

    def save(self, epoch: Epoch) -> None:
        """Write the checkpoint whole or not at all, then the epoch's line."""
        state = {"model": self.model.state_dict(), "mean": self.mean, "optimizer": self.optimizer.state_dict()}
        facts = {"epoch": self.epoch, "steps": self.steps, "best": self.best, "run": self._facts()}
        part = self.folder / "checkpoint.part"
        torch.save(state | facts, part)
        part.replace(self.folder / "checkpoint")
        with (self.folder / "epochs.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(epoch)) + "\n")

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        file = self.folder / "checkpoint"
        if not file.exists():
            return
        state: dict[str, Any] = torch.load(file, weights_only=True)  # tensors and numbers only: nothing is executed
        if state["run"] != self._facts():
            raise ExtractionError(
                f"{file}: checkpoint of another run (labels, sizes or settings differ); choose another folder"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.mean = state["mean"]
        self.epoch, self.steps, self.best = state["epoch"], state["steps"], state["best"]

    def _facts(self) -> str:
        """Return what must agree between a checkpoint and the run that resumes it."""
        return json.dumps([asdict(self.model.config), asdict(self.training)])


def _groups(model: JointModel, training: TrainingConfig) -> list[dict[str, Any]]:
    """Return the optimiser's groups: the encoder, and everything else at its own rate."""
    encoder = list(model.encoder.parameters())
    mine = {id(parameter) for parameter in encoder}
    heads = [parameter for parameter in model.parameters() if id(parameter) not in mine]
    return [{"params": encoder, "peak": training.encoder_rate}, {"params": heads, "peak": training.head_rate}]


def _rate(progress: float) -> float:
    """Return the share of the peak rate at some progress in [0, 1]: up over the first 6 %, then a cosine to 2 %.

    >>> [round(_rate(p), 2) for p in (0.03, 0.06, 1.0)]
    [0.5, 1.0, 0.02]
    """
    warm = 0.06
    if progress < warm:
        return progress / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min((progress - warm) / (1 - warm), 1.0)))
