"""Explanations that are wrong on purpose, for teaching and for testing the receipts."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS, explain
from glassbert.attribution.results import TokenScores
from glassbert.decision import decide
from glassbert.errors import OptionError
from glassbert.evaluation._examination import BROKEN, is_signed
from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.targets import ClassTarget
from glassbert.text.inputs import encode

__all__ = ["BrokenKind", "broken"]

BrokenKind = Literal["random", "flipped", "other_sentence"]

# About nothing that the first is likely to be about.
_OTHER_SENTENCE = (
    "The train to the coast leaves at nine, stops at every small station on the way and is almost never full, so there "
    "is no need to hurry or to buy a ticket long before."
)


@checked
def broken(model: Model, scores: TokenScores, kind: BrokenKind = "random", *, seed: int = 0) -> TokenScores:
    """The same explanation, deliberately broken: a receipt for it should fail.

    "random": normally distributed numbers of the same spread replace the scores (magnitudes for unsigned ones).
    "flipped": signs are reversed; for unsigned scores the order is reversed, so that the largest becomes the smallest.
    "other_sentence": the method's scores for another sentence, assigned to this one token by token and repeated from
    the start if it is shorter; special tokens keep their own. ``options["broken"]`` of the result names the kind.
    Raises OptionError.
    """
    if kind not in get_args(BrokenKind):
        raise OptionError(f"kind must be one of {', '.join(get_args(BrokenKind))}; got {kind!r}")
    values = scores.scores.astype(np.float64)
    if kind == "random":
        drawn = np.random.default_rng(seed).normal(0, values.std() or 1.0, len(values))
        wrong = drawn if is_signed(scores) else np.abs(drawn)
    elif kind == "flipped":
        magnitude = np.abs(values)
        wrong = -values if is_signed(scores) else magnitude.max() + magnitude.min() - magnitude
    else:
        wrong = _of_another_sentence(model, scores)
    delta = None
    if scores.delta is not None and scores.baseline_value is not None:
        delta = float(wrong.sum()) - (scores.value - scores.baseline_value)
    return replace(scores, scores=wrong.astype(np.float32), delta=delta, options={**scores.options, BROKEN: kind})


def _of_another_sentence(model: Model, scores: TokenScores) -> Array:
    """(token,): the other sentence's scores at the words, this one's at the special tokens.

    A target that needs this very text, such as a masked word, is explained in this text read backwards.
    """
    words = np.flatnonzero(scores.encoded.special_tokens_mask == 0)
    wrong = scores.scores.astype(np.float64)
    if isinstance(scores.target, ClassTarget) and scores.method in METHODS and len(scores.encoded.texts) == 1:
        method = METHODS[scores.method]
        other = encode(model, _OTHER_SENTENCE)
        settings = {name: scores.options.get(name, default) for name, default in method.options.items()}
        runner = decide(model, other, scores.target, scores.output)
        said = explain(runner, method, settings)
        there = said.scores[other.special_tokens_mask == 0].astype(np.float64)
    else:
        there = wrong[words][::-1]
    wrong[words] = np.resize(there, len(words))
    return wrong
