"""The heads with the largest numbers, as buttons; and every head by the weight between the two chosen tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention
from components.gateway.requests import TextRequest

__all__ = ["Link", "draw_ranked", "link_between"]

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Two tokens, and how much attention each head pays from one to the other, in the stronger direction."""

    first: str
    second: str
    values: np.ndarray  # (layer, head)
    forward: np.ndarray  # (layer, head) bool: whether the stronger direction is from the first to the second

    @property
    def text(self) -> str:
        """What the values are, as plain text."""
        return f"weight between “{self.first}” and “{self.second}”, in the stronger direction"

    def told(self, layer: int, head: int) -> str:
        """The value with its direction."""
        return f"{'→' if self.forward[layer, head] else '←'} {self.values[layer, head]:.2f}"


def link_between(request: TextRequest, first: int | None, second: int | None) -> Link | None:
    """Two of this model's tokens, or their words if the view shows words; None unless both are chosen. No pass."""
    if first is None or second is None:
        return None
    found = attention.head_ranking(request, first, second, state.view().by_word)
    names = ["".join(found.encoded.pieces[place] for place in places) for places in (found.queries, found.keys)]
    return Link(names[0], names[1], found.strongest, found.weights >= found.reverse)


def draw_ranked(
    values: np.ndarray, title: str, told: Callable[[int, int], str], *, key: str, most: int = _SHOWN
) -> None:
    """The heads with the largest of ``values``, (layer, head), as buttons that open them. ``title`` is Markdown."""
    heads = values.shape[1]
    best = [divmod(int(place), heads) for place in np.argsort(-values, axis=None, kind="stable")[:most]]
    named = {f"{layer}.{head}": (layer, head) for layer, head in best}

    def choose(name: str) -> None:
        layer, head = named[name]
        state.change(layer=layer, head=head)

    st.pills(
        title,
        list(named),
        format_func=lambda name: f"{named[name][0] + 1}·{named[name][1] + 1} {told(*named[name])}",
        **state.control(key, None, choose, options=list(named)),
    )
