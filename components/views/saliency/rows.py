"""One row per method: the coloured sentence, its bars, what the scores add up to, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from components import state
from components.gateway import code, inputs, saliency, verdicts
from components.gateway.library import gb
from components.gateway.requests import Opened, version_of
from components.gateway.saliency import Explanations
from components.shared import charts
from components.shared.plots import draw_chart
from components.shared.questions import Question, texts_told
from components.shared.receipts import draw_receipt, draw_verdicts
from components.shared.save_and_code import Kept, save_and_code
from components.shared.scores_view import how_it_adds_up, sum_line, warn_of_small_change
from components.shared.selection import select_token, selected_in, strip_tokens
from components.text import plain
from components.views.saliency.fields import SaliencyFields
from components.widgets.token_strip import Token, clicked_token, token_strip

__all__ = ["Shown", "draw_row", "draw_rows", "in_words", "kept_receipts", "kept_scores", "shown_units"]

_ORDERS = {"position": "Position", "score": "Score"}
_SCALES = {"own": "One per method", "common": "Shared: fraction of the total"}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The units on screen, tokens or words, with or without special ones: labels, and the tokens in each."""

    tokens: tuple[Token, ...]
    groups: tuple[np.ndarray, ...]  # token positions of each unit
    hidden: np.ndarray  # token positions not on screen

    def scores(self, values: np.ndarray) -> np.ndarray:
        """(token,) → (unit,): a word's score is the sum over its pieces."""
        return np.asarray([float(values[group].sum()) for group in self.groups])

    @property
    def firsts(self) -> np.ndarray:
        """The token that a click on a unit selects."""
        return np.asarray([int(group[0]) for group in self.groups])

    def of(self, position: int | None) -> int | None:
        """The unit that holds this token."""
        if position is None:
            return None
        return next((index for index, group in enumerate(self.groups) if position in group), None)


def shown_units(encoded: gb.Encoded, one: Opened, *, by_word: bool) -> Shown:
    """Tokens or whole words."""
    view = state.view()
    keep = np.ones(len(encoded), dtype=bool) if view.special else encoded.special_tokens_mask == 0
    tokens = strip_tokens(encoded, one.model, np.arange(len(encoded)))
    if not by_word:
        positions = np.flatnonzero(keep)
        groups = tuple(np.asarray([position]) for position in positions)
        return Shown(tuple(tokens[position] for position in positions), groups, np.flatnonzero(~keep))
    labels, group_of = inputs.words(encoded)
    groups = tuple(group for word in range(len(labels)) if keep[(group := np.flatnonzero(group_of == word))[0]])
    words = tuple(
        tokens[group[0]] if len(group) == 1 else Token(text=labels[group_of[group[0]]], note=f"{len(group)} pieces")
        for group in groups
    )
    return Shown(words, groups, np.flatnonzero(~keep))


def draw_rows(question: Question, explanations: Explanations, methods: list[str]) -> None:
    """The results so far, in the order of the methods."""
    here = [method for method in methods if method in explanations.scores]
    if not here:
        return
    first = explanations.scores[here[0]]
    unit = "logit" if first.output == "logit" else "probability"
    texts = texts_told(question.request) if question.kind == "class" else ""
    st.markdown(
        f"Evidence for **{plain(charts.readable(first.target_label))}**{texts}, {unit} "
        f"{plain(charts.signed(first.value))} · "
        f"{plain(question.one.name)}"
    )
    _looks()
    shown = shown_units(first.encoded, question.one, by_word=in_words())
    for method in here:
        draw_row(question, shown, explanations.scores[method], explanations.receipts.get(method), key=f"row_{method}")
    kept = [*kept_scores(question, explanations, here), *kept_receipts(question, explanations, here)]
    save_and_code("rows", question.one.name, kept)


def kept_scores(question: Question, explanations: Explanations, here: list[str]) -> list[Kept]:
    """The scores of these methods, for "Save & code"."""
    label = {method: saliency.methods()[method].label for method in here}
    if len(here) == 1:
        written = {here[0]: code.attribute(question.request, here[0], question.target, question.output)}
    else:
        each = code.attribute_each(question.request, here, question.target, question.output)
        written = {method: each[method] for method in here}
    drawn = {"special": state.view().special, "by_word": in_words()}
    return [
        replace(Kept.of(f"Scores, {label[method]}", written[method], explanations.scores[method]), picture=drawn)
        for method in here
    ]


