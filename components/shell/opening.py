"""Opening the view's models. A model that cannot be opened leaves the working one in place, in the view too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import models
from components.gateway.library import gb
from components.gateway.requests import ModelRequest, Opened, Role
from components.gateway.settings import not_offered, permitted
from components.state import View
from components.text import plain, shortened

if TYPE_CHECKING:
    from glassbert.models.progress import Progress

__all__ = ["HALF", "accept", "model_name", "open_models", "weights_of"]

_NONE = ""
_DEFAULTS: dict[Role, str] = {"model": "pretrained", "beside": "sentiment"}
#: Role → the field of the view that says whether its model runs in half precision.
HALF: dict[Role, str] = {"model": "half", "beside": "beside_half"}
#: A download of more bytes than this is confirmed once its size is known.
_LARGE = 200_000_000


class _LargeDownloadError(Exception):
    def __init__(self, total: int) -> None:
        self.total = total


def open_models(view: View) -> list[Opened]:
    """The models of the view that open, the main one first; the page says why another does not."""
    opened: list[Opened] = []
    # a link may name a device that this machine lacks
    device = view.device if view.device in models.devices() else "auto"
    for role in _DEFAULTS:
        source = _allowed(role, getattr(view, role))
        if source == _NONE:
            continue
        half = getattr(view, HALF[role]) and source == getattr(view, role)
        model = _open(role, request := models.request_of(source, device, half=half))
        if model is None:
            source = _last_working(role, source)
            # picker, address and results agree, and what was selected in the text still is
            state.change(**{role: source, HALF[role]: False}, **state.remembered("selected_before", {}))
            state.restore(state.remembered("choices_before", {}))
            if source == _NONE:
                continue
            model = _open(role, request := models.request_of(source, device), again=True)
        if model is None:
            continue
        state.remember(f"working_{role}", source)
        state.remember("choices_before", {})
        if not any(one.request.source == source for one in opened):
            opened.append(Opened(role, request, model, model_name(source)))
    # once each, and last: a model that stands in for another may fail too
    for role in _DEFAULTS:
        _draw_failure(role)
    for one in opened:
        if one.model.notice:
            st.warning(plain(one.model.notice), icon=":material/memory:")
    return opened


def weights_of(view: View) -> str:
    """The short hash of each model's weights, as a link says them: "model-0a1b2c3d.beside-4e5f6a7b"."""
    device = view.device if view.device in models.devices() else "auto"
    sources = {role: getattr(view, role) for role in _DEFAULTS}
    found = {
        role: models.short_hash(models.request_of(source, device, half=getattr(view, HALF[role])))
        for role, source in sources.items()
        if source
    }
    return ".".join(f"{role}-{short}" for role, short in found.items() if short)


def model_name(source: str) -> str:
    """A model's display name, plain text."""
    suggestion = models.suggestions().get(source)
    return suggestion.label if suggestion else shortened(source.rstrip("/").rsplit("/", 1)[-1], 40)


def accept(role: Role, source: str, *, large: bool = False, half: bool = False) -> None:
    """The user chose this source, so it may be downloaded, and retried if it failed before; ``large``: whatever its
    size; ``half``: in half precision."""
    for name in ("accepted", "accepted_large") if large else ("accepted",):
        state.remember(name, {*state.remembered(name, set()), source})
    for each in _DEFAULTS:  # what did not open before is old news
        _forget_failure(each)
    view = state.view()
    state.remember("choices_before", state.choices())
    state.change(**{role: source, HALF[role]: half})
    state.remember("selected_before", {name: getattr(view, name) for name in state.OF_TOKENS})


def _last_working(role: Role, failed: str) -> str:
    working: str | None = state.remembered(f"working_{role}")
    return working if working not in (None, failed) else _DEFAULTS[role]


def _allowed(role: Role, source: str) -> str:
    """The source, unless this visitor may not open it, or only a link requested it: a link alone downloads nothing."""
    if source != _NONE and not permitted(source):
        st.error(plain(not_offered()), icon=":material/lock:")
        return _last_working(role, source)
    if source == _NONE or source in state.remembered("accepted", set()) or models.is_here(source):
        return source
    st.info(f"This link requests the model **{plain(shortened(source, 80))}**, which is not on this machine.")
    if (
        not source.startswith(("/", "~", ".")) and "\\" not in source
    ):  # a folder of another machine is nowhere to be had
        st.button("Download and open it", key=f"accept_{role}", on_click=accept, args=(role, source))
    return _last_working(role, source)


def _open(role: Role, request: ModelRequest, *, again: bool = False) -> gb.Model | None:
    """The model, or None with a message that says why, which stays until the user chooses again. ``again``: the message
    about the model that was asked for is kept."""
    source, place = request.source, None
    try:
        if not models.is_here(source):
            place = st.empty()
            with place.status(f"Opening {plain(shortened(source, 40))} …", expanded=True) as status:
                # a click ends this run, and with it the download
                st.button("Stop", key=f"stop_{role}", on_click=_stop_download, args=(role, source))
                confirmed = source in state.remembered("accepted_large", set())
                models.prepare(source, _progress(status, confirmed), half=request.half)
        return models.load(request)
    except _LargeDownloadError as large:
        state.remember(f"failed_{role}", (source, f"{large.total / 1e6:,.0f} MB to download.", "large"))
    except gb.StoppedError:  # another run was requested, which goes on with the download
        st.stop()
    except gb.GlassBERTError as error:
        if not again or state.remembered(f"failed_{role}") is None:
            state.remember(
                f"failed_{role}", (source, str(error), "half" if getattr(error, "fits_in_half", False) else "")
            )
    if place is not None:
        place.empty()  # the message says what became of it
    return None


def _stop_download(role: Role, source: str) -> None:
    state.remember(f"failed_{role}", (source, "you stopped the download. What has arrived is kept.", ""))
    state.change(**{role: _last_working(role, source)})


def _forget_failure(role: Role) -> None:
    state.remember(f"failed_{role}", None)


def _draw_failure(role: Role) -> None:
    """What did not open, in one line, and what to do about it."""
    failed = state.remembered(f"failed_{role}")
    if failed is None:
        return
    source, told, remedy = failed
    with st.container(key=f"failure_{role}", horizontal=True, vertical_alignment="center"):
        named = source in told  # such as a folder that is not there
        message = plain(f"{told[:1].upper()}{told[1:]}" if named else f"{shortened(source, 60)}: {told}")
        if remedy == "large":
            st.info(message, icon=":material/download:")
        else:
            st.error(message, icon=":material/error:")
        st.button(
            {"large": "Download it", "half": "Open in half precision"}.get(remedy, "Try again"),
            key=f"again_{role}",
            on_click=accept,
            args=(role, source),
            kwargs={"large": remedy == "large", "half": remedy == "half"},
        )
        st.button("Dismiss", key=f"dismiss_{role}", type="tertiary", on_click=_forget_failure, args=(role,))


def _progress(status: st.delta_generator.DeltaGenerator, confirmed: bool) -> Callable[[Progress], None]:
    bar = status.progress(0.0)

    def show(progress: Progress) -> None:
        done, total = progress.bytes_done, progress.bytes_total
        if total > _LARGE and not confirmed:
            raise _LargeDownloadError(total)
        share = min(done / total, 1.0) if total else 0.0
        bar.progress(share, text=plain(f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"))

    return show
