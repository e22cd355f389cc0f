"""The training texts: how each was learned, and which labels look wrong."""

from __future__ import annotations

import numpy as np
import streamlit as st

from components import state
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain, shortened
from components.views.fine_tuning.fields import FineTuningFields
from components.views.fine_tuning.openers import draw_texts, open_links
from components.views.fine_tuning.shown import Shown

__all__ = ["draw_data_map", "draw_label_errors"]

#: Dots of a chart: more would make the page slow.
_MOST_DOTS = 3000
_LISTED = 5
_MOST_ERRORS = 20
_KINDS = {
    "easy": "the model was sure of the label from early on",
    "ambiguous": "it changed its mind from epoch to epoch",
    "hard": "it never came to believe the label: often a wrong one",
}


def draw_data_map(shown: Shown) -> None:
    """The data map of Swayamdipta et al. (2020), from the training's own passes."""
    found, table = shown.found.data_map, shown.table("data")
    if found is None or table is None or not len(found.rows):
        st.info("This training did not record how each text was learned.")
        return
    from glassbert.pictures.learning import data_map

    regions = found.regions
    counts = ", ".join(f"**{regions.count(kind):,}** {kind} ({about})" for kind, about in _KINDS.items())
    st.markdown(f"{len(found.rows):,} training texts: {counts}.")
    if float(np.median(found.confidence)) < 0.5:
        st.info(
            "Of most texts the model has not learned the label, so the three kinds say little here: train for more "
            "epochs, or with a larger learning rate."
        )
    places = _sample(len(found.rows))
    rows = np.asarray(found.rows)
    confidence, variability = found.confidence, found.variability
    own = state.fields(FineTuningFields)
    chosen = own.example if 0 <= own.example < len(rows) else -1
    if chosen >= 0 and chosen not in places:
        places = np.sort(np.append(places, chosen))
    key = f"data_map_{shown.version('map')}"

    def clicked() -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points and points[0].get("customdata"):
            state.change(FineTuningFields, example=int(places[int(points[0]["customdata"][0])]))

    left, right = st.columns([0.55, 0.45], gap="large")
    with left:
        draw_chart(
            data_map(
                variability[places].tolist(),
                confidence[places].tolist(),
                [regions[place] for place in places],
                [shortened(_text(table, int(rows[place])), 90) for place in places],
                int(np.flatnonzero(places == chosen)[0]) if chosen >= 0 else None,
            ),
            key=key,
            on_select=clicked,
            selection_mode="points",
        )
        less = f" {len(places):,} of them are drawn." if len(places) < len(rows) else ""
        st.caption(f"Each dot is a training text.{less} Click one to read it.")
    with right:
        if chosen >= 0:
            place = int(rows[chosen])
            st.markdown("**The chosen text**")
            st.markdown(plain(shortened(_text(table, place), 600)))
            over = " → ".join(charts.percent(float(share)) for share in np.asarray(found.probabilities)[:, chosen])
            st.markdown(
                f"Label **{plain(shortened(table.label_text(place), 80))}**, {regions[chosen]}: its probability, epoch "
                f"by epoch, {plain(over)}."
            )
            with st.container(horizontal=True, gap="small"):
                open_links(shown, table.texts[place], table.pairs[place] if table.pairs else "")
        for kind, title in (("hard", "Hardest to learn"), ("ambiguous", "Most ambiguous")):
            worth = [number for number, region in enumerate(regions) if region == kind]
            order = sorted(worth, key=lambda one: confidence[one] if kind == "hard" else -variability[one])[:_LISTED]
            if order:
                st.markdown(f"**{title}**")
                notes = [table.label_text(int(rows[one])) for one in order]
                draw_texts(
                    shown,
                    table,
                    [int(rows[one]) for one in order],
                    key=kind,
                    notes=[shortened(note, 40) for note in notes],
                )
    with how_computed("Fine-tuning"):
        st.markdown(
            "Confidence is the mean, and variability the standard deviation, of the probability of the text's label "
            "over the epochs, as training itself computed it. Ambiguous are the third with the highest variability."
        )
    save_and_code("data_map", shown.file_name, [Kept.of("Data map", shown.code.data_map, found)])


def _sample(count: int) -> np.ndarray:
    if count <= _MOST_DOTS:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, _MOST_DOTS).astype(int))


def _text(table: object, place: int) -> str:
    text: str = table.texts[place]  # type: ignore[attr-defined]
    pairs = table.pairs  # type: ignore[attr-defined]
    return f"{text} / {pairs[place]}" if pairs else text


def draw_label_errors(shown: Shown) -> None:
    """Training texts whose label is likely wrong (Northcutt et al. 2021), with the words that speak for another."""
    found, table = shown.found.label_errors, shown.table("data")
    if found is None or table is None:
        reason = shown.found.reasons.get("label_errors", "")
        st.info(f"Wrong labels were not looked for in this training. {plain(reason)}")
        return
    if not len(found.rows):
        st.markdown(f"Of {found.looked_at:,} labels, none looks wrong.")
    else:
        st.markdown(
            f"**{len(found.rows):,} of {found.looked_at:,} labels look wrong**, the least plausible first. *Read them: "
            "a suspicion is no proof.*"
        )
    names = found.label_names
    for number in range(min(len(found.rows), _MOST_ERRORS)):
        place = int(found.rows[number])
        if place >= len(table):
            continue
        with st.container(key=f"error_{number}", border=True, gap="xxsmall"):
            st.markdown(plain(shortened(_text(table, place), 400)))
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                words = ", ".join(f"“{word}”" for word in found.words[number])
                reason = f"; its words {words} speak for the other" if words else ""
                st.caption(
                    plain(
                        f"Labelled {names[int(found.given[number])]} "
                        f"({charts.percent(float(found.quality[number]))} plausible), looks like "
                        f"{names[int(found.suggested[number])]}{reason}."
                    ),
                    width="stretch",
                )
                open_links(shown, table.texts[place], table.pairs[place] if table.pairs else "")
    if len(found.rows) > _MOST_ERRORS:
        st.caption(f"And {len(found.rows) - _MOST_ERRORS:,} more: Save & code has all of them.")
    with how_computed("Fine-tuning"):
        st.markdown(
            "Confident learning: a logistic regression on the states of the model before training predicts each label "
            "from the other four fifths of the texts; a label is suspected if another one is predicted more surely "
            "than texts with that label are on average."
        )
    save_and_code("label_errors", shown.file_name, [Kept.of("Label errors", shown.code.label_errors, found)])
