"""Every state as a sum of vectors, one per source token, through all layers (Modarressi et al. 2023, arXiv:2306.02873).

``parts (row, source, hidden)``: how much of token *row*'s state came from token *source*. At the input of the first
layer, each token is its own only source. With attention weights and LayerNorm's standard deviation held constant,
attention, the residual and LayerNorm are linear; an activation is replaced by f(x)/x, the line through the origin
("zero origin" in the paper). So parts add up to the state at every step. A bias is distributed among the sources in
proportion to |bias · part| ("absdot").

One array of (token, token, hidden) is kept in memory; larger intermediate arrays are computed for a few rows or sources
at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from glassbert.attribution._parts import head_chain, layers, slope
from glassbert.decision import Runner
from glassbert.network.blocks import Block, gates_off
from glassbert.network.removed_heads import whole_columns, whole_rows
from glassbert.network.run import check_admission

#: Maximum number of floats in one intermediate array: 4 MiB, about the size of a core's cache.
_CHUNK_FLOATS = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one layer computed in this pass; the decomposition treats these values as constants."""

    block: Block
    weights: Tensor  # (head, query, key)
    gates: Tensor | None  # (head,), 0 for heads that are off
    spread: Tensor  # (token,), of attention output + residual
    slopes: Tensor  # (token, wide), f(x)/x of the activation
    last_spread: Tensor  # (token,), of feed-forward output + residual


