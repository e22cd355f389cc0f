"""Another analysis of the same table beside this one: which answers are others, and whether the reasons changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, data_sets
from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import state_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain, shortened
from components.views.data_set.fields import DataSetFields
from components.views.data_set.runs import LIST
from components.views.data_set.shown import Shown, choose_rows, shown_of, texts_of

if TYPE_CHECKING:
    from glassbert.analysis.row_results import ModelsCompared

__all__ = ["draw_beside"]

#: Filters by place may have 4,000 characters.
_SHOWN, _MOST_FILTERED, _TEXT_CHARACTERS = 10, 400, 160


def draw_beside(shown: Shown) -> None:
    others = dict(_others(shown))
    if not others:
        st.info(
            "Analyse the same table with another model, such as one that you fine-tuned, and it can be put beside this "
            "one: which answers are others, and whether they hang on other words."
        )
        return
    own = state.fields(DataSetFields)
    other = own.other if own.other in others else next(iter(others))
    st.selectbox(
        "Beside",
        list(others),
        format_func=lambda run: shortened(others[run], 60),
        width=420,
        **state.bind("other", DataSetFields, options=others, shown=other, initial="index"),
    )
    request = store.request_of(other)
    if request is None:
        return
    second = shown_of(other, request, "")
    found: ModelsCompared = data_sets.compared(
        str(shown.folder), shown.changed, str(second.folder), second.changed, shown.where
    )
    st.markdown(_in_words(found))
    left, right = st.columns(2, gap="large")
    with left:
        _counts(found)
    with right:
        _reasons(shown, found)
    written = code.analyses_compared(
        str(shown.folder), shown.request.name, str(second.folder), request.name, shown.where
    )
    with how_computed("Data sets"):
        st.markdown(
            "The p-value is McNemar's exact test: how likely so uneven a count of the rows that only one model gets "
            "right is if both are equally good. Reasons are compared by the rank correlation of the words' shares."
        )
    save_and_code("data_set_beside", shown.request.name, [Kept.of("Compared", written, found)])


def _others(shown: Shown) -> list[tuple[str, str]]:
    """Finished analyses of the same table."""
    found = []
    for run, request in LIST.listed():
        if run == shown.run or state_of(run).name != "done":
            continue
        try:
            manifest = shown_of(run, request, "").manifest
        except gb.GlassBERTError:
            continue
        if manifest.table["fingerprint"] == shown.manifest.table["fingerprint"]:
            found.append((run, f"{manifest.model['name']} on {request.name}"))
    return found


def _in_words(found: ModelsCompared) -> str:
    first, second = (plain(shortened(name.rstrip("/").rpartition("/")[2], 40)) for name in found.models)
    flipped = len(found.flipped)
    told = f"Of {found.rows:,} texts, {flipped:,} get another answer."
    if found.difference is not None and found.low is not None and found.high is not None:
        told += (
            f" **{first}** has {found.measure.replace('_', ' ')} {charts.readable_number(found.first or 0.0)}, "
            f"**{second}** {charts.readable_number(found.second or 0.0)}: a difference of "
            f"{charts.readable_number(found.difference)} (95% interval {charts.readable_number(found.low)} to "
            f"{charts.readable_number(found.high)})."
        )
    if found.mean_correlation is not None:
        told += f" Their reasons have a rank correlation of {charts.readable_number(found.mean_correlation)}."
    return told


def _counts(found: ModelsCompared) -> None:
    if found.labelled:
        rows = [
            {"": "Both right", "Texts": found.both_right},
            {"": "Only the first", "Texts": found.only_first},
            {"": "Only the second", "Texts": found.only_second},
            {"": "Neither", "Texts": found.neither},
        ]
        st.dataframe(rows, hide_index=True, width="stretch", height="content")
        if found.p_value is not None:
            st.caption(
                "If both were equally good, a count at least as uneven would come up in "
                f"{charts.percent(found.p_value)} of cases."
            )
    if len(found.flipped):
        ids = [int(one) for one in found.flipped[:_MOST_FILTERED]]
        st.button(
            "Rows with another answer"
            if len(ids) == len(found.flipped)
            else f"{len(ids)} of the rows with another answer",
            key="rows_flipped",
            type="tertiary",
            icon=":material/filter_alt:",
            on_click=choose_rows,
            args=("id:" + ",".join(map(str, ids)),),
        )


def _reasons(shown: Shown, found: ModelsCompared) -> None:
    if not len(found.ids):
        st.caption("The two were not explained by the same method, so their reasons cannot be compared.")
        return
    order = np.argsort(found.correlations, kind="stable")[:_SHOWN]
    st.markdown("**Where the reasons changed most**")
    ids = [int(found.ids[place]) for place in order]
    texts = texts_of(shown, ids)
    rows = [
        {
            "Row": int(texts["row"][number]),
            "Text": shortened(str(texts["text"][number]), _TEXT_CHARACTERS),
            "Rank correlation": round(float(found.correlations[place]), 2),
        }
        for place, number in zip(order, ids, strict=True)
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    st.button(
        "These rows",
        key="rows_reasons",
        type="tertiary",
        icon=":material/filter_alt:",
        on_click=choose_rows,
        args=("id:" + ",".join(map(str, ids)),),
    )
