"""Many masked copies of a text, run in batches: the engine of surprise, word scores and template probes.

Two steps: the encoder turns each copy into the state at its mask, one row; the vocabulary head turns rows into
scores. The states are small, so they can be kept and reused; the scores are large, so each batch is consumed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glassbert.decision import Passes
from glassbert.network.batches import batches, chunks, rows_of_vocabulary
from glassbert.network.blocks import has_fused_attention
from glassbert.network.model import Model
from glassbert.network.run import Batch, Forward, run
from glassbert.network.single_position import only_positions
from glassbert.network.task_heads import vocabulary_scores
from glassbert.results import Array, Encoded

__all__ = [
    "Answers",
    "MaskedCopy",
    "entropy_bits",
    "look_up",
    "masked_copy",
    "mean_probabilities",
    "states",
]

# The vocabulary scores of this many copies, 2 MB, stay in the cache while softmax, ranks and entropy are computed.
_ROWS_IN_CACHE = 16
# Scoring the vocabulary takes at least as many operations as a token does in all layers, but in a single product, so a
# second thread waits only once: it pays off four times as early.
_TOKENS_A_VOCABULARY = 4


@dataclass(frozen=True, slots=True, eq=False)
class MaskedCopy:
    """An input with the mask token at ``position``, where the prediction is read, and perhaps elsewhere."""

    input_ids: Array  # (token,)
    token_type_ids: Array  # (token,)
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What was looked up in the copies' distributions; natural logarithms."""

    log_probabilities: Tensor  # (look-up,)
    ranks: Tensor  # (look-up,)
    choices: Tensor  # (copy,), the most likely ids
    choice_log_probabilities: Tensor  # (copy,)
    entropy: Tensor  # (copy,), in bits


def masked_copy(model: Model, encoded: Encoded, position: int, masked: Sequence[int]) -> MaskedCopy:
    """The input with the mask token at the ``masked`` positions, read at ``position``."""
    ids = encoded.input_ids.copy()
    ids[list(masked)] = model.tokenizer.mask_token_id
    return MaskedCopy(ids, encoded.token_type_ids, position)


def states(model: Model, copies: Sequence[MaskedCopy], passes: Passes | None = None) -> Tensor:
    """(copy, hidden): the last layer's state at each copy's mask; ``passes`` counts, reports and can cancel.

    Questions of similar length share a pass, as many as memory allows. The lock is taken for each pass, so that other
    threads can run in between.
    """
    _keep_freed_pages()
    rows = torch.empty(len(copies), model.hidden_size)
    maps = not has_fused_attention(model.network)
    for chunk in batches(model, [len(one.input_ids) for one in copies], maps=maps):
        if passes is not None:
            passes.add(len(chunk))
        rows[chunk] = _states(model, [copies[number] for number in chunk])
    return rows


def look_up(model: Model, rows: Tensor, copies: Sequence[int], ids: Sequence[int]) -> Answers:
    """The probability and rank of ``ids[i]`` in the distribution of copy ``copies[i]``, for every i."""
    which, wanted = torch.tensor(copies, dtype=torch.int64), torch.tensor(ids, dtype=torch.int64)
    found, ranks = torch.empty(len(wanted)), torch.empty_like(wanted)
    best, choices, entropy = [], [], []
    for start, logits in _vocabulary(model, rows):
        log_probabilities = logits.log_softmax(dim=-1)
        highest = log_probabilities.max(dim=-1)
        best.append(highest.values)
        choices.append(highest.indices)
        entropy.append(entropy_bits(log_probabilities))
        here = torch.nonzero((which >= start) & (which < start + len(logits)))[:, 0]
        for few in torch.split(here, _ROWS_IN_CACHE):
            row, token = which[few] - start, wanted[few]
            found[few] = log_probabilities[row, token]
            ranks[few] = (logits[row] > logits[row, token][:, None]).sum(dim=-1) + 1
    return Answers(found, ranks, torch.cat(choices), torch.cat(best), torch.cat(entropy))


def mean_probabilities(model: Model, rows: Tensor) -> Tensor:
    """(vocabulary,): the mean of the copies' distributions."""
    total = torch.zeros(int(model.network.config.vocab_size), dtype=torch.float64)
    for _, logits in _vocabulary(model, rows):
        total += logits.softmax(dim=-1).sum(dim=0)
    return total / len(rows)


def entropy_bits(log_probabilities: Tensor) -> Tensor:
    """The entropy over the last axis, in bits, from natural-log probabilities."""
    return -(log_probabilities.exp() * log_probabilities).sum(dim=-1) / float(np.log(2))


def _vocabulary(model: Model, rows: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(copy, vocabulary) logits in float32, in order, a few at a time: the first copy's index, and logits."""
    for some in chunks(len(rows), rows_of_vocabulary(model)):
        chunk = rows[some]
        scores = vocabulary_scores(model, chunk, token_rows=_TOKENS_A_VOCABULARY * len(chunk))
        for number, few in enumerate(torch.split(scores, _ROWS_IN_CACHE)):
            yield some.start + number * _ROWS_IN_CACHE, few


def _keep_freed_pages() -> None:
    """Make the C library keep up to 64 MB of freed memory for the next pass instead of requesting new pages.

    glibc returns the end of its heap to the system beyond twice the largest block freed so far, counting blocks up to
    32 MB; clearing new pages took a tenth of a pass. The block is never written, so it costs nothing, and other C
    libraries are unaffected.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def _states(model: Model, copies: Sequence[MaskedCopy]) -> Tensor:
    length = max(len(one.input_ids) for one in copies)
    ids = torch.full((len(copies), length), model.tokenizer.pad_token_id)
    attention, segments = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, one in enumerate(copies):
        count = len(one.input_ids)
        ids[row, :count] = torch.tensor(one.input_ids)
        attention[row, :count] = 1
        segments[row, :count] = torch.tensor(one.token_type_ids)
    inputs = Batch(ids, attention, segments)
    positions = torch.tensor([one.position for one in copies])

    def read(forward: Forward) -> Tensor:
        with only_positions(model, inputs, positions):
            at_masks: Tensor = forward.encoder().last_hidden_state[:, 0].float().cpu()
        return at_masks

    return run(model, inputs, read)
