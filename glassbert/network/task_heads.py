"""From hidden states to logits: the only place that knows how to run each task head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from glassbert.families import Task
from glassbert.models.pooling import Pooling
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.network.own_head import OwnNetwork
from glassbert.network.run import Forward, batch, locked, run
from glassbert.results import Encoded

__all__ = [
    "at_positions",
    "head_logits",
    "next_sentence_logits",
    "pooled",
    "reads_all_positions",
    "sentence_embeddings",
    "task_logits",
    "vocabulary_logits",
    "vocabulary_scores",
]


def head_logits(
    forward: Forward, head: Task, positions: Tensor | None = None, *, attention: bool = False
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The logits of one task head in float32, on the device, and, if requested, the attention weights of the same pass.

    | head | logits |
    | --- | --- |
    | classification | (input, label) |
    | next_sentence | (input, 2): B follows A, B does not follow A |
    | token_classification | (input, token, label); (input, label) at ``positions``, (input, place, label) at several |
    | question_answering | (input, 2, token): start, end |
    | replaced_tokens | (input, token, 1): replaced; (input, 1) at ``positions`` |
    | masked_words | (input, vocabulary) at ``positions`` |

    ``positions``: the token read in each input, or a single one for all; (input, place) for several in each. Weights
    are (input, head, query, key) per layer.
    """
    match head:
        case "masked_words" | "next_sentence":
            output = forward.encoder(output_attentions=attention)
            if head == "next_sentence":
                logits = next_sentence_logits(forward.model, output.pooler_output)
            else:
                assert positions is not None
                # vocabulary scores only at the masked position: half the cost, the same numbers
                logits = vocabulary_logits(forward.model, at_positions(output.last_hidden_state, positions))
        case "question_answering":
            output = forward.network(output_attentions=attention)
            logits = torch.stack((output.start_logits, output.end_logits), dim=1)
        case _:
            output = forward.network(output_attentions=attention)
            logits = output.logits[..., None] if head == "replaced_tokens" else output.logits
            logits = logits if positions is None else at_positions(logits, positions)
    return logits.float(), tuple(output.attentions) if attention else ()


def task_logits(model: Model, encoded: Sequence[Encoded], head: Task, positions: Tensor | None = None) -> Tensor:
    """:func:`head_logits` of these inputs in one pass, on the CPU."""

    def read(forward: Forward) -> Tensor:
        return head_logits(forward, head, positions)[0].cpu()

    return run(model, batch(model, encoded), read)


def at_positions(states: Tensor, positions: Tensor) -> Tensor:
    """(input, token, …) → (input, …): the row at each input's position, or at a single position for all; the rows of
    several positions, (input, place), as (input, place, …)."""
    rows = torch.arange(len(states), device=states.device)
    at = positions.to(states.device).expand(len(states), *positions.shape[1:])
    return states[rows, at] if at.ndim == 1 else states[rows[:, None], at]


def vocabulary_scores(model: Model, states: Tensor, *, token_rows: int) -> Tensor:
    """The masked-word head on states of an earlier pass: (row, hidden) → (row, vocabulary) logits, float32 on the CPU.

    ``token_rows``: the equivalent work in tokens passing through the layers, from which threads are chosen.
    """

    def work(device: str) -> Tensor:
        with torch.no_grad(), work_threads(token_rows):
            return vocabulary_logits(model, states.to(device, model.network.dtype)).float().cpu()

    return locked(model, work)


def vocabulary_logits(model: Model, hidden: Tensor) -> Tensor:
    """The masked-word head on chosen hidden states: (row, hidden) → (row, vocabulary).

    On a short text the head costs as much as the whole encoder, so it is applied only where needed.
    """
    return _head_alone(model, "masked_words", hidden)


def reads_all_positions(model: Model) -> bool:
    """Whether the classification head reads all last states, usually their mean, not only that of [CLS]."""
    if isinstance(model.network, OwnNetwork):
        return model.network.reads != "cls"
    pooling = model.checkpoint.family.mean_pooling
    return pooling is not None and getattr(model.network.config, pooling[0]) == pooling[1]


def sentence_embeddings(forward: Forward, pooling: Pooling) -> tuple[Tensor, Tensor]:
    """The pooled last states, (input, hidden) in float32 on the device, and the states themselves.

    The mean is over all tokens that the network reads, special ones included, as in sentence-transformers.
    """
    states = forward.encoder().last_hidden_state
    return pooled(states, forward.inputs.attention_mask, pooling), states


def pooled(states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """(input, token, hidden) → (input, hidden) in float32. ``mask`` (input, token) is 1 for tokens that are read; a
    single one is for all inputs."""
    exact = states.float()
    if pooling == "cls":
        return exact[:, 0]
    shares = mask.to(exact.device, exact.dtype)
    shares = (shares / shares.sum(dim=1, keepdim=True)).expand(len(exact), -1)
    mean: Tensor = torch.einsum("ith,it->ih", exact, shares)
    return mean


def next_sentence_logits(model: Model, pooled: Tensor) -> Tensor:
    """The next-sentence head on the pooled [CLS] state: (input, hidden) → (input, 2)."""
    return _head_alone(model, "next_sentence", pooled)


def _head_alone(model: Model, head: Task, states: Tensor) -> Tensor:
    for path in model.checkpoint.family.task_heads[head].modules:
        states = model.network.get_submodule(path)(states)
    return states
