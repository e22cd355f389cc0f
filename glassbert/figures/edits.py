"""How a prediction responds to changes of the text: variants, the smallest flips, and words removed one by one."""

from __future__ import annotations

from glassbert.figures._figure import Figure, Sheet, model_name
from glassbert.figures._words import left_out, shown_label
from glassbert.pictures.bar_drawings import score_rows, share_rows
from glassbert.pictures.drawing import Drawing, paragraph, stacked, titled
from glassbert.pictures.formats import percent, short
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.whatif.results import FlipSearch, InputReduction, Variants

_LONGEST = 400


def _variants(result: Variants, on: Theme, *, top_k: int = 40) -> Sheet:
    """``top_k`` is the number of variants shown, from the first."""
    drawing = variant_rows(result, on, top_k)
    target = shown_label(result.target_label)
    notes = [
        f"{'Scores' if result.probability is None else 'Probability'} of {target}.",
        "On top, in full colour: the unchanged text.",
        "" if result.probability is None else "After each number stands the prediction.",
        left_out(min(top_k, len(result.texts)), len(result.texts), "variants"),
    ]
    return Sheet(f"Variants: {target}", drawing, result.encoded.texts, notes)


def variant_rows(result: Variants, on: Theme, top_k: int) -> Drawing:
    """The unchanged text, and each variant, with the target's probability and what is predicted."""
    shown = result.texts[:top_k]
    names = [" / ".join(result.encoded.texts), *(" / ".join(texts) for texts in shown)]
    if result.probability is None:
        values = [result.value, *result.values[: len(shown)].tolist()]
        return score_rows(names, values, on=on, width_px=760)
    return share_rows(
        names,
        [result.probability, *result.probabilities[: len(shown)].tolist()],
        [0],
        on=on,
        notes=[shown_label(name, 30) for name in (result.prediction, *result.predictions[: len(shown)])],
        longest_px=_LONGEST,
        width_px=760,
    )


def _flips(result: FlipSearch, on: Theme, *, top_k: int = 20) -> Sheet:
    """``top_k`` is the number of flips shown, the smallest first."""
    target = shown_label(result.target_label)
    notes = [
        f"Probability of {target}; after each number stands the prediction. The unchanged text is on top.",
        f"{result.tried:,} variants tried of a budget of {result.budget:,} passes, up to {result.max_edits} edits; "
        f"{result.found:,} flip the prediction.",
        "" if result.complete else "The search is incomplete: there may be smaller changes.",
        f"Distances are measured by {shown_label(model_name(result.measured_by))}." if result.found else "",
    ]
    return Sheet(
        f"The smallest changes that flip {shown_label(result.prediction)}",
        flip_rows(result, on, top_k),
        result.encoded.texts,
        notes,
    )


def flip_rows(result: FlipSearch, on: Theme, top_k: int) -> Drawing:
    """The flips, or what comes closest to one."""
    if len(result.flips.texts):
        return variant_rows(result.flips, on, top_k)
    if len(result.odd.texts):
        return titled(variant_rows(result.odd, on, 1), "Flips it, but does not read well", on)
    none = paragraph("No change that flips the prediction was found.", 600, on)
    if not len(result.closest.texts):
        return none
    return stacked([none, titled(variant_rows(result.closest, on, 1), "What comes closest", on)], gap=12)


def _reduction(result: InputReduction, on: Theme, *, top_k: int = 60) -> Sheet:
    """``top_k`` is the number of steps shown in the table."""
    probabilities = result.probabilities.tolist()
    chart = line_drawing(
        {"probability": probabilities},
        on=on,
        limits=(0.0, 1.0),
        told=lambda share: f"{share:.0%}",
        place_names=["whole text", *(shown_label(word, 24) for word in result.removed_words)],
        across="word removed in each step",
        up=f"Probability of {shown_label(result.target_label)}",
        width_px=720,
    )
    steps = list(zip(["", *result.removed_words], probabilities, result.texts, strict=True))[:top_k]
    table = table_drawing(
        ["Step", "Removed", "Probability", "What is left"],
        [[str(step), word, percent(share), " / ".join(texts)] for step, (word, share, texts) in enumerate(steps)],
        on=on,
        right=[0, 2],
    )
    notes = [
        "Words removed one after another while the prediction stays the same (Feng et al. 2018).",
        "" if result.complete else "The computation was stopped before the end.",
        left_out(len(steps), len(probabilities), "steps"),
    ]
    title = f"Words that {shown_label(result.prediction)} does not need: {short(len(result.removed_words))}"
    return Sheet(title, stacked([chart, table], gap=20), result.encoded.texts, notes)


FIGURES = (Figure(Variants, _variants), Figure(FlipSearch, _flips), Figure(InputReduction, _reduction))
