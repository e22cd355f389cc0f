"""What flips an answer: the smallest change found within a stated amount of work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import GlassBERTError, StoppedError
from glassbert.network.model import Model
from glassbert.network.special_tokens import UNKNOWN
from glassbert.results import Encoded
from glassbert.targets import AnswerTarget, MaskTarget, TokenTarget
from glassbert.text.inputs import encode, mask_positions
from glassbert.verdicts import thresholds
from glassbert.verdicts._work import operations
from glassbert.verdicts.results import CarryingWords, DecidedAnswer, FlipFound
from glassbert.whatif import find_flip
from glassbert.whatif.edits import stands_alone
from glassbert.whatif.variant_predictions import words_that_may_change

__all__ = ["flip_budget", "smallest_flip"]

# A masked-word model takes a pass for every word that it proposes replacements for. A tenth of the budget for them
# leaves about eight changes to try of each of the words.
_SHARE_FOR_PROPOSALS = 10
_FEWEST_PLACES = 3
# Proposals of each word: among the likeliest ones there is often none that changes the sense.
_TOP_K = 30


@checked
def smallest_flip(
    model: Model,
    answer: DecidedAnswer,
    words: CarryingWords | None = None,
    *,
    proposer: Model | None = None,
    budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FlipFound:
    """The smallest change of up to two words that flips the answer, by :func:`glassbert.find_flip`.

    First every word is deleted, in a text with more words than half the budget those that carry the answer and those
    whose deletion costs most. Then words are replaced, and two are changed at once, those that carry the answer
    (``words``) first. Replacements come from the masked-word model ``proposer``, else from the model's own masked-word
    head, and changes should read well to it; where none does, the flip that reads best is kept with a note. Without
    such a head they come from the gradient, unchecked. ``budget`` is in forward passes; None: about half a second of
    work (:func:`flip_budget`), and a pass for each deletion. To continue a search, call again with a larger budget.
    When cancelled, it returns what was found so far.
    """
    given = budget is not None
    budget = flip_budget(model, len(answer.encoded)) if budget is None else budget
    if answer.probability is None:
        return _none(answer, budget, "A score has no classes, so no change of the text can flip it.")
    if isinstance(answer.target, TokenTarget | AnswerTarget):
        return _none(answer, budget, "No changes are searched for the label of one token or one end of an answer.")
    typed = _editable_text(model, answer)
    if typed is None:
        return _none(answer, budget, "The masked token is only part of a word, so the text cannot be edited around it.")
    places = _places(typed, answer, words)
    if not places:
        return _none(answer, budget, _nothing_to_change(typed))
    source = proposer if proposer is not None and "masked_words" in proposer.task_heads else model
    by_mask = "masked_words" in source.task_heads
    replaced = max(_FEWEST_PLACES, budget // _SHARE_FOR_PROPOSALS) if by_mask else len(places)
    replaced = min(replaced, len(places))
    changed = places[:replaced] + _most_costly(places[replaced:], words)
    changed = changed[: max(replaced, budget // 2)]
    if not given:
        budget += len(changed)
    try:
        search = find_flip(
            model,
            typed,
            target=answer.target,
            proposals="masked_model" if by_mask else "gradient",
            proposer=source if by_mask else None,
            positions=changed,
            words_to_replace=replaced,
            readable=by_mask,
            top_k=_TOP_K,
            budget=budget,
            progress=progress,
            cancelled=cancelled,
        )
    except StoppedError:
        raise
    except GlassBERTError as error:
        return _none(answer, budget, _as_sentence(error))
    return FlipFound(
        encoded=answer.encoded,
        target=answer.target,
        target_label=answer.target_label,
        search=search,
        reason="",
        budget=budget,
        words=len(places),
        words_tried=replaced,
    )


def flip_budget(model: Model, tokens: int) -> int:
    """Forward passes of this length that take about half a second, from 10 to 1,000."""
    passes = int(thresholds.FLIP_OPERATIONS / operations(model, tokens))
    return max(thresholds.LEAST_FLIP_PASSES, min(thresholds.MOST_FLIP_PASSES, passes))


def _none(answer: DecidedAnswer, budget: int, reason: str) -> FlipFound:
    return FlipFound(answer.encoded, answer.target, answer.target_label, None, reason, budget, 0, 0)


def _nothing_to_change(typed: Encoded) -> str:
    tokens = [token for token, special in zip(typed.tokens, typed.special_tokens_mask, strict=True) if not special]
    if tokens and all(token in UNKNOWN for token in tokens):
        return "The model knows no word of the text, so none is changed: the unknown token stands for each of them."
    return "The text has no word that could be changed."


def _editable_text(model: Model, answer: DecidedAnswer) -> Encoded | None:
    """The text as it would be typed, with the mask in it for a masked word; None where it cannot be typed so."""
    encoded, target = answer.encoded, answer.target
    texts = list(encoded.texts)
    if isinstance(target, MaskTarget):
        typed = encode(model, *texts)
        if len(typed) != len(encoded) or target.position not in mask_positions(model, typed):
            which = int(encoded.sequence_ids[target.position])
            start, end = encoded.offsets[target.position]
            texts[which] = f"{texts[which][:start]}{model.mask_token}{texts[which][end:]}"
    typed = encode(model, *texts)
    return typed if typed.tokens == encoded.tokens else None


def _places(typed: Encoded, answer: DecidedAnswer, words: CarryingWords | None) -> list[int]:
    """The first token of every word that may be changed; those that carry the answer first."""
    places = [place for place in words_that_may_change(typed, answer.target) if stands_alone(typed, place)]
    if words is None:
        return places
    rank = {int(words.positions[word]): place for place, word in enumerate(words.order)}
    return sorted(places, key=lambda position: rank.get(position, len(rank)))


def _most_costly(places: list[int], words: CarryingWords | None) -> list[int]:
    """The same places, those first whose deletion costs the answer most of its lead; what was not tried comes last."""
    if words is None:
        return places
    lost = dict(zip(words.positions[words.tried].tolist(), words.lost.tolist(), strict=True))
    return sorted(places, key=lambda position: -lost.get(position, -np.inf))


def _as_sentence(error: GlassBERTError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
