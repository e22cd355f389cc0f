"""What a training has changed: the words that pinned texts lean on, layers, heads, and guesses of masked words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.attribution import attribute
from glassbert.attribution.results import TokenScores
from glassbert.comparison._sides import divergence_bits
from glassbert.comparison.states import linear_cka
from glassbert.errors import GlassBERTError, OptionError, StoppedError, TaskHeadError, UnsupportedModelError
from glassbert.evaluation import receipt
from glassbert.language import classify, fill_mask
from glassbert.network.blocks import gives_weights, take_weights
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, run
from glassbert.results import Array, Encoded
from glassbert.tables import Table
from glassbert.targets import ClassTarget
from glassbert.text.inputs import encode, shorten
from glassbert.tuning.results import Moved, PinnedSentence

__all__ = ["STOPPED", "Pinned", "end_if", "explained", "moved", "pin"]

STOPPED = "the training was stopped; the same call goes on with it"

#: One pass each: the first if the model has a rule for every module.
_METHODS = ("attn_lrp", "input_x_gradient")
_EXPLAINED = ("classification", "multi_label", "regression")
_MOST_PINNED, _CHOSEN, _CHOSEN_WORDS = 20, 3, range(6, 26)
#: Texts on which layers and heads are compared, tokens of each, and the share of them that is masked.
_TEXTS, _TOKENS, _MASKED = 16, 64, 0.15
#: Random orderings of a receipt: fewer than on the page, for a training should not wait for them.
_ORDERINGS = 25


def end_if(cancelled: Callable[[], bool] | None) -> None:
    """Raise StoppedError if the training is to end."""
    if cancelled is not None and cancelled():
        raise StoppedError(STOPPED)


def explained(model: Model, text: str, pair: str | None, target: ClassTarget) -> TokenScores:
    """The scores of the cheapest method that this model has: one forward and one backward pass."""
    try:
        return attribute(model, text, pair, method=_METHODS[0], target=target)
    except (UnsupportedModelError, TaskHeadError):
        return attribute(model, text, pair, method=_METHODS[1], target=target)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A text that is explained after each epoch. ``label`` is its own, if the table has it, else ""."""

    text: str
    pair: str | None
    label: str

    def explain(self, model: Model) -> dict[str, Any]:
        """Plain data: the answer, its probability, and a score for each word."""
        found = classify(model, self.text, self.pair)
        answer = found.predicted
        scores = explained(model, self.text, self.pair, self._target(model))
        by_word = scores.by_word()
        return {
            "words": list(by_word.words),
            "scores": [float(one) for one in by_word.scores],
            "answer": found.labels[answer],
            "confidence": float(found.logits[answer] if found.regression else found.probabilities[answer]),
            "method": scores.method,
        }

    def _target(self, model: Model) -> ClassTarget:
        return ClassTarget(self.label if self.label in model.labels else None)

    def result(self, model: Model, files: Sequence[Path], cancelled: Callable[[], bool] | None) -> PinnedSentence:
        """All epochs, and the receipt of the final model's scores; raises StoppedError when cancelled."""
        epochs = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
        scores = explained(model, self.text, self.pair, self._target(model))
        try:
            own = receipt(model, scores, n_orderings=_ORDERINGS, cancelled=cancelled)
        except StoppedError:
            end_if(cancelled)
            raise
        return PinnedSentence(
            text=self.text,
            pair=self.pair or "",
            label=self.label,
            method=epochs[-1]["method"] if epochs else "",
            words=tuple(epochs[-1]["words"]) if epochs else (),
            scores=np.asarray([one["scores"] for one in epochs]),
            answers=tuple(one["answer"] for one in epochs),
            confidences=np.asarray([one["confidence"] for one in epochs]),
            receipt=own,
        )


def pin(model: Model, table: Table, texts: Sequence[str | tuple[str, str]] | None) -> list[Pinned]:
    """The texts to explain: those that are given, or a sentence of each of the first classes.

    Raises OptionError for too many, and TextErrors for one that the model cannot read at once: before it is trained.
    """
    if texts is not None and len(texts) > _MOST_PINNED:
        raise OptionError(f"at most {_MOST_PINNED} texts can be pinned; got {len(texts)}")
    if table.kind not in _EXPLAINED:
        return []
    if texts is not None:
        _check(model, texts)
        known = {(text, table.pairs[place] if table.pairs else None): place for place, text in enumerate(table.texts)}
        found = []
        for one in texts:
            text, pair = one if isinstance(one, tuple) else (one, None)
            found.append(Pinned(text, pair, _label(table, known[text, pair]) if (text, pair) in known else ""))
        return found
    chosen: dict[str, int] = {}
    short = replace(model, max_tokens=min(model.max_tokens, 2 * _TOKENS))
    for fits in (_CHOSEN_WORDS, range(1, 40)):  # a sentence, where there is one
        for place, text in enumerate(table.texts):
            label = _label(table, place)
            if len(text.split()) not in fits or label in chosen or len(chosen) == _CHOSEN:
                continue
            try:
                encode(short, text, table.pairs[place] if table.pairs else None)
            except GlassBERTError:  # too long, or no word that this model reads
                continue
            chosen[label] = place
    return [Pinned(table.texts[at], table.pairs[at] if table.pairs else None, label) for label, at in chosen.items()]


