"""What each token moves a text's embedding by: its Jacobian, integrated from a reference text to the text.

Along the straight line x(α) = r + α (x − r) of word embeddings, token i contributes

    V_i = ∫₀¹ (∂e/∂x_i)(x(α)) · (x_i − r_i) dα,

a vector as wide as the embedding e, of length 1. Their sum is e(x) − e(r). A Jacobian-vector product takes two
backward passes: g(v) = Jᵀv is linear in v, so its derivative in the direction (x_i − r_i) is J (x_i − r_i). All tokens
share the forward pass and the first backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from glassbert.attribution._path import Path, first_round
from glassbert.decision import Passes
from glassbert.models.pooling import Pooling
from glassbert.network.batches import inputs_with_gradients
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, forward_pass
from glassbert.network.task_heads import pooled
from glassbert.results import Array, Encoded

__all__ = ["TokenVectors", "integrated_jacobian"]

_MOST_NODES = 128
# The embedding has length 1: a smaller change of it cannot be attributed in float32.
_SMALLEST_CHANGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """The tokens' parts of e(x) − e(r)."""

    vectors: Array  # (token, hidden), V
    embedding: Array  # (hidden,), e(x)
    reference: Array  # (hidden,), e(r)
    nodes: int  # points of the line at which the Jacobian was computed

    @property
    def error(self) -> float:
        """|Σ V − (e(x) − e(r))|, of vectors of length 1."""
        return float(np.linalg.norm(self.vectors.sum(axis=0) - (self.embedding - self.reference)))


def integrated_jacobian(
    model: Model,
    encoded: Encoded,
    start: Tensor,
    end: Tensor,
    pooling: Pooling,
    *,
    tolerance: float,
    passes: Passes,
    done: Callable[[int], None] | None = None,
) -> TokenVectors:
    """Integrate from ``start`` to ``end``, word embeddings (token, dimension).

    Nodes are added where the error is until it is at most ``tolerance`` · |e(x) − e(r)|, or there are 128. Each takes
    one forward pass, and backward passes that cost about as much as one and a half for each token that moves.
    ``done(nodes)`` is called after each.
    """
    path = Path(first_round(tolerance), _MOST_NODES)
    step = end - start
    moves = torch.nonzero(step.abs().sum(dim=-1) > 0)[:, 0]
    while not path.done(tolerance, _SMALLEST_CHANGE):
        for place in path.wanted():
            passes.add(1)
            value, density = _at(model, encoded, start + place * step, step, moves, pooling)
            path.give(place, value, density)
            if done is not None:
                done(path.nodes)
    value, reference = path.ends()
    return TokenVectors(np.asarray(path.scores()), value, reference, path.nodes)


def _at(
    model: Model, encoded: Encoded, point: Tensor, step: Tensor, moves: Tensor, pooling: Pooling
) -> tuple[Array, Array]:
    """e (hidden,) and J · step of each token, (token, hidden), at one point; tokens that do not move have zeros."""
    inputs = batch(model, [encoded])
    most = max(1, inputs_with_gradients(model, len(encoded)) // 2)

    def read(forward: Forward) -> Tensor:
        embedding: Tensor = normalize(
            pooled(forward.encoder().last_hidden_state, inputs.attention_mask, pooling), dim=-1
        )
        return embedding

    with torch.enable_grad():
        point = point[None].detach().requires_grad_()
        embedding = forward_pass(model, inputs, read, embeddings=point)
        cotangent = torch.zeros_like(embedding, requires_grad=True)
        (gradient,) = torch.autograd.grad(embedding, point, cotangent, create_graph=True)
        products = torch.zeros(len(encoded), embedding.shape[1], device=embedding.device)
        for chosen in torch.split(moves, most):
            directions = torch.zeros(len(chosen), *point.shape, device=point.device)
            directions[range(len(chosen)), 0, chosen] = step[chosen]
            (moved,) = torch.autograd.grad(gradient, cotangent, directions, is_grads_batched=True, retain_graph=True)
            products[chosen] = moved[:, 0]
    return embedding[0].detach().double().cpu().numpy(), products.double().cpu().numpy()
