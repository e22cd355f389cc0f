"""What is chosen before a training: columns, what the data is like, the model, the settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import state
from components.gateway import fine_tuning, models
from components.gateway.library import gb
from components.gateway.requests import ModelRequest, version_of
from components.gateway.runs import store
from components.gateway.runs.queue import queue
from components.gateway.runs.tables import Tables, tables_of
from components.gateway.settings import is_shared, settings
from components.shared.errors import explained_errors
from components.shared.jobs import run_job
from components.shared.run_list import with_error
from components.text import plain, shortened
from components.views.fine_tuning.report import draw_report
from components.views.fine_tuning.runs import delete_run, draw_head

if TYPE_CHECKING:
    from glassbert.tuning import TrainingSettings

__all__ = ["KINDS", "draw_draft"]

#: Kind of table → how a reader calls it.
KINDS = {
    "classification": "One class per text",
    "multi_label": "Several labels per text",
    "regression": "A number per text",
    "tokens": "A label per word",
    "spans": "Answers in a context",
    "texts": "Texts without labels",
}
_PREVIEW_ROWS = 8
_MOST_PINNED = 5


def draw_draft(run: str, request: store.RunRequest) -> None:
    """One step below the other, each with a good default: whoever reads on only has to press the last button."""
    draw_head(run, request)
    tables = _data(run, request)
    if tables is None:
        return
    base = _model(run, request)
    _report(run, tables, base)
    if base is not None:
        _settings(run, request, tables, base)


def _step(title: str) -> None:
    st.space("xxsmall")
    st.subheader(title, anchor=False)


# --- the data -------------------------------------------------------------------------------------------------------


def _data(run: str, request: store.RunRequest) -> Tables | None:
    _step("Data")
    tables: Tables | None = None
    with explained_errors(), st.spinner("Reading the table …"):
        tables = tables_of(run, request)
    if tables is None:
        _columns_by_hand(run, request)
        st.button(
            "Choose another table",
            key="another_table",
            icon=":material/upload_file:",
            help="This run, which has nothing but the table, is deleted.",
            on_click=delete_run,
            args=(run,),
        )
        return None
    train = tables.train
    counts = [f"{len(train):,} rows to train on"]
    counts += [f"{len(table):,} {_USE[name]}" for name, table in tables.others.items()]
    number = len(train.label_names)
    labels = f", {number:,} {'label' if number == 1 else 'labels'}" if number else ""
    st.markdown(f"{KINDS[train.kind]}{labels}: {', '.join(counts)}.")
    if not request.on_board:
        _columns(run, request, tables)
    first = train.take(range(min(_PREVIEW_ROWS, len(train)))).frame()
    st.dataframe(
        first.rename(columns={"row": "Row", "text": "Text", "pair": "Second text", "label": "Label"}),
        hide_index=True,
        width="stretch",
        column_config={"Row": st.column_config.NumberColumn(width=60), "Label": st.column_config.Column(width=200)},
        key="first_rows",
    )
    bad = tables.bad_rows
    if bad:
        count = "1 row that cannot be used is" if len(bad) == 1 else f"{len(bad):,} rows that cannot be used are"
        with st.expander(f"{count} left out", icon=":material/warning:"):
            st.dataframe(
                [{"Row": one.row, "Column": one.column or "–", "Reason": one.reason} for one in bad[:1000]],
                hide_index=True,
                width="stretch",
            )
    return tables


_USE = {"dev": "kept to watch the training by", "test": "kept for the test at the end"}


def _columns(run: str, request: store.RunRequest, tables: Tables) -> None:
    train = tables.train
    guessed = {"text": train.text_column, "pair": train.pair_column, "label": train.label_column}
    labels = {"text": "Text", "pair": "Second text", "label": "Label"}
    places = st.columns([0.2, 0.2, 0.2, 0.2, 0.2])
    for place, (name, column) in zip(places, guessed.items(), strict=False):
        options = ["", *train.columns]
        place.selectbox(
            labels[name],
            options,
            format_func=lambda option: option or "none",
            **state.control(
                f"column_{name}",
                column or "",
                partial(_choose_column, run, request, guessed, name),
                options=options,
                of=run,
                initial="index",
            ),
        )
    places[3].selectbox(
        "What a label is",
        list(KINDS),
        format_func=KINDS.__getitem__,
        **state.control(
            "table_kind",
            train.kind,
            partial(_choose_column, run, request, guessed, "kind"),
            options=list(KINDS),
            of=run,
            initial="index",
        ),
    )
    places[4].number_input(
        "Kept from training (%)",
        0,
        50,
        help="Rows that the model never sees in training: without them, nobody can tell learning from memorising.",
        **state.control("held_out", request.held_out, lambda share: _change(run, held_out=int(share)), of=run),
    )
    _test_table(run, request)


def _choose_column(
    run: str, request: store.RunRequest, guessed: Mapping[str, str | None], name: str, chosen: str
) -> None:
    """All columns are named from now on: one choice must not change the guess of another."""
    now = {each: column for each, column in guessed.items() if column} | dict(request.columns) | {name: chosen}
    if name == "label" and not chosen:
        now["kind"] = "texts"
    elif name == "label":
        now.pop("kind", None)
    _change(run, columns={each: value for each, value in now.items() if value})


def _columns_by_hand(run: str, request: store.RunRequest) -> None:
    """The columns of a table that could not be read as they were guessed or chosen."""
    if request.on_board:
        return
    st.caption("Write the names of the columns as the table has them. What is left empty is guessed.")
    labels = {"text": "Text", "pair": "Second text", "label": "Label"}
    for place, (name, label) in zip(st.columns(3), labels.items(), strict=True):
        place.text_input(
            f"{label}: name of the column",
            **state.control(
                f"column_by_hand_{name}",
                request.columns.get(name, ""),
                partial(_write_column, run, request, name),
                of=run,
            ),
        )
    if request.columns:
        st.button("Guess the columns", key="guess_columns", on_click=_change, args=(run,), kwargs={"columns": {}})


def _write_column(run: str, request: store.RunRequest, name: str, column: str) -> None:
    _change(run, columns={**request.columns, name: column.strip()})


def _test_table(run: str, request: store.RunRequest) -> None:
    if request.test:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("A second table is kept for the test at the end.")
            st.button(
                "Remove it", key="remove_test", type="tertiary", on_click=_change, args=(run,), kwargs={"test": ""}
            )
        return
    with st.popover("Add a table for testing", icon=":material/add:", type="tertiary", key="test_popover"):
        uploaded = st.file_uploader(
            "A table with the same columns, which is looked at once, at the end",
            type=[ending.removeprefix(".") for ending in (*store.ENDINGS, ".gz")],
            key=f"test_table_{run}",
            max_upload_size=settings().upload,
        )
        if uploaded is not None:
            with explained_errors():
                name = store.add_data(run, uploaded.name, uploaded.getvalue(), "test")
                _change(run, test=name)
                st.rerun()


def _change(run: str, **values: Any) -> None:
    with_error(lambda: store.change(run, **values))


# --- the model ------------------------------------------------------------------------------------------------------


def _model(run: str, request: store.RunRequest) -> ModelRequest | None:
    _step("Model")
    view = state.view()
    names = {one.id: one.label for one in models.suggestions().values() if one.ready}
    own = [one for one in (view.model, view.beside, request.base) if one and one not in names]
    options = [*names, *dict.fromkeys(own)]
    # a source that is typed is none of the options, so the choice is not checked against them
    control = state.control("tuning_base", request.base, lambda source: _change(run, base=source.strip()), of=run)
    place, _ = st.columns([0.5, 0.5])
    place.selectbox(
        "Start from",
        options,
        format_func=lambda source: names.get(source) or shortened(source.rstrip("/").rpartition("/")[2], 40),
        accept_new_options=not is_shared(),
        help="A model on board, an open one"
        + ("." if is_shared() else ", or any encoder of the BERT family on this machine, by its hub id or folder."),
        index=options.index(control.pop("value")),
        **control,
    )
    with explained_errors(), st.spinner("Opening the model …"):
        if not models.is_here(request.base):
            raise gb.ModelError(
                f"{request.base!r} is not on this machine: open it once in the dialog of models on another page, "
                "which downloads it"
            )
        base = fine_tuning.base_request(request.base)
        models.load(base)
        return base
    return None


# --- the report -----------------------------------------------------------------------------------------------------


def _report(run: str, tables: Tables, base: ModelRequest | None) -> None:
    _step("What to know about the rows to train on")
    key = version_of(run, base, tables.key)
    found = run_job(
        "data_report",
        key,
        lambda: fine_tuning.data_report(tables, base),
        label="Look through the data",
        cost="Counts, lengths, duplicates, contradicting labels, and words that give a label away.",
        at_once=True,
        narrow=True,
    )
    if found is not None:
        draw_report(found, tables)


# --- settings, and the button ---------------------------------------------------------------------------------------


def _settings(run: str, request: store.RunRequest, tables: Tables, base: ModelRequest) -> None:
    _step("Training")
    chosen: TrainingSettings | None = None
    with explained_errors(), st.spinner("Choosing settings …"):
        chosen = fine_tuning.defaults(tables, base, request.settings)
    if chosen is None:
        if request.settings:
            st.button("Use the defaults", key="reset_settings", on_click=_change, args=(run,), kwargs={"settings": {}})
        return
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        _setting(run, request, chosen, "epochs")
        _setting(run, request, chosen, "head")
        if tables.train.kind == "classification":
            _setting(run, request, chosen, "class_weights")
    with st.expander("All settings", icon=":material/tune:", key="all_settings"):
        for names in (*_ROWS, *([("device",)] if len(_devices()) > 1 else [])):
            for place, name in zip(st.columns(len(names)), names, strict=True):
                with place:
                    _setting(run, request, chosen, name)
        if request.settings:
            st.button("Use the defaults", key="reset_settings", on_click=_change, args=(run,), kwargs={"settings": {}})
    _pinned(run, request, tables)
    left, right = st.columns([0.25, 0.75], vertical_alignment="center")
    left.button(
        "Train",
        key="train",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=_start,
        args=(run,),
    )
    rough = fine_tuning.rough_duration(tables, base, chosen)
    right.caption(
        f"Roughly {rough.removeprefix('about ')}, estimated from the size of the model and the texts; after the first "
        "steps the page says what was measured. Training runs beside the app, and goes on when this window is closed."
    )


#: Setting → its label, and what the widget is: options, or the least, the most and the step of a number.
_FORMS: dict[str, tuple[str, Any]] = {
    "epochs": ("Epochs", (1, 100, 1)),
    "head": ("Task head", {"new": "New", "kept": "That of the model"}),
    "class_weights": ("Weights of classes", {"none": "All texts alike", "balanced": "All classes alike"}),
    "learning_rate": ("Learning rate", (1e-7, 1e-2, 1e-5)),
    "warm_up": ("Warm-up (share of steps)", (0.0, 0.9, 0.01)),
    "weight_decay": ("Weight decay", (0.0, 0.9, 0.01)),
    "tokens_per_batch": ("Tokens per batch", (8, 100_000, 64)),
    "max_tokens": ("Longest text (tokens)", (4, 100_000, 8)),
    "patience": ("Stop after epochs without gain", (0, 100, 1)),
    "freeze_embeddings": ("Keep the word embeddings", bool),
    "freeze_layers": ("Keep this many lowest layers", (0, 1000, 1)),
    "lora_rank": ("LoRA rank (0: off)", (0, 1024, 1)),
    "precision": ("Precision", {"float32": "float32", "bfloat16": "bfloat16, faster on some machines"}),
    "seed": ("Seed", (0, 2**32 - 1, 1)),
    "record": ("Record what it learns", bool),
    "label_errors": ("Look for wrong labels", bool),
}
_MEANING = {
    "patience": "A gain is a better result on the rows that are kept from training (macro F1 of classes), or the same "
    "with a lower loss. The model of the best epoch is kept. 0: all epochs, and the model of the last.",
}
_ROWS = (
    ("learning_rate", "warm_up", "weight_decay"),
    ("tokens_per_batch", "max_tokens", "patience"),
    ("freeze_layers", "lora_rank", "precision"),
    ("seed", "freeze_embeddings"),
    ("record", "label_errors"),
)


def _devices() -> dict[str, str]:
    """Device → name, of this machine."""
    return {device: name for device, name in models.devices().items() if device != "auto"}


def _setting(run: str, request: store.RunRequest, chosen: TrainingSettings, name: str) -> None:
    """One setting; why it has its value is said when hovered, and below it as long as it was not chosen."""
    form: Any
    label, form = ("Device", _devices()) if name == "device" else _FORMS[name]
    value = getattr(chosen, name)
    reason = chosen.reasons.get(name)
    about = (
        plain(f"Chosen from the data: {reason}")
        if reason
        else "You chose this value."
        if name in request.settings
        else None
    )
    if more := _MEANING.get(name):
        about = f"{more} {about or ''}".strip()

    def choose(given: Any) -> None:
        _change(run, settings={**request.settings, name: given})

    options = list(form) if isinstance(form, dict) else None
    control = state.control(
        f"setting_{name}", value, choose, options=options, of=run, initial="index" if options else ""
    )
    with st.container(width=250):
        if form is bool:
            st.toggle(label, help=about, **control)
        elif options:
            st.selectbox(
                label,
                options,
                format_func=form.__getitem__,
                help=about,
                **control,
            )
        else:
            least, most, step = form
            st.number_input(
                label,
                least,
                most,
                step=step,
                format="%.7g" if isinstance(least, float) else None,
                help=about,
                **control,
            )
        if reason:
            st.caption(plain(reason))


def _pinned(run: str, request: store.RunRequest, tables: Tables) -> None:
    """Sentences whose words are followed from epoch to epoch."""
    if tables.train.kind == "texts":
        return
    if tables.train.pairs:  # such a text is two
        st.caption("Texts to watch are chosen from the data: each is two texts here.")
        return
    st.text_area(
        f"Sentences to watch, one a line, at most {_MOST_PINNED}",
        height=90,
        placeholder="Left empty, a few texts of the data are watched.",
        help="After each epoch, the page shows which of their words the model leans on.",
        **state.control(
            "pinned",
            "\n".join(request.pinned),
            lambda written: _pin(run, written),
            of=run,
        ),
    )


def _pin(run: str, written: str) -> None:
    lines = [line.strip()[: settings().characters] for line in written.splitlines() if line.strip()]
    if len(lines) > _MOST_PINNED:
        st.toast(f"At most {_MOST_PINNED} sentences are watched: the first {_MOST_PINNED} of {len(lines)} were kept.")
    _change(run, pinned=tuple(lines[:_MOST_PINNED]))


def _start(run: str) -> None:
    def start() -> None:
        store.make_room(0, runs=0)
        queue().start(run)

    with_error(start)
