"""Fine-tune a model: train, evaluate, record what was learnt, and write an ordinary folder in one go."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.errors import GlassBERTError, OptionError, StoppedError
from glassbert.network.model import Model, load
from glassbert.results import load_result
from glassbert.tables import Table
from glassbert.tuning.card import model_card
from glassbert.tuning.distillation import Teaching, lesson_of
from glassbert.tuning.evaluation_results import Evaluation
from glassbert.tuning.evaluation_run import evaluate
from glassbert.tuning.examples import Examples, examples_of
from glassbert.tuning.journal import Journal
from glassbert.tuning.label_errors import find_label_errors
from glassbert.tuning.learning import STOPPED, Pinned, moved, pin
from glassbert.tuning.networks import labels_of, trainable, with_adapters, write_model
from glassbert.tuning.results import DataMap, FineTuning, LabelErrors, Moved
from glassbert.tuning.settings import TASK_OF, TrainingSettings, opened, training_settings

if TYPE_CHECKING:
    from glassbert.tuning.trainer import Step, Steps

__all__ = ["MAIN_METRIC", "RESULT", "finetune"]

#: The file of the result in the model's folder.
RESULT = "finetuning.zip"
#: Kind → the metric by which epochs are compared, and whether more is better.
MAIN_METRIC: Mapping[str, tuple[str, int]] = {
    "classification": ("macro_f1", 1),
    "multi_label": ("micro_f1", 1),
    "regression": ("rmse", -1),
    "tokens": ("span_f1", 1),
    "spans": ("token_f1", 1),
    "texts": ("loss", -1),
}
#: Of two epochs that are equal by it, the later is better if its loss is lower by more than this part.
_LOSS_GAIN = 0.001
#: Confident mistakes that are told after each epoch.
_WRONG = 20
#: The rest of a training is told once this many steps have been timed.
_TIMED_STEPS = 3
#: Bytes for each weight: the weights, the two moments of the optimiser, twice while a checkpoint is replaced, and the
#: result.
_BYTES_A_WEIGHT = 4 * (3 * 2 + 2)


@checked
def finetune(
    model: Model | str | os.PathLike[str],
    train: Table,
    dev: Table | None,
    out: str | os.PathLike[str],
    *,
    test: Table | None = None,
    pinned: Sequence[str | tuple[str, str]] | None = None,
    teacher: Model | str | os.PathLike[str] | None = None,
    temperature: float = 2.0,
    teacher_share: float = 0.5,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **settings: Any,
) -> FineTuning:
    """Fine-tune an encoder on a table of labelled texts, and write the model to the folder ``out``.

        train = gb.read_table("train.csv")
        dev = gb.read_table("dev.csv", label_names=train.label_names)
        run = gb.finetune("pretrained", train, dev, "my-model", epochs=3, seed=1)
        gb.classify(gb.load(run.folder), "A new text.")

    What is trained follows from the table's kind: classes, several classes a text, a number, labels of words, answers,
    or the masked words of plain texts. ``settings`` are fields of :class:`glassbert.TrainingSettings`; the others are
    chosen from the data (:func:`glassbert.training_settings`). AdamW, a linear schedule, and steps by the Trainer of
    transformers; gradients are clipped at 1. Deterministic for a seed on one machine.

    ``dev`` is evaluated after each epoch, ``test`` once at the end. ``pinned`` are texts, or pairs of texts, that are
    explained after each epoch; None: up to three of ``dev`` or ``train``, of different classes. ``progress`` is called
    with a dictionary for each step, stage and epoch; its ``kind`` says which. ``cancelled()`` is asked at each step.

    With a ``teacher``, a model with the same classes, the loss is (1 − ``teacher_share``) × that of the labels +
    ``teacher_share`` × T² KL(teacher ‖ student), both softened by the ``temperature`` T (distillation, Hinton et al.
    2015): for a smaller student, or to heal a model of which :func:`glassbert.compress` has dropped layers.

    While it runs, everything is in ``OUT.training`` beside the folder, which appears complete at the end. A training
    that was cancelled or killed goes on from its last checkpoint when it is called again in the same way, and ends
    with the same model; one that is complete is not repeated. Raises OptionError, ModelError, StoppedError when
    cancelled.
    """
    base, place = opened(model), Path(out)
    chosen = training_settings(base, train, dev, **settings)
    if test is not None and (test.kind != train.kind or test.label_names != train.label_names):
        raise OptionError(
            "the test table has another kind or other labels than the training table: read it with kind= and "
            "label_names= of that one"
        )
    identity = {
        "model": base.checkpoint.weights_hash,
        "training data": train.fingerprint,
        "development data": dev.fingerprint if dev is not None else None,
        "test data": test.fingerprint if test is not None else None,
        "pinned texts": [list(one) if isinstance(one, tuple) else one for one in pinned]
        if pinned is not None
        else None,
        **chosen.values(),
    }
    teaching = None
    if teacher is not None:
        teaching = Teaching(opened(teacher), float(temperature), float(teacher_share))
        teaching.check(train)
        identity["teacher"] = [teaching.teacher.checkpoint.weights_hash, teaching.temperature, teaching.share]
    if place.exists():
        return _finished(place, identity)
    _require_disk(base, place)
    sentences = pin(base, dev or train, pinned) if chosen.record else []
    journal = Journal(place, identity, progress)
    try:
        run = _Run(base, train, dev, test, place, chosen, sentences, teaching, journal, cancelled or (lambda: False))
        return run.run(identity)
    except StoppedError:
        journal.write("stopped")
        raise
    except GlassBERTError as error:
        journal.write("failed", error_type=type(error).__name__, error=str(error))
        raise
    except OSError as error:
        told = f"the training stopped: {error.strerror or error}; free some space, then call it again to go on"
        journal.write("failed", error_type="OptionError", error=told)
        raise OptionError(told) from error
    finally:
        journal.close()


def _finished(out: Path, identity: Mapping[str, Any]) -> FineTuning:
    """The result of this training, if it is complete. Raises OptionError if something else is there."""
    if (out / RESULT).is_file():
        result = load_result(out / RESULT)
        if isinstance(result, FineTuning) and result.data.get("identity") == _digest(identity):
            return replace(result, folder=str(out))
    raise OptionError(f"{out} exists already, and not from this training: choose another folder, or delete it")


def _digest(identity: Mapping[str, Any]) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _require_disk(model: Model, out: Path) -> None:
    """Raise OptionError if the checkpoints and the result would not fit on the disk."""
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    needed, free = model.parameters * _BYTES_A_WEIGHT, shutil.disk_usage(parent).free
    if free < needed:
        raise OptionError(
            f"training {model.source!r} needs up to {needed / 1e6:,.0f} MB on the disk for checkpoints and the result, "
            f"and {parent} has {free / 1e6:,.0f} MB free: free some space, or choose a folder on another disk"
        )


class _Run:
    """One training in this process."""

    def __init__(
        self,
        base: Model,
        train: Table,
        dev: Table | None,
        test: Table | None,
        out: Path,
        settings: TrainingSettings,
        sentences: Sequence[Pinned],
        teaching: Teaching | None,
        journal: Journal,
        cancelled: Callable[[], bool],
    ) -> None:
        self.base, self.out, self.settings, self.journal, self.cancelled = base, out, settings, journal, cancelled
        names = labels_of(base, train, settings.head)
        self.train = _relabelled(train, names)
        self.dev, self.test = (None if one is None else _relabelled(one, names) for one in (dev, test))
        self.label_names = names
        self.pinned = sentences
        self.teaching = teaching
        self.recording = 0.0
        self.network: Any = None

    def run(self, identity: Mapping[str, Any]) -> FineTuning:
        settings, staging = self.settings, self.journal.folder
        with ExitStack() as restored:
            threads = torch.get_num_threads()
            restored.callback(torch.set_num_threads, threads)
            torch.set_num_threads(settings.threads)
            from glassbert.tuning.trainer import train  # brings transformers' Trainer, which takes seconds

            self.journal.stage("reading")
            examples = examples_of(self.base, self.train, settings.max_tokens)
            if len(examples) == 0:
                raise OptionError("no text of the training table has a token that this model can read")
            lesson = None
            if self.teaching is not None:
                self.journal.stage("asking the teacher")
                lesson = lesson_of(self.teaching, self.train, examples.rows, self.label_names, self.cancelled)
            self.network = trainable(self.base, self.train, settings)
            if settings.lora_rank:
                task = TASK_OF[self.train.kind]
                self.network = with_adapters(self.network, self.base.checkpoint.family, task, settings.lora_rank)
            steps = train(
                self.network,
                self.base,
                examples,
                settings,
                classes=len(self.label_names),
                lesson=lesson,
                staging=staging,
                on_start=lambda total, done: self._start(total, done, examples),
                on_step=self._step,
                on_epoch=self._epoch,
                cancelled=self.cancelled,
            )
        if steps is None:
            raise StoppedError(STOPPED)
        return self._finish(steps, examples, identity)

    # --- while it trains ----------------------------------------------------------------------------------------

    def _start(self, total: int, done: int, examples: Examples) -> None:
        self.total, self.steps_before = total, done
        epochs = done * self.settings.epochs // total
        self.journal.start(
            done,
            epochs,
            steps=total,
            epochs=self.settings.epochs,
            rows=len(self.train),
            cut=examples.cut,
            labels=list(self.label_names),
            settings=self.settings.values(),
            reasons=self.settings.reasons,
            weights=self.base.parameters,
        )
        self.journal.stage("training")
        self._timed: list[tuple[int, float]] = []

    def _step(self, step: Step) -> None:
        self._timed.append((step.number, step.seconds))
        first = self._timed[max(0, len(self._timed) - 200)]
        left = None
        if step.number - first[0] >= _TIMED_STEPS:
            left = (step.seconds - first[1]) / (step.number - first[0]) * (self.total - step.number)
        self.journal.write(
            "step",
            step=step.number,
            epoch=step.epoch,
            loss=step.loss,
            learning_rate=step.learning_rate,
            tokens=step.tokens,
            seconds=round(step.seconds, 3),
            left=None if left is None else round(left, 1),
        )

    def _epoch(self, epoch: int, steps: Steps) -> bool:
        """Evaluate after an epoch, and tell whether to go on."""
        folder = self.journal.epoch_folder(epoch)
        losses = steps.losses[-(self.total // self.settings.epochs) :]
        details: dict[str, Any] = {"metrics": {}, "wrong": self._hardest(epoch, steps)}
        going_on = True
        if self.dev is not None or self.pinned:
            self.journal.stage("evaluating")
            with torch.random.fork_rng(devices=[]):
                state = np.random.get_state()
                current = folder / "model"
                write_model(self.network, self.base, current)
                model = load(current, self.settings.device)
                if self.dev is not None:
                    evaluation = evaluate(model, self.dev, cancelled=self.cancelled)
                    evaluation.save(folder / "dev.zip")
                    details = {"metrics": evaluation.metrics, "wrong": self._mistakes(evaluation)}
                    going_on = self._compare(epoch, evaluation, steps)
                self._explain(epoch, model, folder)
                np.random.set_state(state)
            best = self.journal.folder / "best"
            if self.settings.patience and steps.best_epoch == epoch:
                shutil.rmtree(best, ignore_errors=True)
                current.replace(best)
            shutil.rmtree(current, ignore_errors=True)
            self.network.train()
        self.journal.write("epoch", epoch=epoch, train_loss=float(np.mean(losses)), **details)
        if going_on and epoch < self.settings.epochs:
            self.journal.stage("training")
        return going_on

    def _compare(self, epoch: int, evaluation: Evaluation, steps: Steps) -> bool:
        name, sign = MAIN_METRIC[self.train.kind]
        value, loss = sign * evaluation.metrics[name], evaluation.metrics.get("loss", math.inf)
        equal = abs(value - steps.best_value) <= 1e-9 and loss < steps.best_loss * (1 - _LOSS_GAIN)
        if steps.best_epoch == 0 or value > steps.best_value + 1e-9 or equal:
            steps.best_epoch, steps.best_value, steps.best_loss = epoch, value, loss
        return not self.settings.patience or epoch - steps.best_epoch < self.settings.patience

    def _mistakes(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """The worst ones on the development set; ``row`` is the place in the table."""
        assert self.dev is not None
        return [
            {
                "row": place,
                "label": self.dev.label_text(place),
                "answer": _answer(evaluation, place),
                "confidence": float(evaluation.confidences[place]) if evaluation.kind == "classification" else None,
            }
            for place in evaluation.wrong(_WRONG)
        ]

    def _hardest(self, epoch: int, steps: Steps) -> list[dict[str, Any]]:
        """Without a development set: the training texts whose label was least probable."""
        if self.train.kind != "classification" or not len(steps.probabilities):
            return []
        chances = steps.probabilities[epoch - 1]
        hardest = np.argsort(chances, kind="stable")[:_WRONG]
        return [
            {
                "row": int(place),
                "label": self.train.label_text(int(place)),
                "answer": "",
                "confidence": float(1 - chances[place]),
            }
            for place in hardest
            if chances[place] < 0.5
        ]

    def _explain(self, epoch: int, model: Model, folder: Path) -> None:
        started = time.monotonic()
        for number, one in enumerate(self.pinned):
            found = one.explain(model)
            (folder / f"pinned-{number}.json").write_text(json.dumps(found), encoding="utf-8")
            self.journal.write("pinned", epoch=epoch, sentence=number, **found)
        self.recording += time.monotonic() - started

    def _taught(self) -> dict[str, Any]:
        if self.teaching is None:
            return {}
        one = self.teaching
        return {"teacher": one.teacher.source, "temperature": one.temperature, "teacher_share": one.share}

    # --- at the end ---------------------------------------------------------------------------------------------

    def _finish(self, steps: Steps, examples: Examples, identity: Mapping[str, Any]) -> FineTuning:
        staging, settings = self.journal.folder, self.settings
        epochs = -(-len(steps.losses) * settings.epochs // self.total)
        result = staging / "result"
        shutil.rmtree(result, ignore_errors=True)
        kept_best = settings.patience and steps.best_epoch not in (0, epochs) and (staging / "best").is_dir()
        if kept_best:
            shutil.copytree(staging / "best", result)
        else:
            write_model(self.network, self.base, result)
        self.network = None
        model = load(result, settings.device)
        self.journal.stage("evaluating")
        dev, test = (
            None if one is None else evaluate(model, one, cancelled=self.cancelled) for one in (self.dev, self.test)
        )
        seconds, started = steps.seconds, time.monotonic()
        errors: LabelErrors | None = None
        how: Moved | None = None
        if settings.label_errors:
            self.journal.stage("label errors")
            errors = find_label_errors(
                self.base,
                model,
                self.train,
                seed=settings.seed,
                half_precision=settings.precision == "bfloat16",
                progress=lambda done, total: self.journal.stage("label errors", done, total),
                cancelled=self.cancelled,
            )
        if settings.record:
            self.journal.stage("learning")
            how = moved(
                self.base,
                model,
                self.dev or self.train,
                seed=settings.seed,
                progress=lambda done, total: self.journal.stage("learning", done, total),
                cancelled=self.cancelled,
            )
        sentences = []
        for number, one in enumerate(self.pinned):
            self.journal.stage("receipts", number, len(self.pinned))
            files = [self.journal.epoch_folder(epoch) / f"pinned-{number}.json" for epoch in range(1, epochs + 1)]
            sentences.append(one.result(model, files, self.cancelled))
        self.recording += time.monotonic() - started
        self.journal.stage("writing")
        found = FineTuning(
            folder=str(self.out),
            base=self.base.source,
            kind=self.train.kind,
            label_names=self.label_names,
            settings=settings.values(),
            reasons=dict(settings.reasons),
            data={
                "identity": _digest(identity),
                "source": self.train.source,
                "rows": len(self.train),
                "examples": len(examples),
                "cut": examples.cut,
                "bad_rows": len(self.train.bad_rows),
                "fingerprint": self.train.fingerprint,
                "tokens": steps.tokens,
                "glassbert": str(sys.modules[__name__.partition(".")[0]].__version__),
                "torch": torch.__version__,
                **self._taught(),
            },
            losses=np.asarray(steps.losses),
            learning_rates=np.asarray(steps.learning_rates),
            epochs=tuple(self._evaluations(epochs)),
            best_epoch=steps.best_epoch if kept_best else epochs,
            dev=dev,
            test=test,
            data_map=_data_map(steps, examples, epochs),
            label_errors=errors,
            pinned=tuple(sentences),
            moved=how,
            seconds=seconds,
            recording_seconds=self.recording,
        )
        found.save(result / RESULT)
        (result / "README.md").write_text(model_card(found, self.base), encoding="utf-8")
        self.out.parent.mkdir(parents=True, exist_ok=True)
        result.replace(self.out)
        self.journal.write("done")
        self.journal.remove()
        return found

    def _evaluations(self, epochs: int) -> list[Evaluation]:
        places = [self.journal.epoch_folder(epoch) / "dev.zip" for epoch in range(1, epochs + 1)]
        found = [load_result(place) for place in places if place.is_file()]
        return [one for one in found if isinstance(one, Evaluation)]


def _answer(evaluation: Evaluation, place: int) -> str:
    """What the model answered instead, in words; "" for labels of words."""
    if evaluation.kind == "classification":
        return str(evaluation.label_names[evaluation.answers[place]])
    if evaluation.kind == "multi_label":
        return ", ".join(evaluation.label_names[one] for one in np.flatnonzero(evaluation.answers[place]))
    if evaluation.kind == "regression":
        return f"{evaluation.predicted[place]:.4g}"
    return evaluation.answer_texts[place] if evaluation.answer_texts else ""


def _data_map(steps: Steps, examples: Examples, epochs: int) -> DataMap | None:
    """The dynamics of each text: means over its pieces."""
    if not len(steps.probabilities):
        return None
    rows, inverse = np.unique(examples.rows, return_inverse=True)
    count = np.bincount(inverse)
    chances = np.stack([np.bincount(inverse, weights=one) / count for one in steps.probabilities[:epochs]])
    right = np.bincount(inverse, weights=steps.correct[:epochs].mean(axis=0)) / count
    return DataMap(rows=rows, probabilities=chances, correctness=right)


def _relabelled(table: Table, names: tuple[str, ...]) -> Table:
    """The table with its labels as places in ``names``: a head that is kept has its own order."""
    if table.label_names == names or not table.label_names:
        return table
    place = [names.index(one) for one in table.label_names]
    if table.kind == "classification":
        labels: tuple[Any, ...] = tuple(place[one] for one in table.labels)
    else:
        labels = tuple(tuple(place[one] for one in own) for own in table.labels)
    return replace(table, labels=labels, label_names=names)
