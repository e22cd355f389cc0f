"""Attention scores as sums of parts: content to content, content to position, position to content (He et al. 2021).

In disentangled attention a distance has a query and a key of its own, so that the score of key j for query i is

    (q_i · k_j + q_i · k_d(i, j) + q_d(j, i) · k_j) / √(size × number of parts),

where d(i, j) is the distance between the two tokens, far ones in buckets. The softmax of these scores are the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import LayerError
from glassbert.families import require
from glassbert.maps.results import SCORE_PARTS, ScoreParts
from glassbert.network.batches import require_memory_for_maps
from glassbert.network.blocks import Block, blocks
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, run
from glassbert.text.inputs import Text, encode


@checked
def score_parts(
    model: Model, text: Text, pair: str | None = None, *, layers: Sequence[int] | None = None
) -> ScoreParts:
    """The parts of the attention scores of ``layers`` (None: all), for families with disentangled attention.

    Costs one forward pass of the encoder. Raises LayerError, UnsupportedModelError, the TextErrors of
    :func:`glassbert.encode`, and NotEnoughMemoryError.
    """
    require(model.checkpoint.family, "disentangled_attention", "taking attention scores apart")
    chosen = list(range(model.layers)) if layers is None else [int(layer) for layer in layers]
    for layer in chosen:
        if not 0 <= layer < model.layers:
            raise LayerError(f"layer {layer}: this model has layers 0 to {model.layers - 1}")
    encoded = encode(model, text, pair)
    require_memory_for_maps(model, len(encoded), layers=len(chosen) * len(SCORE_PARTS))
    found: dict[int, Tensor] = {}

    def read(forward: Forward) -> None:
        with ExitStack() as stack:
            for layer in set(chosen):
                stack.enter_context(_taken_apart(model, layer, found))
            forward.encoder()

    run(model, batch(model, [encoded]), read)
    values = torch.stack([found[layer] for layer in chosen], dim=1)
    return ScoreParts(encoded=encoded, parts=tuple(SCORE_PARTS), layers=np.asarray(chosen), values=values.numpy())


@contextmanager
def _taken_apart(model: Model, layer: int, into: dict[int, Tensor]) -> Iterator[None]:
    """A context in which a pass of one input puts the parts of this layer's scores, (part, head, query, key), there."""
    block, names = blocks(model.network)[layer], model.checkpoint.family.distances
    assert names is not None
    modules = {"query": block.query, "key": block.key} | _own(block, {"far query": names.query, "far key": names.key})
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Tensor) -> None:
            tokens, width = output.shape[1:]
            by_head = output[0].view(tokens, model.attention_heads, width // model.attention_heads)
            seen[name] = by_head.transpose(0, 1).clone()  # (head, token, size); some are scaled in place afterwards

        return hook

    def add_up(_module: Any, _inputs: Any, options: dict[str, Any], _output: Any) -> None:
        types = model.network.config.pos_att_type or ()
        scale = math.sqrt(seen["query"].shape[-1] * (1 + sum(kind in types for kind in ("c2p", "p2c"))))
        into[layer] = (_parts(seen, options.get("relative_pos")) / scale).float().cpu()

    with ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(keep(name)).remove)
        stack.callback(block.attention.register_forward_hook(add_up, with_kwargs=True).remove)
        yield


def _own(block: Block, paths: dict[str, str]) -> dict[str, Any]:
    """The projections of distances that this layer has."""
    modules = dict(block.layer.named_modules())
    return {name: modules[path] for name, path in paths.items() if path in modules}


def _parts(seen: dict[str, Tensor], distances: Tensor | None) -> Tensor:
    """(part, head, query, key), not yet scaled; a part that the network does not have is zero."""
    query, key = seen["query"], seen["key"]
    content = query @ key.transpose(1, 2)
    found = torch.stack((content, torch.zeros_like(content), torch.zeros_like(content)))
    if distances is None:
        return found
    for part, name, states in ((1, "far key", query), (2, "far query", key)):
        if name not in seen:
            continue
        far = seen[name]
        row = (distances[0] + far.shape[1] // 2).clamp(0, far.shape[1] - 1)  # of the table, (query, key)
        scores = states @ far.transpose(1, 2)  # (head, token, row of the table)
        # the query is what reads the distance in one part, the key is what the distance reads in the other
        read = scores.gather(-1, (row if part == 1 else row.T).expand(len(states), -1, -1))
        found[part] = read if part == 1 else read.transpose(1, 2)
    return found
