"""The page Compress: several recipes for one model, each compared with it, and one of them kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, compression
from components.gateway.models import load, request_of
from components.gateway.requests import ModelRequest, Opened, version_of
from components.shared.errors import explained_errors
from components.shared.jobs import run_job
from components.shared.save_and_code import Kept, save_and_code
from components.shell.opening import model_name
from components.text import plain, shortened
from components.views.compress.comparison import draw_comparison
from components.views.compress.curve import draw_curve
from components.views.compress.fields import CompressFields
from components.views.compress.keeping import draw_keeping

if TYPE_CHECKING:
    from glassbert.tables import Table

__all__ = ["CompressFields", "draw_compress_page"]

_ON_BOARD = "sentiment"
_OWN, _READ = "compression_table", "compression_table_read"
_EXPLAINED = ("10", "20", "40")


def draw_compress_page(opened: Sequence[Opened]) -> None:
    """A model, texts and recipes; then what each recipe saves and what it changes. Nothing is computed unasked."""
    with explained_errors():
        _page(opened)
    state.write_address()


def _page(opened: Sequence[Opened]) -> None:
    request = _model(opened)
    load(request)
    table = _texts()
    if table is None:
        return
    if told := compression.classes_of(request, table):
        st.info(plain(told))
        return
    recipes = _recipes()
    if not recipes:
        st.info("Choose at least one way to make the model smaller.")
        return
    fields = state.fields(CompressFields)
    texts = int(fields.explained)
    found = run_job(
        "compression",
        version_of(request, table.fingerprint, recipes, texts),
        lambda: compression.curve(request, recipes, table, texts),
        label="Compress and compare",
        cost=f"Takes {compression.expected(request, len(recipes), table, texts)}: for each recipe {len(table):,} texts "
        f"are decided and {min(texts, len(table))} explained, and both models are timed in turn.",
    )
    if found is None:
        st.caption(
            "What each recipe saves on disk, in memory and in time will appear here, how many answers it changes, and "
            "whether the answers that stay have the same reasons."
        )
        return
    done = [name for name in recipes if compression.RECIPES[name].label not in found.failed][: len(found.comparisons)]
    labels = [compression.RECIPES[name].label for name in done]
    for reason in found.failed.values():
        st.warning(plain(f"Left out: {reason}."), icon=":material/info:")
    if not found.comparisons:
        return
    shown = fields.recipe if fields.recipe in done else done[0]
    place = draw_curve(found, labels, done.index(shown), lambda place: _look_at(done[place]))
    st.selectbox(
        "In detail",
        done,
        format_func=lambda name: compression.RECIPES[name].label,
        width=420,
        **state.bind("recipe", CompressFields, options=dict.fromkeys(done), shown=done[place], initial="index"),
    )
    chosen = done[place]
    draw_comparison(found.comparisons[place])
    draw_keeping(request, chosen, table, found.comparisons[place])
    written = code.compression(request, done, fields.judged_on, texts)
    save_and_code("compression", model_name(request.source), [Kept.of("Recipes", written, found)], about="")


def _look_at(recipe: str) -> None:
    state.change(CompressFields, recipe=recipe)


def _model(opened: Sequence[Opened]) -> ModelRequest:
    able = {one.request.source: one.name for one in opened if "classification" in one.model.task_heads}
    able.setdefault(_ON_BOARD, model_name(_ON_BOARD))
    fields = state.fields(CompressFields)
    source = fields.original if fields.original in able else next(iter(able))
    st.selectbox(
        "Model",
        list(able),
        format_func=lambda one: shortened(able[one], 40),
        width=420,
        help="Open models that classify texts, and the one on board.",
        **state.bind("original", CompressFields, options=able, shown=source, initial="index"),
    )
    return request_of(source, "cpu")


def _texts() -> Table | None:
    """The labelled texts on which models are judged."""
    names = dict(compression.on_board())
    own = state.remembered(_OWN)
    if own is not None:
        names = {"": f"Your own: {own[0]}", **names}
    fields = state.fields(CompressFields)
    shown = fields.judged_on if fields.judged_on in names else next(iter(names))
    left, right = st.columns([0.6, 0.4], gap="large")
    with left:
        st.selectbox(
            "Judged on",
            list(names),
            format_func=lambda name: shortened(names[name], 80),
            help="Labelled texts: how many answers stay right, and whether their reasons do.",
            **state.bind("judged_on", CompressFields, options=names, shown=shown, initial="index"),
        )
        st.segmented_control(
            "Texts that are explained",
            _EXPLAINED,
            help="Their words are scored for both models, which takes far longer than the answers.",
            **state.bind("explained", CompressFields, options=dict.fromkeys(_EXPLAINED)),
        )
    with right:
        uploaded = st.file_uploader(
            "Or your own labelled texts",
            type=["csv", "tsv", "jsonl", "parquet"],
            key="compression_upload",
            max_upload_size=20,
            help="As for fine-tuning: columns are found by their names. Of a long table 2,000 rows are used.",
        )
    if uploaded is not None and state.remembered(_READ) != uploaded.file_id:
        state.remember(_READ, uploaded.file_id)
        state.remember(_OWN, (uploaded.name, compression.read(uploaded.name, uploaded.getvalue())))
        state.change(CompressFields, judged_on="")
        st.rerun()
    return own[1] if shown == "" and own is not None else compression.table_on_board(shown)


def _recipes() -> tuple[str, ...]:
    given = state.fields(CompressFields).recipes.split()
    chosen = [name for name in compression.RECIPES if name in given]
    st.multiselect(
        "Recipes",
        list(compression.RECIPES),
        format_func=lambda name: compression.RECIPES[name].label,
        help="Heads and neurons are those that matter least for the decisions on these texts.",
        **state.control(
            "recipes",
            chosen,
            lambda names: state.change(CompressFields, recipes=" ".join(names) or "none"),
            initial="default",
        ),
    )
    if "vocabulary" in chosen:
        st.caption("With the vocabulary of these texts alone, words that they do not have are split or unknown.")
    return tuple(chosen)
