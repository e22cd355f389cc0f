"""The sidebar's choice of models and device. A model that cannot be opened leaves the working one in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import models
from components.gateway.library import gb
from components.gateway.opened import Opened, Role
from components.gateway.requests import ModelRequest, version_of
from components.gateway.settings import is_shared, not_offered, permitted
from components.state import View
from components.text import plain, shortened

if TYPE_CHECKING:
    from glassbert.models.progress import Progress

__all__ = ["model_name", "pick_device", "pick_models"]

_OTHER = "other"
_NONE = ""
_DEFAULTS = {"model": "pretrained", "beside": "sentiment"}
_LABELS = {"model": "Model", "beside": "Second model"}


def pick_models(view: View) -> list[Opened]:
    """Draw both pickers and open what they show, the main one first."""
    opened: list[Opened] = []
    roles: tuple[Role, ...] = ("model", "beside")
    device = (
        view.device if view.device in models.devices() else "auto"
    )  # a link may name a device that this machine lacks
    for role in roles:
        source = getattr(view, role)
        _picker(role, source)
        source = _accepted(role, source)
        if source == _NONE:
            continue
        request = models.request_of(source, device)
        model = _open(request)
        if model is None and state.remembered(f"working_{role}") not in (None, source):
            source = state.remembered(f"working_{role}")
            request = models.request_of(source, device)
            model = _open(request)
        if model is None:
            continue
        state.remember(f"working_{role}", source)
        if not any(one.request.source == source for one in opened):
            opened.append(Opened(role, request, model, model_name(source)))
        _abilities(model)
        if request.files:
            st.button(
                "Reload",
                key=f"reload_{role}",
                icon=":material/refresh:",
                help="Read the folder again. Changed files are also noticed when a page is loaded.",
                on_click=models.reload,
                args=(source,),
            )
    return opened


def pick_device() -> None:
    """The devices available on this machine."""
    devices = models.devices()
    st.selectbox(
        "Device",
        list(devices),
        format_func=lambda device: devices[device],
        help="Automatic uses a GPU if one is available.",
        **state.bind("device", options=devices),
    )


def model_name(source: str) -> str:
    """A model's display name, plain text."""
    suggestion = models.suggestions().get(source)
    return suggestion.label if suggestion else shortened(source.rstrip("/").rsplit("/", 1)[-1], 40)


def _picker(role: str, source: str) -> None:
    suggestions = models.suggestions()
    own = {} if source in suggestions or source == _NONE else {source: None}
    none = {_NONE: None} if role == "beside" else {}
    other = [] if is_shared() else [_OTHER]
    options = [*none, *own, *suggestions, *other]

    def label(option: str) -> str:
        if option == _NONE:
            return "None"
        if option == _OTHER:
            return "Other id or folder …"
        suggestion = suggestions.get(option)
        if suggestion is None:
            return shortened(option, 50)
        size = "ready" if suggestion.ready else f"≈ {suggestion.approximate_mb} MB"
        return f"{suggestion.label} · {size}"

    key = f"widget_{role}"
    asking = state.remembered(f"asking_{role}", False)
    state.put(key, _OTHER if asking else source)

    def chosen() -> None:
        option = state.value(key)
        state.remember(f"asking_{role}", option == _OTHER)
        if option != _OTHER:
            _accept(role, option)

    st.selectbox(_LABELS[role], options, format_func=label, key=key, on_change=chosen)
    if asking:
        _ask_for_id(role)


def _ask_for_id(role: str) -> None:
    key = f"id_{role}"

    def entered() -> None:
        source = state.value(key).strip()
        if source:
            state.remember(f"asking_{role}", False)
            _accept(role, source)

    st.text_input(
        "Hub id or folder",
        key=key,
        placeholder="bert-base-uncased, or a path",
        help="An encoder of the BERT family with safetensors weights. Code shipped with a model is never run.",
        on_change=entered,
    )


def _accept(role: str, source: str) -> None:
    """The user chose this source, so it may be downloaded, and retried if it failed before."""
    state.remember("accepted", {*state.remembered("accepted", set()), source})
    for request in state.remembered("failures", {}):
        if request.source == source:
            _forget_failure(request)
    state.change(**{role: source})


def _accepted(role: str, source: str) -> str:
    """The source, unless this visitor may not open it, or only a link requested it: a link alone downloads nothing."""
    if source != _NONE and not permitted(source):
        st.error(plain(not_offered()), icon=":material/lock:")
        return state.remembered(f"working_{role}") or _DEFAULTS[role]
    if source == _NONE or source in state.remembered("accepted", set()) or models.is_here(source):
        return source
    st.info(f"This link requests the model **{plain(shortened(source, 80))}**, which is not on this machine.")
    st.button("Download and open it", key=f"accept_{role}", on_click=_accept, args=(role, source))
    return state.remembered(f"working_{role}") or _DEFAULTS[role]


def _open(request: ModelRequest) -> gb.Model | None:
    """The model, or None with a message that says why. Failures are remembered, so not every click retries."""
    error_type = gb.GlassBERTError
    failures: dict[ModelRequest, str] = state.remembered("failures", {})
    if request in failures:
        st.error(failures[request], icon=":material/error:")
        st.button("Try again", key=version_of(request), on_click=_forget_failure, args=(request,))
        return None
    try:
        if not models.is_here(request.source):
            with st.status(f"Opening {plain(shortened(request.source, 40))} …", expanded=True) as status:
                # a click ends this run, and with it the download
                st.button("Stop", key=f"stop_{version_of(request)}", on_click=_stop_download, args=(request,))
                models.prepare(request.source, _progress(status))
        model = models.load(request)
    except error_type as error:
        message = plain(f"{shortened(request.source, 60)}: {error}")
        if not isinstance(error, gb.StoppedError):  # the next run goes on with a download that this one left
            state.remember("failures", {**failures, request: message})
        st.error(message, icon=":material/error:")
        return None
    return model


def _stop_download(request: ModelRequest) -> None:
    message = plain(f"{shortened(request.source, 60)}: you stopped the download. What has arrived is kept.")
    state.remember("failures", {**state.remembered("failures", {}), request: message})


def _forget_failure(request: ModelRequest) -> None:
    kept = {failed: told for failed, told in state.remembered("failures", {}).items() if failed != request}
    state.remember("failures", kept)


def _progress(status: st.delta_generator.DeltaGenerator) -> Callable[[Progress], None]:
    bar = status.progress(0.0)

    def show(progress: Progress) -> None:
        done, total = progress.bytes_done, progress.bytes_total
        share = min(done / total, 1.0) if total else 0.0
        bar.progress(share, text=plain(f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"))

    return show


def _abilities(model: gb.Model) -> None:
    can = models.heads_of(model) or "attention only (no trained head)"
    st.caption(
        plain(
            f"{model.checkpoint.family.label} {model.layers} × {model.attention_heads} heads, "
            f"{model.parameters / 1e6:.1f} M, {model.max_tokens} tokens: {can}"
        )
    )
