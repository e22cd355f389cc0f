"""Under every view: the Python that gives its numbers, and what is on the screen as a file.

A section says which results it shows, and how each is computed (`components.gateway.code`). Nothing here runs before
the popover is opened, and no file is made before its button is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from components import state
from components.gateway import files
from components.gateway.expressions import Code, script
from components.gateway.library import gb
from components.shared.errors import explained_errors
from components.shared.selection import dark_page
from components.text import plain

__all__ = ["Kept", "save_and_code"]

#: A longer code scrolls, so that the buttons below it stay in sight.
_LINES = 14


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One result of a section. ``find`` gives it, from the cache: a closure over requests, not over a large result.

    ``picture`` are options of `gb.draw`; None: it has no picture. ``table``: whether it has a table of sensible length.
    ``kind``: its type's name, where finding it costs passes. ``rows``: the method that gives the table.
    """

    label: str
    code: Code
    find: Callable[[], gb.Result]
    picture: Mapping[str, Any] | None = field(default_factory=dict)
    table: bool = True
    kind: str = ""
    rows: str = "frame"

    @classmethod
    def of(cls, label: str, code: Code, result: gb.Result, *, rows: str = "frame") -> Kept:
        """One that is small enough to be held until the page is drawn again."""
        return cls(label, code, lambda: result, rows=rows)

    def frame(self) -> Any:
        """The table, a pandas DataFrame."""
        return getattr(self.find(), self.rows)()


def save_and_code(
    view: str,
    model: str,
    kept: Sequence[Kept],
    shown: Sequence[Code] = (),
    *,
    panel: bool = False,
    about: str | None = None,
) -> None:
    """The popover of a section. ``view`` names its files and its key, ``model`` the model in captions. ``about``: what
    the results are about, in the names of files; None: the text of the page.

    ``shown`` is what the last lines of the code show; if it is empty, the table of each result. A ``panel``, a column
    with a heading, has it beside the heading.
    """
    if kept:
        with st.container(key=f"save_{'panel_' if panel else ''}{view}", horizontal=True):
            _popover(view, model, tuple(kept), tuple(shown), about)


@st.fragment
def _popover(view: str, model: str, kept: tuple[Kept, ...], shown: tuple[Code, ...], about: str | None) -> None:
    """A fragment: opening it, or choosing a result in it, draws nothing else again."""
    place = st.popover(
        "Save & code", icon=":material/download:", type="tertiary", key=f"kept_{view}", on_change="rerun"
    )
    if place.open:
        with place, explained_errors():
            _content(view, model, kept, shown, about)


def _content(view: str, model: str, kept: tuple[Kept, ...], shown: tuple[Code, ...], about: str | None) -> None:
    st.markdown(f"**The same in Python** · {plain(model)}")
    written = script(*(shown or [getattr(one.code, one.rows)() for one in kept]))
    st.code(written, language="python", height="content" if written.count("\n") < _LINES else 300)
    one = _choice(view, kept)
    name, text = f"{view}-{one.label}", state.view().text if about is None else about
    with st.container(horizontal=True, gap="small"):
        for label, ending, make in _offered(one, model):
            st.download_button(
                label,
                files.made_later(make),
                files.file_name(name, text, ending),
                key=f"{view}_{label}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(
        "**Result** is the whole object: `gb.load_result` reads it back. In the CSV, text that a spreadsheet would "
        "take for a formula (it begins with =, +, - or @) has an apostrophe in front; Parquet has it as it is. Layers "
        "and heads count from 0 in files and code, from 1 on the pages."
    )


def _choice(view: str, kept: tuple[Kept, ...]) -> Kept:
    """The result to save."""
    if len(kept) == 1:
        st.markdown("**Save**")
        return kept[0]
    labels = [one.label for one in kept]
    chosen = st.selectbox("Save", range(len(labels)), format_func=labels.__getitem__, key=f"{view}_which")
    return kept[chosen if chosen is not None and chosen < len(kept) else 0]


def _offered(one: Kept, model: str) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Label, ending, and what makes the file."""
    if one.picture is not None and files.has_picture(one.kind or type(one.find()).__name__):
        options, dark = one.picture, dark_page()
        for form in ("svg", "png"):
            yield form.upper(), form, partial(_picture, one.find, form, options, dark=dark, model=model)
    if one.table:
        yield "CSV", "csv", lambda: files.as_csv(one.frame())
        yield "Parquet", "parquet", lambda: files.as_parquet(one.frame())
    yield "Result", "zip", lambda: files.as_file(one.find())


def _picture(find: Callable[[], gb.Result], form: str, options: Mapping[str, Any], *, dark: bool, model: str) -> bytes:
    return files.picture(find(), form, options, dark=dark, model=model)
