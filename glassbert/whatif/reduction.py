"""What remains when every word that the prediction does not need is removed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Decision, Runner
from glassbert.errors import TargetError
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.targets import Target
from glassbert.text.inputs import Text, encode
from glassbert.whatif.edits import span_at, word_text
from glassbert.whatif.results import InputReduction
from glassbert.whatif.variant_predictions import decide_edited, require_classes

__all__ = ["reduce_input"]


@checked
def reduce_input(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> InputReduction:
    """Input reduction (Feng et al. 2018): repeatedly drop the least important word while the prediction stays the same.

    The least important word is the one without which the prediction's probability is highest. Words are removed by id,
    all their pieces together; special tokens and the target mask stay. The reduction ends when removing any further
    word would flip the prediction, or at the last word. The remainder often makes no sense to a reader, although the
    model stays confident. With n words it costs up to n (n + 1) / 2 passes of ever shorter inputs, one batch per round.
    When cancelled, it returns the steps so far. Raises TargetError, TaskHeadError, TextErrors.
    """
    start = time.perf_counter()
    runner = decide_edited(model, encode(model, text, pair), target)
    decision, encoded = runner.decision, runner.decision.encoded
    require_classes(decision)
    words = {int(word): encoded.word_ids == word for word in np.unique(encoded.word_ids[decision.removable])}
    if not words:
        raise TargetError("this text has no word to remove: type at least one")
    rounds = len(words)
    whole = np.ones(len(encoded), dtype=bool)
    (original,) = (logits.cpu().numpy()[0] for _, logits in runner.logits_without(whole[None]))
    present, probabilities = [whole], [float(_probabilities(decision, original[None], original)[0])]
    removed: list[int] = []
    complete = True
    while len(words) > 1:
        if cancelled is not None and cancelled():
            complete = False
            break
        left = list(words)
        tried = np.stack([present[-1] & ~words[word] for word in left])
        logits = _logits(runner, tried, cancelled)
        if logits is None:
            complete = False
            break
        holds = decision.leads(logits, original) >= 0
        chances = np.where(holds, _probabilities(decision, logits, original), -1.0)
        best = int(chances.argmax())
        if chances[best] < 0:
            break
        removed.append(left[best])
        present.append(tried[best])
        probabilities.append(float(chances[best]))
        del words[left[best]]
        if progress is not None:
            progress(len(removed), rounds)
    places = [int((encoded.word_ids == word).argmax()) for word in removed]
    return InputReduction(
        encoded=encoded,
        target=decision.target,
        target_label=decision.target_label,
        prediction=decision.answers(original[None])[0],
        removed=np.asarray(places),
        removed_words=tuple(word_text(encoded, place) for place in places),
        present=np.stack(present),
        texts=tuple(_left_over(encoded, row) for row in present),
        probabilities=np.asarray(probabilities),
        complete=complete,
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )


def _logits(runner: Runner, present: Array, cancelled: Callable[[], bool] | None) -> Array | None:
    """(variant, class) of the input without the tokens not present; None if cancelled between two passes."""
    found: dict[int, Array] = {}
    for chosen, logits in runner.logits_without(present):
        found.update(zip(chosen, logits.cpu().numpy(), strict=True))
        if len(found) < len(present) and cancelled is not None and cancelled():
            return None
    return np.stack([found[number] for number in range(len(present))])


def _probabilities(decision: Decision, logits: Array, original: Array) -> Array:
    """The probability of the original prediction, (variant,)."""
    if not decision.is_independent:
        return decision.probability(logits, int(decision.decided(original[None])[0]))
    shares = decision.probability(logits)
    return shares if original[decision.class_ids[0]] > 0 else 1 - shares


def _left_over(encoded: Encoded, present: Array) -> tuple[str, ...]:
    """The remaining words, joined by a space where the text had white space between them."""
    texts = []
    for which, text in enumerate(encoded.texts):
        left, end = "", 0
        for position in np.flatnonzero(present & (encoded.sequence_ids == which)).tolist():
            span = span_at(encoded, position)
            if span.end <= end:
                continue
            gap = " " if left and any(character.isspace() for character in text[end : span.start]) else ""
            left += gap + text[span.start : span.end]
            end = span.end
        texts.append(left)
    return tuple(texts)
