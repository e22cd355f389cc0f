"""What is compared: two models on one text, or two texts on one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components import state
from components.examples import EXAMPLES
from components.gateway import comparison, inputs
from components.gateway.comparison import SidesRequest
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared.questions import model_shown, short_names
from components.shared.selection import selected_in
from components.text import plain
from components.views.compare.fields import CompareFields
from components.widgets.token_strip import DESELECTED

if TYPE_CHECKING:
    from glassbert.text.results import WordAlignment

__all__ = ["NOTHING", "Compared", "ask_what", "offer_texts"]

_KINDS = {"models": "Two models on one text", "texts": "Two texts on one model"}

#: Rounding of float32: smaller differences count as none, as in the library.
NOTHING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two readings, aligned by word. ``kind`` is "models" or "texts"."""

    opened: list[Opened]
    kind: str
    first: Opened
    second: Opened
    request: SidesRequest

    @property
    def sides(self) -> tuple[Opened, Opened]:
        return self.first, self.second

    @property
    def larger(self) -> gb.Model:
        """The model that takes longer."""
        return max((one.model for one in self.sides), key=lambda model: model.parameters)

    @property
    def titles(self) -> tuple[str, str]:
        """What the sides are called, plain text: "First: GlassBERT pretrained", or "First text"."""
        if self.kind == "texts":
            return "First text", "Second text"
        return f"First: {self.first.name}", f"Second: {self.second.name}"

    @property
    def names(self) -> str:
        """The models, plain text."""
        return " and ".join(dict.fromkeys(one.name for one in self.sides))

    @property
    def alignment(self) -> WordAlignment:
        return comparison.alignment(self.request)

    @property
    def texts(self) -> tuple[TextRequest, TextRequest]:
        return self.request.first, self.request.second

    @property
    def same(self) -> bool:
        """The same text on the same model, twice."""
        return self.request.first == self.request.second

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """The visible ones of these rows: all, or all but special tokens."""
        return rows if state.view().special else rows[~self.alignment.special[rows]]

    @property
    def row(self) -> int | None:
        """The row of the selected token."""
        token = selected_in(self.opened, self.first)
        if token is None:
            return None
        spans = self.alignment.first_spans
        return int(np.flatnonzero((spans[:, 0] <= token) & (token < spans[:, 1]))[0])

    def place(self, rows: np.ndarray) -> int | None:
        """The index of the selected row among these; None if it is not among them or nothing is selected."""
        if self.row is None:
            return None
        found = np.flatnonzero(rows == self.row)
        return int(found[0]) if len(found) else None

    def select(
        self, key: str, version: str, rows: np.ndarray, read: Callable[[Mapping[str, Any], str, int], int | None]
    ) -> Callable[[], None]:
        """The callback of a component that shows these rows: select that word everywhere. A word that
        only the second text has selects nothing."""

        def selected() -> None:
            index = read(state.event(key), version, len(rows))
            if index is None:
                return
            place = None
            if index != DESELECTED:
                start, stop = (int(edge) for edge in self.alignment.first_spans[rows[index]])
                main = self.opened[0].text(state.view())
                if start < stop:
                    place = inputs.same_place(self.request.first, start, main)
            state.change(token=-1 if place is None else place)
            state.redraw_page()

        return selected

    def version(self, *parts: object) -> str:
        """Names what a component of this page draws."""
        return version_of(self.request, state.view().special, *parts)


def ask_what(opened: list[Opened]) -> Compared | None:
    """Draw the controls of what is compared and return the sides; None, with a hint, if a side is missing."""
    view = state.view()
    kind = state.fields(CompareFields).sides or ("texts" if view.other_text else "models")
    left, right = st.columns([0.42, 0.58], gap="medium", vertical_alignment="center")
    left.segmented_control(
        "Compare",
        list(_KINDS),
        format_func=_KINDS.__getitem__,
        label_visibility="collapsed",
        **state.bind("sides", CompareFields, options=_KINDS, shown=kind),
    )
    return _two_models(opened, right) if kind == "models" else _two_texts(opened, right)


def offer_texts(compared: Compared, head: str) -> None:
    """Where two models cannot be compared: offer two texts on the model that has this head."""
    one = next((one for one in compared.opened if head in one.model.task_heads), compared.first)
    if compared.kind == "models":
        st.button(
            f"Compare two texts on {plain(one.name)}",
            icon=":material/compare_arrows:",
            key="offer_texts",
            on_click=_compare_texts,
            args=(one.role,),
        )


def _compare_texts(role: str) -> None:
    state.change(CompareFields, sides="texts")
    state.change(shown_model=role)


def _two_models(opened: list[Opened], slot: st.delta_generator.DeltaGenerator) -> Compared | None:
    view = state.view()
    if len(opened) < 2 and view.beside != view.model:
        st.info("Choose a second model: click the models at the top of the page. It is compared with the first.")
        st.button("Open GlassBERT sentiment", key="open_beside", on_click=_open_beside)
        return None
    first, second = opened[0], opened[-1]
    slot.markdown(f"First: **{plain(first.name)}** &nbsp;·&nbsp; second: **{plain(second.name)}**")
    return Compared(opened, "models", first, second, SidesRequest(first.text(view), second.text(view)))


def _open_beside() -> None:
    state.change(beside="pretrained" if state.view().model == "sentiment" else "sentiment")
    state.redraw_page()


def _two_texts(opened: list[Opened], slot: st.delta_generator.DeltaGenerator) -> Compared | None:
    roles = {one.role: one for one in opened}
    one = model_shown(opened)
    if len(opened) > 1:
        slot.segmented_control(
            "Model",
            list(roles),
            format_func=short_names(opened).__getitem__,
            label_visibility="collapsed",
            **state.bind("shown_model", options=roles, shown=one.role),
        )
    view = state.view()
    example = next((one for one in EXAMPLES.values() if (one.text, one.pair) == (view.text, view.pair)), None)
    other = view.other_text or (example.other if example else "")
    other_pair = view.other_pair or (example.other_pair if example else "")
    columns: Sequence[Any] = st.columns(2) if view.pair else [st.container()]
    columns[0].text_input(
        "Second text", placeholder="The first text with one word changed", **state.bind("other_text", shown=other)
    )
    if view.pair:
        columns[1].text_input("Its text B", placeholder="As in the first", **state.bind("other_pair", shown=other_pair))
    first = one.text(view)
    second = TextRequest(one.request, other or view.text, (other_pair or view.pair) or None)
    if not (other or other_pair):
        st.info("Type a second text here, for example the first with one word changed. The first is text A at the top.")
        st.button(
            "Copy the first text here",
            icon=":material/content_copy:",
            key="copy_first",
            on_click=lambda: state.change(other_text=state.view().text),
        )
        return None
    inputs.encode(second)  # a text that cannot be read raises before anything is drawn
    return Compared(opened, "texts", one, one, SidesRequest(first, second))
