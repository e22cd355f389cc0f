"""Half precision: bfloat16 or float16, half the size; as fast on what can compute in it."""

from __future__ import annotations

from typing import Any

from glassbert.compression._draft import Draft
from glassbert.compression._recipe import Given, Recipe

__all__ = ["RECIPES"]


def _in(precision: Any) -> Any:
    def apply(draft: Draft, _value: Any, _given: Given) -> str:
        draft.precision = precision
        return f"all weights are stored in {precision}"

    return apply


RECIPES = (
    Recipe(
        "bfloat16",
        "16 bits with the range of float32 and three digits: half the size; faster where the CPU or the GPU computes "
        'in it. gb.load(folder, precision="bfloat16") runs it so',
        _in("bfloat16"),
        has_value=False,
    ),
    Recipe(
        "float16",
        "16 bits with four digits and numbers up to 65504: half the size; faster on a GPU. "
        'gb.load(folder, precision="float16") runs it so',
        _in("float16"),
        has_value=False,
    ),
)