@dataclass(frozen=True, slots=True, eq=False)
class HeadStep:
    """One module of the head; ``spread`` (row,) for a LayerNorm, ``slopes`` (row, width) of the activation after it, if
    any."""

    module: Any
    spread: Tensor | None
    slopes: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What the decomposition needs from one forward pass, all in float32."""

    value: float
    states: Tensor  # (token, hidden), the input of the first layer
    steps: tuple[Step, ...]
    head: tuple[HeadStep, ...]


def traced(runner: Runner, rows: Sequence[int]) -> Trace:
    """One forward pass of the stock network, with its head on the tokens ``rows``. Raises UnsupportedModelError."""
    decision = runner.decision
    network = decision.model.network
    stack, chain = layers(network, "DecompX", "post_norm", "plain_feed_forward"), head_chain(network, decision.target)
    inside = [
        part for block in stack for part in (block.value, block.norm, block.widen, block.feed_forward, block.last_norm)
    ]
    calls: dict[Any, list[tuple[Tensor, Tensor]]] = {}
    with torch.no_grad():
        logits, weights = runner.logits_and_attention(decision.embeddings, lambda: _recorded([*inside, *chain], calls))
        value = float(decision.value(logits)[0])
    played = {module: iter(seen) for module, seen in calls.items()}  # ALBERT's shared modules run in every layer
    gates = gates_off(network, decision.model.ablated_heads)
    steps, states = [], []
    for number, block in enumerate(stack):
        read, _ = next(played[block.value])
        summed, _ = next(played[block.norm])
        _, given = next(played[block.widen])
        activated, _ = next(played[block.feed_forward])
        last_summed, _ = next(played[block.last_norm])
        states.append(read[0].float())
        steps.append(
            Step(
                block,
                weights[number][0].float(),
                gates.get(number),
                _spread(summed[0], block.norm),
                slope(given[0].float(), activated[0].float()),
                _spread(last_summed[0], block.last_norm),
            )
        )
    seen = {module: tuple(_rows(states, rows) for states in calls[module][-1]) for module in chain}
    return Trace(value, states[0], tuple(steps), _head_steps(chain, seen))


def _head_steps(chain: Sequence[Any], seen: dict[Any, tuple[Tensor, ...]]) -> tuple[HeadStep, ...]:
    """``seen``: the (row, hidden) input and output of each module."""
    steps = []
    for module, after in pairwise((*chain, None)):
        read, given = seen[module]
        spread = _spread(read, module) if isinstance(module, nn.LayerNorm) else None
        slopes = None if after is None else slope(given.float(), seen[after][0].float())
        steps.append(HeadStep(module, spread, slopes))
    return tuple(steps)


def _rows(states: Tensor, rows: Sequence[int]) -> Tensor:
    """(1, hidden) or (1, token, hidden) → (row, hidden): some heads read every token, others only the deciding one."""
    first: Tensor = states[0]
    return first[list(rows)] if first.ndim == 2 else first.expand(len(rows), -1)


@contextmanager
def _recorded(modules: Iterable[Any], calls: dict[Any, list[tuple[Tensor, Tensor]]]) -> Iterator[None]:
    """A context in which every call of these modules is recorded as (input, output)."""
    calls.clear()  # a pass that ran out of memory is repeated
    with ExitStack() as stack:
        for module in dict.fromkeys(modules):

            def hook(module: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
                calls.setdefault(module, []).append((inputs[0], output))

            stack.callback(module.register_forward_hook(hook).remove)
        yield


def _spread(states: Tensor, norm: Any) -> Tensor:
    """√(variance + ε), what LayerNorm divides by."""
    spread: Tensor = (states.float().var(dim=-1, correction=0) + norm.eps).sqrt()
    return spread


def decomposed(trace: Trace, rows: Sequence[int]) -> Iterator[Tensor]:
    """Parts after each layer, (row, source, hidden): for every token, in the last layer for ``rows`` only.

    The same array is reused from layer to layer: read it before requesting the next.
    """
    tokens, hidden = trace.states.shape
    places = torch.arange(tokens, device=trace.states.device)
    parts = trace.states.new_zeros(tokens, tokens, hidden)
    parts[places, places] = trace.states
    for step in trace.steps:
        asked = torch.tensor(rows, device=places.device) if step is trace.steps[-1] else places
        parts, bias = _attended(parts, step, asked)
        for some in _split(len(asked), tokens * step.slopes.shape[-1]):
            check_admission()
            parts[some] = _fed_forward(_shared_out(parts[some], bias), step, asked[some])
        yield parts


def _attended(parts: Tensor, step: Step, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Attention output + residual of these rows, and the bias that is still to be added: W_O b_V + b_O."""
    block, weights = step.block, step.weights[:, rows]  # (head, row, key)
    tokens, heads = len(parts), len(weights)
    value: Any = whole_rows(block.value, block.value.weight.float(), 0)
    mixer = whole_columns(block.output).float()
    if step.gates is not None:
        mixer = mixer * step.gates.to(mixer.device).repeat_interleave(mixer.shape[1] // heads)
    result = parts if len(rows) == tokens else parts[rows]
    for sources in _split(tokens, tokens * len(value)):
        check_admission()
        values = (parts[:, sources] @ value.T).unflatten(-1, (heads, -1))  # (key, source, head, size)
        mixed = weights @ values.permute(2, 0, 1, 3).flatten(2)  # (head, row, source and size)
        side_by_side = mixed.unflatten(-1, values.shape[1::2]).permute(1, 2, 0, 3).flatten(2)
        result[:, sources] += side_by_side @ mixer.T  # these are not read again for another source
    return result, mixer @ whole_rows(block.value, block.value.bias.float(), 0) + block.output.bias.float()


def _fed_forward(parts: Tensor, step: Step, rows: Tensor) -> Tensor:
    """From the input of the first LayerNorm to the layer's output, (row, source, hidden)."""
    block = step.block
    parts = _normed(parts, block.norm, step.spread[rows])
    wide = _linear(parts, block.widen) * step.slopes[rows][:, None]
    return _normed(parts + _linear(wide, block.feed_forward), block.last_norm, step.last_spread[rows])


def contributions(parts: Tensor, head: Sequence[HeadStep], columns: Sequence[int]) -> Tensor:
    """(row, source, hidden) and one column of the logits per row → each source's part of that logit, (row, source)."""
    for step in head[:-1]:
        parts = _linear(parts, step.module) if step.spread is None else _normed(parts, step.module, step.spread)
        if step.slopes is not None:
            parts = parts * step.slopes[:, None]
    last = head[-1].module
    weight, bias = last.weight.float(), last.bias.float()
    chosen = torch.tensor(columns, device=weight.device)
    weighted = torch.einsum("rsh,rh->rs", parts, weight[chosen])
    # the bias is distributed by the whole vector of logits, as everywhere: bias · (W part) without computing W part
    shared: Tensor = _shares(parts @ (weight.T @ bias)) * bias[chosen][:, None]
    return weighted + shared


def contributions_to_cosines(parts: Tensor, anchors: Tensor) -> Tensor:
    """(row, source, hidden) of the states that are pooled → each source's part of each cosine, (anchor, source).

    The embedding is the mean of these rows; its length is a constant, as the standard deviation in a LayerNorm is.
    ``anchors`` (anchor, hidden) have length 1.
    """
    embedding = parts.mean(dim=0)  # (source, hidden)
    cosines: Tensor = anchors.to(parts.device) @ embedding.T / embedding.sum(dim=0).norm()
    return cosines


def _linear(parts: Tensor, module: Any) -> Tensor:
    return _shared_out(parts @ module.weight.float().T, module.bias.float())


def _normed(parts: Tensor, norm: Any, spread: Tensor) -> Tensor:
    """LayerNorm of each part, divided by the standard deviation of their sum, one number per row."""
    centred = parts - parts.mean(dim=-1, keepdim=True)
    return _shared_out(centred * norm.weight.float() / spread[..., None, None], norm.bias.float())


def _shared_out(parts: Tensor, bias: Tensor) -> Tensor:
    """``parts`` with the bias distributed among the sources, in place."""
    return parts.addcmul_(_shares(parts @ bias)[..., None], bias)


def _shares(products: Tensor) -> Tensor:
    """|bias · part| as shares of 1 over the sources, (row, source); equal ones where all are zero."""
    sizes = products.abs()
    total = sizes.sum(dim=-1, keepdim=True)
    return (sizes / total).where(total > 0, 1 / sizes.shape[-1])


def _split(count: int, floats_each: int) -> Iterator[slice]:
    """Slices of ``count`` items, each with as many as fit into one intermediate array."""
    size = max(1, _CHUNK_FLOATS // floats_each)
    for start in range(0, count, size):
        yield slice(start, start + size)
