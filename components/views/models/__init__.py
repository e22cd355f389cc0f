"""The Models page: the open models, the bundled models with their cards, and suggestions."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.gateway import models
from components.gateway.requests import Opened

__all__ = ["draw_model_cards"]


def draw_model_cards(opened: Sequence[Opened]) -> None:
    """Three sections: open models, bundled models, suggestions."""
    import pandas as pd  # not before the models: see gateway/library.py

    st.subheader("Open now", anchor=False)
    if opened:
        st.dataframe(
            pd.DataFrame([_facts(one) for one in opened]).set_index("Model").T, width="stretch", height="content"
        )
    st.subheader("Bundled", anchor=False)
    st.caption(
        "These ship with GlassBERT and need no download. Each card lists measurements, their data and known failures."
    )
    for card in models.embedded():
        with st.expander(f"{card.label}: {card.task}"):
            st.markdown(card.card)
    st.subheader("From the hub", anchor=False)
    st.caption(
        "Well-known models to start with; any encoder of the BERT family with safetensors weights opens by its hub id "
        "or from a local folder. Sizes are approximate. Code shipped with a model is never run."
    )
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "Model": suggestion.label,
                    "Id": suggestion.id,
                    "Task": suggestion.task,
                    "Languages": ", ".join(suggestion.languages),
                    "Download (MB)": suggestion.approximate_mb,
                }
                for suggestion in models.suggestions().values()
                if not suggestion.ready
            ]
        ),
        hide_index=True,
        width="stretch",
    )


def _facts(one: Opened) -> dict[str, str]:
    model = one.model
    return {
        "Model": one.name,
        "Id": model.source,
        "Family": model.checkpoint.family.label,
        "Heads in the weights": models.heads_of(model) or "none, only the encoder",
        "Labels": ", ".join(model.labels) or "–",
        "Layers × heads": f"{model.layers} × {model.attention_heads}",
        "Hidden size": f"{model.hidden_size:,}",
        "Parameters": f"{model.parameters:,}",
        "Vocabulary": f"{model.network.config.vocab_size:,}",
        "Longest input": f"{model.max_tokens} tokens",
        "Runs on": f"{models.device_of(model)}, {model.precision}",
        "Weights": f"{model.checkpoint.weight_bytes / 1e6:.0f} MB, {model.checkpoint.weights_hash[:12]}",
    }
