"""Where the difference between two texts is located: the share of F that each state restores."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import shown_label
from glassbert.intervention.results import Trace
from glassbert.pictures.formats import signed, whole_percent
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.palette import Theme
from glassbert.targets import unit_of

_KINDS = {"hidden": "hidden states", "head": "heads", "mlp": "feed-forward outputs", "attention": "attention outputs"}


def _trace(result: Trace, on: Theme) -> Sheet:
    heads, hidden = result.kind == "head", result.kind == "hidden"
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = result.restored.astype(np.float64)
    if heads:
        shares = shares[..., 0]
        columns = [f"head {head + 1}" for head in range(shares.shape[1])]
    else:
        columns = [_both(result, start, stop) for start, stop in result.spans.tolist()]
    shares = np.where(np.isfinite(shares), shares, np.nan)
    rows = ["embeddings" if hidden and layer == 0 else f"layer {layer + (not hidden)}" for layer in result.layers]
    few = len(columns) <= 20
    grid = grid_drawing(
        shares,
        rows,
        columns,
        on=on,
        hue="signed",
        most=1.0,
        texts=[["" if np.isnan(share) else whole_percent(share) for share in line] for line in shares] if few else None,
        legend="Restored share: 0 no effect, 1 all of the difference",
        width_px=min(1100, max(720, 110 + 16 * len(columns))),
    )
    unit = unit_of(result.target, result.output)
    values = f"{signed(result.clean_value)} and {signed(result.corrupted_value)} {unit}"
    notes = [
        f"One state of the first text’s run at a time, put into the run of the second ({_KINDS[result.kind]}).",
        f"F of {shown_label(result.target_label)}: {values}.",
        result.nothing_to_trace,
    ]
    texts = (" / ".join(result.clean.texts), " / ".join(result.corrupted.texts))
    return Sheet(f"Trace of {_KINDS[result.kind]}", grid, texts, notes)


def _both(result: Trace, start: int, stop: int) -> str:
    first, second = (" ".join(side.pieces[start:stop]) for side in (result.clean, result.corrupted))
    return first if first == second else f"{first} / {second}"


FIGURES = (Figure(Trace, _trace),)
