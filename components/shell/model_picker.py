"""What the open models do, in one line, and the dialog in which others are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components import state
from components.gateway import compression, fine_tuning, models
from components.gateway.library import gb
from components.gateway.requests import Opened, Role
from components.gateway.settings import is_shared, settings
from components.shell.opening import HALF, accept, model_name
from components.shell.task_model import TaskModel
from components.text import plain, shortened

__all__ = ["draw_models_line"]

_NONE = ""
#: A task head → what a model with it does, the most telling first.
_DOES = {
    "classification": "decision",
    "question_answering": "answers to questions",
    "token_classification": "labels of words",
    "replaced_tokens": "replaced words",
    "masked_words": "masked words",
    "next_sentence": "sentence pairs",
}
_LABELS: dict[Role, str] = {"model": "First model", "beside": "Second model"}
_HALF_KEYS: dict[Role, str] = {"model": "widget_half", "beside": "widget_beside_half"}
_KEYS = {"model": "widget_model", "beside": "widget_beside", "device": "widget_device"}


def draw_models_line(opened: Sequence[Opened], own: TaskModel | None = None) -> None:
    """The button that says which model does what; it opens the dialog. On a page with a model of its ``own``, the
    others do nothing."""
    told = [f"{_does(one.model)}: {one.name}" for one in opened] or ["no model is open"]
    if own is not None:
        told = [f"{_DOES[own.head]}: {model_name(own.source(opened))}"]
    line = " · ".join(part[0].upper() + part[1:] for part in told)
    if st.button(
        plain(line), key="models", icon=":material/deployed_code:", type="tertiary", help="Choose other models"
    ):
        _choose(list(opened))


def _does(model: gb.Model) -> str:
    if model.regression:
        return "score"
    return next((does for head, does in _DOES.items() if head in model.task_heads), "sentence similarity")


@st.dialog("Models", width="medium")
def _choose(opened: list[Opened]) -> None:
    view = state.view()
    for role, label in _LABELS.items():
        _picker(role, label, getattr(view, role))
        if settings().precision == "float32":
            st.checkbox(
                f"{label} in half precision",
                value=getattr(view, HALF[role]),
                key=_HALF_KEYS[role],
                help="bfloat16 takes half of the memory, for a model that is too large otherwise. Numbers differ in "
                "the third digit, and a processor without instructions for it is slower.",
            )
        for one in opened:
            if one.role == role:
                _about(one)
    devices = models.devices()
    device = state.value(_KEYS["device"]) or (view.device if view.device in devices else "auto")
    st.selectbox(
        "Device",
        list(devices),
        format_func=devices.__getitem__,
        index=list(devices).index(device),
        key=_KEYS["device"],
        help="Automatic uses a GPU if one is available.",
    )
    to_come = [one for one in map(state.value, (_KEYS["model"], _KEYS["beside"])) if one and not models.is_here(one)]
    for source in to_come:
        suggestion = models.suggestions().get(source)
        size = f"about {suggestion.approximate_mb:,} MB" if suggestion else "whose size is not known yet"
        st.info(
            f"**{plain(shortened(source, 80))}** is not on this machine: a download, {plain(size)}.",
            icon=":material/download:",
        )
    if st.button("Download and open" if to_come else "Open", key="open_models", type="primary", on_click=_apply):
        st.rerun()


def _picker(role: Role, label: str, source: str) -> None:
    suggestions, tuned, key = models.suggestions(), _made_here(), _KEYS[role]
    chosen = state.value(key)
    if chosen is None:
        chosen = source
    failed = state.remembered(f"failed_{role}")  # not opened, and not to be typed again
    tried = (source, chosen, *([failed[0]] if failed else []))
    own = {one: None for one in tried if one not in suggestions and one not in tuned and one != _NONE}
    none = {_NONE: None} if role == "beside" else {}

    def named(option: str) -> str:
        if option == _NONE:
            return "None"
        suggestion = suggestions.get(option)
        if suggestion is None:
            return tuned.get(option, option)
        size = "ready" if suggestion.ready else f"≈ {suggestion.approximate_mb:,} MB"
        return f"{suggestion.label} · {suggestion.task} · {size}"

    shared = is_shared()
    ready = [id for id, one in suggestions.items() if one.ready]
    options = [*none, *own, *dict.fromkeys([*ready, *tuned, *suggestions])]
    st.selectbox(
        label,
        options,
        index=options.index(chosen),
        format_func=named,
        key=key,
        accept_new_options=not shared,
        help=None
        if shared
        else "Choose one, or type a hub id or the path of a folder: an encoder of the BERT family with safetensors "
        "weights. Code shipped with a model is never run.",
    )


def _made_here() -> dict[str, str]:
    """Folder → name of the models that were fine-tuned or compressed here; on a shared server, those of runs whose
    address is known and those that this session compressed."""
    shared = is_shared()
    tuned = fine_tuning.tuned_models(state.remembered("known_runs", set()) if shared else None)
    small = compression.kept_models(state.remembered("compressed_models", set()) if shared else None)
    named = {folder: f"{name} · fine-tuned here" for folder, name in tuned.items()}
    return named | {folder: f"{name} · compressed here" for folder, name in small.items()}


def _about(one: Opened) -> None:
    model = one.model
    trained = models.heads_of(model) or "no task, an encoder alone"
    with st.container(horizontal=True, vertical_alignment="center"):
        family, layers, heads = model.checkpoint.family.label, model.layers, model.attention_heads
        size = (
            f"{layers} layers × {heads} heads, {model.parameters / 1e6:.1f} M parameters, {model.max_tokens:,} tokens"
        )
        size += "" if model.precision == "float32" else f", in {model.precision}"
        st.caption(plain(f"{one.name}, open now: {family}, {size}. Trained for: {trained}."))
        if one.request.files and st.button(
            "Reload",
            key=f"reload_{one.role}",
            icon=":material/refresh:",
            help="Read the folder again. Changed files are also noticed when a page is loaded.",
            on_click=models.reload,
            args=(one.request.source,),
        ):
            st.rerun()


def _apply() -> None:
    """Change what was chosen otherwise; a source that is chosen here may be downloaded."""
    view = state.view()
    roles: tuple[Role, ...] = ("model", "beside")
    for role in roles:
        source = (state.value(_KEYS[role]) or "").strip()
        half = bool(state.value(_HALF_KEYS[role]))
        if source != getattr(view, role) and (source or role == "beside"):
            suggestion = models.suggestions().get(source)
            accept(role, source, large=suggestion is not None, half=half)  # the dialog told its size
        elif half != getattr(view, HALF[role]):
            state.change(**{HALF[role]: half})
    device = state.value(_KEYS["device"])
    if device is not None and device != view.device:
        state.change(device=device)
