"""The second text of a trace: typed or chosen, and fitted to the length of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.examples import EXAMPLES
from components.gateway import inputs, what_if
from components.gateway.requests import TextRequest, version_of
from components.gateway.what_if import Change
from components.shared.questions import Question
from components.shared.selection import select_token, selected_in, shown_index
from components.text import plain, shortened
from components.views.what_if.editor import interchangeable
from components.views.what_if.fields import WhatIfFields
from components.views.what_if.variant_list import ORIGINAL, current_variants
from components.widgets.aligned_rows import Cell, Row, aligned_rows, clicked_column

if TYPE_CHECKING:
    from glassbert.text.results import LengthHint

__all__ = ["second_text"]

_OFFERED, _REPAIRED = 8, 3
_NOT_THERE = -2  # instead of a token: a word that only the second text has


def second_text(question: Question) -> TextRequest | None:
    """The second text and its controls; None, with a hint, until one of the same length is given."""
    view = state.view()
    example = next((one for one in EXAMPLES.values() if (one.text, one.pair) == (view.text, view.pair)), None)
    other = view.other_text or (example.other if example else "")
    other_pair = view.other_pair or (example.other_pair if example else "")
    request = TextRequest(question.request.model, other or view.text, (other_pair or view.pair) or None)
    hint = what_if.same_length_hint(question.request, request)
    if hint.fits:
        _token_rows(question, request)
    else:
        _word_rows(question, request, hint)
    _offers(question)
    columns = st.columns([0.5, 0.5]) if view.pair else [st.container()]
    columns[0].text_input(
        "Second text, with the same number of tokens",
        placeholder="The same sentence with a word changed",
        **state.bind("other_text", shown=other),
    )
    if view.pair:
        columns[1].text_input(
            "Its text B", placeholder="The same as before", **state.bind("other_pair", shown=other_pair)
        )
    if request == question.request:
        st.info("Click a word above and choose its replacement, or type a second text.")
        return None
    if not hint.fits:
        st.warning(plain(_lengths(hint)), icon=":material/straighten:")
        _repairs(question, request, hint)
        return None
    return request


def _use(question: Question, changes: tuple[Change, ...], of: TextRequest | None = None) -> None:
    """Use the text after these changes as the second one."""
    after = what_if.edited(of or question.request, changes)
    view = state.view()
    state.change(other_text=after.text, other_pair=after.pair if after.pair and after.pair != view.pair else "")


def _fits(request: TextRequest, changes: tuple[Change, ...], more: int = 0) -> bool:
    """Whether the changes keep the text's length, or make it ``more`` tokens longer."""
    after = what_if.edited(request, changes)
    return len(inputs.encode(after)) - len(inputs.encode(request)) == more


def _offers(question: Question) -> None:
    """Replacements for the selected word that keep the length, and variants of the same length."""
    encoded, selected = question.encoded, selected_in(question.opened, question.one)
    left, right = st.columns([0.66, 0.34], gap="large")
    with left:
        if selected is not None and not encoded.special_tokens_mask[selected] and selected != question.gap:
            word = int((encoded.word_ids == encoded.word_ids[selected]).argmax())
            _pills(question, f"Replace “{plain(_word(question.request, word))}” with", word, key="second_word")
    with right:
        variants = current_variants(question)
        fitting = [
            number
            for number, changes in variants.changes.items()
            if number != ORIGINAL and _fits(question.request, changes)
        ]
        if fitting:

            def choose(number: int) -> None:
                if number in variants.changes:
                    _use(question, variants.changes[number])

            st.pills(
                "One of your variants",
                fitting,
                format_func=lambda n: f"Variant {n}",
                **state.control("second_variant", None, choose, options=fitting, of=version_of(question.request)),
            )


def _word(request: TextRequest, position: int) -> str:
    return what_if.edit_text(request, ()).word(position).old


def _pills(
    question: Question, label: str, position: int, *, key: str, of: TextRequest | None = None, more: int = 0
) -> None:
    """Replacements here in the first text, or in ``of``, with as many tokens as the word there, and ``more``."""
    text = of or question.request
    word = _word(text, position)
    offered = [other for words in interchangeable(word, state.fields(WhatIfFields).swaps).values() for other in words]
    if question.proposer is not None:
        found = what_if.suggestions(text, question.proposer.request, (), position, 2 * _OFFERED)
        offered += [suggestion for suggestion, _ in found]
    offered = [other for other in dict.fromkeys(offered) if _fits(text, ((position, "replace", other),), more)]
    if not offered:
        st.caption(f"{label}: no suggestion keeps the number of tokens; type one.")
        return
    offered = offered[:_OFFERED]

    def choose(replacement: str) -> None:
        _use(question, ((position, "replace", replacement),), of)

    st.pills(
        label,
        offered,
        format_func=plain,
        wrap=True,
        **state.control(key, None, choose, options=offered, of=version_of(text, position)),
    )


