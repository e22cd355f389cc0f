"""What the model learned: the words it leans on from epoch to epoch, and what changed in its layers and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import saliency
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.receipts import draw_receipt, draw_verdicts
from components.shared.save_and_code import Kept, save_and_code
from components.shared.word_strip import scale_of, strip_of
from components.text import plain, shortened
from components.views.fine_tuning.fields import FineTuningFields
from components.views.fine_tuning.openers import open_links
from components.views.fine_tuning.shown import Shown

if TYPE_CHECKING:
    from glassbert.tuning.results import PinnedSentence

__all__ = ["draw_moved", "draw_watched"]

_MOST_EPOCHS = 12
_MOST_HEADS = 5


def draw_watched(shown: Shown) -> None:
    """The watched sentences, one at a time: words × epochs."""
    sentences = shown.found.pinned
    if not sentences:
        st.info("No sentence was watched in this training.")
        return
    number = min(state.fields(FineTuningFields).watched, len(sentences) - 1)
    if len(sentences) > 1:
        options = {place: shortened(one.text, 60) for place, one in enumerate(sentences)}
        st.selectbox(
            "Sentence",
            list(options),
            format_func=options.__getitem__,
            **state.bind("watched", FineTuningFields, options=options, shown=number, initial="index"),
        )
    found = sentences[number]
    what = f"**{plain(shortened(found.label, 60))}**, its label" if found.label else "the answer of each epoch"
    st.markdown(f"Which words speak for {what}")
    _epochs(shown, found, number)
    st.markdown("**How far to trust the words of the final model**")
    draw_verdicts(found.receipt)
    draw_receipt(found.receipt, key=f"watched_{number}")
    with st.container(horizontal=True, gap="small"):
        open_links(shown, found.text, found.pair)
    with how_computed("Fine-tuning"):
        st.markdown(
            f"{plain(saliency.methods()[found.method].label)}, summed over the pieces of a word; one colour scale for "
            "all epochs."
        )
    save_and_code("watched", shown.file_name, [Kept.of("Watched sentence", shown.code.pinned[number], found)])


def _epochs(shown: Shown, found: PinnedSentence, number: int) -> None:
    scores = np.asarray(found.scores)
    scale = max((scale_of(found.words, row) for row in scores.tolist()), default=1.0)
    epochs = range(len(scores))
    kept = epochs if len(scores) <= _MOST_EPOCHS else [*epochs[: _MOST_EPOCHS // 2], *epochs[-_MOST_EPOCHS // 2 :]]
    for epoch in kept:
        left, right = st.columns([0.2, 0.8], vertical_alignment="center")
        share = charts.percent(float(found.confidences[epoch]))
        left.markdown(f"Epoch {epoch + 1}: {plain(shortened(found.answers[epoch], 30))}, {plain(share)}")
        with right:
            strip_of(
                found.words,
                scores[epoch].tolist(),
                key=f"watched_{number}_{epoch}",
                label=f"Words after epoch {epoch + 1}",
                version=shown.version("watched", number, epoch),
                scale=scale,
                with_scale=epoch == kept[-1],
                of="its label" if found.label else "the answer",
            )
    if len(kept) < len(scores):
        st.caption(f"The first and the last {_MOST_EPOCHS // 2} of {len(scores)} epochs.")


def draw_moved(shown: Shown) -> None:
    """How far each layer and head has moved from the model before, and what was forgotten."""
    found = shown.found.moved
    if found is None:
        st.info("This training did not record what changed inside.")
        return
    from glassbert.pictures.learning import head_changes
    from glassbert.pictures.lines import over_layers

    cka, heads = np.asarray(found.cka), np.asarray(found.head_distances)
    lowest = int(cka.argmin())
    where = "the embeddings" if lowest == 0 else f"layer {lowest}"
    st.markdown(
        f"On {found.texts:,} texts, the states changed most in **{where}**: their similarity to before is "
        f"{cka[lowest]:.2f}."
    )
    if len(found.masked_accuracy):
        before, after = (float(share) for share in found.masked_accuracy)
        st.markdown(
            f"**What it forgot**: before, it guessed {charts.percent(before)} of {found.masked:,} masked words; with "
            f"its new weights {charts.percent(after)} ({charts.points(before, after)})."
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Layers**: similarity of their states to before")
        draw_chart(over_layers({"CKA": cka.tolist()}, title=""), key="layers_moved")
        st.caption("1: as before. Layer 0 is the embeddings.")
    with right:
        st.markdown("**Heads**: how far their attention moved")
        draw_chart(head_changes(heads), key="heads_moved")
        order = np.argsort(-heads, axis=None)[:_MOST_HEADS]
        most = [divmod(int(place), heads.shape[1]) for place in order]
        told = ", ".join(f"layer {layer + 1} head {head + 1} ({heads[layer, head]:.2f} bits)" for layer, head in most)
        st.caption(f"Most: {told}. **Compare before and after** shows both on a text.")
    with how_computed("Fine-tuning"):
        st.markdown(
            "Layers: linear CKA (Kornblith et al. 2019) between the states of both models on the same texts. Heads: "
            "the mean Jensen–Shannon divergence between the rows of their attention, in bits."
        )
    save_and_code("moved", shown.file_name, [Kept.of("What changed", shown.code.moved, found)])
