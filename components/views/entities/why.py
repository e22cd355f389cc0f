"""Why one entity is named as it is: the words it leans on, its name or its context, and what would change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import inputs, language, what_if, windows
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest
from components.shared import charts
from components.shared.changed_words import draw_changes, search_for_changes
from components.shared.questions import Question, ask_method, keep_as_question_of_page, one_of
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.text import plain, shortened
from components.views.entities.fields import EntitiesFields
from components.views.entities.found import chosen_entity, told

if TYPE_CHECKING:
    from glassbert.language.predictions import Entities
    from glassbert.whatif.results import Variants

__all__ = ["draw_why"]


def draw_why(one: Opened, found: Entities) -> None:
    """Cost: the method's passes, two for name and context, a search and a receipt on request."""
    number = chosen_entity(found)
    if number is None:
        return
    surface, predicted = found.surfaces[number], found.names[number]
    heading = st.empty()
    request, target = _where(one, found, number)
    first, second, third = st.columns([0.25, 0.25, 0.5])
    target = _asked(one, target, predicted, first, second)
    does = "is" if target.label == predicted else "would"
    be = "" if target.label == predicted else "be "
    asked_for = told(str(target.label)) if target.label != "O" else "no entity"
    heading.subheader(f"Why {does} “{plain(shortened(surface, 60))}” {be}{plain(asked_for)}?", anchor=False)
    question = Question("entity", [one], one, request, target)
    keep_as_question_of_page(question)
    method = ask_method(third)
    left, right = st.columns([0.56, 0.44], gap="large")
    with left:
        with st.spinner(f"{method.label} …"):
            result = scores_of(question, method, key="entity")
        if result is not None:
            draw_scores(question, result, method, key="entity", linked=False)
            checked = offer_receipt(question, method.id, key="entity")
            save_and_code("entity", one.name, [kept_scores(question, result), *checked])
    with right:
        st.markdown("**The name itself, or its context?**")
        if result is not None:
            st.markdown(_share(result, target))
        _name_or_context(one, request, target)
        st.markdown("**What loses this entity?**")
        asked = replace(question, target=replace(target, label=predicted, foil=None))
        search = search_for_changes(asked, key="entity_flip", label="Search")
        if search is not None:
            draw_changes(asked, search, kept=f"it is still {told(predicted)}", key="entity_flip")


def _asked(
    one: Opened, target: gb.EntityTarget, predicted: str, *slots: st.delta_generator.DeltaGenerator
) -> gb.EntityTarget:
    """The target with the type that is explained, and the one that it is contrasted with."""
    types = language.entity_types(one.request)
    own = state.fields(EntitiesFields)
    names = {"": f"{predicted} (predicted)"} | {name: name for name in types if name != predicted}
    slots[0].selectbox(
        "Why",
        list(names),
        format_func=lambda name: _named(names[name]),
        **state.bind("entity_type", EntitiesFields, options=names, initial="index"),
    )
    asked = one_of(names, own.entity_type) or predicted
    others = {name: name for name in types if name != asked}
    foils = {"": "by itself"} | others
    foil = own.other_type if own.other_type in foils else ""
    slots[1].selectbox(
        "Rather than",
        list(foils),
        format_func=lambda name: _named(foils[name]),
        **state.bind("other_type", EntitiesFields, options=foils, shown=foil, initial="index"),
    )
    return replace(target, label=asked, foil=foil or None)


def _named(name: str) -> str:
    return "O, no entity" if name == "O" else name


def _where(one: Opened, found: Entities, number: int) -> tuple[TextRequest, gb.EntityTarget]:
    """The text that one pass reads around an entity, and where the entity is in it."""
    view = state.view()
    start, stop = found.spans[number].tolist()
    whole = TextRequest(one.request, view.text)
    if not len(found.encoded.windows):
        return whole, gb.EntityTarget(start, stop)
    first, last = found.offsets[number].tolist()
    shown = windows.part_around(whole, 0, (first + last) // 2)
    alone = replace(view, pair="", window=shown)
    part = windows.in_part([replace(one, part=None)], alone)[0]
    request = part.text(alone)
    assert part.part is not None
    inside = inputs.tokens_at(request, 0, first - part.part.start, last - part.part.start)
    return request, gb.EntityTarget(int(inside[0]), int(inside[-1]) + 1)


def _share(result: gb.TokenScores, target: gb.EntityTarget) -> str:
    """How much of the scores of all words is on the name's own."""
    words = result.encoded.special_tokens_mask == 0
    magnitudes = np.abs(result.scores.astype(np.float64)) * words
    own = float(magnitudes[target.start : target.end].sum()) / max(float(magnitudes.sum()), 1e-12)
    return f"Of these scores, **{own:.0%}** are on the name itself and {1 - own:.0%} on its context."


def _name_or_context(one: Opened, request: TextRequest, target: gb.EntityTarget) -> None:
    """Two passes: with the words of the name masked, and with all others masked."""
    if not one.model.tokenizer.mask_token:
        st.caption("This model has no mask token, so neither can be hidden from it.")
        return
    found = hidden(request, replace(target, foil=None))
    if found is None:
        return
    name = str(target.label)
    rows = [("As it is written", float(found.probability or 0.0), found.prediction)]
    labels = ("Name hidden", "Context hidden") if len(found.texts) == 2 else ("Name hidden",)
    rows += list(zip(labels, found.probabilities.tolist(), found.predictions, strict=True))
    table = "\n".join(f"| {label} | {charts.percent(share)} | {plain(answer)} |" for label, share, answer in rows)
    st.markdown(f"| | {plain(name)} | The model says |\n|---|---:|---|\n{table}")
    whole = state.fields(EntitiesFields).aggregation == "simple"
    pieces = "" if whole else "These are means over all pieces of the name, those in the text of its words. "
    st.caption(
        f"{pieces}Hidden words are replaced by [MASK]. *Where one of the two is enough by itself, the answer does not "
        "need the other, even if scores lie on it.*"
    )


def hidden(request: TextRequest, target: gb.EntityTarget) -> Variants | None:
    """What is predicted with the words of the name masked, and with those of its context; None if it has no words."""
    encoded = inputs.encode(request)
    words = what_if.words_to_edit(request)
    own = set(encoded.word_ids[target.start : target.end].tolist())
    inside = tuple((place, "mask", "") for place in words if int(encoded.word_ids[place]) in own)
    outside = tuple((place, "mask", "") for place in words if int(encoded.word_ids[place]) not in own)
    changes = tuple(one for one in (inside, outside) if one)
    return what_if.variants(request, target, changes) if inside else None
