"""Hidden states: how similar each word's state is in each layer, and how similar whole layers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.gateway import code, comparison
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import dark_page
from components.text import plain
from components.views.compare.phrases import number
from components.views.compare.sides import NOTHING, Compared
from components.views.compare.words import Figure, draw_words

if TYPE_CHECKING:
    from glassbert.comparison.results import HiddenSimilarity


def draw_hidden(compared: Compared) -> None:
    """Cost: two forward passes."""
    result = comparison.hidden_states(compared.request)
    rows = compared.shown(result.rows)
    if result.reason:
        draw_words(compared, key="hidden_words")
        st.info(plain(f"{result.reason[:1].upper()}{result.reason[1:]}."), icon=":material/info:")
    else:
        _words(compared, result)
    left, right = st.columns([0.56, 0.44], gap="large")
    if not result.reason and len(rows):
        with left:
            _cosines(compared, result, rows)
    with left if result.reason else right:
        _layers(compared, result)
    if not result.reason:
        _selected(compared, result)
    _how(compared, result)
    kept = Kept.of("Hidden states", code.comparison_of(compared.request, "hidden_states", name="states"), result)
    save_and_code("hidden", compared.names, [kept], [kept.code.cosine, kept.code.cka])


def _words(compared: Compared, result: HiddenSimilarity) -> None:
    last = result.cosine[-1]
    if float(1 - result.cosine.min()) < NOTHING:
        st.markdown(
            "Every word has the same direction in every layer: **the hidden states of both sides are the same**."
        )
    else:
        layer, place = np.unravel_index(int(result.cosine.argmin()), result.cosine.shape)
        word = plain(compared.alignment.labels[result.rows[place]])
        where = f"after layer {layer}" if layer else "in the embeddings"
        st.markdown(f"Least similar: “**{word}**” {where}, cosine {number(float(result.cosine[layer, place]))}.")
    from glassbert.pictures.formats import two_decimals

    told = {
        int(row): (two_decimals(value), float(min(max(1 - value, 0), 1)))
        for row, value in zip(result.rows, last, strict=True)
    }
    draw_words(compared, Figure("cosine, last layer", "1: the same direction", told), key="hidden_words")


def _cosines(compared: Compared, result: HiddenSimilarity, rows: np.ndarray) -> None:
    from glassbert.pictures.matrices import word_cosines

    st.markdown("**Cosine of each word, layer by layer**")
    shown = np.flatnonzero(np.isin(result.rows, rows)).tolist()
    words = compared.alignment.labels
    labels = [words[result.rows[place]] for place in shown]
    figure = word_cosines(result.cosine[:, shown], labels, selected=compared.place(rows), dark=dark_page())
    draw_chart(figure, key="cosines")
    st.caption("No colour: the same direction on both sides. *Every layer rewrites the states, so changes accumulate.*")


def _layers(compared: Compared, result: HiddenSimilarity) -> None:
    from glassbert.pictures.matrices import layer_similarity

    st.markdown("**Whole layers: CKA**")
    figure = layer_similarity(result.cka.tolist(), *compared.titles, dark=dark_page())
    draw_chart(figure, key="cka")
    words = len(result.rows)
    few = " *With this few words, CKA is high for any two layers.*" if words < 30 else ""
    st.caption(f"1: the {words} words have the same geometry. Layer 0 is the embeddings.{few}")


def _selected(compared: Compared, result: HiddenSimilarity) -> None:
    from glassbert.pictures.lines import over_layers

    place = compared.place(result.rows)
    if place is None:
        st.caption("Select a word above to follow it through the layers.")
        return
    word = compared.alignment.labels[result.rows[place]]
    lines = {word: result.cosine[:, place].tolist(), "mean of all words": result.cosine.mean(axis=1).tolist()}
    if len(lines) < 2:  # a word has the same name as the mean: the word is kept
        lines = {word: result.cosine[:, place].tolist()}
    figure = over_layers(lines, title="Cosine, layer by layer")
    draw_chart(figure, key="word_cosine")


def _how(compared: Compared, result: HiddenSimilarity) -> None:
    with how_computed("Comparison"):
        st.markdown(
            r"""
A word's state $h$ is the mean of its tokens' states; layer 0 is the embeddings. Same layer, same word:

$$\cos\big(h^{(1)}, h^{(2)}\big) = \frac{h^{(1)} \cdot h^{(2)}}{\lVert h^{(1)} \rVert \, \lVert h^{(2)} \rVert}$$

It needs a common basis: a model and its fine-tuned version have one, models trained separately do not. Linear CKA needs
none (Kornblith et al. 2019). With one row per word in $X$ and $Y$, columns centred:

$$\mathrm{CKA}(X, Y) = \frac{\lVert Y^\top X \rVert_F^2}{\lVert X^\top X \rVert_F \, \lVert Y^\top Y \rVert_F}$$
"""
        )
        layers, others = result.cka.shape
        st.latex(
            rf"\mathrm{{CKA}}(X_{{{layers - 1}}}, Y_{{{others - 1}}}) = {float(result.cka[-1, -1]):.4f} "
            rf"\quad \text{{over }} {len(result.rows)} \text{{ words}}"
        )
        place = compared.place(result.rows)
        if not result.reason and place is not None:
            word = plain(compared.alignment.labels[result.rows[place]])
            st.markdown(f"“{word}”, last layer: cosine {number(float(result.cosine[-1, place]))}.")
