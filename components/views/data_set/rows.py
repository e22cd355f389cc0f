"""The filter, the rows that pass it, and the chosen one with its words and the way to the other pages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from components import state
from components.gateway import data_sets, files
from components.gateway.library import gb
from components.gateway.settings import settings
from components.shared import charts
from components.shared.word_strip import strip_of
from components.text import plain, shortened
from components.views.data_set.fields import DataSetFields
from components.views.data_set.shown import Shown, choose_rows

if TYPE_CHECKING:
    import pandas as pd

    from glassbert.analysis.listing import RowPage

__all__ = ["draw_filter", "draw_rows", "filter_in_force"]

_SHOWN, _TEXT_CHARACTERS, _LONG_TEXT = 50, 300, 2000
#: Beside the buttons where these fit, else the whole width.
_FILTER_PIXELS = 520
_ORDERS = {"id": "in the order of the table", "confidence": "by confidence", "loss": "by loss", "tokens": "by length"}
_HELP = """\
Terms side by side must all hold; `or`, `not` (or `-`) and parentheses work as usual.

- `wrong`, `right`, `error`, `truncated`
- `label:NEGATIVE`, `answer:"very good"`
- `confidence>0.9`, `loss>2`, `tokens<20`
- `word:refund` (a whole word), `text:"part of it"`
- `"column of the table":value`, `"age">30`
- `receipt:fails`, `row:17`

