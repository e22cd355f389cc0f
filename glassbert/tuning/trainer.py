"""Steps of training: transformers' Trainer, with batches and losses of our own and checkpoints that are never torn.

A module of its own because it imports transformers' Trainer, which takes seconds; only a training imports it.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import set_seed

from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.tuning.batching import Batches, Collator
from glassbert.tuning.distillation import Lesson
from glassbert.tuning.examples import IGNORED, Examples
from glassbert.tuning.settings import TrainingSettings

__all__ = ["Step", "Steps", "train"]

_RECORDED = "recorded.npz"
_HISTORY = "history.json"
_KEPT = ("tokens", "seconds", "best_epoch", "best_value", "best_loss", "over")
#: A checkpoint is written after each epoch, and after this time, or this multiple of what writing one takes.
_SAVE_SECONDS, _SAVE_MULTIPLE = 120.0, 30


@dataclass(frozen=True, slots=True)
class Step:
    """One step that has been done."""

    number: int
    epoch: float
    loss: float
    learning_rate: float
    tokens: int
    seconds: float


class Steps:
    """What the steps so far have left behind; part of each checkpoint."""

    def __init__(self, examples: int, epochs: int, record: bool) -> None:
        shape = (epochs, examples) if record else (0, 0)
        self.probabilities = np.full(shape, np.nan, dtype=np.float32)
        self.correct = np.zeros(shape, dtype=bool)
        self.losses: list[float] = []
        self.learning_rates: list[float] = []
        self.tokens = 0
        self.seconds = 0.0
        self.best_epoch, self.best_value, self.best_loss = 0, -math.inf, math.inf
        self.over = False  # ended before the last epoch, for lack of gain

    def save(self, folder: Path) -> None:
        np.savez(
            folder / _RECORDED,
            probabilities=self.probabilities,
            correct=self.correct,
            losses=np.asarray(self.losses),
            learning_rates=np.asarray(self.learning_rates),
        )
        others = {name: getattr(self, name) for name in _KEPT}
        (folder / _HISTORY).write_text(json.dumps(others), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        with np.load(folder / _RECORDED, allow_pickle=False) as stored:
            self.probabilities, self.correct = stored["probabilities"], stored["correct"]
            self.losses, self.learning_rates = list(stored["losses"]), list(stored["learning_rates"])
        for name, value in json.loads((folder / _HISTORY).read_text(encoding="utf-8")).items():
            setattr(self, name, value)


class _Places(Dataset[int]):
    """The examples by number; the collator makes tensors of them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> int:
        return place


class _Loader(DataLoader[Any]):
    """A loader that tells its batches the epoch, as Trainer asks for."""

    def __init__(self, places: _Places, batches: Batches, collator: Collator) -> None:
        super().__init__(places, batch_sampler=batches, collate_fn=collator, num_workers=0)
        self.batches = batches

    def set_epoch(self, epoch: int) -> None:
        self.batches.set_epoch(epoch)


