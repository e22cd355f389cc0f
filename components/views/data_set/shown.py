"""The analysis that a section shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import state
from components.gateway import code, data_sets
from components.gateway.expressions import Code
from components.gateway.requests import version_of
from components.gateway.runs import store
from components.views.data_set.fields import DataSetFields

if TYPE_CHECKING:
    import pandas as pd

    from glassbert.analysis.folder import Manifest
    from glassbert.analysis.opening import Analysis

__all__ = ["Shown", "choose_rows", "clickable_rows", "narrow", "shown_of", "texts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A run, its result folder as it is now, and the filter that is in force."""

    run: str
    request: store.RunRequest
    folder: Path
    changed: tuple[int, int]
    where: str

    @property
    def analysis(self) -> Analysis:
        return data_sets.opened(str(self.folder), self.changed)

    @property
    def manifest(self) -> Manifest:
        return self.analysis.manifest

    def ask(self, question: str, **options: Any) -> Any:
        """The answer of :class:`glassbert.Analysis` to a question about the chosen rows."""
        return data_sets.ask(str(self.folder), self.changed, question, self.where, tuple(sorted(options.items())))

    def code(self, question: str, **options: Any) -> Code:
        """The Python that asks the same."""
        return code.analysis(str(self.folder), self.request.name, question, self.where, **options)

    def version(self, *parts: object) -> str:
        """What tells a widget of this analysis and filter from another."""
        return version_of(self.run, self.changed, self.where, *parts)


def shown_of(run: str, request: store.RunRequest, where: str) -> Shown:
    """The result folder of a run, as it is now."""
    folder = store.analysis_folder(run, request)
    return Shown(run, request, folder, data_sets.stamp(folder), where)


def texts_of(shown: Shown, ids: list[int]) -> pd.DataFrame:
    """Rows by id, in this order."""
    asked = "id:" + ",".join(map(str, ids))
    found = data_sets.rows(str(shown.folder), shown.changed, asked, "id", False, len(ids), 0).table
    return found.set_index("id").loc[ids]


def narrow(where: str, *terms: str) -> None:
    """Of the rows of this filter show those that pass these terms too."""
    choose_rows(data_sets.narrowed(where, *terms))


def choose_rows(where: str) -> None:
    """Show the rows of this filter, from the first on."""
    state.change(DataSetFields, where=where, offset=0, row=-1)


def clickable_rows(rows: list[dict[str, Any]], key: str, chosen: Callable[[int], None]) -> None:
    """A table; ``chosen`` is called with the place of the row that is clicked."""

    def clicked() -> None:
        places = (state.value(key) or {}).get("selection", {}).get("rows", [])
        if places:
            chosen(int(places[0]))

    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= 12 else 440,
        key=key,
        on_select=clicked,
        selection_mode="single-row",
    )
