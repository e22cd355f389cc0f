"""The modules inside a stock network's layers, found through its family's record, and hooks on them.

Hooks are active only inside a ``with`` block within `network.run.locked`, which holds the model's lock, so that they
never affect a forward pass of another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from glassbert.errors import UnsupportedModelError
from glassbert.families import Family, family_of, require

__all__ = [
    "FUSED_FROM",
    "Block",
    "Part",
    "blocks",
    "change_arguments",
    "change_input",
    "change_output",
    "fused_attention",
    "gates_off",
    "gives_weights",
    "has_fused_attention",
    "has_known_blocks",
    "heads_off",
    "run_layer",
    "scale_heads",
    "scaled",
    "see_input",
    "see_output",
    "take_weights",
]

#: Tokens from which the fused kernel is faster: on many short inputs it takes up to 1.8 times as long.
FUSED_FROM = 48

Part = Literal["layer", "attention", "query", "key", "value", "output", "norm", "feed_forward"]


@dataclass(frozen=True, slots=True)
class Block:
    """One layer's modules. All layers of an ALBERT are one shared block, called repeatedly."""

    layer: Any  # (input, token, hidden) → the same, or a tuple that begins with it
    query: Any  # Linear: hidden states → queries, heads side by side
    key: Any  # Linear: hidden states → keys, heads side by side
    value: Any  # Linear: hidden states → values, heads side by side
    output: Any  # Linear: heads side by side → hidden
    norm: Any  # LayerNorm of attention output + residual
    feed_forward: Any  # Linear: intermediate → hidden; its output is added to the residual stream
    attention: Any  # hidden states → (heads side by side, weights)
    widen: Any  # Linear: hidden → intermediate, read by the activation; None if the block is gated
    gated: Any  # Linear: hidden → what is activated and its factor, side by side; None if the block is not gated (GLU)
    factor: Any  # Linear: hidden → the factor, where ``gated`` gives only what is activated; else None
    last_norm: Any  # LayerNorm of feed-forward output + residual; None if LayerNorm precedes each block (pre-norm)
    convolution: Any  # of neighbouring tokens, added to the layer's output and followed by a LayerNorm; None: none


# Cached, because every hook of every pass needs them, and the look-up took a fourteenth of a short pass.
_found: WeakKeyDictionary[Any, tuple[Block, ...]] = WeakKeyDictionary()


def blocks(network: Any) -> tuple[Block, ...]:
    """The blocks of a stock network, in the order in which they are called. Raises UnsupportedModelError."""
    if network not in _found:
        _found[network] = _blocks(network)
    return _found[network]


def has_known_blocks(network: Any) -> bool:
    """Whether hooks can be placed inside this network."""
    try:
        return bool(blocks(network))
    except UnsupportedModelError:
        return False


def _blocks(network: Any) -> tuple[Block, ...]:
    config = network.config
    family = family_of(config.model_type)
    require(family, "known_layers", "this analysis")
    for name, value in family.only_with:
        if getattr(config, name) != value:
            raise UnsupportedModelError(
                f"GlassBERT supports only {family.label} networks with {name} = {value}, and this one has "
                f"{getattr(config, name)}; choose another model"
            )
    groups = getattr(config, family.group_count) if family.group_count else 1
    paths = family.layers(config.num_hidden_layers, groups)
    return tuple(_block(network.base_model.get_submodule(path), family) for path in paths)


def _block(layer: Any, family: Family) -> Block:
    assert family.inside is not None
    modules = {part: path and layer.get_submodule(path) for part, path in family.inside.paths().items()}
    return Block(layer=layer, convolution=getattr(layer, "convolution", None), **modules)


@contextmanager
def _hooks(network: Any, part: Part, install: Callable[[Any, Iterator[int]], Any]) -> Iterator[None]:
    """``install(module, numbers)`` for each module; ``next(numbers)`` is the index of the layer being called."""
    calls: dict[Any, list[int]] = {}
    for number, block in enumerate(blocks(network)):
        calls.setdefault(getattr(block, part), []).append(number)
    with ExitStack() as stack:
        for module, numbers in calls.items():
            stack.callback(install(module, cycle(numbers)).remove)
        yield


def change_arguments(network: Any, part: Part, change: Callable[[int, tuple[Any, ...]], tuple[Any, ...]]) -> Any:
    """A context in which ``change(layer, arguments)`` replaces the arguments of this part of each layer."""

    def install(module: Any, numbers: Iterator[int]) -> Any:
        return module.register_forward_pre_hook(lambda _, inputs: change(next(numbers), inputs))

    return _hooks(network, part, install)


def change_input(network: Any, part: Part, change: Callable[[int, Tensor], Tensor]) -> Any:
    """A context in which ``change(layer, tensor)`` replaces the input of this part of each layer."""
    return change_arguments(network, part, lambda layer, inputs: (change(layer, inputs[0]), *inputs[1:]))


