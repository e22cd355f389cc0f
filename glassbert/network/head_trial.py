"""Put a head of the user's own on a loaded encoder, and try once what explanations rely on.

What cannot be known of the user's function is tried on two texts: one whose answers could not be explained is refused
with the reason.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from glassbert.errors import OptionError, UnsupportedModelError
from glassbert.families import Task
from glassbert.models.files import quoted
from glassbert.network.blocks import change_output, has_known_blocks
from glassbert.network.model import Model, word_embeddings
from glassbert.network.own_head import HeadFunction, OwnNetwork
from glassbert.network.run import Batch, Forward, forward_pass

__all__ = ["encoder_inside", "with_own_head"]

#: What the head is tried on.
_TEXTS = ("The film was good.", "The acting was great, but nobody will remember the story.")
#: Two ways to the same logits may differ by this share of the largest one, in float32 and in half precision.
_EXACT, _HALF = 1e-3, 5e-2


def encoder_inside(network: Any) -> Any:
    """The transformers encoder in a network of the user's own. Raises UnsupportedModelError."""
    if not isinstance(network, nn.Module):
        raise UnsupportedModelError(f"the network is a {type(network).__name__}: pass a torch.nn.Module")
    found: dict[str, Any] = {}
    for path, module in network.named_modules():
        is_stock = callable(getattr(module, "save_pretrained", None)) and hasattr(
            getattr(module, "config", None), "model_type"
        )
        if is_stock and not any(f"{path}.".startswith(f"{outer}.") or outer == "" for outer in found):
            found[path] = module.base_model
    if len(found) != 1:
        what = f"{len(found)} networks of transformers" if found else "no network of transformers"
        raise UnsupportedModelError(
            f"the {type(network).__name__} contains {what}, where GlassBERT explains one encoder: pass a network with "
            "one inside, registered as a module"
        )
    return next(iter(found.values()))


def with_own_head(
    model: Model, network: Any, encoder: Any, function: HeadFunction, labels: Sequence[str] | None
) -> Model:
    """The model of the bare ``encoder`` with what the user's network and function put on top of it.

    The network is copied, and its encoder replaced by the loaded one. Raises OptionError, UnsupportedModelError.
    """
    pooler = model.checkpoint.family.pooler
    if pooler is not None and getattr(encoder, pooler, None) is None:
        setattr(model.network, pooler, None)  # one was made at load, with random weights
    path = next(path for path, module in network.named_modules() if module is encoder)
    try:
        whole = copy.deepcopy(network, {id(encoder): model.network})
    except Exception as error:
        raise UnsupportedModelError(
            f"the {type(network).__name__} cannot be copied ({type(error).__name__}: "
            f"{quoted(' '.join(str(error).split()), characters=200)})"
        ) from error
    whole.eval().requires_grad_(False)
    own = OwnNetwork(whole.to(model.device, model.network.dtype), path, function)
    own.eval()
    config = own.config
    own.labels = _tried(replace(model, network=own), network)
    names = _names(labels, config, own.labels)
    problem = getattr(config, "problem_type", None)
    heads: tuple[Task, ...] = ("classification",)
    return replace(
        model,
        checkpoint=replace(model.checkpoint, variant=None, task_heads=heads, other_head=None),
        network=own,
        parameters=sum(parameter.numel() for parameter in own.parameters()),
        labels=names,
        multi_label=problem != "regression" and (problem == "multi_label_classification" or len(names) == 1),
        regression=problem == "regression",
    )


def _names(labels: Sequence[str] | None, config: Any, count: int) -> tuple[str, ...]:
    """The names of the classes: those given, else those of the config if it has as many. Raises OptionError."""
    if labels is None:
        own = config.id2label or {}
        return tuple(str(own[number]) if len(own) == count else f"LABEL_{number}" for number in range(count))
    if len(labels) != count:
        raise OptionError(f"forward(network, inputs) gives {count} logits for a text; got {len(labels)} labels")
    if len(set(labels)) < len(labels) or not all(labels):
        raise OptionError("labels must be different and not empty")
    return tuple(labels)


# --- trying the head once ----------------------------------------------------------------------------------------