# --- of the same length? ---------------------------------------------------------------------------------------


def _token_rows(question: Question, other: TextRequest) -> None:
    """Both texts token by token; clicking a word selects it for replacement in the second."""
    first, second = question.encoded, inputs.encode(other)
    differs = first.input_ids != second.input_ids
    rows = [
        Row(
            name,
            f"{name} text",
            meaning,
            [
                Cell(
                    shortened(piece, 24),
                    column,
                    column + 1,
                    tone=0.5 if differs[column] else None,
                    kind="special" if encoded.special_tokens_mask[column] else "text",
                )
                for column, piece in enumerate(encoded.pieces)
            ],
        )
        for name, encoded, meaning in (
            ("first", first, "its states are copied into the run of the second"),
            ("second", second, "this run is patched at one place after another"),
        )[: 1 if other == question.request else 2]
    ]
    _draw(question, rows, np.arange(len(first)), "Both texts token by token; coloured where they differ", other)


def _word_rows(question: Question, other: TextRequest, hint: LengthHint) -> None:
    """Both texts word by word, with the number of tokens per word."""
    alignment = hint.alignment
    first, second = _widths(hint)
    rows = []
    for name, labels, widths in (("first", alignment.first_labels, first), ("second", alignment.second_labels, second)):
        cells = [
            Cell(shortened(label, 24), row, row + 1, tone=0.6 if differs else None, note=f"{width} tokens")
            for row, (label, width, differs) in enumerate(zip(labels, widths, first != second, strict=True))
            if width
        ]
        rows.append(Row(name, f"{name} text", f"{widths.sum()} tokens including special tokens", cells))
    positions = np.where(first > 0, alignment.first_spans[:, 0], _NOT_THERE)
    _draw(question, rows, positions, "Both texts by word; coloured where they differ in length", other)


def _draw(question: Question, rows: list[Row], positions: np.ndarray, label: str, other: TextRequest) -> None:
    version = version_of(question.request, other)
    select = select_token("both_texts", version, positions, clicked_column, question.request, question.main)

    def clicked() -> None:
        column = clicked_column(state.event("both_texts"), version, len(positions))
        if column is None or positions[column] != _NOT_THERE:
            select()

    aligned_rows(
        rows,
        key="both_texts",
        label=label,
        columns=len(positions),
        selected=shown_index(positions, selected_in(question.opened, question.one)),
        version=version,
        on_select=clicked,
    )


def _widths(hint: LengthHint) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of each row of words in both texts."""
    return np.diff(hint.alignment.first_spans)[:, 0], np.diff(hint.alignment.second_spans)[:, 0]


def _lengths(hint: LengthHint) -> str:
    """Why the texts cannot be traced, naming at most three places."""
    first, second = len(hint.alignment.first), len(hint.alignment.second)
    named = [
        f"{_counted(row.first, row.first_tokens)} against {_counted(row.second, row.second_tokens)}"
        for row in hint.frame().head(_REPAIRED).itertuples()
    ]
    return (
        f"The first text has {first} tokens including special tokens, the second {second}; states are matched token by "
        f"token, so both need the same number. They differ at {'; '.join(named)}."
    )


def _counted(word: str, tokens: int) -> str:
    return f"“{word}” ({tokens} {'token' if tokens == 1 else 'tokens'})" if tokens else "nothing"


def _repairs(question: Question, other: TextRequest, hint: LengthHint) -> None:
    """Words of the right length where the texts differ, and the second text with only the changes that fit."""
    alignment, (first, second) = hint.alignment, _widths(hint)
    apart = np.flatnonzero((first != second) & (first > 0) & (second > 0)).tolist()
    for row in apart[:_REPAIRED]:
        _pills(
            question,
            f"Replace “{plain(alignment.second_labels[row])}” with",
            int(alignment.second_spans[row, 0]),
            key=f"repair_{row}",
            of=other,
            more=int(first[row] - second[row]),
        )
    fitting: list[Change] = [
        (int(alignment.first_spans[row, 0]), "replace", _word(other, int(alignment.second_spans[row, 0])))
        for row, kind in enumerate(alignment.kinds)
        if kind == "replaced" and first[row] == second[row]
    ]
    if fitting and _fits(question.request, tuple(fitting)):
        st.button(
            "Keep only the changes that fit",
            icon=":material/build:",
            key="repair_keep",
            help="The first text with those words of the second that have the same number of tokens.",
            on_click=_use,
            args=(question, tuple(fitting)),
        )
