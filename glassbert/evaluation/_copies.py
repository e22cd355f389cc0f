"""Copies of a model that differ in some weights and share the others; the model itself is never touched."""

from __future__ import annotations

import copy
import threading
import zlib
from collections import OrderedDict
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from glassbert.errors import ModelTooLargeError
from glassbert.families import family_of
from glassbert.models import memory
from glassbert.models.files import megabytes
from glassbert.network.blocks import blocks
from glassbert.network.int8 import Int8Linear
from glassbert.network.model import Model, word_embeddings
from glassbert.results import Array

__all__ = ["Noise", "forget_copies", "randomised", "seeded", "stages"]

# Bytes of random weights kept for a model, for its next receipt: the three stages of a quick receipt of the embedded
# ones, which take 170 MB. Copies of a base-size model are made anew, which costs little beside its passes.
_KEPT_BYTES = 256 * 2**20
# Stage, seed, device → bytes, copy, and the lock under which it runs: hooks of two receipts must not meet on it.
# Copies live as long as the network they were made from, and not longer.
_kept: WeakKeyDictionary[Any, OrderedDict[tuple[int, int, str], tuple[int, Any, threading.RLock]]] = WeakKeyDictionary()
_lock = threading.Lock()


def stages(model: Model) -> tuple[str, ...]:
    """What is randomised after each stage of the cascade, from the top down: head, layers, embeddings."""
    layers = [f"layer {layer}" for layer in reversed(range(len(_groups(model.network)) - 2))]
    return ("head", *layers, "embeddings")


def randomised(model: Model, stage: int, seed: int) -> Model:
    """A copy with new random weights in the head, the layers and the embeddings, up to this stage of the cascade.

    Drawn as BERT is before training: normal with the config's ``initializer_range``, biases 0, LayerNorm the identity.
    Deterministic in ``seed``; a stage draws the same weights whichever stages follow. Raises ModelTooLargeError.
    """
    network, key = model.network, (stage, seed, model.device)
    with _lock:
        made = _kept.setdefault(network, OrderedDict())
        if key not in made:
            groups = _groups(network)[: stage + 1]
            size = _bytes(groups)
            _check_memory(model, size)
            made[key] = size, _redrawn(model, groups, seed), threading.RLock()
        made.move_to_end(key)
        _, copied, lock = made[key]
        while sum(size for size, _, _ in made.values()) > _KEPT_BYTES:
            made.popitem(last=False)
        return _with_network(model, copied, lock)


def forget_copies() -> None:
    """Free the networks with random weights that are kept for the next receipt, of every model.

    A receipt under way keeps those that it uses until it is done.
    """
    with _lock:
        _kept.clear()


class Noise:
    """A copy of a model that shares every weight, and the noise on its word embeddings of these ids.

    It reaches every method the same way, also those that take tokens away by id. A word that occurs twice gets the same
    noise twice. The copy is its maker's own: noise set while another thread uses it would reach that one.
    """

    def __init__(self, model: Model, input_ids: Array) -> None:
        ids = torch.from_numpy(np.unique(input_ids))
        #: Their embeddings without noise, (id, dimension) on the CPU.
        self.embeddings = word_embeddings(model, ids).detach().float().cpu()
        network = _sibling(model, [])
        self._table = _NoisyEmbedding(network.get_input_embeddings(), ids)
        network.set_input_embeddings(self._table)
        self._copy = _with_network(model, network, threading.RLock())

    def model(self, noise: Tensor) -> Model:
        """The copy, with this noise (id, dimension) until the next is asked for."""
        self._table.move(noise)
        return self._copy


def seeded(*parts: object) -> torch.Generator:
    """A stream of random numbers for these parts. Torch looks at the lower 32 bits of a seed only."""
    return torch.Generator().manual_seed(zlib.crc32(repr(parts).encode()))


