"""What every page starts with: page set-up, menu, title, the text, and the models.

The shell is drawn first; :func:`load_models` then fills what needs the library, because that brings torch, which takes
seconds to import in a cold process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components import state
from components.gateway import cache, inputs
from components.gateway.library import gb
from components.gateway.models import duration, is_slow
from components.gateway.requests import Opened, TextRequest
from components.gateway.settings import settings
from components.gateway.turns import QUEUE_SLOT
from components.gateway.windows import in_part
from components.shared.errors import explained_errors
from components.shared.jobs import stop_jobs_of_other_pages
from components.shared.steady import SteadyPlace
from components.shared.streamlit_races import mend_races
from components.shared.unknown_words import say_unknown
from components.shell.answers import draw_answers
from components.shell.model_picker import draw_models_line
from components.shell.navigation import PAGES, draw_menu
from components.shell.opening import open_models
from components.shell.report_dialog import draw_report_button, draw_report_dialog
from components.shell.share import draw_share, say_other_version, say_other_weights
from components.shell.task_model import TaskModel
from components.shell.text_bar import TextBar, draw_text_bar
from components.shell.window_bar import draw_window_bar
from components.state import PageFields, View
from components.text import plain
from components.widgets.page_keys import page_keys

__all__ = ["Frame", "load_models", "open_page", "read_text", "say_too_long"]

mend_races()

_FOLDER = Path(__file__).parent
_STYLE = (_FOLDER / "frame.css").read_text(encoding="utf-8")
_PRESENT_STYLE = (_FOLDER / "present.css").read_text(encoding="utf-8")
# formulas are written where they are computed; the plain view leaves their boxes out
_PLAIN_STYLE = '[class*="st-key-formula_"] { display: none; }'
# a local file: Streamlit would fetch an icon given by name from a font server
_ICON = _FOLDER / "icon.svg"


@dataclass(frozen=True, slots=True)
class Frame:
    """A page's shell, and its parts that are filled once the library is loaded."""

    view: View
    models: DeltaGenerator
    answers: DeltaGenerator
    aside: DeltaGenerator
    notices: DeltaGenerator
    verdict: SteadyPlace


