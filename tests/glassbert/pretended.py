"""A pretended device: tensors that claim to be on another device, compute on the CPU, and mix as a GPU's would.

An operation on tensors of both devices is refused in torch's own words, and a tensor of the device becomes an array
only after ``.cpu()``. So what runs here makes no tensor on a fixed device; numbers are those of the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

import glassbert as gb

__all__ = ["DEVICE", "moved", "pretended"]

DEVICE = "lazy:0"
_aten = torch.ops.aten
#: May read from one device and write to another.
_BETWEEN = {_aten._to_copy.default, _aten.copy_.default}
#: Their indices may be on the CPU.
_INDEXED = {_aten.index.Tensor, _aten.index_put_.default, _aten.index_put.default, _aten._unsafe_index.Tensor}


class _OnDevice(Tensor):
    """Claims another device than that of the tensor that it holds."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> _OnDevice:
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
            requires_grad=False,
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"pretended({self.held!r})"

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is Tensor.tolist:
            return args[0].detach().held.tolist()
        if function is Tensor.__getitem__:  # torch itself would copy a list of indices to a device that it has not
            one = isinstance(args[1], tuple)
            places = tuple(torch.tensor(at) if isinstance(at, list) else at for at in (args[1] if one else (args[1],)))
            args = (args[0], places if one else places[0])
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(operation, args, kwargs or {})


def _held(value: Any) -> Any:
    return value.held if isinstance(value, _OnDevice) else value


def _on_device(value: Any) -> Any:
    return _OnDevice(value) if isinstance(value, Tensor) and not isinstance(value, _OnDevice) else value


def _computed(operation: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    given = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    own = [value for value in given if isinstance(value, _OnDevice)]
    others = [value for value in given if not isinstance(value, _OnDevice) and value.dim()]
    device = kwargs.get("device")
    asked = None if device is None else str(device) == DEVICE
    if operation is _aten.copy_.default or operation is _aten._local_scalar_dense.default:
        operation(*tree_map(_held, args), **tree_map(_held, kwargs))
        return args[0] if operation is _aten.copy_.default else _held(args[0]).item()
    if own and others and operation not in _BETWEEN:
        indices = operation in _INDEXED and isinstance(args[0], _OnDevice)
        if not indices or (len(args) > 2 and not isinstance(args[2], _OnDevice) and args[2].dim()):
            raise RuntimeError(f"Expected all tensors to be on the same device, but {operation} got both")
    if device is not None:
        kwargs = {**kwargs, "device": "cpu"}
    found = operation(*tree_map(_held, args), **tree_map(_held, kwargs))
    if not (asked if asked is not None else bool(own)):
        return found
    if operation._schema.is_mutable and own and given and given[0] is own[0]:  # in place: the same tensor
        return args[0]
    return tree_map(_on_device, found)


class _Pretended(TorchDispatchMode):
    """Makes what is asked for on the device into tensors that claim to be there."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(operation, args, kwargs or {})


class _Asked(TorchFunctionMode):
    """Numbers from Python, which torch itself would copy to a device that it has not."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.tensor and str(kwargs.get("device")) == DEVICE:
            return function(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        return function(*args, **kwargs)


@contextmanager
def pretended() -> Iterator[None]:
    """A context in which ``tensor.to(DEVICE)`` and ``device=DEVICE`` work."""
    with _Pretended(), _Asked():
        yield


def moved(load: Callable[[], gb.Model]) -> gb.Model:
    """A freshly loaded model whose network is on the pretended device."""
    model = load()
    placed: dict[int, Any] = {}  # a table that is shared stays so
    for module in model.network.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is not None and id(tensor) not in placed:
                    there = _OnDevice(tensor.detach())
                    parameter = table is module._parameters
                    placed[id(tensor)] = torch.nn.Parameter(there, requires_grad=False) if parameter else there
                if tensor is not None:
                    table[name] = placed[id(tensor)]
    model.placement.device = DEVICE
    return model