def kept_receipts(question: Question, explanations: Explanations, here: list[str]) -> list[Kept]:
    """The same of their receipts."""
    found = [method for method in here if method in explanations.receipts]
    label = {method: saliency.methods()[method].label for method in found}
    scores = kept_scores(question, explanations, found)
    written = code.receipts(question.request.model, [one.code for one in scores])
    return [Kept.of(f"Receipt, {label[method]}", written[method], explanations.receipts[method]) for method in found]


def in_words() -> bool:
    """Whether the units are whole words: in the order of their scores, pieces would stand beside those of others."""
    return state.view().by_word or state.fields(SaliencyFields).order == "score"


def _looks() -> None:
    first, second, third = st.columns([0.3, 0.4, 0.3], vertical_alignment="bottom")
    first.segmented_control(
        "Order by",
        list(_ORDERS),
        format_func=_ORDERS.__getitem__,
        **state.bind("order", SaliencyFields, options=_ORDERS),
    )
    second.segmented_control(
        "Colour scale",
        list(_SCALES),
        format_func=_SCALES.__getitem__,
        **state.bind("scale", SaliencyFields, options=_SCALES),
    )
    third.toggle(
        "Merge pieces into words",
        disabled=state.fields(SaliencyFields).order == "score",
        help="Scores are ordered by word: a word's score is the sum over its pieces.",
        **state.bind("by_word", shown=in_words()),
    )


def draw_row(
    question: Question,
    shown: Shown,
    result: gb.TokenScores,
    receipt: gb.Receipt | None,
    *,
    key: str,
    title: str = "",
) -> None:
    """One explanation. Components are keyed ``key``, ``{key}_bars``."""
    from glassbert.pictures.bars import score_bars

    view, own, method = state.view(), state.fields(SaliencyFields), saliency.methods()[result.method]
    values = shown.scores(result.scores)
    order = np.argsort(-values, kind="stable") if own.order == "score" else np.arange(len(values))
    if own.scale == "common":
        values = values / max(float(np.abs(result.scores).sum()), 1e-12)
    full = _full_colour(own.scale, values, shown)
    units = [shown.tokens[index] for index in order]
    positions = shown.firsts[order]
    selected = shown.of(selected_in(question.opened, question.one))
    place = None if selected is None else int(np.flatnonzero(order == selected)[0])
    version = version_of(question.key, result.method, view.special, view.by_word, own.order)
    votes = view.verdict and not title and result.method in verdicts.voters()
    name = title or f"**{plain(saliency.told(method))}**{' :gray[· votes in the verdict]' if votes else ''}"
    bars = [index for index in order if shown.tokens[index].kind != "special"]
    with st.container(border=True, key=f"{key}_box"):
        st.markdown(name, help=_about(method))
        if receipt is not None:
            draw_verdicts(receipt)
        left, right = st.columns([0.62, 0.38], gap="medium")
        with left:
            token_strip(
                [_scored(unit, float(values[index])) for unit, index in zip(units, order, strict=True)],
                key=key,
                label=f"{method.label} of each {'word' if in_words() else 'token'}",
                selected=place,
                version=version,
                legend="against · for" if method.signed else "none · most",
                scale=full,
                signed=method.signed,
                on_select=select_token(key, version, positions, clicked_token, question.request, question.main),
            )
            warn_of_small_change(question, result)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(sum_line(result, state.view().special), width="content")
                how_it_adds_up(result, key=key)
        with right:
            draw_chart(
                score_bars(
                    [shown.tokens[index].text for index in bars],
                    [float(values[index]) for index in bars],
                    bars.index(selected) if selected in bars else None,
                    share=own.scale == "common",
                    most=full,
                ),
                key=f"{key}_bars",
            )
        if receipt is not None:
            draw_receipt(receipt, key=key)


def _scored(token: Token, score: float) -> Token:
    return Token(token.text, token.kind, score, token.joined, token.note)


def _full_colour(choice: str, values: np.ndarray, shown: Shown) -> float | None:
    """The score drawn in full colour: the strongest word's, or on the common scale at least 40% of the total.

    Special tokens do not count: [CLS], which a classifier reads from, would make the words look pale.
    """
    words = [index for index, token in enumerate(shown.tokens) if token.kind != "special"] or range(len(values))
    most = float(np.abs(values[list(words)]).max(initial=0.0))
    return max(0.4, most) if choice == "common" else most or None


def _about(method: gb.Method) -> str:
    signed = "Signed: blue is evidence against." if method.signed else "Never negative: strength, not direction."
    return f"A score measures {plain(method.meaning)}. {signed} {plain(method.paper)}."
