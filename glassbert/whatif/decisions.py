"""What a model decides about many texts at once: the question stays the same while the text changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.decision.pose import pose
from glassbert.decision.problem import Passes, Problem
from glassbert.errors import TargetError
from glassbert.network.batches import batches
from glassbert.network.device import work_threads
from glassbert.network.model import Model, batch, encoder_of, network_inputs, next_sentence_logits, vocabulary_logits
from glassbert.results import Array, Encoded
from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget, Output, Target
from glassbert.text.inputs import encode, mask_positions
from glassbert.whatif.edits import Edit, edited_texts, moved_start, words_to_edit

__all__ = ["Decision", "Variant", "decide"]


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """An edited text as the model reads it; ``gap`` is the token of the masked word that is asked about."""

    edits: tuple[Edit, ...]
    encoded: Encoded
    gap: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One question to one model: which class, which word at this gap, does B follow A. Make one with :func:`decide`."""

    problem: Problem

    @property
    def model(self) -> Model:
        return self.problem.model

    @property
    def encoded(self) -> Encoded:
        return self.problem.encoded

    @property
    def passes(self) -> Passes:
        return self.problem.passes

    @property
    def editable(self) -> list[int]:
        """The first token of every word that may be edited: all but the gap that is asked about."""
        target = self.problem.target
        gap = target.position if isinstance(target, MaskTarget) else None
        return [position for position in words_to_edit(self.encoded) if position != gap]

    def variant(self, edits: Sequence[Edit]) -> Variant:
        """The text after these edits, read anew. Raises TargetError, and the TextErrors where nothing is left."""
        target, mask = self.problem.target, self.model.mask_token
        texts = edited_texts(self.encoded, edits, mask)
        encoded = encode(self.model, *texts)
        if not isinstance(target, MaskTarget):
            return Variant(tuple(edits), encoded)
        start = moved_start(self.encoded, edits, target.position, mask)
        here = (encoded.sequence_ids == self.encoded.sequence_ids[target.position]) & (encoded.offsets[:, 1] > start)
        return Variant(tuple(edits), encoded, int(here.argmax()))

    def logits(self, variants: Sequence[Variant]) -> Array:
        """(variant, class) float32. One pass a variant, those of similar length together."""
        found: dict[int, Array] = {}
        for chunk in batches(self.model, [len(one.encoded) for one in variants]):
            chosen = [variants[number] for number in chunk]
            self.passes.add(len(chosen))
            found.update(zip(chunk, self._logits(chosen), strict=True))
        return np.stack([found[number] for number in range(len(variants))])

    def values(self, logits: Array) -> Array:
        """F, (variant,): the logit or probability of what is asked about, or its difference from the foil."""
        values: Array = self.problem.contrast(torch.from_numpy(logits)).double().numpy()
        return values

    def probabilities(self, logits: Array) -> Array:
        """The probability of the target, (variant,)."""
        own = replace(self.problem, output="probability", class_ids=self.problem.class_ids[:1])
        probabilities: Array = own.contrast(torch.from_numpy(logits)).double().numpy()
        return probabilities

    def answers(self, logits: Array) -> tuple[str, ...]:
        """What the model decides, (variant,): the class with the highest logit.

        A multi-label classifier decides about each label by itself: the label asked about, or "not" that label.
        """
        names = self.problem.class_name
        if not self.own_label:
            return tuple(names(int(index)) for index in logits.argmax(axis=1))
        asked = self.problem.class_ids[0]
        return tuple(names(asked) if logit > 0 else f"not {names(asked)}" for logit in logits[:, asked])

    def leads(self, logits: Array, original: Array) -> Array:
        """How far the decision of ``original`` (class,) is ahead, (variant,), in logits: below 0 it has turned."""
        asked = self.problem.class_ids[0]
        decided = int(original.argmax())
        ahead: Array
        if self.own_label:
            ahead = logits[:, asked] * (1.0 if original[asked] > 0 else -1.0)
        else:
            ahead = logits[:, decided] - np.delete(logits, decided, axis=1).max(axis=1)
        return ahead

    @property
    def own_label(self) -> bool:
        """Whether the label asked about is decided by itself, with no other to be ahead of."""
        return self.model.multi_label and isinstance(self.problem.target, ClassTarget)

    def _logits(self, variants: Sequence[Variant]) -> Array:
        padded, target, model = batch(self.model, [one.encoded for one in variants]), self.problem.target, self.model

        def work(device: str) -> Tensor:
            with torch.no_grad(), work_threads(padded.token_rows):
                arguments: dict[str, Any] = network_inputs(model, padded, device)
                if isinstance(target, ClassTarget):
                    logits = model.network(**arguments).logits
                elif isinstance(target, MaskTarget):
                    states = encoder_of(model)(**arguments).last_hidden_state
                    gaps = torch.tensor([one.gap for one in variants], device=states.device)
                    logits = vocabulary_logits(model, states[torch.arange(len(gaps), device=states.device), gaps])
                else:
                    logits = next_sentence_logits(model, encoder_of(model)(**arguments).pooler_output)
                result: Tensor = logits.float().cpu()
                return result

        logits: Array = model.run(work).numpy()
        return logits


def decide(
    model: Model,
    encoded: Encoded,
    target: Target | int | str | None = None,
    output: Output = "probability",
    *,
    cancelled: Callable[[], bool] | None = None,
    passes: Passes | None = None,
) -> Decision:
    """The question about this text. Raises TargetError for one that an edited text cannot be asked."""
    problem = pose(model, encoded, target, output, passes=passes or Passes(cancelled=cancelled))
    if isinstance(problem.target, MaskTarget) and problem.target.position not in mask_positions(model, encoded):
        raise TargetError(
            f"type {model.mask_token} in the text where the word is asked about: an edited text is read anew, and only "
            "a typed gap keeps its place"
        )
    if not isinstance(problem.target, ClassTarget | MaskTarget | NextSentenceTarget):
        raise TargetError("texts are varied for a class, a masked word or the next sentence; choose one of these")
    return Decision(problem)
