"""Many masked copies of a text, asked in batches: the engine of surprise, word scores and template probes.

Two steps: the encoder turns each question into the state at its mask, one row; the vocabulary head turns rows into
scores. The states are small, so they can be asked again; the scores are not, so they are used up batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glassbert.network.batches import batches, chunks, rows_of_vocabulary
from glassbert.network.blocks import has_fused_attention
from glassbert.network.model import Batch, Model
from glassbert.network.run import Forward, run
from glassbert.network.single_position import read_at
from glassbert.network.task_heads import vocabulary_scores
from glassbert.results import Array, Encoded

__all__ = [
    "Answers",
    "Question",
    "entropy_bits",
    "look_up",
    "mean_probabilities",
    "question",
    "states",
]

# The vocabulary's scores of this many questions, 2 MB, stay in the cache while softmax, ranks and entropy go over them.
_ROWS_IN_CACHE = 16
# Scoring a vocabulary takes no fewer operations than a token on its way through the layers, and all in one product, so
# that a second thread waits once: it pays four times as early.
_TOKENS_A_VOCABULARY = 4


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What stands at ``position``, a mask, of this input?"""

    input_ids: Array  # (token,)
    token_type_ids: Array  # (token,)
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the questions' distributions say, natural logarithms."""

    log_probabilities: Tensor  # (look-up,)
    ranks: Tensor  # (look-up,)
    choices: Tensor  # (question,), the likeliest ids
    choice_log_probabilities: Tensor  # (question,)
    entropy: Tensor  # (question,), in bits


def question(model: Model, encoded: Encoded, position: int, masked: Sequence[int]) -> Question:
    """What stands at this position of the input, with the mask token at the ``masked`` ones?"""
    ids = encoded.input_ids.copy()
    ids[list(masked)] = model.tokenizer.mask_token_id
    return Question(ids, encoded.token_type_ids, position)


def states(model: Model, questions: Sequence[Question]) -> Tensor:
    """(question, hidden): the last layer's state at each question's mask.

    Questions of about the same length share a pass, as many as memory allows. The lock is taken for each pass, so that
    others get their turn in between.
    """
    _keep_freed_pages()
    rows = torch.empty(len(questions), model.hidden_size)
    maps = not has_fused_attention(model.network)
    for chunk in batches(model, [len(one.input_ids) for one in questions], maps=maps):
        rows[chunk] = _states(model, [questions[number] for number in chunk])
    return rows


def look_up(model: Model, rows: Tensor, questions: Sequence[int], ids: Sequence[int]) -> Answers:
    """The probability and rank of ``ids[i]`` in the distribution of question ``questions[i]``, for every i."""
    which, wanted = torch.tensor(questions, dtype=torch.int64), torch.tensor(ids, dtype=torch.int64)
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
    """(vocabulary,): the mean over the questions."""
    total = torch.zeros(int(model.network.config.vocab_size), dtype=torch.float64)
    for _, logits in _vocabulary(model, rows):
        total += logits.softmax(dim=-1).sum(dim=0)
    return total / len(rows)


def entropy_bits(log_probabilities: Tensor) -> Tensor:
    """Entropy over the last axis of natural-log probabilities, in bits."""
    return -(log_probabilities.exp() * log_probabilities).sum(dim=-1) / float(np.log(2))


def _vocabulary(model: Model, rows: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(question, vocabulary) logits in float32, in order, a few at a time: the first question's number, logits."""
    for some in chunks(len(rows), rows_of_vocabulary(model)):
        chunk = rows[some]
        scores = vocabulary_scores(model, chunk, token_rows=_TOKENS_A_VOCABULARY * len(chunk))
        for number, few in enumerate(torch.split(scores, _ROWS_IN_CACHE)):
            yield some.start + number * _ROWS_IN_CACHE, few


def _keep_freed_pages() -> None:
    """Have the C library keep what one pass frees for the next, up to 64 MB, rather than ask for fresh pages.

    glibc gives the end of its heap back to the system beyond twice the largest block freed so far, of those up to
    32 MB; clearing fresh pages took a tenth of a pass. The block is never written, so it costs nothing, and other C
    libraries are left as they are.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def _states(model: Model, questions: Sequence[Question]) -> Tensor:
    length = max(len(one.input_ids) for one in questions)
    ids = torch.full((len(questions), length), model.tokenizer.pad_token_id)
    attention, segments = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, one in enumerate(questions):
        count = len(one.input_ids)
        ids[row, :count] = torch.tensor(one.input_ids)
        attention[row, :count] = 1
        segments[row, :count] = torch.tensor(one.token_type_ids)
    inputs = Batch(ids, attention, segments)
    positions = torch.tensor([one.position for one in questions])

    def read(forward: Forward) -> Tensor:
        with read_at(model, inputs, positions):
            at_masks: Tensor = forward.encoder().last_hidden_state[:, 0].float().cpu()
        return at_masks

    return run(model, inputs, read)
