"""The settings of a fine-tuning, and defaults chosen from the data and the machine, each with its reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import torch

from glassbert.arguments import check_fields, checked
from glassbert.errors import OptionError, OptionTypeError
from glassbert.families import TASKS, Task
from glassbert.network.device import choose_device
from glassbert.network.model import Model, load
from glassbert.tables import Table
from glassbert.tuning.examples import lengths_of

__all__ = ["TASK_OF", "TrainingSettings", "is_kept", "opened", "training_settings"]

#: Kind of table → the task head that is trained on it.
TASK_OF: Mapping[str, Task] = {
    "classification": "classification",
    "multi_label": "classification",
    "regression": "classification",
    "tokens": "token_classification",
    "spans": "question_answering",
    "texts": "masked_words",
}
#: From this ratio between the most and the least frequent class on, classes are weighted.
_UNBALANCED = 8
_SMALL_PARAMETERS = 60_000_000
_MOST_TOKENS = 512
_LABEL_ERROR_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How a model is fine-tuned. :func:`training_settings` chooses the defaults from the data.

    ``head``: "new" starts the task head at random, "kept" goes on with that of the model, which must have the same
    labels. ``warm_up`` is the share of the steps during which the learning rate rises; then it falls to 0.
    ``tokens_per_batch`` counts padding, ``max_tokens`` cuts longer texts. ``freeze_embeddings`` keeps the word
    embeddings, ``freeze_layers`` all embeddings and that many of the lowest layers. ``lora_rank``: 0 trains all other
    weights; else low-rank adapters beside the query and value projections are trained in their place and merged at the
    end (Hu et al. 2021; needs peft). ``class_weights``: "balanced" gives each class the same weight in the loss
    (number of rows / (classes × rows of the class), at most 10). ``patience``: epochs without a gain on the
    development set after which the training ends; the model of the best epoch is kept. A gain is a better macro F1 (or
    the main metric of the kind of table), or the same with a lower loss. 0: all epochs, and the model of
    the last. ``record``: keep what the data map needs, explain the pinned sentences after each epoch and measure what
    has moved. ``label_errors``: look for wrong labels. ``reasons`` says why each default was chosen.
    Raises OptionError.
    """

    head: Literal["new", "kept"] = "new"
    epochs: int = 3
    learning_rate: float = 5e-5
    warm_up: float = 0.06
    tokens_per_batch: int = 1024
    max_tokens: int = 128
    weight_decay: float = 0.01
    freeze_embeddings: bool = False
    freeze_layers: int = 0
    lora_rank: int = 0
    class_weights: Literal["none", "balanced"] = "none"
    patience: int = 0
    seed: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    device: str = "auto"
    threads: int = 1
    record: bool = True
    label_errors: bool = True
    reasons: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        check_fields(self, OptionTypeError)
        for name, least, most in (
            ("epochs", 1, 1000),
            ("learning_rate", 1e-9, 1),
            ("warm_up", 0, 1),
            ("tokens_per_batch", 8, 1_000_000),
            ("max_tokens", 4, 100_000),
            ("weight_decay", 0, 1),
            ("freeze_layers", 0, 1000),
            ("lora_rank", 0, 1024),
            ("patience", 0, 1000),
            ("seed", 0, 2**32 - 1),
            ("threads", 1, 1024),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise OptionError(f"{name} must be from {least:g} to {most:,g}; got {value}")

    def values(self) -> dict[str, Any]:
        """Name → value, without the reasons."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "reasons"}


@checked
def training_settings(
    model: Model | str | os.PathLike[str], train: Table, dev: Table | None = None, **chosen: Any
) -> TrainingSettings:
    """The settings with which :func:`glassbert.finetune` would train, each default chosen from data and machine.

        gb.training_settings("pretrained", train, dev, epochs=5).reasons["tokens_per_batch"]

    ``chosen`` are fields of :class:`TrainingSettings` that are not chosen here. Nothing is trained; the model is
    loaded if it is not yet. Raises OptionError for an unknown name or a value out of range, and ModelError.
    """
    known = {one.name for one in fields(TrainingSettings)} - {"reasons"}
    if unknown := sorted(set(chosen) - known):
        raise OptionError(f"there is no setting {unknown[0]!r}; the settings are {', '.join(sorted(known))}")
    base = opened(model)
    defaults = _defaults(base, train, dev, chosen)
    values = {name: value for name, (value, _) in defaults.items()} | chosen
    reasons = {name: reason for name, (_, reason) in defaults.items() if name not in chosen}
    settings = TrainingSettings(**values, reasons=reasons)
    _check(base, train, dev, settings)
    return settings


def opened(model: Model | str | os.PathLike[str]) -> Model:
    """The model, loaded if need be, on the CPU. Raises a ModelError."""
    return model if isinstance(model, Model) else load(model, "cpu")


def is_kept(model: Model, table: Table) -> bool:
    """Whether the model has a trained head for this kind of table and these labels, in any order."""
    if TASK_OF[table.kind] not in model.task_heads:
        return False
    if table.kind == "regression":
        return model.regression
    if table.kind in ("spans", "texts"):
        return True
    same_kind = table.kind == "tokens" or (not model.regression and model.multi_label == (table.kind == "multi_label"))
    return same_kind and set(table.label_names) == set(model.labels)


def _defaults(model: Model, train: Table, dev: Table | None, chosen: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Setting → value and reason, a sentence."""
    lengths = lengths_of(model, train)
    rows = len(train)
    found: dict[str, tuple[Any, str]] = {}
    if not is_kept(model, train):
        found["head"] = ("new", "The model has no head with the labels of the table.")
    elif train.label_names:
        found["head"] = ("kept", "The model's own head has the labels of the table.")
    else:
        found["head"] = ("kept", f"The model has a head for {TASKS[TASK_OF[train.kind]]}.")
    epochs = int(np.clip(-(-6000 // max(1, rows)), 3, 10))
    found["epochs"] = (epochs, f"{rows:,} rows. From 3 epochs of a large table to 10 of a small one.")
    lora = chosen.get("lora_rank", 0) > 0
    small = model.parameters < _SMALL_PARAMETERS
    found["learning_rate"] = (
        (5e-4, "Adapters start at zero and take larger steps.") if lora
        else (1e-4, f"A small model ({model.parameters / 1e6:.0f} million weights).") if small
        else (3e-5, f"A model of {model.parameters / 1e6:.0f} million weights; published recipes use 2e-5 to 5e-5.")
    )  # fmt: skip
    limit = min(model.max_tokens, _MOST_TOKENS)
    wanted = int(np.quantile(lengths, 0.995)) if len(lengths) else 8
    most = int(np.clip(-(-wanted // 8) * 8, 8, limit))
    each = rows / max(1, len(lengths))  # texts that one of those looked at stands for
    cut = round(each * int((lengths > most).sum()))
    found["max_tokens"] = (most, f"{_share(cut, rows)} of the texts are longer.")
    steps = 20
    total = round(each * int(np.minimum(lengths, chosen.get("max_tokens", most)).sum()))
    tokens = int(np.clip(32 * total // max(1, rows), 256, 8192))
    if tokens * steps > total:
        found["tokens_per_batch"] = (max(64, total // steps), f"A small table: at least {steps} steps an epoch.")
    else:
        found["tokens_per_batch"] = (tokens, "About 32 texts of mean length.")
    found["class_weights"] = _weights(train)
    patience = 2 if dev is not None and chosen.get("epochs", epochs) > 3 else 0
    found["patience"] = (patience, "Several epochs and a development set: stop when it gains nothing for two epochs."
                         if patience else "All epochs are few enough." if dev is not None
                         else "Without a development set nothing tells when to stop.")  # fmt: skip
    device = choose_device(chosen.get("device", "auto"))
    found["device"] = (device, "The fastest one here.")
    fast = _has_bfloat16(device)
    found["precision"] = (
        ("bfloat16", "This machine multiplies in bfloat16 several times faster; weights stay in float32.") if fast
        else ("float32", "This machine has no fast bfloat16.")
    )  # fmt: skip
    found["threads"] = (min(os.cpu_count() or 1, 8), "As many as the machine has cores, at most 8.")
    errors = train.kind == "classification" and rows <= _LABEL_ERROR_ROWS and rows >= 50
    found["label_errors"] = (errors, "The states of half the layers are read once for it." if errors else
                             f"Only for classes, and from 50 to {_LABEL_ERROR_ROWS:,} rows.")  # fmt: skip
    return found


def _share(part: int, whole: int) -> str:
    if part == 0:
        return "None"
    return f"{part:,} ({100 * part / max(1, whole):.1f} %)"


def _weights(train: Table) -> tuple[str, str]:
    if train.kind != "classification":
        return "none", "Only classes are weighted."
    counts = np.bincount(np.asarray(train.labels, dtype=np.int64), minlength=len(train.label_names))
    counts = counts[counts > 0]
    if len(counts) and counts.max() >= _UNBALANCED * counts.min():
        return "balanced", f"The largest class has {counts.max():,} rows and the smallest {counts.min():,}."
    return "none", "The smallest class has more than an eighth of the texts of the largest."


def _has_bfloat16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and any(torch.cpu.get_capabilities().get(name) for name in ("amx_bf16", "avx512_bf16"))


def _check(model: Model, train: Table, dev: Table | None, settings: TrainingSettings) -> None:
    """Raise OptionError for what cannot be trained."""
    if len(train) == 0:
        raise OptionError("the training table has no row that can be used: see its bad_rows")
    if train.kind == "classification" and len(set(train.labels)) < 2:
        raise OptionError(
            f"all texts have the label {train.label_names[train.labels[0]]!r}: a classifier needs at least two classes"
        )
    if (
        len(train) > 1
        and train.kind != "texts"
        and len({*zip(train.texts, train.pairs or train.texts, strict=True)}) == 1
    ):
        raise OptionError(
            f"all {len(train):,} texts of the training table are the same, so nothing in them can tell one label from "
            "another: check which column holds the texts"
        )
    if dev is not None and (dev.kind != train.kind or dev.label_names != train.label_names):
        raise OptionError(
            "the development or test table has another kind or other labels than the training table: read it with "
            "kind= and label_names= of that one"
        )
    if settings.head == "kept" and not is_kept(model, train):
        raise OptionError(
            f"{model.source!r} has no head with the labels {', '.join(train.label_names[:5]) or 'of this table'}: "
            'choose head="new"'
        )
    if train.kind == "texts" and settings.head == "new":
        raise OptionError(
            f"{model.source!r} has no trained head for masked words, which further training on plain text needs"
        )
    if settings.freeze_layers > model.layers:
        raise OptionError(f"{model.source!r} has {model.layers} layers; freeze_layers is {settings.freeze_layers}")
    if settings.max_tokens > model.max_tokens:
        raise OptionError(
            f"{model.source!r} reads at most {model.max_tokens} tokens; max_tokens is {settings.max_tokens}"
        )
    if model.ablated_heads:
        raise OptionError("this model has heads switched off: pass the model itself")
