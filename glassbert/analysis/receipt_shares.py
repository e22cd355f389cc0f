"""How many of the checked explanations hold, by method, check and part of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.intervals import wilson
from glassbert.analysis.measure_results import ReceiptShares
from glassbert.analysis.queries import Store
from glassbert.errors import OptionError

__all__ = ["receipts_of_data"]


def receipts_of_data(store: Store, manifest: Manifest, where: str, chosen: Filter, by: str) -> ReceiptShares:
    """See :class:`glassbert.analysis.measure_results.ReceiptShares`."""
    parts = {
        "method": "'all'",
        "label": "coalesce(label_text, '')",
        "answer": "coalesce(answer, -1)",
        "right": """CASE WHEN "right" THEN 'right' WHEN NOT "right" THEN 'wrong' ELSE '' END""",
        "length": "CASE WHEN tokens <= 16 THEN 'up to 16' WHEN tokens <= 64 THEN '17 to 64' ELSE 'above 64' END",
        **{name: f"coalesce(meta_{number}, '')" for number, name in enumerate(manifest.meta)},
    }
    if by not in parts:
        raise OptionError(f"by must be one of {', '.join(parts)}; got {by!r}")
    lines = store.rows(
        f"""
        SELECT method, "check", {parts[by]} AS part, count(*), count(*) FILTER (WHERE verdict = 'holds'),
               count(*) FILTER (WHERE verdict = 'fails')
        FROM receipts JOIN (SELECT * FROM predictions WHERE {chosen.sql}) USING (id)
        WHERE verdict <> 'not_applicable'
        GROUP BY ALL ORDER BY method, "check", count(*) DESC, part
        """,
        chosen.parameters,
    )
    columns: list[tuple[Any, ...]] = list(zip(*lines, strict=True)) if lines else [()] * 6
    named = tuple(_name(manifest, by, part) for part in columns[2])
    checked, holds, fails = (np.asarray(column, dtype=np.int64) for column in columns[3:])
    low, high = wilson(holds, checked)
    return ReceiptShares(
        where=where,
        by=by,
        methods=columns[0],
        checks=columns[1],
        parts=named,
        checked=checked,
        holds=holds,
        fails=fails,
        low=low,
        high=high,
    )


def _name(manifest: Manifest, by: str, part: Any) -> str:
    if by == "answer":
        return manifest.labels[part] if part >= 0 else ""
    return str(part)
