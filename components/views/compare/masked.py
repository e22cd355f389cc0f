"""Masked words: what both sides predict in place of each word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.gateway import code, comparison, inputs, language
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import asked_for
from components.shared.plain_view import cost_ahead
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.compare.phrases import number
from components.views.compare.sides import NOTHING, Compared, offer_texts
from components.views.compare.words import Figure, draw_words

if TYPE_CHECKING:
    from glassbert.comparison.results import MaskedWordDifference

# Beyond this many words the page asks before it masks them all.
_WORDS_AT_ONCE = 48
_CANDIDATES = 8


def draw_masked(compared: Compared) -> None:
    """Cost: two forward passes per word, batched, and two for the candidates at the selected word."""
    alignment = compared.alignment
    rows = tuple(np.flatnonzero(alignment.matched & ~alignment.special).tolist())
    chosen = compared.row if compared.row in rows else _typed(compared, rows)
    try:
        result = _compared(compared, rows, chosen)
    except gb.ComparisonError as error:
        st.info(plain(f"{str(error)[:1].upper()}{str(error)[1:]}."), icon=":material/info:")
        offer_texts(compared, "masked_words")
        return
    bits = {int(row): float(value) for row, value in zip(result.rows, result.divergence, strict=True)}
    if len(bits) == len(rows):
        _told(compared, bits)
    figure = Figure("bits apart", "0: the same", {row: (f"{value:.2f}", value) for row, value in bits.items()})
    draw_words(compared, figure, key="masked_words")
    st.caption(
        "Each word is masked on its own, with all its pieces; the number compares both predictions at its first piece, "
        "over the whole vocabulary. Click a word to see the candidates."
    )
    if chosen is None or chosen not in bits:
        st.info("Select a word that both sides have to see what each predicts there.")
    else:
        _candidates(compared, chosen, bits[chosen])
    _how(result, chosen)
    written = code.comparison_of(compared.request, "masked_words", result.rows.tolist(), name="difference")
    save_and_code("compared-words", compared.names, [Kept.of("Masked words", written, result)])


def _told(compared: Compared, bits: dict[int, float]) -> None:
    """The summary over all words."""
    if max(bits.values()) < NOTHING:
        st.markdown("Both predict the same at every word: **the distributions do not differ**.")
        return
    most = max(bits, key=bits.__getitem__)
    word = plain(compared.alignment.labels[most])
    st.markdown(f"They differ most at “**{word}**”: {number(bits[most])} bits apart, of at most 1.")


def _compared(compared: Compared, rows: tuple[int, ...], chosen: int | None) -> MaskedWordDifference:
    """All words of a short text; of a long one, the typed gaps or the selected word until the user asks for all."""
    model, tokens = compared.larger, len(inputs.encode(compared.request.first))
    if not asked_for(
        "mask_all",
        version_of(compared.request),
        len(rows) <= _WORDS_AT_ONCE and is_quick(model, 2 * len(rows), tokens),
        label=f"Mask all {len(rows)} words in turn",
        cost=cost_ahead(f"{2 * len(rows):,} passes.", model, 2 * len(rows), tokens),
    ):
        rows = rows[:1] if chosen is None else (chosen,)
    with st.spinner("Masking every word in turn, on both sides …"):
        return comparison.masked_words(compared.request, rows)


def _typed(compared: Compared, rows: tuple[int, ...]) -> int | None:
    """The first typed gap on the first side."""
    tokens = inputs.encode(compared.request.first).tokens
    mask = compared.first.model.mask_token
    starts = compared.alignment.first_spans[:, 0]
    return next((row for row in rows if mask is not None and tokens[starts[row]] == mask), None)


def _candidates(compared: Compared, row: int, bits: float) -> None:
    """What both sides predict in place of this word, the original word marked."""
    same = " The rest of both texts is the same, so both predict the same." if bits < NOTHING else ""
    same = same if compared.alignment.kinds[row] == "replaced" else ""
    st.markdown(f"In place of “**{plain(compared.alignment.labels[row])}**”: {number(bits)} bits apart.{same}")
    spans = (compared.alignment.first_spans[row], compared.alignment.second_spans[row])
    for side, (column, request, (start, stop)) in enumerate(
        zip(st.columns(2, gap="large"), compared.texts, spans, strict=True)
    ):
        prediction = language.fill_mask(request, tuple(range(int(start), int(stop))), _CANDIDATES)
        with column:
            st.caption(plain(compared.titles[side]))
            figure = charts.candidates(prediction, 0)
            draw_chart(figure, key=f"expected_{side}")
    st.caption("*Likely in the training texts, not necessarily true.*")


def _how(result: MaskedWordDifference, chosen: int | None) -> None:
    with how_computed("Comparison"):
        st.markdown(
            r"""
A word is masked, and the vocabulary head gives a distribution $p$ on the first side and $q$ on the second (Devlin et
al. 2019), with the mean $m = (p + q) / 2$. Their Jensen–Shannon divergence (Lin 1991), in bits, is 0 if they are equal
and 1 if they do not overlap:

$$\mathrm{JS}(p, q) = \tfrac12 \sum_v p_v \log_2 \frac{p_v}{m_v} + \tfrac12 \sum_v q_v \log_2 \frac{q_v}{m_v}$$
"""
        )
        places = result.rows.tolist()
        place = places.index(chosen) if chosen in places else int(result.divergence.argmax())
        first, second = float(result.first_probabilities[place]), float(result.second_probabilities[place])
        st.markdown(
            f"At “{plain(result.alignment.labels[places[place]])}” the first side's top word is "
            f"“{plain(charts.readable(result.first_choices[place], result.alignment.first.spelling))}”, the second's "
            f"“{plain(charts.readable(result.second_choices[place], result.alignment.first.spelling))}”:"
        )
        st.latex(
            rf"\max_v p_v = {first:.4f}, \quad \max_v q_v = {second:.4f}, \quad "
            rf"\mathrm{{JS}} = {float(result.divergence[place]):.4f}"
        )
