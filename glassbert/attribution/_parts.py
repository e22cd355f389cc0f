"""The modules that a decomposition passes through: those of the layers and of the head on top.

A post-LayerNorm layer with a plain feed-forward block is: attention, residual, LayerNorm, Linear, activation, Linear,
residual, LayerNorm. A head is a chain of Linear and LayerNorm with elementwise functions in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from glassbert.decision import TASK_OF
from glassbert.errors import UnsupportedModelError
from glassbert.families import Capability, family_of, require
from glassbert.network.blocks import Block, blocks
from glassbert.network.own_head import OwnNetwork
from glassbert.targets import SimilarityTarget, Target, TokenTarget


def layers(network: Any, method: str, *needed: Capability) -> tuple[Block, ...]:
    """The layers of a stock network, in the order in which they are called.

    Raises UnsupportedModelError if the family lacks what this method needs.
    """
    for capability in needed:
        require(family_of(network.config.model_type), capability, method)
    found = blocks(network)
    if "post_norm" in needed and any(block.convolution is not None for block in found):
        raise UnsupportedModelError(
            f"{method} needs layers in which only attention mixes tokens, and the first layer of this network ends "
            "with a convolution; choose another model"
        )
    return found


def head_chain(network: Any, target: Target) -> tuple[Any, ...]:
    """The modules between the last hidden state and the target's logits, in order; none before a cosine."""
    if isinstance(target, SimilarityTarget):
        return ()
    if isinstance(network, OwnNetwork):
        raise UnsupportedModelError(
            "AttnLRP and DecompX need a rule for every module up to the logits, and there is none for a head of your "
            "own: choose a gradient or a perturbation method"
        )
    family, task = family_of(network.config.model_type), TASK_OF[type(target)]
    if isinstance(target, TokenTarget) and family.discriminator and hasattr(network, family.discriminator):
        task = "replaced_tokens"
    head = family.task_heads[task]
    return tuple(network.get_submodule(path) for path in head.chain)


def activations(network: Any, target: Target) -> Iterator[tuple[Any, Any]]:
    """Pairs of modules with an activation f in between: the input of the second is f(output of the first)."""
    for layer in dict.fromkeys(layers(network, "AttnLRP", "known_feed_forward")):
        if layer.widen is not None:
            yield layer.widen, layer.feed_forward
    for before, after in pairwise(head_chain(network, target)):
        if isinstance(before, nn.Linear):
            yield before, after


def gates(network: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Modules with a gate in between: the input of the last is f(a) · b, and (a, b) is the output of those before."""
    for layer in dict.fromkeys(blocks(network)):
        if layer.gated is not None:
            yield (layer.gated,) if layer.factor is None else (layer.gated, layer.factor), layer.feed_forward


def slope(given: Tensor, read: Tensor) -> Tensor:
    """f(x) / x elementwise, for a function with f(0) = 0: the slope of the line through the origin that replaces it."""
    return (read / given).where(given != 0, 0)
