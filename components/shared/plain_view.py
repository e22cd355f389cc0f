"""Two views of the same page: plain words by default, and for experts the names, formulas and counts behind them.

The plain view leaves out nothing that a reader needs to judge a result: costs are told in time instead of passes,
checks by what they mean instead of their numbers, methods by what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway.models import duration

if TYPE_CHECKING:
    from components.gateway.library import gb

__all__ = ["caption_for_experts", "cost_ahead", "for_experts"]


def for_experts(told: str, otherwise: str = "") -> str:
    """``told`` in the expert view, ``otherwise`` in the plain one."""
    return told if state.view().expert else otherwise


def cost_ahead(told: str, model: gb.Model, passes: float, tokens: int, *, may_end_early: bool = False) -> str:
    """What a computation will cost: how long so many passes, or fewer, take, after ``told`` in the expert view."""
    takes = f"Takes {duration(model, passes, tokens, may_end_early=may_end_early)}."
    return for_experts(f"{told} {takes}", takes)


def caption_for_experts(told: str) -> None:
    """A line that only the expert view has."""
    if state.view().expert:
        st.caption(told)