def _tried(model: Model, original: Any) -> int:
    """The number of logits, after one try of everything that explanations rely on. Raises OptionError.

    Sets what the network says of its head.
    """
    own: OwnNetwork = model.network
    rows = [torch.tensor(model.tokenizer(text)["input_ids"]) for text in _TEXTS]
    ids = pad_sequence(rows, batch_first=True, padding_value=model.tokenizer.pad_token_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    both = Batch(ids, mask, torch.zeros_like(ids))
    first = Batch(*(values[:1, : len(rows[0])] for values in (ids, mask, both.token_type_ids)))
    other = replace(first, input_ids=torch.cat((ids[:1, :1], first.input_ids[:, 1:-1].flip(1), rows[0][None, -1:]), 1))
    nearly = _EXACT if own.dtype == torch.float32 else _HALF
    try:
        logits, again, alone, reordered = (_logits(model, given) for given in (both, both, first, other))
        replaced = _logits(model, first, word_embeddings(model, other.input_ids))
        own.reads, own.last_layer_only = _what_it_reads(model, first, nearly)
    except UnsupportedModelError as error:
        raise OptionError(str(error)) from error
    if not logits.isfinite().all():
        raise OptionError("forward(network, inputs) returns logits that are not finite (NaN or infinity)")
    if not _equal(logits, again, nearly):
        raise OptionError(
            "forward(network, inputs) gives other logits each time: it must draw no random numbers; a dropout that "
            "does not know network.eval() does"
        )
    if not _equal(logits[:1], alone, nearly):
        raise OptionError(
            "forward(network, inputs) gives a text other logits beside a longer one, because it reads the padding "
            "too: leave tokens out where inputs['attention_mask'] is 0, as in a mean over the others"
        )
    if not _equal(reordered, replaced, nearly):
        raise OptionError(
            "forward(network, inputs) reads the token ids beside their embeddings, so what replaces words in the "
            "encoder would miss a part of the answer: compute the logits from the encoder's output alone"
        )
    _compare(model, alone, original, first, nearly)
    return int(logits.shape[1])


def _logits(model: Model, inputs: Batch, embeddings: Tensor | None = None) -> Tensor:
    def read(forward: Forward) -> Tensor:
        logits: Tensor = forward.network().logits.float().cpu()
        return logits

    with torch.no_grad():
        return forward_pass(model, inputs, read, embeddings=embeddings)


def _compare(model: Model, logits: Tensor, original: Any, inputs: Batch, nearly: float) -> None:
    """Raise OptionError unless the network itself, out of training, gives what its copy gives."""
    own: OwnNetwork = model.network
    first = next(iter(original.parameters()))
    if first.dtype != own.dtype:
        return
    given = {"input_ids": inputs.input_ids, "attention_mask": inputs.attention_mask}
    if model.uses_segments:
        given["token_type_ids"] = inputs.token_type_ids
    training = {module: module.training for module in original.modules()}
    original.eval()
    try:
        with torch.no_grad():
            expected = own.function(original, {name: values.to(first.device) for name, values in given.items()})
    finally:
        for module, mode in training.items():
            module.training = mode
    if not _equal(logits, expected.float().cpu(), nearly):
        raise OptionError(
            "forward(network, inputs) gives other logits with the copy of the network than with the network itself: "
            "its encoder must be a stock one, and everything that is on top of it part of the network"
        )


def _equal(first: Tensor, second: Tensor, nearly: float) -> bool:
    allowed = nearly * max(1.0, float(first.abs().max()))
    return first.shape == second.shape and bool(((first - second).abs() <= allowed).all())


def _what_it_reads(model: Model, inputs: Batch, nearly: float) -> tuple[Literal["cls", "mean", "other"], bool]:
    """What the head reads of the last states, and whether it reads no others: from its gradients."""
    own: OwnNetwork = model.network
    if not has_known_blocks(own):
        return "other", False
    ends: list[Tensor] = []

    def cut(layer: int, states: Tensor) -> Tensor:
        if layer < model.layers - 1:
            return states
        ends.append(states.detach().requires_grad_())
        return ends[-1]

    def read(forward: Forward) -> Tensor:
        with change_output(own, "layer", cut):
            logits: Tensor = forward.network().logits.float()
        return logits

    with torch.enable_grad():
        words = word_embeddings(model, inputs.input_ids).detach().requires_grad_()
        logits = forward_pass(model, inputs, read, embeddings=words)
        weighted = (logits * torch.arange(1, logits.shape[1] + 1, device=logits.device)).sum()
        if not weighted.requires_grad:
            return "other", False
        by_last, by_others = torch.autograd.grad(weighted, (ends[-1], words), allow_unused=True)
    if by_last is None:
        return "other", False
    read_of = by_last[0].float()
    if not read_of[1:].any():
        return "cls", by_others is None
    apart = (read_of - read_of.mean(dim=0)).abs().max()
    return "mean" if apart <= nearly * read_of.abs().max() else "other", by_others is None
