"""Tokens in a row, one of them selected, coloured by their scores if they have any.

Hooks for tests: ``data-testid`` ``token-strip`` (the whole), ``token-strip-list`` (role listbox, named by
``label``), ``token-strip-token`` (role option, with ``data-index`` and ``aria-selected``),
``token-strip-legend`` and ``token-strip-tooltip``. Arrow keys, Home and End move between tokens, Enter or
Space selects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.widgets import frontend

__all__ = ["DESELECTED", "Token", "clicked_second", "clicked_token", "token_strip"]

DESELECTED = -1
"""What a click on the selected token returns: nothing is selected any more."""

_mount = frontend.register(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the strip shows it.

    text:   as the tokenizer writes it; a leading ``##`` is not drawn, but explained in the tooltip.
    kind:   "special" is drawn faint, "unknown" and "masked" stand out, a "piece" is part of a longer word.
    score:  signed; the background's colour. None: no colour.
    joined: continues the word of the previous token, drawn without a gap.
    note:   an additional line of the tooltip, plain text.
    """

    text: str
    kind: Literal["special", "word", "piece", "unknown", "masked"] = "word"
    score: float | None = None
    joined: bool = False
    note: str = ""


def token_strip(
    tokens: Sequence[Token],
    *,
    key: str,
    label: str,
    selected: int | None,
    version: str,
    legend: str = "",
    scale: float | None = None,
    signed: bool | None = None,
    with_scale: bool = True,
    pairs: bool = False,
    second: int | None = None,
    large: bool = False,
    selectable: bool = True,
    on_select: Callable[[], None] | None = None,
) -> int | None:
    """Draw the strip and return the index of the token clicked since the last run.

    label:     what the strip is, for screen readers.
    version:   identifies the tokens (a hash of the text); a click on another version's tokens is ignored.
    legend:    caption next to the colour scale, which appears as soon as one token has a score.
    scale:     the score drawn in full colour; None: the largest magnitude among the tokens.
    signed:    whether the scale has a negative half; None: if any score is negative.
    with_scale: whether the scale is drawn below; of strips with one scale, the last is enough.
    pairs:     Shift and a click, or Shift and Enter, choose a second token.
    second:    that token, or None.
    large:     in large type, in the middle, as on a slide.
    selectable: whether a click selects; otherwise it does nothing, and leaves the focus where it is.
    on_select: called before the run that a click starts; `clicked_token` reads the click there.

    Returns the index, `DESELECTED` for a click on the selected token, None without a click. Raises
    ValueError for a selection that is no token, a score that is not finite or a scale that is not positive.
    """
    scores = [token.score for token in tokens if token.score is not None]
    if selected is not None and not 0 <= selected < len(tokens):
        raise ValueError(f"selected token {selected}: the strip has {len(tokens)} tokens, counted from 0")
    if second is not None and not 0 <= second < len(tokens):
        raise ValueError(f"second token {second}: the strip has {len(tokens)} tokens, counted from 0")
    if not all(map(math.isfinite, scores)):
        raise ValueError("a token's score is not a finite number; pass None for a token without a score")
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale {scale}: pass a positive number, or None for the largest score")
    data = {
        "version": version,
        "label": label,
        "legend": legend,
        "selected": selected,
        "pairs": pairs,
        "second": second,
        "scale": scale or max(map(abs, scores), default=0.0),
        "signed": any(score < 0 for score in scores) if signed is None else signed,
        "scored": bool(scores) and with_scale,
        "large": large,
        "selectable": selectable,
        "tokens": tuple(map(_wire, tokens)),  # a tuple, not a list: see `components.widgets.frontend`
    }
    result = _mount(key=key, data=data, on_select_change=on_select or frontend.nothing)
    return clicked_token(result, version, len(tokens))


def clicked_token(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The click in a component's result (in a callback: ``session_state[key]``), as `token_strip` returns it."""
    event = frontend.read_event(result, version)
    index = event.get("index") if event else None
    return index if isinstance(index, int) and DESELECTED <= index < count else None


def clicked_second(result: Mapping[str, Any], version: str, count: int) -> int | None:
    """The second token that a click chose, `DESELECTED` if none is chosen any more, None for any other click."""
    event = frontend.read_event(result, version)
    index = event.get("second") if event else None
    valid = isinstance(index, int) and not isinstance(index, bool) and DESELECTED <= index < count
    return index if valid else None


def _wire(token: Token) -> dict[str, Any]:
    stripped = token.text[2:] if token.text.startswith("##") and len(token.text) > 2 else token.text
    return {
        "text": stripped if token.kind == "piece" else token.text,
        "raw": token.text,
        "kind": token.kind,
        "score": None if token.score is None else float(f"{token.score:.6g}"),
        "joined": token.joined,
        "note": token.note,
    }