class _NoisyEmbedding(nn.Module):
    """A table that adds something to some of its rows as they are read."""

    def __init__(self, table: Any, input_ids: Tensor) -> None:
        super().__init__()
        self.table = table
        rows = torch.zeros(table.weight.shape[0], dtype=torch.int64)
        rows[input_ids] = torch.arange(1, len(input_ids) + 1)
        added = torch.zeros(1 + len(input_ids), table.weight.shape[1], dtype=table.weight.dtype)
        self.register_buffer("rows", rows.to(table.weight.device))
        self.register_buffer("added", added.to(table.weight.device))

    def move(self, noise: Tensor) -> None:
        with torch.no_grad():
            self.get_buffer("added")[1:].copy_(noise)

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.table.weight
        return weight

    @property
    def padding_idx(self) -> int | None:
        padding: int | None = self.table.padding_idx
        return padding

    def forward(self, input_ids: Tensor) -> Tensor:
        rows, added = self.get_buffer("rows"), self.get_buffer("added")
        embedded: Tensor = self.table(input_ids) + added[rows[input_ids]]
        return embedded


def _groups(network: Any) -> list[dict[str, Tensor]]:
    """The parameters of each stage by name. A table that is also the vocabulary head's is the embeddings'."""
    layers: list[dict[int, str]] = []
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    for block in reversed(blocks(network)):
        own = {id(parameter): names[id(parameter)] for parameter in block.layer.parameters()}
        if own.keys() not in [layer.keys() for layer in layers]:  # all layers of an ALBERT are one
            layers.append(own)
    inner = set().union(*layers)
    base = network.base_model
    family = family_of(network.config.model_type)
    below = {id(parameter) for name, parameter in base.named_parameters() if not family.in_pooler(name)} - inner
    by_name = dict(network.named_parameters())
    head = {name: by_name[name] for key, name in names.items() if key not in inner and key not in below}
    middle = [{name: by_name[name] for name in layer.values()} for layer in layers]
    return [head, *middle, {names[key]: by_name[names[key]] for key in names if key in below}]


def _redrawn(model: Model, groups: list[dict[str, Tensor]], seed: int) -> Any:
    network = _sibling(model, [parameter for group in groups for parameter in group.values()])
    drawn = dict(network.named_parameters())
    spread = float(getattr(network.config, "initializer_range", 0.02))
    with torch.no_grad():
        for name in (name for group in groups for name in group):
            parameter = drawn[name]
            owner, _, own = name.rpartition(".")
            if isinstance(module := network.get_submodule(owner), Int8Linear) and own != "bias":
                if own == "numbers":
                    module.redraw(torch.empty(parameter.shape).normal_(0, spread, generator=seeded(seed, name)))
            elif parameter.ndim > 1:
                # each parameter has its own stream, so that a stage is the same whatever follows it
                fresh = torch.empty(parameter.shape).normal_(0, spread, generator=seeded(seed, name))
                parameter.copy_(fresh)
            else:
                norm = name.endswith(".weight")  # a vector called weight is a LayerNorm's
                parameter.fill_(1.0 if norm else 0.0)
    return network


def _sibling(model: Model, own: list[Tensor]) -> Any:
    """A copy of the network that shares all its weights with the model but ``own``."""
    apart = {id(parameter) for parameter in own}
    with model.lock:  # nobody's hooks are on the network while it is copied
        tensors = (*model.network.parameters(), *model.network.buffers())
        return copy.deepcopy(model.network, {id(tensor): tensor for tensor in tensors if id(tensor) not in apart})


def _with_network(model: Model, network: Any, lock: threading.RLock) -> Model:
    return replace(model, network=network, lock=lock, placement=copy.copy(model.placement))


def _bytes(groups: list[dict[str, Tensor]]) -> int:
    return sum(parameter.numel() * parameter.element_size() for group in groups for parameter in group.values())


def _check_memory(model: Model, needed_bytes: int) -> None:
    free_bytes = memory.available_bytes()
    if free_bytes is not None and 2 * needed_bytes > free_bytes:
        raise ModelTooLargeError(
            f"a copy of {model.source!r} with random weights needs {megabytes(needed_bytes)}, more than is free; "
            "close other programs to run this check"
        )
