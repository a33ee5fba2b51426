"""Training of the joint model: epochs, checkpoints, resume, early stop, best epoch by validation."""

import copy
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PreTrainedModel

from extractors.document import Document, ExtractionError
from extractors.networks.joint import Batch, JointConfig, JointModel
from extractors.networks.quick import quicken
from extractors.networks.vectors import WordVectors
from extractors.training.checkpoint import read_checkpoint, write_checkpoint
from extractors.training.examples import batches, encode, examples
from extractors.training.score import mention_scores, relation_scores
from extractors.training.start import Start, new_model
from extractors.training.store import TorchExtractor, save_model, write_text

CHECKPOINT = Path("training") / "checkpoint.safetensors"
EPOCHS = Path("training") / "epochs.jsonl"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a joint model is trained.

    Attributes:
        epochs: Passes over the training documents.
        patience: Epochs without a better validation after which training ends; 0 never ends it early.
        keep_last: Whether the last epoch is kept, not the best.
        batch_subwords: Subwords a batch, padding included.
        batch_windows: Windows a batch, each as much of a document as the model's ``limit`` holds; 0 leaves the batch to
            ``batch_subwords`` and draws the windows' sizes.
        encoder_rate: Peak learning rate of the encoder.
        head_rate: Peak learning rate of everything else.
        is_constant: Whether the rates stay at their peak; else they rise over 6 % of the steps and fall as a cosine.
        weight_decay: Of AdamW; without any it is Adam.
        relation_weight: Weight of the relations' loss beside the CRF's.
        masked: Share of the subwords hidden in each window.
        average: Decay of the running mean of the weights, which is what is validated and kept; 0 keeps the weights.
        bf16: Whether the encoder computes in bfloat16.
        learn_words: Whether a BERT's word vectors are learnt too; ``networks.quick`` says why not.
        seed: Of weights, windows and order.
    """

    epochs: int = 16
    patience: int = 0
    keep_last: bool = False
    batch_subwords: int = 1024
    batch_windows: int = 0
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    is_constant: bool = False
    weight_decay: float = 0.01
    relation_weight: float = 1.0
    masked: float = 0.1
    average: float = 0.998
    bf16: bool = False
    learn_words: bool = False
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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        epoch: The epoch under way, from 1.
        epochs: How many there are at most.
        share: Of all steps of all epochs, those done.
        rate: Subwords a second, this epoch.
        left: Seconds to the end of the last epoch at this epoch's pace, validation not counted.
    """

    epoch: int
    epochs: int
    share: float
    rate: float
    left: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told while a training is under way, and where it runs.

    Attributes:
        epoch: Called after each epoch, when its checkpoint is written.
        step: Called after each step.
        device: Of torch.
        begin: Called once, with whether the model has heads of one that training goes on from.
    """

    epoch: Callable[[Epoch], object] = lambda epoch: None
    step: Callable[[Progress], object] = lambda progress: None
    device: str = "cpu"
    begin: Callable[[bool], object] = lambda goes_on: None


def train_joint(
    train: Sequence[Document],
    validation: Sequence[Document],
    folder: Path,
    config: JointConfig,
    training: TrainingConfig,
    watch: Watch,
    vectors: WordVectors | None = None,
    start: Start | None = None,
) -> Path:
    """Train a joint model into a folder, which becomes the model folder of its best epoch, and return it.

    Each epoch ends with a checkpoint in ``folder/training``; called again with the same arguments, training goes on
    from there and ends as if it had not been interrupted.

    Args:
        train: Documents to learn from.
        validation: Documents that choose the epoch.
        folder: Receives the model, and ``training`` with the checkpoint and a line an epoch.
        config: The model.
        training: The training.
        watch: Who is told.
        vectors: What a Bi-LSTM reads.
        start: A trained model to go on from.

    Raises:
        ExtractionError: If there is nothing to learn from or to choose by, the encoder cannot be had, the loss is no
            number, or the checkpoint is of another run.
    """
    if not any(document.mentions for document in train):
        raise ExtractionError("training set: no mention in it")
    if not any(document.mentions for document in validation):
        raise ExtractionError("validation set: no mention in it; the best epoch cannot be chosen")
    torch.manual_seed(training.seed)
    model, tokenizer, goes_on = new_model(config, vectors, start)
    watch.begin(goes_on)
    model.to(watch.device)
    run = _Run(model, tokenizer, folder, training, goes_on=goes_on)
    run.prepare(train, _fingerprint([*train, *validation], vectors), None if start is None else start.fingerprint)
    run.resume()
    while not run.is_done:
        torch.set_flush_denormal(True)  # improbable tags have probabilities of 1e-40, which a CPU is very slow with
        try:
            losses = run.learn(watch.step)
        finally:
            torch.set_flush_denormal(False)  # it holds for the whole process
        run.validate(validation, losses)
        run.save()
        watch.epoch(run.history[-1])
    return folder


def read_epochs(folder: Path) -> list[Epoch]:
    """Return what each epoch of a model folder's training brought."""
    return [Epoch(**json.loads(line)) for line in (folder / EPOCHS).read_text("utf-8").splitlines()]


def _fingerprint(documents: Sequence[Document], vectors: WordVectors | None) -> str:
    """Return the identity of what a model is trained with."""
    digest = sha256()
    for document in documents:
        spans = [(m.start, m.end, m.label) for m in document.mentions]
        links = [(r.head.start, r.head.end, r.tail.start, r.tail.end, r.label) for r in document.relations]
        digest.update(json.dumps([document.text, spans, links], allow_nan=False).encode())
    if vectors is not None:
        digest.update("\n".join(vectors.words).encode() + vectors.rows.tobytes())
    return digest.hexdigest()[:16]


