"""One text, many variants: what each edit does to the decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Runner
from glassbert.errors import OptionError
from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode
from glassbert.whatif.edited import Variant, decide_edited, probabilities, values, variant, variant_logits
from glassbert.whatif.edits import Edit
from glassbert.whatif.results import Variants

__all__ = ["as_result", "variants"]


@checked
def variants(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    edits: Sequence[Edit | Sequence[Edit]],
    target: Target | int | str | None = None,
    output: Output = "probability",
    cancelled: Callable[[], bool] | None = None,
) -> Variants:
    """What the model decides about edited texts.

    ``variants(model, "A good film", edits=[Edit(2, replacement="bad")])``: each element of ``edits`` is a variant, one
    :class:`Edit` or several applied together. Every variant is tokenized again, as if it had been typed. Costs one
    forward pass per variant, one for the original, and one if ``target`` is None (the predicted class; without a
    classifier, the first mask in the text; without a mask, the next sentence of a pair). Raises OptionError for an
    empty list, TargetError, TaskHeadError and the TextErrors.
    """
    start = time.perf_counter()
    if isinstance(edits, Edit) or len(edits) == 0:
        raise OptionError("edits must be a list with at least one edit, or list of edits applied together")
    runner = decide_edited(model, encode(model, text, pair), target, output, cancelled=cancelled)
    decision = runner.decision
    made = [variant(decision, [one] if isinstance(one, Edit) else one) for one in edits]
    logits = variant_logits(runner, [variant(decision, []), *made])
    return as_result(runner, logits[0], made, logits[1:], start)


def as_result(runner: Runner, original: Array, made: Sequence[Variant], logits: Array, start: float) -> Variants:
    """Variants with their (variant, class) logits, and the original's (class,)."""
    decision = runner.decision
    empty = np.empty(0)
    return Variants(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        output=decision.output,
        value=float(values(decision, original[None])[0]),
        probability=float(probabilities(decision, original[None])[0]),
        prediction=decision.answers(original[None])[0],
        edits=tuple(tuple((int(e.position), str(e.kind), e.replacement) for e in one.edits) for one in made),
        texts=tuple(one.encoded.texts for one in made),
        values=values(decision, logits) if len(made) else empty,
        probabilities=probabilities(decision, logits) if len(made) else empty,
        predictions=decision.answers(logits) if len(made) else (),
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )
