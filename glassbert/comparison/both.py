"""Whole comparisons: every part that is available, and a reason for each that is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from glassbert.arguments import checked
from glassbert.comparison._sides import Sides, sides_of_models, sides_of_texts
from glassbert.comparison.attributions import compare_attributions
from glassbert.comparison.changes import largest_changes
from glassbert.comparison.masked_words import compare_masked_words
from glassbert.comparison.predictions import compare_predictions
from glassbert.comparison.results import Comparison
from glassbert.comparison.states import compare_hidden_states
from glassbert.comparison.weights import compare_attention
from glassbert.errors import ComparisonError, OptionError, TargetError
from glassbert.network.model import Model
from glassbert.targets import Target
from glassbert.text.inputs import Text

ComparisonPart = Literal["predictions", "masked_words", "attention", "hidden", "attribution"]
PARTS: tuple[ComparisonPart, ...] = ("predictions", "masked_words", "attention", "hidden", "attribution")


@checked
def compare_models(
    first: Model,
    second: Model,
    text: str,
    pair: str | None = None,
    *,
    parts: Sequence[ComparisonPart] = PARTS,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
) -> Comparison:
    """Compare two models on one text: ``compare_models(gb.load("pretrained"), gb.load("sentiment"), "Not bad.")``.

    Aligned by characters, so the models may have different tokenizers. Differences are second − first; ``parts``
    selects what is compared. ``method`` and ``target`` are those of the attribution, which costs most. A part that is
    not available is None, with the reason in ``reasons``. Raises OptionError, MethodError, TextErrors.
    """
    return _compare(sides_of_models(first, second, text, pair), parts, method, target)


@checked
def compare_texts(
    model: Model,
    first: Text,
    second: Text,
    *,
    parts: Sequence[ComparisonPart] = PARTS,
    method: str = "integrated_gradients",
    target: Target | int | str | None = None,
) -> Comparison:
    """Compare two texts on one model, aligned by word; a pair is passed as ``gb.encode(model, a, b)``.

    Everything else is as in :func:`compare_models`. The target is that of the first text.
    Raises OptionError, MethodError, TextErrors.
    """
    return _compare(sides_of_texts(model, first, second), parts, method, target)


def _compare(
    sides: Sides, parts: Sequence[ComparisonPart], method: str, target: Target | int | str | None
) -> Comparison:
    work: dict[ComparisonPart, Callable[[Sides], Any]] = {
        "predictions": compare_predictions,
        "masked_words": compare_masked_words,
        "attention": compare_attention,
        "hidden": compare_hidden_states,
        "attribution": lambda sides: compare_attributions(sides, method=method, target=target),
    }
    unknown = [part for part in parts if part not in work]
    if unknown:
        raise OptionError(f"a part must be one of {', '.join(PARTS)}; got {unknown[0]!r}")
    found: dict[ComparisonPart, Any] = dict.fromkeys(PARTS)
    reasons: dict[str, str] = {}
    for part in parts:
        try:
            found[part] = work[part](sides)
        except (ComparisonError, TargetError) as error:
            reasons[part] = str(error)
    return Comparison(
        alignment=sides.alignment,
        predictions=found["predictions"],
        masked_words=found["masked_words"],
        attention=found["attention"],
        hidden=found["hidden"],
        attribution=found["attribution"],
        changes=largest_changes(sides.alignment, *found.values()),
        reasons=reasons,
    )
