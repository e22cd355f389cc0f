"""What there is to know about a table before a model is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from glassbert.pictures.markup import clipped, element
from glassbert.pictures.tables import table_html
from glassbert.results import Array, Result, counted, read_only, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DataReport"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DataReport(Result):
    """A table of labelled texts, looked over: what it holds, and what a model trained on it would stumble over.

    ``findings`` are (severity, sentence, rows): "error" if nothing can be learned, "warning" for what should be looked
    at, "note" for what should be known; the most severe first. All ``rows`` count as the source does.

    ``class_counts`` are texts per class, of tokens words per tag; ``scores`` the labels of a regression.
    ``duplicates`` are groups of rows whose texts are equal but for case and white space; those with different labels
    are in ``conflicts``. ``overlaps`` are, for each of the ``others``, (row here, row there) of texts that stand in
    both. With a model, ``tokens`` are the lengths as it reads them, ``max_tokens`` its limit and ``unknown`` the share
    of tokens that its vocabulary lacks.

    ``giveaways`` are words in whose texts at least 98 % of the labels are one, by chance in less than 1 % of tables
    after a correction for the words tried; suspicious ones first, where the other words of the same texts do not speak
    for that label. ``giveaway_backed`` is how far they do: the mean rank of these texts for the label by their other
    words, among the texts of other classes, 0 to 1; ``giveaway_usual`` that of the other texts of the class.
    """

    kind: str
    source: str
    label_names: tuple[str, ...]
    rows: int
    bad_rows: tuple[tuple[int, str, str], ...]  # row, column, reason
    findings: tuple[tuple[str, str, tuple[int, ...]], ...]
    class_counts: Array  # (class,)
    scores: Array  # (row,), of a regression
    words: Array  # (row,), separated by blanks, of both texts
    tokens: Array  # (row,), with special tokens; empty without a model
    max_tokens: int
    unknown: float
    duplicates: tuple[tuple[int, ...], ...]
    conflicts: tuple[tuple[int, ...], ...]
    others: tuple[str, ...]
    other_rows: tuple[int, ...]
    other_counts: Array  # (other, class)
    overlaps: tuple[tuple[tuple[int, int], ...], ...]  # (other,)
    giveaways: tuple[str, ...]
    giveaway_labels: Array  # (word,), numbers of classes
    giveaway_rows: Array  # (word,), how many
    giveaway_shares: Array  # (word,)
    giveaway_p_values: Array  # (word,), corrected
    giveaway_backed: Array  # (word,)
    giveaway_usual: Array  # (word,)
    giveaway_suspicious: Array  # (word,), 1 or 0

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("class_counts", "words", "tokens", "other_counts"), "int64"),
        **dict.fromkeys(("giveaway_labels", "giveaway_rows", "giveaway_suspicious"), "int64"),
        **dict.fromkeys(("scores", "giveaway_shares", "giveaway_p_values"), "float64"),
        **dict.fromkeys(("giveaway_backed", "giveaway_usual"), "float64"),
    }

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.other_counts.ndim != 2:  # JSON has no shape for an array without rows
            shape = (len(self.others), len(self.class_counts))
            object.__setattr__(self, "other_counts", read_only(self.other_counts.reshape(shape), "int64"))

    @property
    def severity(self) -> str:
        """That of the most severe finding, or "none"."""
        return self.findings[0][0] if self.findings else "none"

    def _about(self) -> str:
        counts = [sum(one[0] == severity for one in self.findings) for severity in ("error", "warning", "note")]
        told = ", ".join(
            counted(count, noun) for count, noun in zip(counts, ("error", "warning", "note"), strict=True) if count
        )
        return (
            f"of {clipped(self.source, 50)!r} → {told or 'nothing found'}: {counted(self.rows, 'row')} for {self.kind}"
        )

    def _picture(self) -> str:
        findings = [(severity, sentence) for severity, sentence, _ in self.findings]
        parts = [table_html(["", "finding"], findings)] if findings else []
        if len(self.class_counts):
            rows = list(self.class_frame().head(20).round(3).itertuples(index=False, name=None))
            left_out = f"20 of {len(self.class_counts)} classes" if len(self.class_counts) > 20 else ""
            parts.append(table_html(["class", "texts", "share"], rows, left_out=left_out))
        return element("div", *parts)

    def frame(self) -> pd.DataFrame:
        """One row per finding: its severity, the sentence, how many rows it is about, and the first of them."""
        return tidy(
            {
                "severity": [severity for severity, _, _ in self.findings],
                "finding": [sentence for _, sentence, _ in self.findings],
                "rows": [len(rows) for _, _, rows in self.findings],
                "first_row": [rows[0] if rows else -1 for _, _, rows in self.findings],
            }
        )

    def class_frame(self) -> pd.DataFrame:
        """One row per class, the largest first: how many texts it has, and their share."""
        table = tidy(
            {
                "class": self.label_names,
                "texts": self.class_counts,
                "share": self.class_counts / max(1, int(self.class_counts.sum())),
            }
        )
        return table.sort_values("texts", ascending=False, kind="stable", ignore_index=True)

    def giveaway_frame(self) -> pd.DataFrame:
        """One row per word that stands in texts of nearly one class, the suspicious ones first."""
        return tidy(
            {
                "word": self.giveaways,
                "class": [self.label_names[label] for label in self.giveaway_labels],
                "texts": self.giveaway_rows,
                "share": self.giveaway_shares,
                "p_value": self.giveaway_p_values,
                "backed": self.giveaway_backed,
                "usual": self.giveaway_usual,
                "suspicious": self.giveaway_suspicious.astype(bool),
            }
        )
