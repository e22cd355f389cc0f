"""The largest changes in plain words, as Markdown in which user text and model card text are escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.shared.charts import percent, readable
from components.shared.charts import points as moved
from components.text import plain
from components.views.compare.sides import NOTHING

if TYPE_CHECKING:
    from glassbert.comparison.changes import Part
    from glassbert.comparison.results import AttributionDifference, Changes, MaskedWordDifference, PredictionDifference

__all__ = ["PARTS", "number", "phrases", "points"]

#: Part of a comparison → its heading, in the order of reading.
PARTS = {
    "prediction": "Predictions",
    "attribution": "What drove the prediction",
    "masked_word": "Masked words",
    "head": "Heads",
    "attention": "Attention",
    "layer": "Layers",
    "hidden": "Hidden states",
}


def phrases(changes: Changes, results: Sequence[Part]) -> dict[str, list[str]]:
    """Part → its largest changes in words, the largest first. ``results`` are the parts that the changes come from;
    they give each phrase its values before and after."""
    kinds: dict[str, Any] = {type(result).__name__: result for result in results}
    words = [plain(readable(label)) for label in changes.alignment.labels]
    told: dict[str, list[str]] = {part: [] for part in PARTS}
    for index, part in enumerate(changes.parts):
        size, label = float(changes.sizes[index]), changes.labels[index]
        layer, head = int(changes.layers[index]), int(changes.heads[index])
        row, key = int(changes.rows[index]), int(changes.key_rows[index])
        where = f"Layer {layer + 1} head {head + 1}"
        match part:
            case "prediction":
                phrase = _prediction(kinds["PredictionDifference"], label, size)
            case "attribution":
                phrase = _attribution(kinds["AttributionDifference"], words[row], size)
            case "masked_word":
                phrase = _masked(kinds["MaskedWordDifference"], words[row], row, size)
            case "head":
                phrase = (
                    f"**{where}** attends differently in the second: {number(size)} bits apart, the mean over its rows."
                )
            case "attention":
                direction = "more" if size > 0 else "less"
                phrase = (
                    f"**{where}**: “{words[row]}” gives “{words[key]}” {points(size)} percentage points {direction} of "
                    "its attention."
                )
            case "layer":
                phrase = f"{_states(layer)}: the geometry of the words differs, CKA {number(1 - size)} instead of 1."
            case _:
                phrase = f"{_states(layer)}: “{words[row]}” changes direction, cosine {number(1 - size)} instead of 1."
        if not (part == "prediction" and told[part] and len(kinds["PredictionDifference"].labels) == 2):
            told[part].append(phrase)  # with two labels, one falls as the other rises
    return {part: found for part, found in told.items() if found}


def points(difference: float) -> str:
    """Percentage points without their sign: ``0.4123 → "41"``, small ones with one more digit. Safe in Markdown."""
    size = 100 * abs(difference)
    return plain(f"{size:.0f}" if size >= 9.95 else f"{size:.1f}" if size >= 0.1 else f"{size:.3f}")


def number(value: float) -> str:
    """Two digits, safe in Markdown; more where they would round to 0 or 1."""
    nearest = min(abs(value), abs(1 - value))
    if nearest < NOTHING:
        return str(round(value))
    return plain(f"{value:.2f}" if nearest >= 0.005 else f"{value:.5f}").replace("\\-", "−")


def _states(layer: int) -> str:
    return f"**After layer {layer}**" if layer else "**In the embeddings**"


def _prediction(result: PredictionDifference, label: str, size: float) -> str:
    index = result.labels.index(label)
    if result.regression:
        first, second = (
            plain(f"{float(scores[index]):.4g}") for scores in (result.first_probabilities, result.second_probabilities)
        )
        return f"The score of **{plain(label)}** {'rises' if size > 0 else 'falls'} from {first} to {second}."
    before, after = (float(shares[index]) for shares in (result.first_probabilities, result.second_probabilities))
    was, now = (plain(percent(share)) for share in (before, after))
    verb = "rises" if size > 0 else "falls"
    by = plain(moved(before, after).lstrip("+−± "))
    return f"The probability of **{plain(label)}** {verb} by {by}, from {was} to {now}."


def _attribution(result: AttributionDifference, word: str, size: float) -> str:
    unit = "logits" if result.output == "logit" else "of probability"
    direction = "more" if size > 0 else "less"
    target = plain(readable(result.target_label))
    return f"“{word}” contributes {plain(f'{abs(size):.2f}')} {unit} {direction} to **{target}** in the second."


def _masked(result: MaskedWordDifference, word: str, row: int, size: float) -> str:
    index = result.rows.tolist().index(row)
    first, second = (
        f"“{plain(readable(choices[index], result.alignment.first.spelling))}” ({plain(percent(float(shares[index])))})"
        for choices, shares in (
            (result.first_choices, result.first_probabilities),
            (result.second_choices, result.second_probabilities),
        )
    )
    return f"In place of “{word}”, the first predicts {first}, the second {second}: {number(size)} bits apart."
