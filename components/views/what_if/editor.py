"""Edit: click a word, change it, and see how the prediction changes. Every edit is a variant in a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import inputs, what_if
from components.gateway.requests import TextRequest, version_of
from components.gateway.what_if import Change
from components.shared.charts import percent
from components.shared.questions import Question
from components.shared.selection import select_token, selected_in, shown_index, shown_positions, strip_tokens
from components.text import plain
from components.views.what_if.fields import WhatIfFields
from components.views.what_if.listing import draw_refusal, draw_variants
from components.views.what_if.variant_list import ORIGINAL, VariantList, current_variants
from components.widgets.token_strip import clicked_token, token_strip

if TYPE_CHECKING:
    from glassbert.whatif.edits import EditedWord

__all__ = ["draw_editor", "interchangeable"]

_SUGGESTED = 10
_LISTED = 60  # words of one list
_LISTS = 12


def draw_editor(question: Question) -> None:
    """Cost: one pass for the suggestions at a word, and one per variant."""
    variants = current_variants(question)
    draft = variants.changes[variants.draft]
    if variants.draft != ORIGINAL:
        left, right = st.columns([0.75, 0.25], vertical_alignment="center")
        left.markdown(f"You are editing **variant {variants.draft}**; your changes are added to it.")
        right.button("Back to the original text", key="draft_back", on_click=partial(variants.edit_further, ORIGINAL))
    place = _strip(question, draft)
    if place is None:
        st.info("Click a word to change it.")
    elif place.position == question.gap:
        st.info("This is the gap being predicted: change another word to see how its prediction changes.")
    else:
        _word(question, variants, draft, place)
    draw_refusal(variants)
    draw_variants(question, variants, variants.predicted(question))


def _strip(question: Question, draft: tuple[Change, ...]) -> EditedWord | None:
    """The text being edited; returns its selected word. The selection refers to words of the original text."""
    view = state.view()
    after = what_if.edited(question.request, draft)
    encoded = inputs.encode(after)
    found = {place.position: place for place in what_if.edit_text(question.request, draft).words}
    origin = _origins(question, after, tuple(found.values()))
    shown = shown_positions(encoded, view.special)
    positions = origin[shown]
    selected = selected_in(question.opened, question.one)
    words = question.encoded.word_ids
    if selected is not None and not question.encoded.special_tokens_mask[selected]:
        selected = int((words == words[selected]).argmax())
    version = version_of(question.request, draft, view.special)
    token_strip(
        strip_tokens(encoded, question.one.model, shown),
        key="edit_sentence",
        label="Sentence: click a word to change it",
        selected=shown_index(positions, selected),
        version=version,
        on_select=select_token("edit_sentence", version, positions, clicked_token, question.request, question.main),
    )
    return found.get(selected) if selected is not None else None


def _origins(question: Question, after: TextRequest, words: tuple[EditedWord, ...]) -> np.ndarray:
    """For each token of the edited text, the first token of the original word that it comes from."""
    encoded, specials = inputs.encode(after), np.flatnonzero(question.encoded.special_tokens_mask)
    origin, seen, before = np.empty(len(encoded), dtype=np.int64), 0, 0
    for token, (start, end) in enumerate(encoded.offsets.tolist()):
        if encoded.special_tokens_mask[token]:
            before = int(specials[min(seen, len(specials) - 1)])
            seen += 1
        else:
            own = [
                place.position
                for place in words
                if place.text == encoded.sequence_ids[token] and start < place.new_end and end > place.new_start
            ]
            before = own[0] if own else before
        origin[token] = before
    return origin


def _word(question: Question, variants: VariantList, draft: tuple[Change, ...], place: EditedWord) -> None:
    """The edits offered for the selected word."""
    word = place.new or place.old  # old: deleted in this draft
    version = version_of(question.request, draft, place.position)

    def replace(chosen: str) -> None:
        if chosen.strip():
            variants.edit(question, (place.position, "replace", chosen.strip()))

    left, right = st.columns([0.34, 0.66], gap="large")
    with left:
        st.text_input(
            f"Replace “{plain(word)}” with",
            placeholder="Type and press Enter",
            **state.control("replace", "", replace, of=version),
        )
        with st.container(horizontal=True):
            for kind, label, icon in (
                ("delete", "Delete", ":material/backspace:"),
                ("mask", "Mask", ":material/square:"),
            ):
                st.button(
                    label,
                    icon=icon,
                    key=f"edit_{kind}",
                    disabled=kind == "mask" and question.one.model.mask_token is None,
                    on_click=variants.edit,
                    args=(question, (place.position, kind, "")),
                )
    with right:
        _suggested(question, draft, place, version, replace)
        _from_lists(word, version, replace)


def _suggested(
    question: Question, draft: tuple[Change, ...], place: EditedWord, version: str, replace: Callable[[str], None]
) -> None:
    proposer = question.proposer
    if proposer is None:
        st.caption("No open model has a masked-word head, so there are no suggestions.")
        return
    found = dict(what_if.suggestions(question.request, proposer.request, draft, place.position, _SUGGESTED))
    st.pills(
        f"Suggestions by {plain(proposer.name)}",
        list(found),
        format_func=lambda word: f"{plain(word)} · {plain(percent(found[word]))}",
        wrap=True,
        **state.control("suggested", None, replace, options=list(found), of=version),
    )


def _from_lists(word: str, version: str, replace: Callable[[str], None]) -> None:
    swaps = state.fields(WhatIfFields).swaps
    found = interchangeable(word, swaps)
    for number, (name, all_words) in enumerate(list(found.items())[:_LISTS]):
        words = all_words[:_LISTED]
        st.pills(
            plain(name),
            words,
            format_func=plain,
            wrap=True,
            **state.control(f"swap_{number}", None, replace, options=words, of=version),
        )
        if len(words) < len(all_words):
            st.caption(f"The first {_LISTED} of {len(all_words):,} words of this list are shown.")
    if len(found) > _LISTS:
        st.caption(f"The first {_LISTS} of {len(found):,} lists with this word are shown.")
    with st.popover("Your lists", icon=":material/list:"):
        st.text_area(
            "Interchangeable words",
            height=150,
            help="One list per line: its name, a colon, and groups separated by commas, words separated by slashes. A "
            "list with a single group of names is offered for every capitalised word that is in no list.",
            **state.bind("swaps", WhatIfFields),
        )


def interchangeable(word: str, swaps: str) -> dict[str, list[str]]:
    """Name of a list → its replacements for this word; lists without any are left out.

    A list offers the other words of the groups that contain the word. If none does, a list with a single group of names
    is offered for every word that begins with a capital: "Linda" may become any of them.
    """
    lists = [_read_list(line) for line in swaps.splitlines() if line.strip()]
    word = word.casefold() if any(_holds(group, word) for _, groups in lists for group in groups) else word
    found: dict[str, list[str]] = {}
    for name, groups in lists:
        fitting = [group for group in groups if _holds(group, word)]
        if word[:1].isupper() and len(groups) == 1 and groups[0][0][:1].isupper():
            fitting = groups
        offered = [one for group in fitting for one in group if one.casefold() != word.casefold()]
        if offered:
            found[name] = list(dict.fromkeys([*found.get(name, []), *offered]))
    return found


def _read_list(line: str) -> tuple[str, list[list[str]]]:
    """``"Opposites: good/bad, love/hate" → ("Opposites", [[good, bad], [love, hate]])``."""
    name, colon, rest = line.partition(":")
    parts = re.split("[,;]", rest if colon else name)
    groups = [[word.strip() for word in part.split("/") if word.strip()] for part in parts]
    return (name.strip() if colon else "") or "Words", [group for group in groups if group]


def _holds(group: list[str], word: str) -> bool:
    return word.casefold() in map(str.casefold, group)
