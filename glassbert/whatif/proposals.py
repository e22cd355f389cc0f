"""Replacements for a word, proposed by a masked-word model or by a gradient.

Only whole words are proposed: one piece of the vocabulary that begins a word and is made of letters, and that the text
does not contain yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

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
from glassbert.whatif.kinship import used_alike

__all__ = ["Proposal", "by_gradient", "by_masked_model", "most_effective_first", "whole_words"]


# A gradient knows nothing of the language, and many short entries of a vocabulary are only ever parts of words.
_FEWEST_LETTERS = 3
_words: WeakKeyDictionary[Any, Array] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word for a place in the original text; ``score`` orders the proposals of one place, the best first."""

    position: int
    word: str
    score: float


def whole_words(model: Model) -> Array:
    """(vocabulary,) of bool: entries that are whole words of letters, in the form they have after a space. Found once
    for each network."""
    if model.network not in _words:
        _words[model.network] = _found_words(model)
    return _words[model.network]


def _found_words(model: Model) -> Array:
    entries = model.tokenizer.get_vocab()
    spelling = spelling_of(model.tokenizer)
    mark = SPACE if spelling in ("ByteLevel", "Metaspace") else ""
    special = set(model.tokenizer.all_special_ids)
    found = np.zeros(int(model.network.config.vocab_size), dtype=bool)
    for entry, number in entries.items():
        written = readable(entry, spelling)
        if number < len(found) and number not in special and written.startswith(mark):
            found[number] = written.removeprefix(mark).isalpha()
    found.setflags(write=False)
    return found


def by_masked_model(
    proposer: Model, encoded: Encoded, positions: Sequence[int], top_k: int, passes: Passes, *, alike: bool = False
) -> list[list[Proposal]]:
    """For each word of the text, the likeliest other words with the word itself masked; score: log probability.

    ``encoded`` is the proposer's own encoding of the text, ``positions`` first tokens of its words; a word of several
    pieces is replaced by one mask. ``alike``: only words that are used like the one they replace
    (:func:`glassbert.whatif.kinship.used_alike`); a word of several pieces has no vector to compare, and allows all.
    One pass per position, in batches.
    """
    require_task_head(proposer, "masked_words")
    copies, words = [], whole_words(proposer)
    for position in positions:
        copies.append(_masked(proposer, encoded, position))
    passes.add(len(copies))
    rows = states(proposer, copies)
    found = []
    barred = torch.from_numpy(~words)
    pieces = np.bincount(encoded.word_ids[encoded.word_ids >= 0])
    for some in chunks(len(rows), rows_of_vocabulary(proposer)):
        scores = vocabulary_scores(proposer, rows[some], token_rows=len(rows[some])).log_softmax(dim=-1)
        scores = scores.masked_fill(barred, -torch.inf)
        for position, row in zip(positions[some], scores, strict=True):
            if alike and pieces[encoded.word_ids[position]] == 1:
                kin = used_alike(proposer, int(encoded.input_ids[position]), ~barred)
                row = row.masked_fill(~kin, -torch.inf)
            found.append(_best(proposer, encoded, position, row, top_k))
    return found


def by_gradient(runner: Runner, positions: Sequence[int], top_k: int) -> list[list[Proposal]]:
    """HotFlip (Ebrahimi et al. 2018): the words w that lower F most, to first order: (e_w − e_i) · ∂F/∂e_i.

    ``positions`` are first tokens of words; a word of several pieces is represented by its first. One forward and
    one backward pass for all of them. Score: the expected drop in F. In scripts with capital letters, a word has at
    least three letters.
    """
    model, encoded = runner.decision.model, runner.decision.encoded
    barred = torch.from_numpy(~(whole_words(model) & _long_enough(model)))
    return [
        _best(model, encoded, position, fall.masked_fill(barred.to(fall.device), -torch.inf), top_k)
        for position, fall in zip(positions, _falls(runner, positions), strict=True)
    ]


def most_effective_first(runner: Runner, offers: Sequence[Sequence[Proposal]]) -> list[list[Proposal]]:
    """The same proposals of each place, those first that lower F most to first order, as :func:`by_gradient` has it.

    A word that the model splits into pieces has no such estimate, and comes last. One forward and one backward pass.
    """
    model = runner.decision.model
    falls = _falls(runner, [offered[0].position for offered in offers if offered])
    found: list[list[Proposal]] = []
    for offered in offers:
        if not offered:
            found.append([])
            continue
        fall, ids = next(falls), [_entry(model, one.word) for one in offered]
        known = [-np.inf if entry is None else float(fall[entry]) for entry in ids]
        found.append([offered[number] for number in np.argsort(-np.asarray(known), kind="stable")])
    return found


def _falls(runner: Runner, positions: Sequence[int]) -> Iterator[Tensor]:
    """For each position, the expected drop in F, (vocabulary,), if its token were replaced by each entry."""
    embeddings = runner.decision.embeddings.requires_grad_()
    value = runner.value(embeddings)
    (gradient,) = torch.autograd.grad(value.sum(), embeddings)
    model = runner.decision.model
    table = model.network.get_input_embeddings().weight.detach().float()
    at, slopes = embeddings[0, list(positions)].detach(), gradient[0, list(positions)]
    for some in chunks(len(positions), rows_of_vocabulary(model)):
        yield from (at[some] * slopes[some]).sum(dim=-1, keepdim=True) - slopes[some] @ table.T


def _long_enough(model: Model) -> Array:
    """(vocabulary,) of bool: entries with enough letters to be a word; a script without capitals needs one."""
    spelling, found = spelling_of(model.tokenizer), np.ones(int(model.network.config.vocab_size), dtype=bool)
    for entry, number in model.tokenizer.get_vocab().items():
        word = readable(entry, spelling).removeprefix(SPACE)
        if number < len(found) and len(word) < _FEWEST_LETTERS:
            found[number] = word.lower() == word.upper()
    return found


def _best(model: Model, encoded: Encoded, position: int, scores: Tensor, top_k: int) -> list[Proposal]:
    """The words with the highest (vocabulary,) scores that are not in the text and tokenize to that entry."""
    here = _words_of(encoded)
    best = scores.topk(min(4 * top_k + 4 + len(here), len(scores)))
    found: list[Proposal] = []
    for value, entry in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        word = str(model.tokenizer.decode([entry])).strip()
        if len(found) == top_k or not np.isfinite(value):
            break
        if word.casefold() not in here and _entry(model, word) == entry:
            found.append(Proposal(position, word, value))
    return found


def _words_of(encoded: Encoded) -> frozenset[str]:
    """The words of the text and the pieces that they are split into."""
    words = {word.casefold() for text in encoded.texts for word in re.findall(r"\w+", text)}
    pieces = {readable(token, encoded.spelling).removeprefix("##").removeprefix(SPACE) for token in encoded.tokens}
    return frozenset(words | {piece.casefold() for piece in pieces})


def _entry(model: Model, word: str) -> int | None:
    """The id of a word after a space, if it is a single entry of the vocabulary."""
    typed = tokenized(model, f" {word}", add_special_tokens=False)["input_ids"]
    return int(typed[0]) if len(typed) == 1 else None


def _masked(model: Model, encoded: Encoded, position: int) -> MaskedCopy:
    pieces = np.flatnonzero(encoded.word_ids == encoded.word_ids[position])
    keep = np.ones(len(encoded), dtype=bool)
    keep[pieces[1:]] = False
    ids = encoded.input_ids.copy()
    ids[position] = model.tokenizer.mask_token_id
    return MaskedCopy(ids[keep], encoded.token_type_ids[keep], position)