class _Run:
    """A training under way: model, running mean of its weights, optimiser and epochs."""

    def __init__(
        self, model: JointModel, tokenizer: Tokenizer, folder: Path, training: TrainingConfig, *, goes_on: bool
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.folder = folder
        self.training = training
        self.goes_on = goes_on
        self.history: list[Epoch] = []
        self.steps = 0
        if isinstance(model.encoder, PreTrainedModel):
            quicken(model.encoder, learn_words=training.learn_words)
        self.learnt = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.mean = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(_groups(model, training), weight_decay=training.weight_decay, fused=True)
        model.bf16 = training.bf16

    def prepare(self, train: Sequence[Document], fingerprint: str, start: str | None) -> None:
        """Encode the training documents, and count the steps from the first epoch's windows."""
        self.encoded = [encode(document, self.tokenizer, self.model.config) for document in train]
        self.total = len(self._epoch_batches(0)) * self.training.epochs
        told = {"documents or vectors": fingerprint, "model begun with": start}
        self.facts = {**asdict(self.model.config), **asdict(self.training), **told}

    @property
    def best(self) -> float:
        """What the best epoch so far has reached."""
        return max((epoch.goal for epoch in self.history), default=-1.0)

    @property
    def is_done(self) -> bool:
        """Whether the last epoch is over, or none of the last ones was better than one before."""
        waited = len(self.history) - next((e.number for e in self.history if e.goal == self.best), 0)
        return len(self.history) >= self.training.epochs or 0 < self.training.patience <= waited

    def _epoch_batches(self, epoch: int) -> list[Batch]:
        """Return the batches of an epoch, the same whenever asked."""
        draw = random.Random(f"{self.training.seed}/{epoch}")  # noqa: S311 (no secret)
        count = self.training.batch_windows
        fixed = self.model.config.limit if count else 0
        windows = examples(self.encoded, self.tokenizer, draw, masked=self.training.masked, fixed=fixed)
        return list(batches(windows, self.training.batch_subwords, draw, count))

    def learn(self, tell: Callable[[Progress], object]) -> tuple[float, float]:
        """Learn one epoch; return the mean losses of mentions and relations."""
        self.model.train()
        torch.manual_seed(hash((self.training.seed, len(self.history))) & 0xFFFFFFFF)
        waiting = self._epoch_batches(len(self.history))
        totals, subwords, began = torch.zeros(2), 0, time.monotonic()
        for done, batch in enumerate(waiting, 1):
            totals += self._step(batch.to(self.model.emission.weight.device))
            subwords += int(batch.subword_mask.sum())
            pace = (time.monotonic() - began) / done
            share = min(self.steps / self.total, 1.0)
            left = max(self.total - self.steps, 0) * pace
            tell(Progress(len(self.history) + 1, self.training.epochs, share, subwords / (pace * done), left))
        mention, relation = (totals / max(len(waiting), 1)).tolist()
        return mention, relation

    def _step(self, batch: Batch) -> Tensor:
        """Learn from one batch; return its losses, ``(2,)``."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * (1.0 if self.training.is_constant else _rate(self.steps / self.total))
        mention, relation = self.model.loss(batch)
        loss = mention + self.training.relation_weight * relation
        if not math.isfinite(loss.item()):
            raise ExtractionError(
                f"epoch {len(self.history) + 1}, step {self.steps}: the loss is no number; lower the learning rate"
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
        """Move the running mean towards the weights.

        Early steps count more, since the first weights are no use; those of a trained model are, and stay in the mean.
        """
        ramp = 1.0 if self.goes_on else (1 + self.steps) / (10 + self.steps)
        keep = min(self.training.average, ramp)
        now = {name: parameter.detach() for name, parameter in self.model.named_parameters() if name in self.learnt}
        torch._foreach_lerp_([self.mean[name] for name in now], list(now.values()), 1 - keep)

    def averaged(self) -> JointModel:
        """Return a model with the mean weights."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.mean)
        model.forbid()
        return model.eval()

    def validate(self, documents: Sequence[Document], losses: tuple[float, float]) -> None:
        """Score the epoch on the validation documents; keep the model if it is the best so far."""
        model = self.averaged()
        predicted = TorchExtractor(model, self.tokenizer)([document.text for document in documents])
        mention = mention_scores(documents, predicted)["micro"].f1
        relation = relation_scores(documents, predicted)["micro"].f1
        epoch = Epoch(len(self.history) + 1, *losses, mention_f1=mention, relation_f1=relation)
        if self.training.keep_last or epoch.goal > self.best:
            save_model(model, self.folder, self.tokenizer)
        self.history.append(epoch)

    def save(self) -> None:
        """Write the checkpoint, then a line for each epoch."""
        history = [asdict(epoch) for epoch in self.history]
        groups = {"model": self.model.state_dict(), "mean": self.mean}
        state = {"steps": self.steps, "history": history}
        write_checkpoint(self.folder / CHECKPOINT, groups, self.optimizer, self.facts, state)
        write_text(self.folder / EPOCHS, "".join(json.dumps(epoch, allow_nan=False) + "\n" for epoch in history))

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one.

        Raises:
            ExtractionError: As ``read_checkpoint``.
        """
        found = read_checkpoint(self.folder / CHECKPOINT, self.optimizer, self.facts)
        if found is None:
            return
        groups, state = found
        self.model.load_state_dict(groups["model"])
        self.mean = {name: tensor.to(self.mean[name].device) for name, tensor in groups["mean"].items()}
        self.steps = state["steps"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]


def _groups(model: JointModel, training: TrainingConfig) -> list[dict[str, Any]]:
    """Return the optimiser's groups: the encoder, and everything else at its own rate; what is frozen is in neither."""
    encoder = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
    mine = {id(parameter) for parameter in model.encoder.parameters()}
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
