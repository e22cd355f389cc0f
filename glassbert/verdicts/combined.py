"""The whole verdict, or one part after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from glassbert.arguments import checked
from glassbert.network.model import Model
from glassbert.targets import Target
from glassbert.text.inputs import Text
from glassbert.verdicts.agreed import carrying_words
from glassbert.verdicts.decided import decided_answer
from glassbert.verdicts.flipped import smallest_flip
from glassbert.verdicts.results import Verdict
from glassbert.verdicts.trusted import trust_in

__all__ = ["PARTS", "verdict", "verdict_parts"]

#: The parts in the order in which they are computed, the cheapest first.
PARTS = ("answer", "words", "trust", "flip")


@checked
def verdict(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    proposer: Model | None = None,
    budget: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Verdict:
    """One answer of a model in plain sentences, each with its evidence.

    - The answer and how sure: one pass.
    - The words that carry it, as far as several cheap methods agree: about 20 passes, most of them with a gradient, and
      one for the text without each word.
    - Trust: are the weights trained, does the text make a difference, do the methods agree, does the answer hang on a
      word that they overlook, do the words matter to the model, do they depend on its weights? The worst of the six
      decides: "holds", "doubtful" or "fails".
    - The smallest change that flips the answer, searched for about half a second; ``budget`` forward passes otherwise.

    ``target`` None explains the answer itself (:func:`glassbert.verdicts.decided_answer`). ``proposer``, a masked-word
    model, suggests replacements that read fluently. ``seed`` sets the random orderings. ``progress(parts done, 4)`` is
    called after each part. :func:`glassbert.verdicts.verdict_parts` yields the parts as they are ready. Raises
    TargetError, TaskHeadError, MethodError, TextErrors; StoppedError when ``cancelled()``.
    """
    parts = verdict_parts(
        model, text, pair, target=target, proposer=proposer, budget=budget, seed=seed, cancelled=cancelled
    )
    found: list[Verdict] = []
    for latest in parts:
        found.append(latest)
        if progress is not None:
            progress(len(found), len(PARTS))
    return found[-1]


def verdict_parts(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    proposer: Model | None = None,
    budget: int | None = None,
    seed: int = 0,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Verdict]:
    """The verdict after each of its four ``PARTS``; parts still to come are None. Parameters and errors as there."""
    answer = decided_answer(model, text, pair, target=target, cancelled=cancelled)
    found = Verdict(answer, None, None, None)
    yield found
    words = carrying_words(model, answer, cancelled=cancelled)
    found = replace(found, words=words)
    yield found
    found = replace(found, trust=trust_in(model, words, seed=seed, cancelled=cancelled))
    yield found
    flip = smallest_flip(model, answer, words, proposer=proposer, budget=budget, cancelled=cancelled)
    yield replace(found, flip=flip)
