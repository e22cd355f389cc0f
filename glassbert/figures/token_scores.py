"""An attribution: the coloured text, and a bar with its number for each token or word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.attribution import METHODS
from glassbert.attribution.results import ScoresByWord, TokenScores
from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import settings_told, shown_label
from glassbert.pictures import formats
from glassbert.pictures.bar_drawings import score_columns, score_rows
from glassbert.pictures.drawing import Drawing, stacked
from glassbert.pictures.palette import Theme
from glassbert.pictures.tokens import tokens_drawing
from glassbert.results import Array
from glassbert.targets import unit_of

#: More bars than this are drawn as columns.
_MOST_ROWS = 40


def _by_token(
    result: TokenScores, on: Theme, *, by_word: bool = False, special: bool = True, most: float | None = None
) -> Sheet:
    """``by_word``: words instead of tokens. ``special``: whether special tokens are shown. ``most``: the score drawn in
    full colour, for several pictures on one scale."""
    if by_word:
        return _by_word(result.by_word(), on, special=special, most=most)
    is_special = result.encoded.special_tokens_mask.astype(bool)
    return _sheet(result, result.encoded.pieces, result.scores.astype(np.float64), is_special, on, special, most, "")


def _by_word(result: ScoresByWord, on: Theme, *, special: bool = True, most: float | None = None) -> Sheet:
    """As those of TokenScores."""
    return _sheet(
        result.by_token,
        result.words,
        result.scores,
        result.special,
        on,
        special,
        most,
        "A word's score is the sum over its tokens.",
    )


def _sheet(
    of: TokenScores,
    names: Sequence[str],
    scores: Array,
    is_special: Array,
    on: Theme,
    special: bool,
    most: float | None,
    units: str,
) -> Sheet:
    method = METHODS.get(of.method)
    label = method.label if method else of.method
    kept = np.flatnonzero(~is_special | special).tolist()
    pieces, values = [names[index] for index in kept], [float(scores[index]) for index in kept]
    words = np.flatnonzero(~is_special).tolist() or list(range(len(scores)))
    # [CLS], which a classifier reads from, would make the words look pale
    full = most or float(np.abs(scores[words]).max(initial=0.0)) or None
    both = bool((scores[kept] < 0).any()) or (method.signed if method else True)
    unit = unit_of(of.target, of.output)
    legend = f"{label}, in {unit}; " + ("orange for, blue against" if both else "strength, without direction")
    strip = tokens_drawing(pieces, values, on=on, signed=both, most=full, legend=legend, width_px=720)
    bars = score_drawing(pieces, values, on, signed=both)
    total = float(np.abs(scores).sum()) or 1.0
    share = float(np.abs(scores[is_special]).sum()) / total
    which = "Special tokens" if special else "Special tokens, which are left out,"
    notes = [
        f"{label} ({method.paper})." if method else f"{label}.",
        f"A score measures {method.meaning}." if method else "",
        _sum(of, unit),
        f"{which} hold {share:.0%} of the magnitude." if is_special.any() else "",
        units,
        settings_told(of.options, baseline=of.baseline),
    ]
    title = f"{label}: evidence for {shown_label(of.target_label)}"
    return Sheet(title, stacked([strip, bars], gap=18), of.encoded.texts, notes)


def score_drawing(names: Sequence[str], values: Sequence[float], on: Theme, *, signed: bool = True) -> Drawing:
    """Rows with their numbers while they fit a page, else columns."""
    if len(names) <= _MOST_ROWS:
        return score_rows(names, values, on=on, signed=signed, width_px=560)
    return score_columns(names, values, on=on, signed=signed, width_px=720)


def _sum(of: TokenScores, unit: str) -> str:
    total = formats.signed(float(of.scores.sum(dtype=np.float64)))
    told = f"The scores sum to {total}; the value of the target is F(text) {formats.signed(of.value)} {unit}"
    if of.baseline_value is not None and of.baseline:
        told += f", of the baseline {formats.signed(of.baseline_value)}"
    if of.relative_delta is not None:
        return f"{told}; off by {of.relative_delta:.1%}."
    return f"{told}; they need not add up to it."


FIGURES = (Figure(TokenScores, _by_token), Figure(ScoresByWord, _by_word))
