"""Linears with int8 weights, whose inputs are rounded to int8 as they come: a quarter of the size, and about twice as
fast on a CPU with int8 instructions.

Weights have a scale for each row, fixed once, and inputs a scale for each token, so that what a text gets does not
depend on the texts beside it. The products are added as whole numbers by torch's own int8 kernel (oneDNN on a CPU),
which torchao runs as well. Rounding has no gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from glassbert.errors import MethodError, UnsupportedModelError
from glassbert.families import Family
from glassbert.models.compressed import SCALE

__all__ = ["NO_GRADIENTS", "Int8Linear", "decoded", "encoded", "linears", "quantise_layers", "rounded", "scales"]

#: What a message says after what was asked for.
NO_GRADIENTS = (
    "a model with int8 weights has none; methods that need none are occlusion, leave_one_out, shapley_sampling, "
    "kernel_shap, lime, partition_shap and rollout, or use the model before compression"
)
_MOST = 127
_LEAST_SCALE = 1e-12  # of rows of zeros
#: On a CPU rows are multiplied a few at a time, so that what is in between stays in its cache: as many as have so many
#: numbers, but not fewer than the kernel needs to be fast.
_CHUNK, _FEWEST_ROWS = 2**18, 256
#: torch's kernel for CUDA takes at least as many rows.
_ROWS_ON_CUDA = 32


def rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from −127 to 127 and the scale of each row: weight ≈ numbers × scale. Rounding twice changes
    nothing."""
    scale = (weight.float().abs().amax(dim=1) / _MOST).clamp(min=_LEAST_SCALE)
    numbers = (weight.float() / scale[:, None]).round().clamp(-_MOST, _MOST).to(torch.int8)
    return numbers, scale


class Int8Linear(nn.Module):
    """A Linear of rounded weights. It has no ``weight``, since what reads one would take it for what is multiplied."""

    kept: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        numbers, scale = rounded(linear.weight.detach())
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.numbers = nn.Parameter(numbers, requires_grad=False)  # (out, in)
        self.scale = nn.Parameter(scale, requires_grad=False)  # (out,)
        bias = linear.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach().float(), requires_grad=False)
        kept = getattr(linear, "kept", None)
        self.register_buffer("kept", kept, persistent=False)
        #: Whether it is given the states of all heads, and reads those of the kept ones.
        self.reads_kept = kept is not None and type(linear) is not nn.Linear
        self.all_columns = getattr(linear, "all_columns", 0)

    @property
    def weight(self) -> Tensor:
        raise UnsupportedModelError(
            "this needs the weights of the layers as fractions, and those of this model are int8; use the model before "
            "compression"
        )

    def redraw(self, weight: Tensor) -> None:
        """Replace the weights, in place."""
        numbers, scale = rounded(weight)
        self.numbers.copy_(numbers)
        self.scale.copy_(scale)

    def forward(self, states: Tensor) -> Tensor:
        if torch.is_grad_enabled() and states.requires_grad:
            raise MethodError(f"this needs gradients, and {NO_GRADIENTS}")
        if self.reads_kept and self.kept is not None:
            states = states[..., self.kept]
        rows = states.reshape(-1, self.in_features)
        output = states.new_empty(len(rows), self.out_features)
        size = len(rows) if rows.is_cuda else max(_FEWEST_ROWS, _CHUNK // max(self.in_features, self.out_features))
        for start in range(0, len(rows), max(1, size)):
            output[start : start + size] = self._multiplied(rows[start : start + size].float())
        return output.view(*states.shape[:-1], self.out_features)

    def _multiplied(self, rows: Tensor) -> Tensor:
        scales = rows.abs().amax(dim=1, keepdim=True).div_(_MOST).clamp_(min=_LEAST_SCALE)
        numbers = rows.div(scales).round_().to(torch.int8)
        if rows.is_cuda and len(rows) < _ROWS_ON_CUDA:
            numbers = torch.cat((numbers, numbers.new_zeros(_ROWS_ON_CUDA - len(rows), self.in_features)))
        sums = torch._int_mm(numbers, self.numbers.t())[: len(rows)]
        output = sums.float().mul_(scales)
        return output.mul_(self.scale) if self.bias is None else torch.addcmul(self.bias, output, self.scale)


def linears(network: Any, family: Family) -> Iterator[tuple[Any, str]]:
    """Each Linear of the layers, as the module that contains it and its name."""
    assert family.inside is not None
    config = network.config
    groups = getattr(config, family.group_count) if family.group_count else 1
    for path in dict.fromkeys(family.layers(config.num_hidden_layers, groups)):
        layer = network.base_model.get_submodule(path)
        for part, name in family.inside.paths().items():
            if name is None or part in ("attention", "norm", "last_norm"):
                continue
            parent, _, own = name.rpartition(".")
            owner = layer.get_submodule(parent)
            if isinstance(getattr(owner, own), nn.Linear):
                yield owner, own


def quantise_layers(network: Any, family: Family) -> None:
    """Replace the Linears of the layers, in place."""
    for owner, name in list(linears(network, family)):
        setattr(owner, name, Int8Linear(getattr(owner, name)).eval())


def scales(network: Any) -> int:
    """How many of the network's parameters are scales, and not weights."""
    return sum(module.scale.numel() for module in network.modules() if isinstance(module, Int8Linear))


def encoded(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A tensor as it is stored in int8: in one row, so that what expects fractions does not take the numbers for it."""
    numbers, scale = rounded(tensor)
    return {name: numbers.flatten(), name + SCALE: scale}


def decoded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stored tensors by name, those in int8 as the fractions that they stand for."""
    return {
        name: _multiplied(tensor, tensors[name + SCALE]) if tensor.dtype == torch.int8 else tensor
        for name, tensor in tensors.items()
        if not (name.endswith(SCALE) and tensors.get(name.removesuffix(SCALE), tensor).dtype == torch.int8)
    }


def _multiplied(numbers: Tensor, scale: Tensor) -> Tensor:
    return numbers.view(len(scale), -1).float() * scale[:, None]
