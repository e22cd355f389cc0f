"""The Workbench: attention, predictions and saliency of one sentence, side by side."""

import streamlit as st

from components import state
from components.shared.definitions import HEAD, LOGIT, TOKEN
from components.shell.frame import open_page, read_text

PAIRS = "Click a cell, or two tokens, the second with Shift: all heads are ranked by the weight between the two."
PANELS = {
    "attention": ("Attention", f"{HEAD} {PAIRS}"),
    "predictions": ("Predictions", TOKEN),
    "saliency": ("Saliency", LOGIT),
}

frame = open_page("workbench", verdict=True)
if frame.view.present:
    names = {"all": "All three"} | {panel: title for panel, (title, _) in PANELS.items()}
    st.segmented_control(
        "Panel",
        list(names),
        format_func=names.__getitem__,
        label_visibility="collapsed",
        **state.bind("panel", options=names),
    )
chosen = frame.view.panel if frame.view.present else "all"
shown = list(PANELS) if chosen == "all" else [chosen]
columns = dict(zip(shown, st.columns([1.08, 0.96, 0.96][: len(shown)], gap="medium"), strict=True))
# before the models, so that a cold start has something to show while they load
headings = [column.empty() for column in columns.values()]
if frame.view.text.strip():
    for panel, heading in zip(columns, headings, strict=True):
        title, about = PANELS[panel]
        heading.subheader(title, anchor=False, help=about)
# after the shell: the panels bring numpy, a tenth of a second of a cold start
from components.shared.verdict_strip import verdict_strip  # noqa: E402
from components.views.tour import tour_offer  # noqa: E402
from components.views.workbench import attention_panel, predictions_panel, saliency_panel  # noqa: E402

with frame.aside:
    tour_offer()

with columns[shown[0]], st.spinner("Opening the models …"):
    opened = read_text(frame)
if opened:
    draw = {"attention": attention_panel, "predictions": predictions_panel, "saliency": saliency_panel}
    for panel, column in columns.items():
        with column:
            draw[panel](opened)
    # last: its work waits for the panels
    verdict_strip(opened, frame.verdict)
else:  # nothing is under them: the page says why
    for heading in headings:
        heading.empty()