class _Trainer(Trainer):  # type: ignore[misc]
    """Trainer with our batches, losses and checkpoints."""

    def __init__(
        self,
        network: Any,
        arguments: TrainingArguments,
        *,
        loader: _Loader,
        model: Model,
        examples: Examples,
        weights: Tensor | None,
        lesson: Lesson | None,
        steps: Steps,
        staging: Path,
        callback: TrainerCallback,
    ) -> None:
        super().__init__(network, arguments, train_dataset=loader.dataset, callbacks=[callback])
        self.remove_callback(PrinterCallback)
        self.own_loader, self.examples, self.class_weights, self.lesson = loader, examples, weights, lesson
        self.uses_segments, self.steps, self.staging = model.uses_segments, steps, staging
        self.trigrams = model.checkpoint.family.embeddings.trigrams is not None

    def get_train_dataloader(self) -> Any:
        return self.own_loader

    def create_optimizer(self, *_: Any, **options: Any) -> Any:
        """AdamW over what is not frozen; biases and weights of LayerNorms are not decayed."""
        self.optimizer: Any
        if self.optimizer is None:
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            parameters = [one for one in self.model.parameters() if one.requires_grad]
            decayed = [one for one in parameters if one.dim() > 1]
            others = [one for one in parameters if one.dim() <= 1]
            groups = [
                {"params": decayed, "weight_decay": self.args.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ]
            self.optimizer = kind([group for group in groups if group["params"]], **options)
        return self.optimizer

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        labels, places = inputs.pop("labels"), inputs.pop("places")
        if not self.uses_segments:
            inputs.pop("token_type_ids")
        if self.trigrams and not inputs["attention_mask"].all():
            # the last token of a text would read the embedding of padding, where there is nothing if it is alone
            rows = self.model.get_input_embeddings()(inputs.pop("input_ids"))
            inputs["inputs_embeds"] = rows * inputs["attention_mask"][..., None].to(rows.dtype)
        output = model(**inputs)
        weights = None if self.class_weights is None else self.class_weights.to(labels.device)
        loss, probabilities, correct = _outcome(self.examples.kind, output, labels, weights)
        if self.lesson is not None:
            loss = self.lesson.loss(output.logits, loss, places)
        if len(self.steps.probabilities) and probabilities is not None:
            epoch, where = self.own_loader.batches.epoch, places.cpu().numpy()
            self.steps.probabilities[epoch, where] = probabilities.detach().float().cpu().numpy()
            self.steps.correct[epoch, where] = correct.cpu().numpy()
        self.steps.tokens += int(inputs["attention_mask"].sum())
        return (loss, output) if return_outputs else loss

    def training_step(self, *arguments: Any, **options: Any) -> Any:
        self.rate_used = self._get_learning_rate()
        loss = super().training_step(*arguments, **options)
        self.last_loss = loss.item()
        return loss

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The weights alone: Trainer would pickle its arguments beside them."""
        self.model.save_pretrained(output_dir or self.args.output_dir, state_dict=state_dict)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Written beside, and renamed once complete; older ones are removed then."""
        shutil.rmtree(self.args.output_dir, ignore_errors=True)
        super()._save_checkpoint(model, trial)
        name = f"checkpoint-{self.state.global_step}"
        written = Path(self.args.output_dir) / name
        self.steps.save(written)
        final = self.staging / name
        shutil.rmtree(final, ignore_errors=True)
        written.replace(final)
        for other in self.staging.glob("checkpoint-*"):
            if other != final:
                shutil.rmtree(other, ignore_errors=True)


def _outcome(kind: str, output: Any, labels: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None, Any]:
    """The loss of a batch, and for each example the probability of its label and whether it was the answer."""
    if kind == "spans":
        ends = [output.start_logits.float(), output.end_logits.float()]
        loss = torch.stack([F.cross_entropy(one, labels[:, side]) for side, one in enumerate(ends)]).mean()
        logs = [one.log_softmax(-1).gather(1, labels[:, side, None])[:, 0] for side, one in enumerate(ends)]
        right = torch.stack([one.argmax(-1) == labels[:, side] for side, one in enumerate(ends)])
        return loss, torch.stack(logs).exp().mean(0), right.all(0)
    logits = output.logits.float()
    if kind == "regression":
        return F.mse_loss(logits[:, 0], labels), None, None
    if kind == "multi_label":
        chances = logits.sigmoid()
        right = torch.where(labels > 0.5, chances, 1 - chances)
        return F.binary_cross_entropy_with_logits(logits, labels), right.mean(-1), (right > 0.5).all(-1)
    if kind == "classification":
        chances = logits.detach().softmax(-1).gather(1, labels[:, None])[:, 0]
        return F.cross_entropy(logits, labels, weight=weights), chances, logits.argmax(-1) == labels
    known = labels != IGNORED
    loss = F.cross_entropy(logits[known], labels[known])
    if kind == "texts":
        return loss, None, None
    chances = logits.detach().softmax(-1).gather(2, labels.clamp(min=0)[..., None])[..., 0]
    count = known.sum(1)
    right = ((logits.argmax(-1) == labels) | ~known).all(1)
    return loss, (chances * known).sum(1) / count, right


class _Reporter(TrainerCallback):  # type: ignore[misc]
    """Tells of each step, asks whether to stop, and has checkpoints saved."""

    def __init__(
        self,
        steps: Steps,
        on_step: Callable[[Step], None],
        on_epoch: Callable[[int], bool],
        cancelled: Callable[[], bool],
    ) -> None:
        self.steps, self.on_step, self.on_epoch, self.cancelled = steps, on_step, on_epoch, cancelled
        self.stopped = False
        self.trainer: Any = None
        self._saved = self._started = time.monotonic()
        self._before = steps.seconds
        self._save_took = 0.0

    def begin(self) -> None:
        self._saved = self._started = time.monotonic()
        self._before = self.steps.seconds

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.monotonic()
        self.steps.seconds = self._before + now - self._started
        self.steps.losses.append(self.trainer.last_loss)
        self.steps.learning_rates.append(self.trainer.rate_used)
        self.on_step(
            Step(
                number=state.global_step,
                epoch=float(state.epoch),
                loss=self.steps.losses[-1],
                learning_rate=self.steps.learning_rates[-1],
                tokens=self.steps.tokens,
                seconds=self.steps.seconds,
            )
        )
        if self.cancelled():
            self.stopped = True
            control.should_save = control.should_training_stop = True
        elif now - self._saved > max(_SAVE_SECONDS, _SAVE_MULTIPLE * self._save_took):
            control.should_save = True

    def on_epoch_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.stopped:
            return
        self._before, self._started = self.steps.seconds, time.monotonic()
        if not self.on_epoch(round(state.epoch)):
            self.steps.over = control.should_training_stop = True
        self._started = time.monotonic()  # what is done between epochs is no training
        control.should_save = True

    def on_save(self, *_args: Any, **_options: Any) -> None:
        self._saved = time.monotonic()


def train(
    network: Any,
    model: Model,
    examples: Examples,
    settings: TrainingSettings,
    *,
    classes: int,
    lesson: Lesson | None,
    staging: Path,
    on_start: Callable[[int, int], None],
    on_step: Callable[[Step], None],
    on_epoch: Callable[[int, Steps], bool],
    cancelled: Callable[[], bool],
) -> Steps | None:
    """Train the network in place; None if it was cancelled, with a checkpoint saved.

    Goes on from the checkpoint in ``staging``, if there is one. ``on_start(steps, done)``; ``on_epoch`` is called with
    the number of epochs done, before the checkpoint of that epoch is saved, and returns whether to go on.
    """
    set_seed(settings.seed)
    batches = Batches(examples.lengths, settings.tokens_per_batch, settings.seed)
    total = settings.epochs * len(batches)
    arguments = TrainingArguments(
        output_dir=str(staging / "writing"),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warm_up * total),
        weight_decay=settings.weight_decay,
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
        bf16=settings.precision == "bfloat16",
        use_cpu=settings.device == "cpu",
        seed=settings.seed,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
    )
    recorded = settings.record and examples.kind not in ("regression", "texts")
    steps = Steps(len(examples), settings.epochs, recorded)
    weights = _class_weights(examples.labels, classes) if settings.class_weights == "balanced" else None
    loader = _Loader(_Places(len(examples)), batches, Collator(examples, model, batches))
    reporter = _Reporter(steps, on_step, lambda epoch: on_epoch(epoch, steps), cancelled)
    trainer = _Trainer(
        network,
        arguments,
        loader=loader,
        model=model,
        examples=examples,
        weights=weights,
        lesson=lesson,
        steps=steps,
        staging=staging,
        callback=reporter,
    )
    reporter.trainer = trainer
    found = sorted(staging.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    done = 0
    if found:
        steps.restore(found[-1])
        done = len(steps.losses)
    on_start(total, done)
    if steps.over:
        trainer._load_from_checkpoint(str(found[-1]))
        return steps
    reporter.begin()
    trainer.train(resume_from_checkpoint=str(found[-1]) if found else None)
    return None if reporter.stopped else steps


def _class_weights(labels: Array, classes: int) -> Tensor:
    """(class,): rows / (classes × rows of the class), at most 10."""
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return torch.tensor(np.minimum(weights, 10), dtype=torch.float32)
