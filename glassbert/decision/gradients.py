"""F and its gradient for many rows of embeddings at once, of one or several decisions.

The decisions of one call share a model and a task head. Rows of different lengths are padded and masked, rows of
similar length share a pass, and a pass has as many rows as memory and cores can use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.functional import pad

from glassbert.decision.runner import Runner
from glassbert.network.batches import batches_with_gradients
from glassbert.network.run import Forward, batch, forward_pass
from glassbert.targets import AnswerTarget, SpanTarget

__all__ = ["Row", "alike", "gradients_in_parts", "in_batches", "run_rows", "values_and_gradients"]


@dataclass(frozen=True, slots=True)
class Row:
    """One point at which to evaluate F: word embeddings (token, dimension) of a decision."""

    runner: Runner
    embeddings: Tensor

    @property
    def length(self) -> int:
        return self.runner.decision.length


def alike(runners: Sequence[Runner]) -> list[list[int]]:
    """Indices of decisions that can share a pass: same head, same end of an answer, entities of as many tokens; the
    shortest first."""

    def kind(index: int) -> tuple[str, str, int]:
        decision = runners[index].decision
        edge = decision.target.edge if isinstance(decision.target, AnswerTarget) else ""
        return type(decision.target).__name__, edge, decision.read_at.numel()

    order = sorted(range(len(runners)), key=lambda index: (*kind(index), runners[index].decision.length))
    return [list(group) for _, group in groupby(order, key=kind)]


def in_batches(rows: Sequence[Row], most_rows: int | None = None) -> list[list[int]]:
    """Indices of the rows of each pass, of similar length."""
    if not rows:
        return []
    return list(batches_with_gradients(rows[0].runner.decision.model, [row.length for row in rows], most_rows))


def values_and_gradients(rows: Sequence[Row], most_rows: int | None = None) -> list[tuple[float, Tensor]]:
    """F and ∂F/∂x, (token, dimension), at each row; ``most_rows`` per pass, None: chosen from length and memory."""
    results: dict[int, tuple[float, Tensor]] = {}
    for chosen in in_batches(rows, most_rows):
        values, points, _ = run_rows([rows[index] for index in chosen], attention=False)
        (gradients,) = torch.autograd.grad(values.sum(), points)
        for place, index in enumerate(chosen):
            results[index] = float(values[place].detach()), gradients[place, : rows[index].length]
    return [results[index] for index in range(len(rows))]


def gradients_in_parts(value: Callable[[Tensor], Tensor], most_rows: int) -> Callable[..., tuple[Tensor]]:
    """A ``gradient_func`` for Captum with at most ``most_rows`` rows per pass: Captum would run all at once."""

    def gradients(_forward: object, inputs: tuple[Tensor, ...], *_unused: object) -> tuple[Tensor]:
        parts = []
        with torch.enable_grad():
            for part in torch.split(inputs[0].detach(), most_rows):
                point = part.requires_grad_()
                parts.append(torch.autograd.grad(value(point).sum(), point)[0])
        return (torch.cat(parts),)

    return gradients


def run_rows(rows: Sequence[Row], *, attention: bool) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """F (row,), the padded points to differentiate it with respect to, and the attention weights of each layer."""
    runners = [row.runner for row in rows]
    first, model, length = runners[0], runners[0].decision.model, max(row.length for row in rows)
    inputs = batch(model, [runner.decision.encoded for runner in runners])
    positions = torch.cat([runner.decision.read_at for runner in runners])
    for runner in runners:
        runner.passes.add(1)
    with torch.enable_grad():
        points = torch.stack([pad(row.embeddings, (0, 0, 0, length - len(row.embeddings))) for row in rows])
        points = points.detach().requires_grad_()

        def read(forward: Forward) -> tuple[Tensor, tuple[Tensor, ...]]:
            if attention:
                return first.read(forward, positions, attention=True)
            return first.logits_of(forward, positions), ()

        logits, weights = forward_pass(model, inputs, read, embeddings=points)
        values = []
        for _, group in groupby(range(len(rows)), key=lambda index: id(runners[index])):
            places = list(group)
            decision = runners[places[0]].decision
            own = logits[places]
            if isinstance(decision.target, AnswerTarget | SpanTarget):
                own = own[..., : decision.length]  # its classes are the tokens; the rest is padding
            values.append(decision.value(own))
    return torch.cat(values), points, weights
