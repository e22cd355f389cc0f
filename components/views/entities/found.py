"""The text with its entities marked, the list of them, and the probability of every label at every token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, language, verdicts, windows
from components.gateway.models import is_quick
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.jobs import run_at_once_if_quick
from components.shared.plain_view import cost_ahead
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.entities.fields import EntitiesFields
from components.widgets.marked_text import Mark, clicked_mark, marked_text

if TYPE_CHECKING:
    from glassbert.language.predictions import Entities

__all__ = ["chosen_entity", "draw_found"]

_AGGREGATIONS = {
    "first": "First piece of a word",
    "simple": "Every piece by itself",
    "average": "Mean of a word’s pieces",
    "max": "Surest piece of a word",
}
#: Below this probability, an entity is shown as unsure.
_SURE = 0.6
_PLAIN_TYPES = {"PER": "a person", "ORG": "an organisation", "LOC": "a place", "MISC": "another name"}


def draw_found(one: Opened) -> Entities | None:
    """One forward pass, or one per window of a long text, behind a button unless they are quick."""
    view, own = state.view(), state.fields(EntitiesFields)
    request = one.whole(view)
    if request.pair:
        request = TextRequest(request.model, request.text)
    count, longest = windows.passes(request)
    found = run_at_once_if_quick(
        "find_entities",
        version_of(request, own.aggregation),
        is_quick(one.model, count, longest),
        lambda: language.entities(request, own.aggregation),
        lambda: language.entities_of_long(request, own.aggregation),
        label="Find the entities",
        cost=cost_ahead(f"{count:,} passes of up to {longest:,} tokens.", one.model, count, longest),
    )
    if found is None:
        return None
    types = [name for name in language.entity_types(one.request) if name != "O"]
    _draw_text(request, found, types, chosen_entity(found))
    st.caption(_legend(found, types))
    if limits := verdicts.about_probabilities(one.model):
        st.caption(plain(limits))
    if view.pair.strip():
        st.caption("Entities are found in text A; text B is left out.")
    if view.expert:
        st.segmented_control(
            "How labels of pieces become spans",
            list(_AGGREGATIONS),
            format_func=_AGGREGATIONS.__getitem__,
            **state.bind("aggregation", EntitiesFields, options=_AGGREGATIONS),
        )
    computed = code.entities(request, own.aggregation, windows=count > 1)
    with st.expander("Probability of every label", icon=":material/grid_on:", key="entity_labels"):
        draw_chart(charts.label_shares(found.labelled), key="entity_label_shares")
        st.caption(
            "A softmax over the labels at each token. B- begins a name, I- continues it, O is outside of all names."
            if any(label.startswith("B-") for label in found.labelled.labels)
            else "A softmax over the labels at each token."
        )
    with how_computed("Entities"):
        st.markdown(
            "Each word has the label of its first piece, that with the highest logit; the expert view has other ways. "
            "Neighbours of one type are one span; its probability is the mean over its words."
        )
    save_and_code(
        "entities",
        one.name,
        [Kept.of("Entities", computed, found), Kept.of("Labels", computed.labelled, found.labelled)],
        [computed.frame()],
        panel=False,
    )
    return found


def chosen_entity(found: Entities) -> int | None:
    """The entity that is explained; None if there is none."""
    return min(state.fields(EntitiesFields).entity, len(found.names) - 1) if found.names else None


def _draw_text(request: TextRequest, found: Entities, types: list[str], chosen: int | None) -> None:
    version = version_of(request, found.aggregation, found.spans.tolist(), found.names)

    def choose() -> None:
        clicked = clicked_mark(state.event("entities_text"), version, len(marks))
        if clicked is not None:
            state.change(EntitiesFields, entity=numbers[clicked], entity_type="", other_type="O")

    marks: list[Mark] = []
    numbers: list[int] = []
    rows = zip(found.offsets.tolist(), found.names, found.probabilities.tolist(), strict=True)
    for number, ((start, stop), name, share) in enumerate(rows):
        start = max(start, marks[-1].stop if marks else 0)
        if start < stop:  # some vocabularies have two tokens for the same characters
            note = f"{told(name)}, {charts.percent(share)}"
            marks.append(Mark(start, stop, f"{name} {share:.0%}", note, types.index(name), share >= _SURE))
            numbers.append(number)
    marked_text(
        found.encoded.texts[0],
        marks,
        key="entities_text",
        label="The text with its entities; choose one to see why it is named so",
        version=version,
        selected=numbers.index(chosen) if chosen in numbers else None,
        on_select=choose,
    )


def _legend(found: Entities, types: list[str]) -> str:
    """How many of each type, and what a dashed line says."""
    if not found.names:
        return "The model finds no entity in this text."
    counts = [f"**{plain(name)}**{_meaning(name)} {found.names.count(name)}" for name in types]
    unsure = int((found.probabilities < _SURE).sum())
    dashed = f" · {unsure} unsure (below {_SURE:.0%}): dashed, with a question mark" if unsure else ""
    return " · ".join(counts) + dashed + ". *Sure is not right: a name can be found, and named wrongly.*"


def _meaning(name: str) -> str:
    return f" ({plain(told(name))})" if name in _PLAIN_TYPES else ""


def told(name: str) -> str:
    """What a usual short name of a type means; others stand for themselves."""
    return _PLAIN_TYPES.get(name, name)
