"""Share this view: a link and what it carries, a file for what is too long for one, and opening such a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from components import address, state
from components.gateway.files import file_name
from components.gateway.library import version
from components.gateway.models import short_hash
from components.gateway.requests import Opened
from components.shell.navigation import PAGES
from components.shell.opening import model_name, weights_of
from components.text import plain, shortened

__all__ = ["SharedView", "draw_share", "say_other_version", "say_other_weights", "shared_view"]

_FORMAT = 1
_MOST_BYTES = 1_000_000
_MOST_VALUES = 200
# Characters of a link that is shown whole.
_SHORT_LINK = 200


@dataclass(frozen=True, slots=True)
class SharedView:
    """What a file says: the page, its parameters, and the version of GlassBERT that wrote it."""

    page: str
    parameters: Mapping[str, str]
    version: str


def draw_share(page_id: str) -> None:
    """The button in the frame; it opens the dialog."""
    if st.button("Share", key="share", icon=":material/share:", type="tertiary", help="A link to this view, or a file"):
        _dialog(page_id)


@st.dialog("Share this view", width="medium")
def _dialog(page_id: str) -> None:
    whole, missing = state.everything(page_id), state.lacking(page_id)
    weights = {state.WEIGHTS: weights_of(state.view())}
    link = _link(page_id, weights)
    if missing:
        st.warning(
            f"Too long for a link: {_listed(missing)}. Download the view as a file, or shorten it.",
            icon=":material/content_cut:",
        )
    st.markdown("**Link**" if not missing else "**Link**, without what is too long")
    st.code(link, language=None, wrap_lines=True, height="content" if len(link) < _SHORT_LINK else 110)
    own = [name for name in whole if name not in state.SHARED and name not in missing]
    st.markdown("It carries " + "; ".join(_carried(page_id, own, missing)) + ".")
    st.caption(
        "It does not carry results, which are computed again where it is opened, the files of models, your earlier "
        "texts, or what you chose on other pages. Whoever has the link can read the text in it."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Download this view as a file**")
        content = json.dumps(
            {
                "glassbert_view": _FORMAT,
                "version": version(),
                "page": page_id,
                "parameters": state.in_full(page_id) | weights,
            },
            ensure_ascii=False,
            indent=1,
        )
        st.download_button(
            "View file",
            content,
            file_name(f"view-{page_id}", state.view().text, "json"),
            "application/json",
            key="share_file",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption("For a text of any length. It says every choice, so that a later version shows the same.")
    with right:
        st.markdown("**Open a view file**")
        uploaded = st.file_uploader(
            "View file", type="json", max_upload_size=1, key="share_open", label_visibility="collapsed"
        )
        if uploaded is not None:
            _open(uploaded.getvalue())


def _link(page_id: str, weights: dict[str, str]) -> str:
    at = urlsplit(st.context.url or "")
    query = urlencode(state.link(page_id) | {state.MADE: version()} | weights)
    return urlunsplit((at.scheme, at.netloc, at.path or "/", query, ""))


def _open(content: bytes) -> None:
    found = shared_view(content)
    if isinstance(found, str):
        st.warning(plain(found), icon=":material/info:")
        return
    state.open_elsewhere(found.page, dict(found.parameters) | {state.MADE: found.version})
    st.switch_page(PAGES[found.page].file)


def shared_view(content: bytes) -> SharedView | str:
    """The view in a file, or what is wrong with the file, in a sentence."""
    if len(content) > _MOST_BYTES:
        return f"This file is larger than {_MOST_BYTES // 1_000_000} MB, which no view file is."
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or "glassbert_view" not in said:
        return "This is not a view file of GlassBERT."
    written_by, number = said.get("version"), said["glassbert_view"]
    made = written_by if isinstance(written_by, str) else ""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _FORMAT:
        newer = f" by GlassBERT {shortened(made, 20)}" if made else ""
        return f"This view file was written{newer} in a format that this version, {version()}, does not know."
    page, parameters = said.get("page"), said.get("parameters")
    if not isinstance(page, str) or page not in PAGES or not isinstance(parameters, dict):
        return "This view file is of a page that this version does not have, or it is damaged."
    texts = {name: value for name, value in parameters.items() if isinstance(value, str) and name != address.PACKED}
    return SharedView(page, dict(list(texts.items())[:_MOST_VALUES]), made)


def say_other_version() -> None:
    """On a page that a link or a file of another version opened: numbers may differ."""
    made = state.origin().version
    if made and made != version():
        st.info(
            plain(
                f"This view was made with GlassBERT {shortened(made, 20)}; this is {version()}. The same text, "
                "models and choices are open, as far as both versions know them; numbers may differ."
            ),
            icon=":material/history:",
        )


def say_other_weights(opened: Sequence[Opened]) -> None:
    """On a page that a link or a file opened, with a model that had other weights where it was made."""
    said = state.origin().weights
    others = [one.name for one in opened if one.role in said and short_hash(one.request) not in ("", said[one.role])]
    if others:
        st.warning(
            plain(
                f"This view was made with other weights of {' and '.join(others)}: the numbers here are not the ones "
                "that were shared."
            ),
            icon=":material/difference:",
        )


# --- in words -----------------------------------------------------------------------------------------------------


def _carried(page_id: str, own: Collection[str], missing: Collection[str]) -> Iterator[str]:
    """What the link restores, in Markdown. ``own``: the parameters of the page itself."""
    view = state.view()
    yield f"the page {PAGES[page_id].title}"
    for name, label in _TEXTS.items():
        text = getattr(view, name)
        if text and name not in missing:
            yield f"{label} ({len(text):,} character{'s' if len(text) > 1 else ''})"
    names = [plain(model_name(source)) for source in dict.fromkeys((view.model, view.beside)) if source]
    yield f"the model{'s' if len(names) > 1 else ''} {' and '.join(names)}, and a short hash of the weights"
    kept = state.remembered("question_of_page")
    if kept is not None and kept[0] == page_id:
        yield f"the choice of {plain(kept[2])}, which computes this page"
    yield f"layer {view.layer + 1}, head {view.head + 1}"
    if view.token >= 0 and "token" not in missing:
        yield "the selected token" if view.toward < 0 else "the two selected tokens"
    yield "the method and the prediction that is explained"
    if "variants" in own:
        yield "your variants of the text, and which are pinned as A and B"
    if set(own) - {"variants"}:
        yield "the section and the choices of this page"


_TEXTS = {"text": "text A", "pair": "text B", "other_text": "the second text", "other_pair": "its text B"}


def _listed(missing: Sequence[str]) -> str:
    words = _TEXTS | {"variants": "the variants"}
    told = dict.fromkeys(words.get(name, "choices of this page") for name in missing if name not in state.OF_TOKENS)
    return ", ".join(told)
