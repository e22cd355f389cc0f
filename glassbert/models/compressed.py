"""Checkpoints that ``gb.compress`` writes and stock transformers cannot read: with heads removed, or with int8 weights.

Both are said in config.json. ``pruned_heads`` maps a layer to the heads that its projections do not contain, which is
how transformers 4 wrote it. ``quantization_config`` names GlassBERT: the whole numbers of a tensor ``name.weight`` are
then multiplied, row by row, by ``name.weight_scale``. They are stored in one row, a shape that stock networks refuse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from glassbert.errors import DamagedCheckpointError, UnsupportedModelError
from glassbert.families import Family, labels
from glassbert.models.files import quoted
from glassbert.models.weights import Tensor, Weights

__all__ = ["INT8", "PRUNED", "QUANTISED", "SCALE", "as_floats", "check_shapes", "is_int8", "removed_heads"]

#: Entries of config.json.
PRUNED, QUANTISED = "pruned_heads", "quantization_config"
INT8 = {"quant_method": "glassbert_int8"}
#: What follows the name of a tensor of whole numbers in the name of the tensor of its scales, (row,).
SCALE = "_scale"


def is_int8(config: Mapping[str, Any]) -> bool:
    """Whether these are the weights of ``gb.compress(model, "int8")``."""
    return bool(config.get(QUANTISED) == INT8)


def removed_heads(config: Mapping[str, Any], family: Family, source: str) -> tuple[tuple[int, int], ...]:
    """The (layer, head) that the weights do not contain. Raises UnsupportedModelError, DamagedCheckpointError."""
    pruned = config.get(PRUNED)
    if not pruned:
        return ()
    if not family.removable_heads:
        raise UnsupportedModelError(
            f"{quoted(source)} has pruned attention heads ({PRUNED} in its config), which GlassBERT reads of "
            f"{labels('removable_heads')} networks only; choose the model before pruning"
        )
    layers, heads = _count(config, family.layer_count), _count(config, "num_attention_heads", "n_heads")
    try:
        found = {(int(layer), head) for layer, own in pruned.items() for head in own}
        right = all(type(head) is int and 0 <= layer < layers and 0 <= head < heads for layer, head in found)
    except (TypeError, ValueError, AttributeError):
        found, right = set(), False
    if not right:
        raise DamagedCheckpointError(
            f"{PRUNED} in the config of {quoted(source)} must map layers to lists of their heads, counted from 0, "
            'as in {"0": [2, 5]}; correct it'
        )
    empty = next((layer for layer in range(layers) if sum(one == layer for one, _ in found) == heads), None)
    if empty is not None:
        raise DamagedCheckpointError(
            f"{PRUNED} in the config of {quoted(source)} leaves no head in layer {empty}; correct it"
        )
    return tuple(sorted(found))


def _count(config: Mapping[str, Any], *names: str) -> int:
    """The number of this name in the config, 0 where there is none."""
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)


def check_shapes(
    config: Mapping[str, Any], family: Family, weights: Weights, removed: Collection[tuple[int, int]], source: str
) -> None:
    """Whether the projections have the rows of the heads that are left. Raises DamagedCheckpointError."""
    if not removed:
        return
    assert family.inside is not None
    heads = _count(config, "num_attention_heads", "n_heads")
    size = _count(config, "hidden_size", "dim") // heads
    names = family.canonical(weights.tensors)
    for layer, path in enumerate(family.layers(_count(config, family.layer_count))):
        left = size * (heads - sum(one == layer for one, _ in removed))
        for part, axis in ((family.inside.query, 0), (family.inside.value, 0), (family.inside.output, 1)):
            stored = names.get(f"{path}.{part}.weight")
            shape = weights.tensors[stored].shape if stored else ()
            if len(shape) != 2 or shape[axis] != left:
                raise DamagedCheckpointError(
                    f"the config of {quoted(source)} says which heads are removed from layer {layer} ({PRUNED}), and "
                    f"its weights are not those of the others: they have the shape {shape}, with {left} expected in "
                    "one direction; the files do not belong together"
                )


def as_floats(weights: Weights, source: str) -> Weights:
    """The weights as they are once whole numbers are multiplied by their scales. Raises DamagedCheckpointError."""
    tensors = dict(weights.tensors)
    for name, tensor in weights.tensors.items():
        if tensor.dtype != "I8":
            continue
        scale = tensors.pop(name + SCALE, None)
        rows = scale.values if scale is not None else 0
        if scale is None or scale.dtype != "F32" or len(scale.shape) != 1 or not rows or tensor.values % rows:
            raise DamagedCheckpointError(
                f"{quoted(source)} stores {quoted(name)} as whole numbers without a scale for each row; write it once "
                "more with gb.compress"
            )
        tensors[name] = Tensor("F32", (rows, tensor.values // rows))
    return replace(weights, tensors=tensors)
