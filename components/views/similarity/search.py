"""Many texts by their similarity to text A, and why the first comes before the second."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import code, saliency, similarity
from components.gateway.library import gb
from components.gateway.models import duration, is_quick
from components.gateway.requests import version_of
from components.shared.jobs import run_at_once_if_quick
from components.shared.questions import one_of
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain, shortened
from components.views.similarity.encoder import Encoder
from components.views.similarity.fields import SimilarityFields
from components.views.similarity.sides import draw_scores_of

__all__ = ["draw_search"]

_MOST = 1000


def draw_search(encoder: Encoder) -> None:
    """Cost: one forward pass per text; the scores as the method declares."""
    left, right = st.columns([0.4, 0.6], gap="large")
    left.text_area("Texts, one per line", height=190, **state.bind("searched", SimilarityFields))
    query = state.view().text
    lines = tuple(
        dict.fromkeys(line.strip() for line in state.fields(SimilarityFields).searched.splitlines() if line.strip())
    )
    texts = lines[:_MOST]
    if not query.strip():
        left.info("Type a text above to search with.")
        return
    if not texts:
        left.info("Type at least one text.")
        return
    if len(lines) > _MOST:
        left.caption(f"The first {_MOST:,} of {len(lines):,} texts are searched.")
    given = (encoder.request, query, texts, encoder.pooling)
    tokens = sum(min(len(text) // 3 + 3, encoder.one.model.max_tokens) for text in texts)
    with right:
        result = run_at_once_if_quick(
            "similar_search",
            version_of(*given),
            is_quick(encoder.one.model, len(texts), tokens // len(texts)),
            lambda: similarity.ranking(*given),
            lambda: similarity.long_ranking(*given),
            label="Search",
            cost=f"{len(texts):,} texts. Takes {duration(encoder.one.model, len(texts), tokens // len(texts))}.",
        )
        if result is None:
            return
        table = result.frame()[["rank", "score", "text"]]  # the number is in sight also on a phone
        st.dataframe(
            table,
            hide_index=True,
            width="stretch",
            height=min(38 + 35 * len(table), 420),
            column_config={
                "rank": st.column_config.NumberColumn("Rank", width="small"),
                "text": st.column_config.TextColumn("Text"),
                "score": st.column_config.NumberColumn("Cosine", format="%.3f", width="small"),
            },
            key="similar_ranking",
        )
        save_and_code("search", encoder.one.name, [Kept.of("Search", code.rank_similar(*given), result)])
    if len(texts) > 1:
        first, second = (texts[index] for index in result.order[:2].tolist())
        st.markdown(f"**Why “{plain(shortened(first, 60))}” before “{plain(shortened(second, 60))}”?**")
        known = saliency.methods()
        method = known[one_of(known, state.view().method)]
        target = gb.SimilarityTarget(first, second, encoder.pooling)
        draw_scores_of(encoder, query, target, method, key="similar_why", panel=False)
