"""What the sections of the Attention page have in common: the request, the selection, and one map on screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from components import state
from components.gateway import attention, inputs
from components.gateway.attention import MapDisplay
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared.layers import layer_name
from components.shared.selection import second_in, selected_in
from components.views.attention.fields import AttentionFields
from components.widgets.attention_heatmap import DESELECTED, attention_heatmap, clicked_label, clicked_second
from components.widgets.attention_lines import attention_lines
from components.widgets.heads_map import clicked_head

__all__ = ["Subject", "draw_map", "heads_of", "open_head", "target_of", "target_phrase", "written"]

HeadIndex = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One model, one text, and how its maps are shown. ``selected`` and ``second`` count its own tokens."""

    one: Opened
    request: TextRequest
    main: TextRequest  # of the model whose tokens the view counts
    display: MapDisplay
    layer: int
    head: int
    selected: int | None
    second: int | None  # of a chosen pair

    @classmethod
    def of(cls, opened: list[Opened], one: Opened) -> Subject:
        view = state.view()
        return cls(
            one=one,
            request=one.text(view),
            main=opened[0].text(view),
            display=MapDisplay(
                view.by_word,
                view.special,
                view.block if view.pair else "",
                state.fields(AttentionFields).rescale,
            ),
            layer=min(max(view.layer, 0), one.model.layers - 1),
            head=min(max(view.head, 0), one.model.attention_heads - 1),
            selected=selected_in(opened, one),
            second=second_in(opened, one),
        )

    @property
    def head_name(self) -> str:
        return f"{layer_name(self.one.model, self.layer)}, head {self.head + 1}"

    @property
    def encoded(self) -> gb.Encoded:
        return inputs.encode(self.request)

    def one_head(self) -> gb.TokenMaps:
        """The open head's weights, (1, query, key), every token."""
        return attention.maps(self.request).combine([(self.layer, self.head)])

    def without(self, heads: Iterable[HeadIndex]) -> Subject:
        """The same request to the model without these heads."""
        model = replace(self.request.model, off=tuple(sorted(heads)))
        return replace(self, request=replace(self.request, model=model))


def heads_of(text: str, layers: int, heads: int) -> list[HeadIndex]:
    """``"1.7 2.3"`` → [(1, 7), (2, 3)]; entries that are not heads of this model are dropped."""
    found = []
    for part in text.split():
        named = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", part)
        if named and int(named[1]) < layers and int(named[2]) < heads:
            found.append((int(named[1]), int(named[2])))
    return list(dict.fromkeys(found))


def written(heads: Iterable[HeadIndex]) -> str:
    """The inverse of :func:`heads_of`."""
    return " ".join(f"{layer}.{head}" for layer, head in sorted(heads))


def open_head(key: str, version: str, subject: Subject) -> Callable[[], None]:
    """The callback of a heads map that opens the clicked head, here and in the Workbench."""

    def clicked() -> None:
        chosen = clicked_head(state.event(key), version, subject.one.model.layers, subject.one.model.attention_heads)
        if chosen is not None:
            state.change(layer=chosen[0], head=chosen[1])

    return clicked


def target_of(subject: Subject) -> gb.Target | None:
    """The prediction that gradients and ablations refer to: the one selected, else one that the model can make."""
    heads, encoded, view = subject.one.model.task_heads, subject.encoded, state.view()
    gaps = [index for index, token in enumerate(encoded.tokens) if token == subject.one.model.mask_token]
    selected = subject.selected
    chosen = selected if selected is not None and not encoded.special_tokens_mask[selected] else None
    position = gaps[0] if gaps and chosen is None else chosen
    if "masked_words" in heads and position is not None and (gaps or not view.pair):
        return gb.MaskTarget(position)
    if "classification" in heads:
        return gb.ClassTarget(threshold=state.view().threshold)
    if "next_sentence" in heads and view.pair:
        return gb.NextSentenceTarget()
    return gb.MaskTarget(position) if "masked_words" in heads and position is not None else None


def target_phrase(subject: Subject, target: gb.Target) -> str:
    """The target in words, as plain text."""
    position = getattr(target, "position", None)
    if position is not None:
        return f"the model's top prediction for “{subject.encoded.pieces[position]}” (token {position}), masked"
    return "that text B follows text A" if hasattr(target, "is_next") else "the predicted class"


def draw_map(
    subject: Subject,
    maps: gb.TokenMaps,
    *,
    key: str,
    label: str,
    height_px: int,
    lines: bool = False,
    most: float | None = 1.0,
) -> None:
    """One map, (1, query, key), as a heatmap or as lines; a click in it selects the token everywhere."""
    values = maps.values[0]
    queries, keys = _index(maps.queries, subject.selected), _index(maps.keys, subject.selected)
    same = np.array_equal(maps.queries, maps.keys)
    version = version_of(subject.request, maps.measure, maps.caption, key, maps.queries.tobytes(), maps.keys.tobytes())

    def selected() -> None:
        chosen = clicked_label(state.event(key), version, len(maps.queries), len(maps.keys))
        if chosen is None:
            return
        axis, index = chosen
        second = clicked_second(state.event(key), version, len(maps.keys)) if same else None
        place = _in_main(subject, maps.queries if axis == "query" else maps.keys, index)
        state.change(token=place, **({} if second is None else {"toward": _in_main(subject, maps.keys, second)}))

    if lines:
        attention_lines(
            values,
            maps.query_labels,
            maps.key_labels,
            key=key,
            version=version,
            selected_query=queries,
            selected_key=keys,
            label=label,
            height_px=height_px,
            most=most,
            on_select=selected,
        )
        return
    attention_heatmap(
        values,
        maps.query_labels,
        key=key,
        version=version,
        selected=queries,
        label=label,
        height_px=height_px,
        keys=None if same else maps.key_labels,
        selected_key=None if same else keys,
        pairs=same,
        second=_index(maps.keys, subject.second) if same else None,
        most=most,
        inside=maps.inside() if maps.reach.any() else None,
        on_select=selected,
    )


def _in_main(subject: Subject, spans: np.ndarray, index: int) -> int:
    """The first token of a row or column, counted in the main model's tokens, as the view counts; −1: none."""
    if index == DESELECTED:
        return -1
    position = int(spans[index, 0])
    place = inputs.same_place(subject.request, position, subject.main)
    return -1 if place is None else place


def _index(spans: np.ndarray, position: int | None) -> int | None:
    """The row (or column) whose span of tokens holds this one; None when it is hidden."""
    if position is None:
        return None
    found = np.flatnonzero((spans[:, 0] <= position) & (position < spans[:, 1]))
    return int(found[0]) if len(found) else None


def note_no_decision() -> None:
    """Shown in place of anything that needs a prediction to explain."""
    st.info("There is no prediction to analyse yet: select a word, or open a model with a trained head.")