def _check(model: Model, texts: Sequence[str | tuple[str, str]]) -> None:
    for number, one in enumerate(texts):
        try:
            encode(model, *(one if isinstance(one, tuple) else (one,)))
        except GlassBERTError as error:
            error.args = (f"pinned text {number + 1} of {len(texts)}: {error}",)
            raise


def _label(table: Table, place: int) -> str:
    """The label of a text of one class; "" for several and for numbers."""
    return table.label_text(place) if table.kind == "classification" else ""


def moved(
    before: Model,
    after: Model,
    table: Table,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Moved:
    """Compare layers, heads and guesses of masked words on up to 16 texts; two to four passes for each.

    Texts are cut to 64 tokens. The guesses are those of the head that the model had before, on the encoder before and
    after. ``progress(texts done, texts)``. Raises StoppedError when cancelled.
    """
    draw = np.random.default_rng(seed)
    places = draw.permutation(len(table))[:_TEXTS]
    states: tuple[list[Array], list[Array]] = ([], [])
    divergences: list[Array] = []
    right, masked = np.zeros(2), 0
    sides = (before, after)
    guessing = _guessing(before, after)
    short = replace(before, max_tokens=min(before.max_tokens, _TOKENS))
    used = 0
    for number, place in enumerate(places):
        end_if(cancelled)
        if progress is not None:
            progress(number, len(places))
        text = table.pairs[place] if table.kind == "spans" else table.texts[place]
        try:
            text, _ = shorten(short, text)
            encoded = encode(before, text)
        except GlassBERTError:  # no word that this model reads
            continue
        used += 1
        looked = [_states_and_maps(side, encoded) for side in sides]
        for found, (own, _) in zip(states, looked, strict=True):
            found.append(own)
        divergences.append(divergence_bits(*(maps for _, maps in looked)).mean(axis=-1))
        if guessing is not None:
            words = np.flatnonzero(encoded.special_tokens_mask == 0)
            hidden = sorted(int(one) for one in draw.choice(words, max(1, round(_MASKED * len(words))), replace=False))
            for which, side in enumerate(guessing):
                guess = fill_mask(side, encoded, positions=hidden, top_k=1)
                right[which] += int((guess.candidate_ids[:, 0] == guess.original_ids).sum())
            masked += len(hidden)
    if not used:
        raise OptionError("no text of the table has a word that this model can read")
    first, second = (np.concatenate(found, axis=1) for found in states)
    return Moved(
        cka=np.asarray([linear_cka(a[None], b[None])[0, 0] for a, b in zip(first, second, strict=True)]),
        head_distances=np.mean(divergences, axis=0),
        masked_accuracy=right / masked if masked else np.empty(0),
        texts=used,
        masked=masked,
    )


def _states_and_maps(model: Model, encoded: Encoded) -> tuple[Array, Array]:
    """(layer + 1, token, hidden) and (layer, head, query, key) of one text, in one pass."""
    maps = np.empty((model.layers, model.attention_heads, len(encoded), len(encoded)), dtype=np.float32)

    def take(layer: int, found: Tensor) -> None:
        maps[layer] = found.float().cpu().numpy()

    def read(forward: Forward) -> Array:
        with take_weights(model.network, take):
            output = forward.encoder(output_hidden_states=True, **gives_weights(model.network))
        return torch.stack([states[0].float().cpu() for states in output.hidden_states]).numpy()

    return run(model, batch(model, [encoded]), read), maps


def _guessing(before: Model, after: Model) -> tuple[Model, Model] | None:
    """The model before, and its head for masked words on the encoder after; None without such a head."""
    if "masked_words" not in before.task_heads:
        return None
    if "masked_words" in after.task_heads:
        return before, after
    network = copy.deepcopy(before.network)
    network.base_model.load_state_dict(after.network.base_model.state_dict(), strict=False)
    return before, replace(before, network=network)