Clicking a cell, a slice or a word writes the filter for you.
"""


def filter_in_force(whole: Shown) -> str:
    """The filter of the address; the last one that could be read, if it cannot."""
    where = state.fields(DataSetFields).where.strip()
    if not data_sets.filter_error(str(whole.folder), whole.changed, where):
        state.remember("last_good_filter", (whole.run, where))
        return where
    run, last = state.remembered("last_good_filter", ("", ""))
    return last if run == whole.run else ""


def draw_filter(whole: Shown) -> None:
    """The filter as text, and the most common ones as buttons."""
    own = state.fields(DataSetFields)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "Filter",
            placeholder="All rows, or for example: wrong confidence>0.9 word:not",
            help=_HELP,
            max_chars=4000,
            width=_FILTER_PIXELS,
            **state.control("rows_filter", own.where, choose_rows, of=whole.run),
        )
        if whole.manifest.table.get("label") is not None and whole.manifest.kind != "regression":
            _button("Wrong", "wrong", own.where)
            _button("Wrong and sure", "wrong confidence>0.9", own.where)
        if whole.manifest.errors:
            _button("Errors", "error", own.where)
        _button("All rows", "", own.where)
    if told := data_sets.filter_error(str(whole.folder), whole.changed, own.where.strip()):
        below = "The rows below are those of the filter before." if filter_in_force(whole) else "All rows are below."
        st.warning(plain(f"{told[:1].upper()}{told[1:]}. {below}"))


def _button(label: str, where: str, now: str) -> None:
    st.button(
        label,
        key=f"filter_{label}",
        on_click=choose_rows,
        args=(where,),
        disabled=where == now.strip(),
        width="content",
    )


def draw_rows(shown: Shown) -> None:
    """A page of the rows, and the chosen one."""
    own = state.fields(DataSetFields)
    order = own.order if own.order in _orders(shown) else "id"

    def page_from(offset: int) -> RowPage:
        return data_sets.rows(str(shown.folder), shown.changed, shown.where, order, own.descending, _SHOWN, offset)

    offset = own.offset
    found = page_from(offset)
    if offset >= found.total:  # of a link to more rows than there are
        offset = 0
        found = page_from(offset)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader("1 row" if found.total == 1 else f"{found.total:,} rows", anchor=False, width="content")
        if found.total > 1:
            _order(shown, order, own.descending)
    if not found.total:
        st.caption("No row passes this filter.")
        return
    frame = found.table
    key = f"rows_{shown.version(order, own.descending, offset)}"

    def clicked() -> None:
        chosen = (state.value(key) or {}).get("selection", {}).get("rows", [])
        state.change(DataSetFields, row=int(frame["id"].iloc[chosen[0]]) if chosen else -1)

    st.dataframe(
        _readable(frame),
        hide_index=True,
        width="stretch",
        height=min(420, 40 + 35 * len(frame)),
        column_config={
            "Row": st.column_config.NumberColumn(width=70),
            "Text": st.column_config.TextColumn(width="large"),
            "Sure": st.column_config.NumberColumn(width=70, format="%.1f%%"),
            "Highest label": st.column_config.NumberColumn(width=100, format="%.1f%%"),
            "Loss": st.column_config.NumberColumn(width=70, format="%.2f"),
            "Tokens": st.column_config.NumberColumn(width=70),
            "Error": st.column_config.TextColumn(width="large"),
        },
        key=key,
        on_select=clicked,
        selection_mode="single-row",
    )
    _pages(found.total, offset, len(frame))
    _one(shown)
    _download(shown)


def _orders(shown: Shown) -> dict[str, str]:
    has = {"confidence": shown.manifest.kind != "regression", "loss": shown.manifest.table.get("label") is not None}
    return {name: title for name, title in _ORDERS.items() if has.get(name, True)}


def _order(shown: Shown, order: str, descending: bool) -> None:
    orders = _orders(shown)
    st.selectbox(
        "Order",
        list(orders),
        format_func=orders.__getitem__,
        label_visibility="collapsed",
        width=260,
        **state.control(
            "rows_order", order, lambda chosen: _reorder(chosen, descending), options=list(orders), initial="index"
        ),
    )
    st.toggle(
        "largest first",
        width="content",
        **state.control("rows_descending", descending, lambda chosen: _reorder(order, chosen)),
    )


def _reorder(order: str, descending: bool) -> None:
    state.change(DataSetFields, order=order, descending=descending, offset=0)


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that a reader needs, under names for people; the columns of the table come last."""
    titles = {
        "row": "Row",
        "text": "Text",
        "pair": "Second text",
        "label": "Label",
        "labels": "Labels",
        "answer": "Answer",
        "answers": "Answers",
        "confidence": "Sure",
        "expected": "Expected",
        "predicted": "Predicted",
        "loss": "Loss",
        "tokens": "Tokens",
        "error": "Error",
    }
    kept = [
        name
        for name in titles
        if name in frame and (name not in ("error", "label", "loss") or frame[name].notna().any())
    ]
    table = frame[kept].copy()
    for name in ("text", "pair", "error"):
        if name in table:
            table[name] = [shortened(one, _TEXT_CHARACTERS) if isinstance(one, str) else "" for one in table[name]]
    for name in ("labels", "answers"):
        if name in table:
            table[name] = [", ".join(one) or "none" if isinstance(one, tuple | list) else None for one in table[name]]
    if "confidence" in table:
        table["confidence"] *= 100
    if "answers" in table:
        titles["confidence"] = "Highest label"
    table = table.rename(columns=titles)
    known = set(titles) | {"id", "right", "logit", "truncated", "label_text"}
    for name in frame.columns:
        if name not in known:
            table[name if name not in table else f"{name} (table)"] = frame[name]
    return table


def _pages(total: int, offset: int, count: int) -> None:
    if total <= _SHOWN:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, icon, place in (
            ("Before", ":material/chevron_left:", offset - _SHOWN),
            ("After", ":material/chevron_right:", offset + _SHOWN),
        ):
            st.button(
                label,
                key=f"rows_{label}",
                icon=icon,
                type="tertiary",
                disabled=not (-_SHOWN < place < total),
                on_click=lambda place=place: state.change(DataSetFields, offset=max(0, place)),
            )
        st.caption(f"{offset + 1:,} to {offset + count:,} of {total:,}")


def _one(shown: Shown) -> None:
    """The chosen row: its text in full, why the model answers so, and where to go on."""
    chosen = state.fields(DataSetFields).row
    if chosen < 0:
        st.caption("Click the box before a row: what its answer hangs on, and the way to the other pages.")
        return
    try:
        found = data_sets.row(str(shown.folder), shown.changed, chosen)
    except gb.OptionError:
        return
    with st.container(border=True, key="chosen_row"):
        _what_it_is(found)
        if found.get("text"):
            _words(shown, found)
            _links(shown, found)


