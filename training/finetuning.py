"""What all fine-tuning has in common: its settings, batches of texts of about the same length, the loop over steps.

Everything is drawn from one generator, so a run with one thread is deterministic.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from training.errors import RecipeError
from training.precision import add_precision_option, check_precision
from training.progress import RunningMeans

__all__ = [
    "FinetuneSettings",
    "FinetuningRun",
    "add_finetune_options",
    "fine_tune",
    "groups_by_length",
    "load_for_finetuning",
    "padded",
    "rate_at",
]

WARM_UP_SHARE = 0.06
_LOG_STEPS = 50
_MULTIPLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings:
    """The settings that every fine-tuning has."""

    model: Path
    data: Path
    out: Path
    epochs: int = 3
    learning_rate: float = 1e-4
    tokens_per_batch: int = 2048
    threads: int = 1
    seed: int = 1
    freeze_embeddings: bool = False
    freeze_layers: int = 0  # the lowest ones, and with them all embeddings
    device: str = "cpu"
    precision: str = "bfloat16"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.epochs < 1:
            raise RecipeError("epochs must be at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class FinetuningRun:
    """``model`` is the fine-tuned model in float32; ``losses`` has one loss per step."""

    model: Any
    losses: tuple[float, ...]
    tokens: int


class Batch(Protocol):
    """What the loop needs to know of a batch; everything else is between the data and the loss."""

    @property
    def attention_mask(self) -> torch.Tensor:  # (text, token)
        ...


_Batch = TypeVar("_Batch", bound=Batch)


def groups_by_length(lengths: Sequence[int], *, tokens_per_batch: int, rng: random.Random | None) -> list[list[int]]:
    """Indices of texts of about the same length, together about ``tokens_per_batch`` tokens, padding included.

    With ``rng`` the texts mix with neighbours up to 4 tokens longer or shorter and the groups come in random order;
    without, in order of length.
    """
    order = sorted(range(len(lengths)), key=lambda index: lengths[index] + (rng.random() * 4 if rng else 0))
    groups: list[list[int]] = []
    for index in order:
        if not groups or (len(groups[-1]) + 1) * lengths[index] > tokens_per_batch:
            groups.append([])
        groups[-1].append(index)
    if rng:
        rng.shuffle(groups)
    return groups


def padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    """The rows as one tensor (text, token), filled up at their ends."""
    # to a multiple: the matrix library generates code for every new shape, which otherwise costs as much as the step
    width = -(-max(map(len, rows)) // _MULTIPLE) * _MULTIPLE
    tensor = torch.full((len(rows), width), fill)
    for row, values in zip(tensor, rows, strict=True):
        row[: len(values)] = torch.tensor(values)
    return tensor


def load_for_finetuning(model_class: Any, settings: FinetuneSettings, **configuration: Any) -> Any:
    """The pre-trained encoder under a new head, on the device, with what the settings freeze frozen."""
    model = model_class.from_pretrained(
        settings.model,
        dtype=torch.float32,
        attn_implementation="eager" if torch.device(settings.device).type == "cpu" else "sdpa",
        **configuration,
    )
    if settings.freeze_embeddings:
        model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    if settings.freeze_layers:
        for part in (model.bert.embeddings, *model.bert.encoder.layer[: settings.freeze_layers]):
            part.requires_grad_(False)
    return model.to(settings.device)


def fine_tune(
    model: Any,
    epochs: Sequence[Callable[[], list[_Batch]]],
    loss_of: Callable[[_Batch], torch.Tensor],
    *,
    learning_rate: float,
    after_epoch: Callable[[int], None],
) -> FinetuningRun:
    """Train with AdamW on the batches that each epoch draws; ``after_epoch`` is called with the number of each."""
    # the number of batches varies slightly between draws: a first draw only determines the length of the run
    steps = sum(len(draw()) for draw in epochs)
    optimiser = _optimiser(model, learning_rate)
    losses: list[float] = []
    tokens, means = 0, RunningMeans()
    for epoch, draw in enumerate(epochs):
        model.train()
        for batch in draw():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * rate_at(len(losses) / steps)
            losses.append(_step(model, loss_of(batch), optimiser))
            tokens += int(batch.attention_mask.sum())
            means.update({"loss": losses[-1]})
            if len(losses) % _LOG_STEPS == 0:
                print(f"epoch {epoch} step {len(losses)}/{steps} {means} {tokens / 1e6:.2f}M tokens", flush=True)
        after_epoch(epoch)
    print(f"done: {len(losses)} steps, {tokens} tokens", flush=True)
    return FinetuningRun(model, tuple(losses), tokens)


def rate_at(progress: float) -> float:
    """Share of the full learning rate: up from 0 over the first 6 % of the run, then down to 0."""
    if progress < WARM_UP_SHARE:
        return progress / WARM_UP_SHARE
    return max(0.0, (1 - progress) / (1 - WARM_UP_SHARE))


def _optimiser(model: Any, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW over what is not frozen; biases and LayerNorm weights, the one-dimensional parameters, are not decayed."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in parameters if parameter.dim() > 1], "weight_decay": 0.01},
        {"params": [parameter for parameter in parameters if parameter.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _step(model: Any, loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
    """One step; returns its loss in nats."""
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return loss.item()


def add_finetune_options(parser: argparse.ArgumentParser, default: FinetuneSettings) -> None:
    """Add the options of `FinetuneSettings`, with the defaults of ``default``."""
    parser.add_argument("--model", type=Path, default=default.model, help="the pre-trained checkpoint")
    parser.add_argument("--data", type=Path, default=default.data, help="folder of the labelled texts")
    parser.add_argument("--out", type=Path, default=default.out)
    parser.add_argument("--epochs", type=int, default=default.epochs)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--tokens-per-batch", type=int, default=default.tokens_per_batch)
    parser.add_argument("--threads", type=int, default=default.threads)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--device", default=default.device)
    add_precision_option(parser)
    parser.add_argument("--freeze-embeddings", action="store_true", help="keep the pre-trained word embeddings")
    parser.add_argument(
        "--freeze-layers", type=int, default=default.freeze_layers, help="keep all embeddings and the N lowest layers"
    )