def change_output(network: Any, part: Part, change: Callable[[int, Tensor], Tensor]) -> Any:
    """A context in which ``change(layer, tensor)`` replaces the output of this part of each layer."""

    def install(module: Any, numbers: Iterator[int]) -> Any:
        def hook(_: Any, _inputs: tuple[Any, ...], output: Any) -> Any:
            if isinstance(output, tuple):
                return (change(next(numbers), output[0]), *output[1:])
            return change(next(numbers), output)

        return module.register_forward_hook(hook)

    return _hooks(network, part, install)


def see_input(network: Any, part: Part, see: Callable[[int, tuple[Any, ...], dict[str, Any]], None]) -> Any:
    """A context in which ``see(layer, arguments, keyword arguments)`` is called before this part of each layer."""

    def install(module: Any, numbers: Iterator[int]) -> Any:
        def hook(_: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
            see(next(numbers), inputs, options)

        return module.register_forward_pre_hook(hook, with_kwargs=True)

    return _hooks(network, part, install)


def see_output(network: Any, part: Part, see: Callable[[int, Tensor], None]) -> Any:
    """A context in which ``see(layer, tensor)`` is called with the output of this part of each layer."""

    def install(module: Any, numbers: Iterator[int]) -> Any:
        def hook(_: Any, _inputs: tuple[Any, ...], output: Any) -> None:
            see(next(numbers), output[0] if isinstance(output, tuple) else output)

        return module.register_forward_hook(hook)

    return _hooks(network, part, install)


def take_weights(network: Any, take: Callable[[int, Tensor], None]) -> Any:
    """A context in which ``take(layer, weights)`` gets the attention weights of one input, (head, query, key).

    The network then drops them: for a long text they are its largest tensors, 1 MB per head at 512 tokens, and it would
    otherwise keep all of them.
    """

    def install(module: Any, numbers: Iterator[int]) -> Any:
        def hook(_: Any, _inputs: tuple[Any, ...], output: Any) -> Any:
            take(next(numbers), output[1][0])
            return (output[0], None, *output[2:])

        return module.register_forward_hook(hook)

    return _hooks(network, "attention", install)


def gives_weights(network: Any) -> dict[str, bool]:
    """The keyword arguments with which this network's attention returns its weights."""
    return {"output_attentions": True} if family_of(network.config.model_type).weights_on_request else {}


def has_fused_attention(network: Any) -> bool:
    """Whether attention of this family can run as torch's fused kernel."""
    return family_of(network.config.model_type).fused_attention


@contextmanager
def fused_attention(network: Any, tokens: int) -> Iterator[None]:
    """A context in which attention runs as the fused kernel, which never writes the weights to memory.

    Applies only if the family supports it and inputs of this many ``tokens`` are long enough to benefit.
    """
    config = network.config
    before = config._attn_implementation
    if has_fused_attention(network) and tokens >= FUSED_FROM:
        config._attn_implementation = before.replace("eager", "sdpa")  # of networks with removed heads as well
    try:
        yield
    finally:
        config._attn_implementation = before


def scaled(states: Tensor, gates: Tensor) -> Tensor:
    """Multiply each head's part of (input, token, heads side by side) by its gate: (head,) or (input, head)."""
    inputs, tokens, width = states.shape
    heads = gates.shape[-1]
    by_head = states.view(inputs, tokens, heads, width // heads)
    gate = gates.to(states.device, states.dtype).reshape(-1, 1, heads, 1)
    return (by_head * gate).view(inputs, tokens, width)


def scale_heads(network: Any, gates: Callable[[int], Tensor | None]) -> Any:
    """A context in which head outputs are multiplied by ``gates(layer)``, (head,) or (input, head); None: untouched."""

    def change(layer: int, states: Tensor) -> Tensor:
        gate = gates(layer)
        return states if gate is None else scaled(states, gate)

    return change_input(network, "output", change)


def gates_off(network: Any, heads: Iterable[tuple[int, int]]) -> dict[int, Tensor]:
    """Layer → its gates, (head,), 0 for these (layer, head); layers with no head in the list are omitted."""
    gates: dict[int, Tensor] = {}
    for layer, head in heads:
        if layer not in gates:
            gates[layer] = torch.ones(network.config.num_attention_heads)
        gates[layer][head] = 0
    return gates


def heads_off(network: Any, heads: Iterable[tuple[int, int]]) -> Any:
    """A context in which these (layer, head) contribute nothing; a layer without heads adds only its output bias."""
    return scale_heads(network, gates_off(network, heads).get)


def run_layer(
    block: Block,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    *,
    values: Callable[[Tensor], Tensor] | None = None,
    gates: Tensor | None = None,
) -> Tensor:
    """Run one layer, with ``values`` applied to the output of its value projection, and head outputs gated."""
    with ExitStack() as stack:
        if values is not None:
            changed = block.value.register_forward_hook(lambda module, inputs, output: values(output))
            stack.callback(changed.remove)
        if gates is not None:
            gated = block.output.register_forward_pre_hook(lambda module, inputs: (scaled(inputs[0], gates),))
            stack.callback(gated.remove)
        output = block.layer(*arguments, **options)
    result: Tensor = output[0] if isinstance(output, tuple) else output
    return result
