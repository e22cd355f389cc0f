"""The modules that a decomposition passes through: inside the layers, and in the heads behind them.

All families here are post-LayerNorm encoders, so a layer is always: attention, residual, LayerNorm, Linear, activation,
Linear, residual, LayerNorm. A head is a chain of Linear and LayerNorm with elementwise functions in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from glassbert.families import Head
from glassbert.network.blocks import Block, blocks
from glassbert.targets import AnswerTarget, ClassTarget, MaskTarget, NextSentenceTarget, Target, TokenTarget


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's modules. All layers of an ALBERT are the same ones, called again and again."""

    block: Block  # its attention, the first LayerNorm, and the Linear from the wide inner layer back to hidden
    widen: Any  # Linear: hidden → the wide inner layer, read by the activation
    last_norm: Any  # LayerNorm of feed-forward output + residual


#: Family → names inside a layer: widen, last_norm.
_LAYERS = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "electra", "mpnet"), ("intermediate.dense", "output.LayerNorm")),
    "distilbert": ("ffn.lin1", "output_layer_norm"),
    "albert": ("ffn", "full_layer_layer_norm"),
}

_PLAIN: dict[Head, tuple[str, ...]] = {"token_classification": ("classifier",), "question_answering": ("qa_outputs",)}
_ROBERTA: dict[Head, tuple[str, ...]] = {
    **_PLAIN,
    "classification": ("classifier.dense", "classifier.out_proj"),
    "masked_words": ("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder"),
}
#: Family → head → its chain, from the hidden state to the logits.
_HEADS: dict[str, dict[Head, tuple[str, ...]]] = {
    "bert": {
        **_PLAIN,
        "classification": ("bert.pooler.dense", "classifier"),
        "next_sentence": ("bert.pooler.dense", "cls.seq_relationship"),
        "masked_words": (
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
            "cls.predictions.decoder",
        ),
    },
    "distilbert": {
        **_PLAIN,
        "classification": ("pre_classifier", "classifier"),
        "masked_words": ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
    },
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "albert": {
        **_PLAIN,
        "classification": ("albert.pooler", "classifier"),
        "masked_words": ("predictions.dense", "predictions.LayerNorm", "predictions.decoder"),
    },
    "electra": {
        **_PLAIN,
        "classification": ("classifier.dense", "classifier.out_proj"),
        "masked_words": ("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head"),
    },
    "mpnet": _ROBERTA,
}

_HEAD_OF: dict[type[Target], Head] = {
    ClassTarget: "classification",
    NextSentenceTarget: "next_sentence",
    MaskTarget: "masked_words",
    TokenTarget: "token_classification",
    AnswerTarget: "question_answering",
}


def layers(network: Any) -> tuple[Layer, ...]:
    """The layers of a stock network, in the order they are called. Raises UnsupportedModelError."""
    found = []
    for block in blocks(network):
        widen, last_norm = map(block.layer.get_submodule, _LAYERS[network.config.model_type])
        found.append(Layer(block, widen, last_norm))
    return tuple(found)


def head_chain(network: Any, target: Target) -> tuple[Any, ...]:
    """The modules between the last hidden state and the logits that this target is one of, in order."""
    names = _HEADS[network.config.model_type][_HEAD_OF[type(target)]]
    return tuple(network.get_submodule(name) for name in names)


def activations(network: Any, target: Target) -> Iterator[tuple[Any, Any]]:
    """Pairs of modules with an activation function in between: what the second reads is f(what the first gave)."""
    for layer in dict.fromkeys(layers(network)):
        yield layer.widen, layer.block.feed_forward
    for before, after in pairwise(head_chain(network, target)):
        if isinstance(before, nn.Linear):
            yield before, after


def slope(given: Tensor, read: Tensor) -> Tensor:
    """f(x) / x elementwise, for a function with f(0) = 0: the line through the origin that stands in for it."""
    return (read / given).where(given != 0, 0)
