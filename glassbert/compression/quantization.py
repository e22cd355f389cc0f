"""int8: the weights of the layers and the table of words as whole numbers; see :mod:`glassbert.network.int8`."""

from __future__ import annotations

from typing import Any

from glassbert.compression._draft import Draft
from glassbert.compression._recipe import Given, Recipe
from glassbert.errors import UnsupportedModelError

__all__ = ["RECIPES"]


def _apply(draft: Draft, _value: Any, _given: Given) -> str:
    if draft.family.inside is None:
        raise UnsupportedModelError(
            f"GlassBERT does not know the modules of {draft.family.label} networks, so it cannot round their weights; "
            "choose bfloat16"
        )
    draft.int8 = True
    return "the weights of the layers and the table of words are stored in int8, and the layers compute in it"


RECIPES = (
    Recipe(
        "int8",
        "whole numbers from −127 to 127 with a scale for each row, inputs rounded in the same way for each token: a "
        "quarter of the size, and about twice as fast on a CPU with int8 instructions. There are no gradients",
        _apply,
        has_value=False,
        last=True,
    ),
)
