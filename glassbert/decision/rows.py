"""F and its gradient for many rows of embeddings at once, of one problem or of several.

The problems of one call belong to one model and one head. Rows of different lengths are padded and masked, rows of
similar length go together, and a pass holds as many as memory and the cores can use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.functional import pad

from glassbert.decision.problem import Problem
from glassbert.network.model import batch, network_inputs
from glassbert.targets import AnswerTarget

__all__ = ["Row", "alike", "gradients_in_parts", "passes", "run_rows", "values_and_gradients"]

# Beyond this many token rows a pass gains nothing more from a larger batch: on a CPU its states leave the caches.
_CPU_TOKEN_ROWS, _GPU_TOKEN_ROWS = 768, 16_384


@dataclass(frozen=True, slots=True)
class Row:
    """One point to ask F at: word embeddings (token, dimension) of a problem."""

    problem: Problem
    embeddings: Tensor


def alike(problems: Sequence[Problem]) -> list[list[int]]:
    """Indices of problems that can share a pass: one head, one edge of an answer, the shortest first."""

    def kind(index: int) -> tuple[str, str]:
        target = problems[index].target
        return type(target).__name__, target.edge if isinstance(target, AnswerTarget) else ""

    order = sorted(range(len(problems)), key=lambda index: (*kind(index), problems[index].length))
    return [list(group) for _, group in groupby(order, key=kind)]


def values_and_gradients(rows: Sequence[Row], most_rows: int | None = None) -> list[tuple[float, Tensor]]:
    """F and ∂F/∂x, (token, dimension), at each row; ``most_rows`` a pass, None: chosen from length and memory."""
    results: dict[int, tuple[float, Tensor]] = {}
    for chosen in passes(rows, most_rows):
        values, points, _ = run_rows([rows[index] for index in chosen], attention=False)
        (gradients,) = torch.autograd.grad(values.sum(), points)
        for place, index in enumerate(chosen):
            results[index] = float(values[place].detach()), gradients[place, : rows[index].problem.length]
    return [results[index] for index in range(len(rows))]


def gradients_in_parts(value: Callable[[Tensor], Tensor], most_rows: int) -> Callable[..., tuple[Tensor]]:
    """A ``gradient_func`` for Captum that takes so many rows a pass: Captum would take all at once."""

    def gradients(_forward: object, inputs: tuple[Tensor, ...], *_unused: object) -> tuple[Tensor]:
        parts = []
        with torch.enable_grad():
            for part in torch.split(inputs[0].detach(), most_rows):
                point = part.requires_grad_()
                parts.append(torch.autograd.grad(value(point).sum(), point)[0])
        return (torch.cat(parts),)

    return gradients


def passes(rows: Sequence[Row], most_rows: int | None = None) -> Iterator[list[int]]:
    """Indices of the rows of each pass, of similar length."""
    order = sorted(range(len(rows)), key=lambda index: rows[index].problem.length)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order):
            longest = rows[order[end]].problem
            enough = _CPU_TOKEN_ROWS if longest.model.device == "cpu" else _GPU_TOKEN_ROWS
            limit = most_rows or min(longest.rows_that_fit(), max(1, enough // longest.length))
            if end + 1 - start > limit:
                break
            end += 1
        yield order[start:end]
        start = end


def run_rows(rows: Sequence[Row], *, attention: bool) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """F (row,), the padded points it can be differentiated by, and the attention weights of each layer."""
    problems = [row.problem for row in rows]
    first, length = problems[0], max(problem.length for problem in problems)
    inputs = batch(first.model, [problem.encoded for problem in problems])
    explained = torch.tensor([problem.explained_position for problem in problems])
    for problem in problems:
        problem.passes.add(1)
    with torch.enable_grad():
        points = torch.stack([pad(row.embeddings, (0, 0, 0, length - len(row.embeddings))) for row in rows])
        points = points.detach().requires_grad_()

        def work(device: str) -> tuple[Tensor, tuple[Tensor, ...]]:
            embeddings = points.to(device, first.model.network.dtype)
            if not attention:
                return first.scores_of_embeddings(inputs, embeddings, explained), ()
            arguments = network_inputs(first.model, inputs, device, embeddings)
            return first._scores(arguments, explained.to(device), attention=attention)

        logits, weights = first.model.run(work)
        values = []
        for _, group in groupby(range(len(rows)), key=lambda index: id(problems[index])):
            places = list(group)
            problem = problems[places[0]]
            own = logits[places]
            if isinstance(problem.target, AnswerTarget):
                own = own[:, : problem.length]  # its classes are the tokens; the rest is padding
            values.append(problem.contrast(own))
    return torch.cat(values), points, weights
