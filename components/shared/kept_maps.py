"""What several sections save of attention maps: one head as shown, all heads, and the heads that link two tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from components import state
from components.gateway import attention, code
from components.gateway.attention import MapDisplay
from components.gateway.expressions import named
from components.gateway.files import MOST_ROWS
from components.gateway.requests import TextRequest
from components.shared.save_and_code import Kept

__all__ = ["kept_heads", "kept_link"]

#: The weights of every head of a longer text are tens of megabytes.
_MOST_TOKENS = 128


def kept_heads(
    request: TextRequest,
    heads: Sequence[tuple[int, int]],
    display: MapDisplay,
    how: Literal["mean", "max"] = "mean",
    part: str = "",
) -> list[Kept]:
    """The map of these heads, (1, query, key), and all heads unless the text is long; ``part``: of the scores alone."""
    chosen = list(heads)
    found = code.maps(request)
    layers = tuple(sorted({layer for layer, _ in chosen}))
    layer, head = chosen[0]
    note = f"layer {layer + 1}, head {head + 1} on screen" if len(chosen) == 1 else ""
    source = code.score_parts(request, layers).alone(part) if part else found
    combined = source.combine(chosen, *([] if how == "mean" else [how]))
    name = f"Layer {layer + 1} head {head + 1}" if len(chosen) == 1 else f"{how} of {len(chosen)} heads".capitalize()
    kept = [
        Kept(
            name,
            named(code.displayed(combined, display), "shown", note),
            lambda: display.of(attention.shown_maps(request, layers, part).combine(chosen, how)),
        )
    ]
    if part:
        kept.append(
            Kept(
                "Parts of the scores", code.score_parts(request, layers), lambda: attention.score_parts(request, layers)
            )
        )
    weights = attention.maps(request).weights
    if weights.shape[-1] <= _MOST_TOKENS:
        drawn = {"special": display.special, "by_word": display.words}
        table = weights.size <= MOST_ROWS
        kept.append(Kept("All heads", found, lambda: attention.maps(request), picture=drawn, table=table))
    return kept


def kept_link(request: TextRequest, first: int, second: int) -> Kept:
    """The heads by the weight between two tokens."""
    by_word = state.view().by_word
    return Kept(
        "Heads that link the two tokens",
        code.rank_heads(request, first, second, by_word),
        lambda: attention.head_ranking(request, first, second, by_word),
    )