def open_page(
    page_id: str, group: type[PageFields] | None = None, *, text: bool = True, verdict: bool = False
) -> Frame:
    """Set up the page and draw its shell: the first call of every page, with its own fields.

    ``text``: whether the page is about the visitor's text. Without the text bar, its parts have no place on the page.
    ``verdict`` keeps room for one above what the page shows.
    """
    page = PAGES[page_id]
    st.set_page_config(page_title=f"{page.title} · GlassBERT", page_icon=_ICON, layout="wide")
    view = _bounded(state.begin(page_id, group))
    st.html(f"<style>{_STYLE}{_PRESENT_STYLE if view.present else ''}{'' if view.expert else _PLAIN_STYLE}</style>")
    stop_jobs_of_other_pages()
    with st.sidebar:
        st.markdown("### GlassBERT")
        draw_menu()
    with st.container(key="page_head", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(page.title, anchor=False, width="content")
        st.caption(page.promise)
        if text:
            _display()
            draw_report_button()
        draw_share(page_id)
        _present(view)
        page_keys(page_id, presents=view.present)
    bar = draw_text_bar(view) if text else _no_text_bar()
    notices = st.container(key="notices")
    state.remember(QUEUE_SLOT, st.empty())
    place = SteadyPlace("verdict_room" if verdict and view.verdict else "no_verdict")
    return Frame(view, bar.models, bar.answers, bar.aside, notices, place)


def _bounded(view: View) -> View:
    """A link or a file may hold longer texts than this server takes."""
    most = settings().characters
    texts = {name: getattr(view, name) for name in ("text", "pair", "other_text", "other_pair")}
    if any(len(text) > most for text in texts.values()):
        state.change(**{name: text[:most] for name, text in texts.items()}, token=view.token)
        return state.view()
    return view


def _no_text_bar() -> TextBar:
    """As many elements as a text bar has, so that the place of the verdict is the same one on all pages."""
    with st.container():
        bar = TextBar(*(st.empty() for _ in range(3)))
    st.empty()
    return bar


def load_models(frame: Frame, own: TaskModel | None = None) -> list[Opened]:
    """Return the models that are ready, the main one first, and say on the page which they are; on a page with a model
    of its ``own``, which that is."""
    cache.turn_to(frame.view.text, frame.view.pair or None)
    with frame.notices:
        say_other_version()
        opened = open_models(frame.view)
        say_other_weights(opened)
        opened = in_part(opened, frame.view)
        draw_window_bar(opened, decides=own is None)
    with frame.models:
        draw_models_line(opened, own)
    draw_report_dialog(opened)
    return opened


def read_text(frame: Frame) -> list[Opened]:
    """Return the models, once all of them can read the text, with what they answer in the text bar; else none, and the
    page says why."""
    opened = load_models(frame)
    with frame.notices:
        readable = bool(opened) and _is_readable(opened)
    if not readable:
        return []
    with frame.answers, explained_errors():
        draw_answers(opened)
    return opened


def _display() -> None:
    with st.popover("View", icon=":material/tune:", type="tertiary", key="display"):
        st.toggle(
            "Show special tokens",
            help="[CLS], [SEP] and similar. Hidden tokens still take part in the computation.",
            **state.bind("special"),
        )
        st.toggle(
            "Give a verdict",
            help="Say above the pictures which words carry the answer, what flips it, and how far to trust that.",
            **state.bind("verdict"),
        )
        st.toggle(
            "Expert view",
            help="Names of methods, formulas, the numbers of checks and counts of forward passes, instead of plain "
            "words.",
            **state.bind("expert"),
        )


def _present(view: View) -> None:
    def turn() -> None:
        state.change(present=not state.view().present)

    label, icon = ("Leave", ":material/close_fullscreen:") if view.present else ("Present", ":material/slideshow:")
    st.button(
        label,
        key="present",
        icon=icon,
        type="tertiary",
        help="Larger type, no menu: for a projector. Keys: P, and Esc to leave",
        on_click=turn,
    )


# --- can the models read the text? ---------------------------------------------------------------------------------


def _is_readable(opened: Sequence[Opened]) -> bool:
    """Whether every open model can read this text; if not, the page says why and offers what helps."""
    view = state.view()
    if not view.text.strip():
        st.info("Type a sentence above, or open an example: what the models make of it appears here.")
        return False
    found = []
    for one in opened:
        request = one.text(view)
        try:
            coverage = inputs.coverage(request)
        except gb.TextTooLongError as error:
            say_too_long(one, error, partial(_shorten, request), key=f"shorten_{one.role}")
            return False
        except gb.TextError as error:
            st.warning(plain(f"{one.name}: {error}."), icon=":material/info:")
            return False
        found.append((one, coverage))
    say_unknown(found)
    _say_how_slow(opened)
    return True


def _say_how_slow(opened: Sequence[Opened]) -> None:
    """How long a page takes to open with a large model, before it is computed."""
    view = state.view()
    for one in opened:
        tokens = len(inputs.encode(one.text(view)))
        if is_slow(one.model, tokens):
            takes = duration(one.model, 1, tokens)
            st.caption(plain(f"One pass of this text through {one.name} takes {takes}; a page that opens needs a few."))


def say_too_long(one: Opened, error: gb.TextTooLongError, shorten: Callable[[], None], *, key: str) -> None:
    """Which model cannot read the text, why, and the button that shortens it."""
    st.warning(plain(f"{one.name}: {error}."), icon=":material/content_cut:")
    st.button(f"Shorten to the first {error.max_tokens} tokens", key=key, on_click=shorten)


def _shorten(request: TextRequest) -> None:
    text, pair = inputs.shorten(request)
    state.change(text=text, pair=pair or "")
