"""A table's first rows as HTML, for notebooks, in the notebook's own text colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassbert.pictures import palette
from glassbert.pictures.markup import clipped, element, escaped

__all__ = ["table_html"]

_LINE = (
    f"border-bottom:1px solid {palette.translucent(palette.NEUTRAL, 0.35)};padding:2px 10px 2px 0;vertical-align:top"
)


def table_html(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, left_out: str = "") -> str:
    """Rows of values under their columns' names; numbers are right-aligned, long texts cut at 80 characters.

    ``left_out`` is a line below the table, such as "10 of 96 rows".
    """
    head = element(
        "tr", *(element("th", escaped(clipped(str(name), 40)), style=f"{_LINE};text-align:start") for name in columns)
    )
    body = "".join(element("tr", *(_cell(value) for value in row)) for row in rows)
    parts = [element("table", element("thead", head), element("tbody", body), style="border-collapse:collapse")]
    if left_out:
        parts.append(element("div", escaped(left_out), style="font-size:12px;margin-top:4px"))
    return element("div", *parts, style="overflow-x:auto")


def _style(value: Any) -> str:
    return f"{_LINE};text-align:{'right' if _is_number(value) else 'start'}"


def _cell(value: Any) -> str:
    return element("td", element("bdi", escaped(clipped(_shown(value), 80))), style=_style(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)


def _shown(value: Any) -> str:
    if value is None or value is np.ma.masked or (_is_number(value) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
