"""The user's choices that belong to the Attention page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from components.address import Between
from components.state import PageFields

__all__ = ["DIM_BELOW", "THRESHOLD", "AttentionFields"]

#: Percent.
DIM_BELOW, THRESHOLD = Between(0, 100), Between(0, 50)


@dataclass(frozen=True, slots=True)
class AttentionFields(PageFields):
    """Heads are written "layer.head", counted from 0, with spaces between: "1.7 2.3"."""

    page: ClassVar[str] = "attention"

    section: Literal["heads", "beyond", "roles", "ablation", "bertviz"] = "heads"
    rescale: bool = False  # rescale rows with hidden tokens to sum to 1
    drawn: Literal["heatmap", "lines"] = "heatmap"  # how one head is drawn
    combine: Literal["", "mean", "max"] = ""  # several heads combined; "": the open head alone
    combined_heads: str = ""  # which ones; "": all of the layer
    part: Literal["", "content_to_content", "content_to_position", "position_to_content"] = ""  # of the scores, alone
    focus: Literal["", "rows", "columns"] = ""  # of the selected tokens only
    threshold: Annotated[int, THRESHOLD] = 0  # percent; weaker weights are not drawn
    mark: Literal[
        "",
        "previous",
        "next",
        "self",
        "same_word",
        "cls",
        "sep",
        "punctuation",
        "entropy",
        "distance",
        "importance",
        "link",
    ] = ""  # the property of heads that is marked on the map
    dim_below: Annotated[int, DIM_BELOW] = 0  # percent of the largest; heads with a smaller mark are dimmed
    hide_dimmed: bool = False  # … or left out
    order: Literal["", "most", "least"] = ""  # heads with the largest or smallest mark first; "": layer by layer
    measures: str = "attention rollout value_norms_2020 value_zeroing"  # compared side by side
    heads_off: str = ""  # heads that are switched off
    switch_by: Literal["", "importance", "sweep"] = ""  # what is marked on the map of heads to switch off
    bertviz: Literal["head", "model", "neuron"] = "head"  # which of BertViz's views
