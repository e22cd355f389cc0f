"""The cosine of the two texts, and the matrix of what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, inputs, similarity
from components.gateway.models import duration, is_quick
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_at_once_if_quick
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.similarity.encoder import Encoder
from components.views.similarity.fields import SimilarityFields

if TYPE_CHECKING:
    from glassbert.similarities import Similarity

__all__ = ["draw_cosine", "draw_parts"]

_PICTURES = {"parts": "Parts of the cosine", "states": "Likeness of the tokens"}
_PAIRS = 3


def draw_cosine(encoder: Encoder) -> None:
    """Two forward passes."""
    view = state.view()
    found = similarity.cosine(encoder.request, view.text, view.pair, encoder.pooling)
    st.metric("Cosine of the two embeddings", f"{found.score:.2f}".replace("-", "−"))
    pooled = "the mean of all tokens’ last states" if found.pooling == "mean" else "the last state of [CLS]"
    st.caption(
        f"1: the same direction; 0: unrelated. An embedding is {pooled}, {plain(encoder.one.name)}. *A high cosine "
        "means the same topic more than the same claim: a sentence and its negation are usually close.*"
    )
    st.button("Swap A and B", icon=":material/swap_horiz:", on_click=_swap, key="similar_swap")
    computed = code.similarity(encoder.request, view.text, view.pair, encoder.pooling, matrix=False)
    save_and_code("cosine", encoder.one.name, [Kept.of("Cosine", computed, found)], panel=True)


def draw_parts(encoder: Encoder) -> None:
    """The matrix: behind a button, unless it is quick. The likeness of tokens costs nothing more than the cosine."""
    view = state.view()
    st.segmented_control(
        "Picture",
        list(_PICTURES),
        format_func=_PICTURES.__getitem__,
        label_visibility="collapsed",
        **state.bind("picture", SimilarityFields, options=dict.fromkeys(_PICTURES)),
    )
    given = (encoder.request, view.text, view.pair, encoder.pooling)
    if state.fields(SimilarityFields).picture == "states":
        found = similarity.cosine(*given)
        draw_chart(charts.similarity(found, "states", special=view.special), key="similar_states")
        st.caption(
            "The cosine of each pair of tokens’ last states. *It shows which tokens are alike where the encoder ends, "
            "not what each adds to the cosine of the texts.*"
        )
        computed = code.similarity(*given, matrix=False)
        save_and_code("likeness", encoder.one.name, [Kept.of("Likeness", computed, found)], panel=True)
        return
    lengths = [len(inputs.encode(encoder.text(text))) for text in (view.text, view.pair)]
    passes, tokens = similarity.passes_of_matrix(*lengths), sum(lengths) // 2
    result = run_at_once_if_quick(
        "similar_matrix",
        version_of(*given),
        is_quick(encoder.one.model, passes, tokens),
        lambda: similarity.matrix(*given),
        lambda: similarity.long_matrix(*given),
        label="Show the parts",
        cost=f"Takes {duration(encoder.one.model, passes, tokens)}.",
        narrow=True,
    )
    if result is None:
        return
    st.markdown(_sentence(result))
    draw_chart(charts.similarity(result, "parts", special=view.special), key="similar_parts")
    _how_it_adds_up(result)
    save_and_code(
        "parts", encoder.one.name, [Kept.of("Parts", code.similarity(*given, matrix=True), result)], panel=True
    )


def _sentence(result: Similarity) -> str:
    """“bank” with “money” (+0.10), “fee” with “money” (+0.10) and “back” with “refunded” (+0.09) raise it most."""
    raising = [pair for pair in result.pairs(result.matrix.size) if pair[2] > 0][:_PAIRS]
    lowering = [pair for pair in result.pairs(result.matrix.size) if pair[2] < 0][:1]
    told = ", ".join(_pair(result, *pair) for pair in raising)
    said = f"Most of the similarity comes from {told}." if raising else "No pair of tokens raises the similarity."
    return said + (f" {_pair(result, *lowering[0])} lowers it most." if lowering else "")


def _pair(result: Similarity, row: int, column: int, value: float) -> str:
    first = charts.readable(result.first.tokens[row], result.first.spelling)
    second = charts.readable(result.second.tokens[column], result.second.spelling)
    return f"“{plain(first)}” with “{plain(second)}” ({plain(charts.signed(value))})"


def _how_it_adds_up(result: Similarity) -> None:
    to_reference, from_reference, references = result.reference_terms
    name = {"pad": "[PAD]", "mask": "[MASK]", "zero": "zeros"}[str(result.reference)]
    rows = [
        ("All cells", float(result.matrix.sum())),
        (f"+ cosine of A with {name} in place of B’s words", to_reference),
        (f"+ cosine of {name} in place of A’s words with B", from_reference),
        ("− cosine of these two with each other", -references),
        ("= cosine of A and B, but for the error below", result.score),
    ]
    table = "\n".join(f"| {plain(label)} | {plain(charts.signed(value))} |" for label, value in rows)
    with st.popover("How this adds up", type="tertiary", key="similar_sum"):
        st.markdown(f"| | Cosine |\n|---|---:|\n{table}\n\nOff by {plain(f'{abs(result.delta or 0.0):.3f}')}.")
        st.caption(
            "A cell is positive where both tokens move their texts’ embeddings the same way, away from a reference "
            "without words. Both references are nearly the same, so the cells add up to about 1 more than the cosine."
        )
    with how_computed("Similarity"):
        st.markdown("Integrated Jacobians (Moeller, Nikolaev and Padó 2023, 2024), r and s being the references:")
        st.latex(
            r"A_{ij} = \Big(\int_0^1 \tfrac{\partial e}{\partial x_i}\,(x_i - r_i)\,d\alpha\Big) \cdot "
            r"\Big(\int_0^1 \tfrac{\partial e}{\partial y_j}\,(y_j - s_j)\,d\alpha\Big)"
        )


def _swap() -> None:
    view = state.view()
    state.change(text=view.pair, pair=view.text)
    state.redraw_page()
