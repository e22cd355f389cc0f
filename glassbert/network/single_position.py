"""Many inputs that differ in few tokens, each read at one position: shared work is done only once.

A text of n tokens with each token masked in turn gives n inputs of n tokens. Three parts of their forward pass are not
needed in full, and leaving them out changes only the rounding:

- **The first layer** reads embeddings, and an embedding depends only on its token, position and segment. The n inputs
  together have about 2 n distinct embeddings, not n². So queries, keys and values are computed once per distinct
  embedding and then copied to all its occurrences.
- **The last layer** is read only at the position p, so only that position needs a query. With its query q, a head's
  score for the state x_j is q · (W_K x_j + b_K) = (W_Kᵀ q) · x_j + q · b_K, and the last term, equal for every j,
  cancels in the softmax. The head's output is Σ_j a_j (W_V x_j + b_V) = W_V (Σ_j a_j x_j) + b_V, since the weights a_j
  sum to 1. Keys and values of the other positions are never computed, and the rest of the layer is one row.
- **Attention** in the layers in between runs as torch's fused kernel, unless the inputs are short. It never writes the
  weights to memory, and they are not needed here.

A family whose record does not allow this (:attr:`Family.one_position`) runs in full, and its last states are selected
at the positions, which gives the same numbers.

The stock network itself runs, with hooks at its projections. A head of the last layer receives a single state, whose
weight is 1 whatever its score, so it outputs the value placed there: the sum above.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from glassbert.network.blocks import blocks, change_arguments, change_input, change_output, fused_attention, see_output
from glassbert.network.model import Model, padding_index
from glassbert.network.run import Batch

__all__ = ["only_positions"]


@contextmanager
def only_positions(model: Model, inputs: Batch, positions: Tensor, *, embedded: bool = False) -> Iterator[None]:
    """A context in which the encoder returns the last states at ``positions``, one per input: (input, 1, hidden).

    For passes of ``inputs``, inside `network.run.locked`. ``embedded``: word embeddings replace the tokens; they may
    differ where the tokens are equal, so the first layer is computed in full. Differentiable.
    """
    with ExitStack() as stack:
        if not model.checkpoint.family.one_position or model.checkpoint.int8:
            stack.enter_context(_picked_out(model, positions))
        else:
            if model.layers > 1 and not embedded:
                stack.enter_context(_first_layer_once(model, inputs))
            stack.enter_context(_last_layer_at(model, positions))
        stack.enter_context(fused_attention(model.network, inputs.input_ids.shape[1]))
        yield


def _picked_out(model: Model, positions: Tensor) -> AbstractContextManager[None]:
    """A context in which the last layer is computed in full and returns its states at one position per input."""

    def pick(layer: int, states: Tensor) -> Tensor:
        if layer < model.layers - 1:
            return states
        rows = torch.arange(len(positions), device=states.device)
        return states[rows, positions.to(states.device)][:, None]

    picked: AbstractContextManager[None] = change_output(model.network, "layer", pick)
    return picked


@contextmanager
def _first_layer_once(model: Model, inputs: Batch) -> Iterator[None]:
    """A context in which the first layer projects each distinct embedding once."""
    padding = padding_index(model.network) if model.checkpoint.family.positions_after_padding else None
    kinds = _kinds(inputs, padding).flatten()
    _, kind_of = torch.unique(kinds, return_inverse=True)
    example = torch.empty(int(kind_of.max()) + 1, dtype=torch.int64)
    example[kind_of] = torch.arange(len(kind_of))  # any row of its kind
    example, kind_of = example.to(model.device), kind_of.to(model.device)

    def pick(layer: int, states: Tensor) -> Tensor:
        return states if layer else states.flatten(0, 1)[example]

    def deal_out(layer: int, projected: Tensor) -> Tensor:
        return projected if layer else projected[kind_of].view(*inputs.input_ids.shape, -1)

    with ExitStack() as stack:
        for part in ("query", "key", "value"):
            stack.enter_context(change_input(model.network, part, pick))
            stack.enter_context(change_output(model.network, part, deal_out))
        yield


def _kinds(inputs: Batch, padding: int | None) -> Tensor:
    """(input, token): equal where token, position and segment are. RoBERTa and MPNet skip padding in positions."""
    ids, length = inputs.input_ids, inputs.input_ids.shape[1]
    padding_before = torch.zeros_like(ids) if padding is None else (ids == padding).cumsum(dim=1)
    segments = int(inputs.token_type_ids.max()) + 1
    kinds = ids * length + torch.arange(length)
    return (kinds * segments + inputs.token_type_ids) * (length + 1) + padding_before


@contextmanager
def _last_layer_at(model: Model, positions: Tensor) -> Iterator[None]:
    """A context in which the last layer is computed at one position per input."""
    network, last = model.network, model.layers - 1
    block = blocks(network)[last]
    inputs, width = len(positions), block.value.out_features  # of the heads that are not removed
    heads = width // (model.hidden_size // model.attention_heads)
    rows, columns = torch.arange(inputs), positions
    key, value = (
        linear.weight.view(heads, -1, model.hidden_size) for linear in (block.key, block.value)
    )  # (head, size, hidden)
    states = added = query = torch.empty(0)

    def narrow(layer: int, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        nonlocal states, added, rows, columns
        if layer != last:
            return arguments
        states, *others = arguments
        rows, columns = rows.to(states.device), columns.to(states.device)
        length = states.shape[1]
        added = states.new_zeros(inputs, 1, length)
        for term in others:  # the mask, and MPNet's relative position bias: both are added to the scores
            if term is not None:
                added = added + _as_scores(term, states).expand(inputs, -1, length, -1)[rows, :, columns]
        return (states[rows, columns][:, None], *(None for _ in others))

    def keep(_: int, queries: Tensor) -> None:
        nonlocal query
        query = queries

    def attend(layer: int, values: Tensor) -> Tensor:
        if layer != last:
            return values
        asks = torch.einsum("ihs,hsx->ihx", query.view(inputs, heads, -1), key)
        scores = asks @ states.transpose(1, 2) * key.shape[1] ** -0.5 + added
        mixed = scores.softmax(dim=-1) @ states  # (input, head, hidden)
        context = torch.einsum("ihx,hsx->ihs", mixed, value).reshape(inputs, width)
        at_positions: Tensor = (context + block.value.bias)[:, None]
        return at_positions

    with (
        change_arguments(network, "layer", narrow),
        see_output(network, "query", keep),
        change_output(network, "value", attend),
    ):
        yield


def _as_scores(term: Tensor, states: Tensor) -> Tensor:
    """The term to add to the scores; a boolean mask of the fused kernel is True where a state may be attended to."""
    if term.dtype != torch.bool:
        return term
    return states.new_zeros(term.shape).masked_fill(~term, -torch.inf)
