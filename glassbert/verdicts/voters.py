"""Which methods vote in a verdict, and how they are spoken of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassbert.network.model import Model

__all__ = ["VERDICT_METHODS", "verdict_methods", "voters"]

#: The methods that vote, and their options; those after the first four only in texts short enough for the work that
#: words may take. They follow different ideas (gradients at the input, along attention, along a path, two sets of
#: rules), take few passes, and rank the words that people changed well above chance (benchmarks/human_edits.py). Input
#: × gradient does not.
VERDICT_METHODS: Mapping[str, Mapping[str, Any]] = {
    "saliency": {},
    "attention_relevance": {},
    "attn_lrp": {},
    "integrated_gradients": {"tolerance": 0.05},
    "decompx": {},
}


#: Those of a model without gradients, such as one with int8 weights: words hidden one by one, and in groups.
_WITHOUT_GRADIENTS: Mapping[str, Mapping[str, Any]] = {"occlusion": {}, "partition_shap": {}, "kernel_shap": {}}


def verdict_methods(model: Model) -> Mapping[str, Mapping[str, Any]]:
    """The methods that vote about this model's answers, and their options."""
    return _WITHOUT_GRADIENTS if model.checkpoint.int8 else VERDICT_METHODS


def voters(methods: Sequence[str]) -> str:
    """How the methods that voted are called: "quick methods" are those of the verdict, which others stand beside."""
    name = "quick method" if set(methods) <= set(VERDICT_METHODS) else "method"
    return name if len(methods) == 1 else f"{name}s"
