"""Replaced tokens: which words a discriminator takes for put in the place of others, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, language
from components.gateway.library import gb
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.questions import Question, ask_method
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import Kept, save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.shared.selection import select_token, selected_in, shown_index, shown_positions, strip_tokens
from components.text import plain
from components.widgets.token_strip import clicked_token, token_strip

if TYPE_CHECKING:
    from glassbert.language.predictions import ReplacedTokens


def draw_replaced(opened: list[Opened], one: Opened) -> None:
    """Cost: one forward pass, and those that the method of the explanation declares."""
    request = one.text(state.view())
    found = language.replaced_tokens(request)
    selected = _strip(opened, one, found)
    frame = found.frame()
    frame["token"] = found.encoded.pieces
    left, right = st.columns([0.45, 0.55], gap="large")
    left.dataframe(
        frame[found.encoded.special_tokens_mask == 0],
        hide_index=True,
        width="stretch",
        column_config={
            "replaced": st.column_config.CheckboxColumn("looks replaced"),
            "logit": st.column_config.NumberColumn(format="%.2f"),
            "probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )
    kept = [Kept.of("Replaced tokens", code.replaced_tokens(request), found)]
    with right:
        kept += _why(opened, one, found, selected)
    with how_computed("Replaced tokens"):
        logit, share = float(found.logits[selected]), float(found.probabilities[selected])
        st.markdown("A sigmoid turns the head's logit $z_t$ at each token into a probability (Clark et al. 2020):")
        st.latex(
            rf"p(\text{{replaced}}) = \frac{{1}}{{1 + e^{{-z_t}}}} = \frac{{1}}{{1 + e^{{{-logit:.3f}}}}} = {share:.4f}"
        )
    save_and_code("replaced", one.name, kept)


def _strip(opened: list[Opened], one: Opened, found: ReplacedTokens) -> int:
    """The sentence, the more coloured the likelier replaced. Returns the selected token, else the likeliest."""
    view, encoded = state.view(), found.encoded
    request = one.text(view)
    positions = shown_positions(encoded, view.special)
    version = version_of(request, view.special)
    selected = selected_in(opened, one)
    if selected is None or encoded.special_tokens_mask[selected]:
        selected = found.most_suspicious
    names = [
        plain(encoded.pieces[place]) for place in np.flatnonzero(found.predicted & (encoded.special_tokens_mask == 0))
    ]
    said = ", ".join(f"**{name}**" for name in names[:8]) + (" …" if len(names) > 8 else "")
    st.markdown(f"{plain(one.name)} · " + (f"looks replaced: {said}" if names else "no token looks replaced"))
    token_strip(
        strip_tokens(encoded, one.model, positions, found.probabilities),
        key="replaced",
        label="Probability that each token was replaced",
        selected=shown_index(positions, selected),
        version=version,
        legend="original · replaced",
        scale=1.0,
        signed=False,
        on_select=select_token("replaced", version, positions, clicked_token, request, opened[0].text(view)),
    )
    st.caption(
        "The stronger the colour, the likelier the token was put in the place of another one. The model was trained on "
        "texts in which a small masked-word model had replaced some tokens. *Unlikely here does not mean wrong: rare "
        "names and unusual wordings look replaced too.*"
    )
    return selected


def _why(opened: list[Opened], one: Opened, found: ReplacedTokens, selected: int) -> list[Kept]:
    """What makes the selected token look replaced, or original."""
    name = plain(found.encoded.pieces[selected])
    share = plain(charts.percent(float(found.probabilities[selected])))
    st.markdown(f"Why does “{name}” look {'replaced' if found.predicted[selected] else 'original'}? ({share} replaced)")
    question = Question("replaced", opened, one, one.text(state.view()), gb.TokenTarget(selected))
    method = ask_method(st.container())
    with st.spinner(f"{method.label} …"):
        result = scores_of(question, method, key="replaced_why")
    if result is None:
        return []
    draw_scores(question, result, method, key="replaced_why")
    checked = offer_receipt(question, method.id, key="replaced_why")
    return [kept_scores(question, result), *checked]
