"""The blocks of a loaded network in execution order, with tensor shapes and parameter counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.families import Task
from glassbert.network.blocks import blocks
from glassbert.network.model import Model
from glassbert.network.results import Architecture
from glassbert.network.run import Batch, Forward, encoder_of, run

__all__ = ["architecture"]

_DISTANCES = "distances"
_HEADS: dict[Task, str] = {
    "masked_words": "masked-word head",
    "next_sentence": "next-sentence head",
    "classification": "classification head",
    "token_classification": "token-classification head",
    "question_answering": "question-answering head",
    "replaced_tokens": "replaced-token head",
}


@checked
def architecture(model: Model, tokens: int = 16) -> Architecture:
    """Every module of this network on an input of ``tokens`` tokens: input and output shapes, and parameters.

    Recorded in a real forward pass of the loaded network. Rows are the modules that hold parameters; a module that
    runs in every layer (ALBERT's shared layer) has one row per layer, with its parameters in the first. Raises
    OptionError.
    """
    if not 1 <= tokens <= model.max_tokens:
        raise OptionError(f"tokens must be from 1 to {model.max_tokens}, the positions of this model; got {tokens}")
    counted: set[int] = set()
    calls, parameters, shared = [], [], []
    for call in _with_rest(model, _calls(model, tokens)):
        own = [] if call.module is None else list(call.module.parameters(recurse=False))
        new = [parameter for parameter in own if id(parameter) not in counted]
        if own and not new and call.module is not None and next(call.module.children(), None) is not None:
            continue  # a container whose only parameters belong to a child, such as the bias of an output table
        counted.update(map(id, new))
        calls.append(call)
        parameters.append(sum(parameter.numel() for parameter in new))
        shared.append(len(new) < len(own))
    return Architecture(
        source=model.source,
        tokens=tokens,
        blocks=tuple(call.block for call in calls),
        parts=tuple(call.part for call in calls),
        names=tuple(call.name for call in calls),
        kinds=tuple(call.kind for call in calls),
        inputs=tuple(call.given for call in calls),
        outputs=tuple(call.returned for call in calls),
        parameters=np.asarray(parameters),
        shared=tuple(shared),
    )


@dataclass(slots=True, eq=False)
class _Call:
    block: str
    part: str
    name: str
    kind: str
    module: Any  # None for a step without a module of its own
    given: tuple[int, ...] = ()
    returned: tuple[int, ...] = ()


@dataclass(slots=True)
class _Place:
    """The current position of the pass in the network."""

    layer: int = 0
    part: str = ""


def _calls(model: Model, tokens: int) -> list[_Call]:
    """The modules with parameters, and each layer's attention weights, in execution order."""
    ids = torch.full((1, tokens), int(model.tokenizer.cls_token_id or 0))
    inputs = Batch(ids, torch.ones_like(ids), torch.zeros_like(ids))

    def read(forward: Forward) -> list[_Call]:
        calls: list[_Call] = []
        with _recorded(model, calls):
            output = forward.network(output_attentions=True)
        weights = [call for call in calls if call.module is None]
        for call, attention in zip(weights, output.attentions, strict=True):
            call.returned = tuple(attention.shape)
        return calls

    return run(model, inputs, read)


@contextmanager
def _recorded(model: Model, calls: list[_Call]) -> Iterator[None]:
    """A context in which every call of a module with its own parameters is recorded."""
    place = _Place()
    names = {module: name for name, module in model.network.named_modules()}

    def enter(*_: Any) -> None:
        place.layer, place.part = place.layer + 1, "attention"

    def leave(*_: Any) -> None:
        place.part = ""

    def attended(*_: Any) -> None:
        place.part = "feed-forward"

    def weigh(module: Any, inputs: tuple[Tensor, ...]) -> None:
        name = f"{names[module].rpartition('.')[0]} (weights)"
        calls.append(_Call(f"layer {place.layer}", "attention", name, "Softmax", None, tuple(inputs[0].shape)))

    def done(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        given = inputs[0] if inputs and isinstance(inputs[0], Tensor) else output  # some modules are given a size
        returned = output[0] if isinstance(output, tuple) else output
        block = f"layer {place.layer}" if place.part else _block(model, names[module])
        kind = type(module).__name__
        calls.append(_Call(block, place.part, names[module], kind, module, tuple(given.shape), tuple(returned.shape)))

    with ExitStack() as stack:
        for module in model.network.modules():
            if next(module.parameters(recurse=False), None) is not None:
                stack.callback(module.register_forward_hook(done).remove)
        unique = {block.layer: block for block in blocks(model.network)}
        for layer, block in unique.items():
            stack.callback(layer.register_forward_pre_hook(enter).remove)
            stack.callback(block.output.register_forward_pre_hook(weigh).remove)
            stack.callback(block.norm.register_forward_hook(attended).remove)
            stack.callback(layer.register_forward_hook(leave).remove)
        yield


def _with_rest(model: Model, ran: list[_Call]) -> list[_Call]:
    """With the modules that were not called: not used by this pass, or read as a whole, like a table of distances."""
    used = {call.module for call in ran}
    read, unused = [], []
    for name, module in model.network.named_modules():
        if module in used or next(module.parameters(recurse=False), None) is None:
            continue
        kind = type(module).__name__
        if _block(model, name) == _DISTANCES:
            size = tuple(module.weight.shape)
            read.append(_Call(_DISTANCES, "", name, kind, module, size, size))
        else:
            unused.append(_Call("not used", "", name, kind, module))
    start = next(place for place, call in enumerate(ran) if call.block in (_DISTANCES, "layer 1"))
    return [*ran[:start], *read, *ran[start:], *unused]


def _block(model: Model, name: str) -> str:
    """The block a module outside the layers belongs to."""
    family = model.checkpoint.family
    if family.in_pooler(name):
        return "pooler"
    own = name.removeprefix(f"{family.prefix}.")
    if family.position_bias is not None and own == family.position_bias:
        return "position bias"
    if family.distances is not None and own in (family.distances.table, family.distances.norm):
        return _DISTANCES
    if model.network is encoder_of(model) or name.startswith(f"{family.prefix}."):
        return "embeddings"
    head = family.head_of(name, model.task_heads)
    return "head" if head is None else _HEADS[head]
