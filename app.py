"""The Workbench: attention, predictions and saliency of one sentence, side by side."""

import streamlit as st

from components.shared.definitions import HEAD, LOGIT, TOKEN
from components.shell.frame import open_page, read_text

frame = open_page("workbench")
verdict = st.container(key="verdict_slot")
left, middle, right = st.columns([1.08, 0.96, 0.96], gap="medium")
# before the models, so that a cold start has something to show while they load
left.subheader("Attention", anchor=False, help=HEAD)
middle.subheader("Predictions", anchor=False, help=TOKEN)
right.subheader("Saliency", anchor=False, help=LOGIT)
# after the shell: the panels bring numpy, a tenth of a second of a cold start
from components.shared.verdict_strip import verdict_strip  # noqa: E402
from components.views.workbench import attention_panel, predictions_panel, saliency_panel  # noqa: E402

with left, st.spinner("Opening the models …"):
    opened = read_text(frame)
if opened:
    with left:
        attention_panel(opened)
    with middle:
        predictions_panel(opened)
    with right:
        saliency_panel(opened)
    # last: its work waits for the three panels
    with verdict:
        verdict_strip(opened)