def _what_it_is(found: dict[str, Any]) -> None:
    text = str(found.get("text") or "")
    parts = [f"Row {int(found['row']):,}"]
    for name, title in (("label", "label"), ("labels", "labels"), ("answer", "answer"), ("answers", "answers")):
        value = found.get(name)
        if isinstance(value, str | tuple):
            parts.append(f"{title} {value if isinstance(value, str) else ', '.join(value) or 'none'}")
    sure = found.get("confidence")
    shares: dict[str, float] = found.get("probabilities") or {}
    if "answers" in found and shares:  # each label is decided on its own
        name = max(shares, key=lambda one: shares[one])
        below = "" if found.get("answers") else ", below one half"
        parts.append(f"highest: {name} {charts.percent(shares[name])}{below}")
    elif isinstance(sure, float) and sure == sure:
        parts.append(f"{charts.percent(sure)} sure")
    st.markdown(f"**{plain(' · '.join(parts))}**")
    st.markdown(plain(shortened(f"{text} / {found['pair']}" if found.get("pair") else text, _LONG_TEXT)))
    if isinstance(found.get("error"), str):
        st.caption(plain(f"Error: {found['error']}"))


def _words(shown: Shown, found: dict[str, Any]) -> None:
    words = found["attributions"]
    methods = list(dict.fromkeys(words["method"])) if len(words) else []
    if not methods:
        return
    own = state.fields(DataSetFields).words_by
    method = own if own in methods else methods[0]
    one = words[(words["method"] == method) & (words["word_index"] >= 0)]
    by_word = one.groupby("word_index", sort=True).agg({"word": "first", "score": "sum"})
    answer = found.get("answer")
    strip_of(
        [str(word) for word in by_word["word"]],
        by_word["score"].tolist(),
        key="chosen_words",
        label="What the answer hangs on",
        version=shown.version(found["id"], method),
        of=str(answer) if isinstance(answer, str) else "the answer",
    )
    checks = found["receipts"]
    told = [
        f"{row.check.replace('_', ' ')} {row.verdict.replace('_', ' ')}"
        for row in checks.itertuples()
        if row.method == method
    ]
    st.caption(plain(f"By {gb.METHODS[method].label}." + (f" Receipt: {', '.join(told)}." if told else "")))


def _links(shown: Shown, found: dict[str, Any]) -> None:
    most = settings().characters
    pair = found.get("pair")
    view = replace(
        state.view(), model=shown.request.base, beside="", half=False, text=str(found["text"])[:most],
        pair=str(pair)[:most] if isinstance(pair, str) else "", token=-1, toward=-1, until=-1, explain="", label="",
        foil_label="", window=0, other_text="", other_pair="",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        for page, file, label, icon in (
            ("what_if", "pages/what_if.py", "What if", ":material/alt_route:"),
            ("saliency", "pages/saliency.py", "Saliency", ":material/fact_check:"),
            ("workbench", "app.py", "Workbench", ":material/biotech:"),
        ):
            st.page_link(file, label=label, icon=icon, query_params=state.link(page, view), width="content")
    if shown.request.folder:
        st.caption(f"These pages open the model {plain(str(shown.manifest.model['name']))}.")


def _download(shown: Shown) -> None:
    """All rows that pass the filter, not only the page, and what is stored about them."""
    offered: list[tuple[str, str, Literal["csv", "parquet"]]] = [
        ("These rows as CSV", "rows", "csv"),
        ("These rows as Parquet", "rows", "parquet"),
    ]
    if shown.manifest.methods:
        offered.append(("Their words as Parquet", "attributions", "parquet"))
    if shown.manifest.receipts.get("share"):
        offered.append(("Their receipts as CSV", "receipts", "csv"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, kind, form in offered:
            st.download_button(
                label,
                files.made_later(partial(data_sets.export, str(shown.folder), shown.changed, shown.where, kind, form)),
                files.file_name(kind, shown.request.name, form),
                key=f"download_{kind}_{form}",
                on_click="ignore",
                icon=":material/download:",
                type="tertiary",
            )
