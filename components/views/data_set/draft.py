"""An analysis that was not started: its table, its model, what is done with each text, and the button."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import state
from components.gateway import data_sets
from components.gateway.fine_tuning import tuned_models
from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import queue
from components.gateway.settings import is_shared
from components.shared.errors import explained_errors
from components.shared.run_list import with_error
from components.shell.opening import model_name
from components.text import plain, shortened
from components.views.data_set.runs import delete_run, draw_head

if TYPE_CHECKING:
    from glassbert.tables.streaming import TableStream

__all__ = ["draw_draft"]

_PREVIEW_ROWS = 5
#: Labels of a model whose spelling in the table can be chosen, and of the table to choose from.
_MOST_SPELLED, _MOST_SPELLINGS = 8, 50
_COLUMNS = {"text": "Text", "pair": "Second text", "label": "Label"}
#: Share of the texts whose explanations are checked → how the choice is called.
_RECEIPTS = {0.0: "none", 0.01: "1%", 0.05: "5%", 0.2: "20%"}


def draw_draft(run: str, request: store.RunRequest) -> None:
    draw_head(run, request)
    stream: TableStream | None = None
    rows = 0
    with explained_errors(), st.spinner("Reading the table …"):
        stream, rows = data_sets.columns_of(run, request)
    if stream is None:
        _columns_by_hand(run, request)
        st.button(
            "Choose another table",
            key="another_table",
            icon=":material/upload_file:",
            help="This analysis, which has nothing but the table, is deleted.",
            on_click=delete_run,
            args=(run,),
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        _model(run, request)
        _methods(run, request)
        _receipts(run, request)
    model: gb.Model | None = None
    with explained_errors(), st.spinner("Opening the model …"):
        model = data_sets.model_of(request)
    if model is None:
        return
    _table(run, request, stream, rows, model)
    left, right = st.columns([0.25, 0.75], vertical_alignment="center")
    left.button(
        "Analyse",
        key="analyse",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=with_error,
        args=(partial(queue().start, run),),
    )
    rough = data_sets.duration(stream, rows, model, len(_chosen_methods(request)), _share(request))
    right.caption(
        f"Roughly {rough.removeprefix('about ')}, estimated from the size of the model and the texts. It runs beside "
        "the app, and goes on when this window is closed."
    )


def _change(run: str, **values: Any) -> None:
    with_error(lambda: store.change(run, **values))


# --- what is done -----------------------------------------------------------------------------------------------------


def _model(run: str, request: store.RunRequest) -> None:
    view = state.view()
    known = state.remembered("known_runs", set()) if is_shared() else None
    sources = {source: model_name(source) for source in (view.model, view.beside) if source} | tuned_models(known)
    names = data_sets.deciders(sources)
    if request.base not in names:
        names[request.base] = model_name(request.base)
    st.selectbox(
        "Model",
        list(names),
        format_func=lambda source: shortened(str(names.get(source, source)), 40),
        help="Models that decide about whole texts: the embedded one, those that are open, and those that were "
        "fine-tuned here.",
        width=320,
        **state.control(
            "analysed_by", request.base, lambda source: _change(run, base=source), options=list(names), of=run,
            initial="index",
        ),
    )  # fmt: skip


def _chosen_methods(request: store.RunRequest) -> list[str]:
    return [one for one in request.settings.get("methods", ()) if one in data_sets.METHODS]


def _methods(run: str, request: store.RunRequest) -> None:
    st.multiselect(
        "Explain each answer by",
        data_sets.METHODS,
        format_func=lambda one: gb.METHODS[one].label,
        help="Methods that take one pass a text. None: the answers alone.",
        width=420,
        **state.control(
            "analysed_methods",
            _chosen_methods(request),
            lambda chosen: _change(run, settings={**request.settings, "methods": list(chosen)}),
            of=run,
            initial="default",
        ),
    )


def _share(request: store.RunRequest) -> float:
    share = request.settings.get("receipts", 0.0)
    return share if share in _RECEIPTS else 0.0


def _receipts(run: str, request: store.RunRequest) -> None:
    st.segmented_control(
        "Check the explanations of",
        list(_RECEIPTS),
        format_func=_RECEIPTS.__getitem__,
        help="A random share of the texts. Whether the words that an explanation names decide is measured by removing "
        "them, which takes hundreds of passes a text.",
        disabled=not _chosen_methods(request),
        **state.control(
            "analysed_receipts",
            _share(request),
            lambda chosen: _change(run, settings={**request.settings, "receipts": chosen}),
            options=list(_RECEIPTS),
            of=run,
        ),
    )


# --- the table --------------------------------------------------------------------------------------------------------


def _table(run: str, request: store.RunRequest, stream: TableStream, rows: int, model: gb.Model) -> None:
    looked_at = sum(one.damage is None for one in stream.first)
    names = label_names(request, model)
    unlike, found = (0, ()) if stream.label_column is None else data_sets.unlike_labels(stream, model, names)
    texts = "1 text" if rows == 1 else f"{rows:,} texts"
    if stream.label_column is None:
        told = "without labels: answers are explained and searched, but nothing says whether they are right"
    elif unlike < looked_at:
        told = f"with labels in the column {plain(stream.label_column)}"
    else:
        own = ", ".join(shortened(name, 30) for name in model.labels[:5])
        told = (
            f"but what stands in the column {plain(stream.label_column)} is none of the model’s labels "
            f"({plain(own)}{' …' if len(model.labels) > 5 else ''}): it is kept to filter by, and nothing is measured"
        )
    st.markdown(f"{texts}, {told}.")
    if 0 < unlike < looked_at:
        st.warning(
            plain(
                f"Of the first {looked_at:,} texts, {unlike:,} have a label that is none of the model’s: they count as "
                "rows with an error."
            ),
            icon=":material/warning:",
        )
    if unlike and not request.on_board:
        _spelling(run, request, model, found)
    if not request.on_board:
        _columns(run, request, stream)
    first = [one for one in stream.first if one.damage is None][:_PREVIEW_ROWS]
    st.dataframe(
        [
            {"Row": one.row, "Text": one.text}
            | ({"Second text": one.pair} if stream.pair_column else {})
            | ({"Label": "" if one.label is None else str(one.label)} if stream.label_column else {})
            | dict(zip(stream.meta_columns, one.meta, strict=False))
            for one in first
        ],
        hide_index=True,
        width="stretch",
        column_config={"Row": st.column_config.NumberColumn(width=60)},
        key="analysed_first_rows",
    )
    bad = [one for one in stream.first if one.damage is not None]
    if bad:
        count = "1 row" if len(bad) == 1 else f"{len(bad):,} rows"
        with st.expander(f"{count} of the first {len(stream.first):,} cannot be read", icon=":material/warning:"):
            st.dataframe(
                [{"Row": one.row, "Reason": one.damage} for one in bad[:200]], hide_index=True, width="stretch"
            )
            st.caption("They are kept, each with this reason, and left out of every number.")


def label_names(request: store.RunRequest, model: gb.Model) -> tuple[str, ...]:
    """How the table spells the model's labels, in the model's order, as it was chosen; empty: as the model does."""
    chosen = tuple(map(str, request.settings.get("label_names", ())))
    return chosen if len(chosen) == len(model.labels) else ()


def _spelling(run: str, request: store.RunRequest, model: gb.Model, found: tuple[str, ...]) -> None:
    """What each label of the model is called in the table; nothing where that are too many to choose from."""
    options = [one for one in found if "," not in one]
    if not len(model.labels) <= _MOST_SPELLED or not 0 < len(options) <= _MOST_SPELLINGS:
        return
    chosen = label_names(request, model) or tuple(model.labels)
    st.caption("If the table only calls the labels otherwise, choose what it calls them:")
    with st.container(horizontal=True, gap="medium"):
        for place, name in enumerate(model.labels):

            def choose(one: str, place: int = place) -> None:
                names = [*chosen[:place], one or model.labels[place], *chosen[place + 1 :]]
                _change(run, settings={**request.settings, "label_names": names})

            def spelled(one: str, name: str = name) -> str:
                return shortened(one or name, 40)

            st.selectbox(
                shortened(name, 30),
                ["", *options],
                format_func=spelled,
                width=220,
                **state.control(
                    f"spelled_{place}",
                    chosen[place] if chosen[place] in options else "",
                    choose,
                    options=["", *options],
                    of=run,
                    initial="index",
                ),
            )


def _columns(run: str, request: store.RunRequest, stream: TableStream) -> None:
    guessed = {"text": stream.text_column, "pair": stream.pair_column, "label": stream.label_column}
    every = list(dict.fromkeys([*filter(None, guessed.values()), *stream.meta_columns]))
    for place, (name, column) in zip(st.columns([0.2, 0.2, 0.2, 0.4]), guessed.items(), strict=False):
        options = every if name == "text" else ["", *every]
        place.selectbox(
            _COLUMNS[name],
            options,
            format_func=lambda option: option or "none",
            **state.control(
                f"analysed_{name}",
                column or "",
                partial(_choose_column, run, request, guessed, name),
                options=options,
                of=run,
                initial="index",
            ),
        )


def _choose_column(run: str, request: store.RunRequest, shown: dict[str, str | None], name: str, column: str) -> None:
    chosen = {key: value for key, value in {**shown, **request.columns, name: column}.items() if value}
    # one column is one thing
    chosen = {key: value for key, value in chosen.items() if key == name or value != column}
    _change(run, columns=chosen)


def _write_column(run: str, request: store.RunRequest, name: str, column: str) -> None:
    _change(run, columns={**request.columns, name: column.strip()})


def _columns_by_hand(run: str, request: store.RunRequest) -> None:
    """The columns of a table that could not be read as they were guessed or chosen."""
    if request.on_board:
        return
    st.caption("Write the names of the columns as the table has them. What is left empty is guessed.")
    for place, (name, label) in zip(st.columns(3), _COLUMNS.items(), strict=True):
        place.text_input(
            f"{label}: name of the column",
            **state.control(
                f"analysed_by_hand_{name}",
                request.columns.get(name, ""),
                partial(_write_column, run, request, name),
                of=run,
            ),
        )
    if request.columns:
        st.button("Guess the columns", key="guess_analysed", on_click=_change, args=(run,), kwargs={"columns": {}})
