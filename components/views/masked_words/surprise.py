"""Surprise: every position masked in turn, in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, windows
from components.gateway.inputs import encode
from components.gateway.language import surprise, surprise_of_long
from components.gateway.models import is_quick
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_at_once_if_quick, run_job
from components.shared.plain_view import caption_for_experts, cost_ahead
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import select_token, selected_in, shown_index, shown_positions, strip_tokens
from components.shared.whole_text import draw_whole_text
from components.text import plain
from components.views.masked_words.fields import MaskedWordsFields
from components.widgets.token_strip import clicked_token, token_strip

if TYPE_CHECKING:
    from glassbert.language.results import PieceScoring

_VARIANTS: dict[PieceScoring, str] = {
    "original": "each piece alone",
    "word_l2r": "with the later pieces of its word",
}


def draw_surprise(opened: list[Opened], one: Opened) -> None:
    """Cost: one input per token, batched: about tokens / 3 forward passes of wall time on a short text."""
    view, scoring = state.view(), state.fields(MaskedWordsFields).scoring
    if one.part is not None:
        _whole(opened, one, scoring)
        st.subheader(f"Window {one.part.number + 1} of {one.part.of}", anchor=False)
    request = one.text(view)
    with st.spinner("Masking every token in turn …"):
        tokens = len(encode(request))
        result = run_at_once_if_quick(
            "surprise",
            version_of(request, scoring),
            is_quick(one.model, tokens, tokens),
            lambda: surprise(request, scoring),
            lambda: surprise_of_long(request, scoring),
            label="Compute the surprise",
            cost=cost_ahead(
                f"One forward pass per token: {tokens:,} passes of {tokens:,} tokens.", one.model, tokens, tokens
            ),
        )
    if result is None:
        return
    encoded = result.encoded
    positions = shown_positions(encoded, view.special)
    version = version_of(request, view.special, scoring)
    scores = np.nan_to_num(result.by_token())
    worst = result.most_surprising
    most = int(np.flatnonzero(result.positions == worst)[0])
    columns = st.columns(3)
    columns[0].metric("Most surprising", plain(f"{encoded.pieces[worst]} · {result.surprisal[most]:.1f} bits"))
    columns[1].metric("Pseudo-perplexity", f"{result.pseudo_perplexity:.1f}")
    columns[2].metric("Pseudo-log-likelihood", f"{result.pseudo_log_likelihood:.1f} nats".replace("-", "−"))
    token_strip(
        strip_tokens(encoded, one.model, positions, scores),
        key="surprise",
        label="Surprise of each token, in bits",
        selected=shown_index(positions, selected_in(opened, one)),
        version=version,
        legend="bits",
        signed=False,
        on_select=select_token("surprise", version, positions, clicked_token, request, opened[0].text(view)),
    )
    st.caption(
        "The stronger the colour, the less likely the model finds this token given all the others. *Surprising does "
        "not mean wrong: rare names and facts the model never read are surprising too.*"
    )
    st.segmented_control(
        "For words of several pieces, mask",
        list(_VARIANTS),
        format_func=_VARIANTS.__getitem__,
        help="A piece is easy to predict when the other pieces are visible; Kauf & Ivanova (2023) hide the later ones.",
        **state.bind("scoring", MaskedWordsFields, options=_VARIANTS),
    )
    frame = result.frame()
    frame["choice"] = [charts.readable(choice, result.encoded.spelling) for choice in result.choices]
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        column_config={
            "surprisal": st.column_config.NumberColumn("surprisal (bits)", format="%.2f"),
            "probability": st.column_config.NumberColumn(format="%.4f"),
            "choice": "the model's top candidate",
            "choice_probability": st.column_config.NumberColumn("its probability", format="%.4f"),
            "entropy": st.column_config.NumberColumn("entropy (bits)", format="%.2f"),
        },
    )
    caption_for_experts(f"{result.forward_passes} masked inputs of {plain(one.name)}, batched.")
    with how_computed("Surprise"):
        share = float(result.probabilities[most])
        st.markdown(
            r"""
Each token $w_t$ is masked in turn and its probability read from the rest (Salazar et al. 2020):

$$\mathrm{PLL} = \sum_t \ln p(w_t \mid w_{\setminus t}), \qquad
\text{pseudo-perplexity} = \exp\!\left(-\tfrac{1}{n}\,\mathrm{PLL}\right)$$
"""
        )
        st.latex(
            rf"\text{{most surprising: }} -\log_2 {share:.6f} = {result.surprisal[most]:.2f}\text{{ bits}}, \qquad "
            rf"\exp\!\left(\tfrac{{{-result.pseudo_log_likelihood:.2f}}}{{{len(result.positions)}}}\right) = "
            rf"{result.pseudo_perplexity:.2f}"
        )
    save_and_code("surprise", one.name, [Kept.of("Surprise", code.surprise(request, scoring), result)])


def _whole(opened: list[Opened], one: Opened, scoring: PieceScoring) -> None:
    """Cost: one input per token of a text that the model reads in windows, behind a button."""
    request = one.whole(state.view())
    _, longest = windows.passes(request)
    tokens = len(windows.encode(request, "mean"))
    st.subheader("The whole text", anchor=False)
    found = run_job(
        "surprise_whole",
        version_of(request, scoring),
        lambda: windows.surprise(request, scoring),
        label="Mask every word",
        cost=cost_ahead(f"{tokens:,} passes of up to {longest:,} tokens.", one.model, tokens, longest),
    )
    if found is None:
        return
    scores = np.nan_to_num(found.by_token()).astype(np.float64)
    st.markdown(
        f"{plain(one.name)} · {len(scores):,} tokens · pseudo-perplexity **{found.pseudo_perplexity:.1f}** · each "
        "token is masked in the window in which it is most central"
    )
    draw_whole_text(
        opened,
        found.encoded,
        scores,
        key="surprise_text",
        label="The whole text, coloured by the surprise of its words",
        version=version_of(request, scoring, found.surprisal.tobytes()),
        legend="bits",
        signed=False,
    )
    computed = code.surprise(request, scoring, windows.plan("mean"))
    save_and_code("surprise-whole", one.name, [Kept.of("Surprise of the whole text", computed, found)])
