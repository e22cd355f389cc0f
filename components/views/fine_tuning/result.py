"""What came of a training: the model, how good it is, and what it learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import fine_tuning
from components.gateway.runs import store
from components.gateway.settings import is_shared
from components.text import plain
from components.views.fine_tuning.examples import draw_data_map, draw_label_errors
from components.views.fine_tuning.fields import FineTuningFields
from components.views.fine_tuning.learned import draw_moved, draw_watched
from components.views.fine_tuning.openers import PAGES_OF_KIND, example_text
from components.views.fine_tuning.quality import draw_quality
from components.views.fine_tuning.runs import draw_head, reuse
from components.views.fine_tuning.shown import Shown

if TYPE_CHECKING:
    from glassbert.tuning.results import FineTuning

__all__ = ["draw_result"]

_SECTIONS: dict[str, tuple[str, Callable[[Shown], None]]] = {
    "quality": ("How good it is", draw_quality),
    "examples": ("How each text was learned", draw_data_map),
    "labels": ("Likely wrong labels", draw_label_errors),
    "words": ("Words over time", draw_watched),
    "moved": ("What changed inside", draw_moved),
}


def draw_result(run: str, request: store.RunRequest) -> None:
    """What can be done with the model, and one section of what was measured."""
    draw_head(run, request)
    found = fine_tuning.result_of(request)
    shown = Shown(run, request, found)
    _actions(shown)
    if is_shared():
        st.caption("Only whoever has the address of this page sees this run, and can delete it.")
    st.caption(plain(_told(found)))
    st.segmented_control(
        "Section",
        list(_SECTIONS),
        format_func=lambda section: _SECTIONS[section][0],
        label_visibility="collapsed",
        **state.bind("section", FineTuningFields, options=_SECTIONS),
    )
    _SECTIONS[state.fields(FineTuningFields).section][1](shown)


def _told(found: FineTuning) -> str:
    rows = found.data.get("rows")
    read = f"{rows:,} rows, " if isinstance(rows, int) else ""
    epochs, asked = len(found.epochs), found.settings.get("epochs", 0)
    early = ""
    if found.settings.get("patience") and epochs < asked:
        early = (
            f" It ended after epoch {epochs} of {asked}, since the rows kept from training gained nothing more, and is "
            f"the model of epoch {found.best_epoch}."
        )
    return (
        f"Trained from {_short(found.base)} on {read}{len(found.losses):,} steps in {found.seconds:,.0f} s; "
        f"{found.recording_seconds:,.0f} s more to record what it learned.{early}"
    )


def _short(source: str) -> str:
    return source.rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def _actions(shown: Shown) -> None:
    view, request, folder = state.view(), shown.request, shown.folder
    page, file = PAGES_OF_KIND[shown.found.kind]
    text, pair = example_text(shown)
    opened = replace(
        view, model=folder, beside="", half=False, text=text or view.text, pair=pair, token=-1, explain="", label="",
        foil_label="", window=0, other_text="", other_pair="",
    )  # fmt: skip
    with st.container(key="run_actions", horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            file, label="Open the model", icon=":material/deployed_code:", query_params=state.link(page, opened)
        )
        st.page_link(
            "pages/compare.py",
            label="Compare before and after",
            icon=":material/compare_arrows:",
            query_params=state.link("compare", replace(opened, model=request.base, beside=folder), sides="models"),
        )
        st.download_button(
            "Download",
            lambda: store.zipped_model(request),
            f"{shown.file_name}.zip",
            key="download_model",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="The folder of the model: weights, tokenizer, and a card with what was measured.",
        )
        st.button(
            "Train again",
            key="reuse",
            icon=":material/content_copy:",
            type="tertiary",
            help="A new run with this data and these settings, which can be changed before it starts.",
            on_click=reuse,
            args=(shown.run,),
        )
