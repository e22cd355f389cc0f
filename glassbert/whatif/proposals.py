"""Replacements for a word, proposed by a masked-word model or by a gradient.

Only whole words are proposed: one piece of the vocabulary that begins a word and is made of letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glassbert.decision import Passes, Runner
from glassbert.language.masked_copies import MaskedCopy, states
from glassbert.network.batches import chunks, rows_of_vocabulary
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import vocabulary_scores
from glassbert.pictures.formats import readable
from glassbert.results import SPACE, Array, Encoded
from glassbert.text.inputs import spelling_of, tokenized
from glassbert.whatif.edits import word_text

__all__ = ["Proposal", "by_gradient", "by_masked_model", "whole_words"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word for a place in the original text; ``score`` orders the proposals of one place, the best first."""

    position: int
    word: str
    score: float


def whole_words(model: Model) -> Array:
    """(vocabulary,) of bool: entries that are whole words of letters, in the form they have after a space."""
    entries = model.tokenizer.get_vocab()
    spelling = spelling_of(model.tokenizer)
    mark = SPACE if spelling in ("ByteLevel", "Metaspace") else ""
    special = set(model.tokenizer.all_special_ids)
    found = np.zeros(int(model.network.config.vocab_size), dtype=bool)
    for entry, number in entries.items():
        written = readable(entry, spelling)
        if number < len(found) and number not in special and written.startswith(mark):
            found[number] = written.removeprefix(mark).isalpha()
    return found


def by_masked_model(
    proposer: Model, encoded: Encoded, positions: Sequence[int], top_k: int, passes: Passes
) -> list[list[Proposal]]:
    """For each word of the text, the likeliest other words with the word itself masked; score: log probability.

    ``encoded`` is the proposer's own encoding of the text, ``positions`` first tokens of its words; a word of several
    pieces is replaced by one mask. One pass per position, in batches.
    """
    require_task_head(proposer, "masked_words")
    copies, words = [], whole_words(proposer)
    for position in positions:
        copies.append(_masked(proposer, encoded, position))
    passes.add(len(copies))
    rows = states(proposer, copies)
    found = []
    barred = torch.from_numpy(~words)
    for some in chunks(len(rows), rows_of_vocabulary(proposer)):
        scores = vocabulary_scores(proposer, rows[some], token_rows=len(rows[some])).log_softmax(dim=-1)
        scores = scores.masked_fill(barred, -torch.inf)
        found += [
            _best(proposer, encoded, position, row, top_k)
            for position, row in zip(positions[some], scores, strict=True)
        ]
    return found


def by_gradient(runner: Runner, positions: Sequence[int], top_k: int) -> list[list[Proposal]]:
    """HotFlip (Ebrahimi et al. 2018): the words w that lower F most, to first order: (e_w − e_i) · ∂F/∂e_i.

    ``positions`` are first tokens of words; a word of several pieces is represented by its first. One forward and
    one backward pass for all of them. Score: the expected drop in F.
    """
    embeddings = runner.decision.embeddings.requires_grad_()
    value = runner.value(embeddings)
    (gradient,) = torch.autograd.grad(value.sum(), embeddings)
    table = runner.decision.model.network.get_input_embeddings().weight.detach().float()
    barred = torch.from_numpy(~whole_words(runner.decision.model)).to(table.device)
    found = []
    for position in positions:
        direction = gradient[0, position]
        fall = (embeddings[0, position].detach() - table) @ direction  # (vocabulary,)
        found.append(
            _best(runner.decision.model, runner.decision.encoded, position, fall.masked_fill(barred, -torch.inf), top_k)
        )
    return found


def _best(model: Model, encoded: Encoded, position: int, scores: Tensor, top_k: int) -> list[Proposal]:
    """The words with the highest (vocabulary,) scores that differ from the original and tokenize to that entry."""
    own = word_text(encoded, position).casefold()
    best = scores.topk(min(4 * top_k + 4, len(scores)))
    found: list[Proposal] = []
    for value, entry in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        word = str(model.tokenizer.decode([entry])).strip()
        if len(found) == top_k or not np.isfinite(value):
            break
        typed = tokenized(model, f" {word}", add_special_tokens=False)["input_ids"]
        if word.casefold() != own and typed == [entry]:
            found.append(Proposal(position, word, value))
    return found


def _masked(model: Model, encoded: Encoded, position: int) -> MaskedCopy:
    pieces = np.flatnonzero(encoded.word_ids == encoded.word_ids[position])
    keep = np.ones(len(encoded), dtype=bool)
    keep[pieces[1:]] = False
    ids = encoded.input_ids.copy()
    ids[position] = model.tokenizer.mask_token_id
    return MaskedCopy(ids[keep], encoded.token_type_ids[keep], position)
