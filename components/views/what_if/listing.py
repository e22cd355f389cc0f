"""The list of variants, a row each: its changes, the prediction, and the change in probability; two side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from components import state
from components.gateway import code, language, what_if
from components.gateway.inputs import encode
from components.gateway.language import score_words, whole_words
from components.gateway.requests import Role, TextRequest
from components.gateway.what_if import Change
from components.shared import charts
from components.shared.changed_words import marked
from components.shared.definitions import how_computed
from components.shared.plain_view import cost_ahead
from components.shared.plots import draw_chart
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.shell.navigation import PAGES
from components.text import plain
from components.views.what_if.variant_list import ORIGINAL, Outcome, VariantList

__all__ = ["Action", "draw_refusal", "draw_row", "draw_variants", "open_text"]

_MOST_CLASSES, _CANDIDATES, _FETCHED = 6, 5, 50
_NO_ANSWER = "The gap being predicted was changed here, so this question has no answer."
_BAR = "Change of the probability: none in the middle, 100 points at either end"


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A button under a row; ``id`` makes its key."""

    id: str
    label: str
    run: Callable[[], None]
    help: str = ""
    active: bool = False


def draw_variants(question: Question, variants: VariantList, found: dict[tuple[Change, ...], Outcome]) -> None:
    """A row for each variant, with its outcome in ``found``, and the two that are pinned side by side.

    Cost: one pass for each pinned text that is new; a masked word takes a few more.
    """
    itself = found[variants.changes[ORIGINAL]]
    unit = "score" if itself.score else "probability"
    st.markdown(
        f"**Variants** · the prediction of {plain(question.one.name)}, the {unit} of "
        f"**{plain(charts.readable(itself.target))}**, and its change"
    )
    for number, changes in variants.changes.items():
        draw_row(
            "Original" if number == ORIGINAL else f"{number}",
            marked(question.request, changes),
            found.get(changes),
            _actions(question, variants, number),
            key=f"variant_{number}",
            absent="Not computed yet." if changes in variants.pending else _NO_ANSWER,
        )
    if variants.pending:
        st.button(
            f"Compute the other {len(variants.pending)} variants",
            icon=":material/play_arrow:",
            key="variants_ask",
            on_click=variants.ask,
        )
        length = len(question.encoded)
        st.caption(cost_ahead(f"{len(variants.pending)} passes.", question.one.model, len(variants.pending), length))
    if len(variants.changes) > 1:
        st.button("Remove all variants", icon=":material/delete_sweep:", on_click=variants.clear, key="variants_clear")
        _side_by_side(question, variants, found)
    _how(variants, found)
    changed = tuple(changes for changes in variants.changes.values() if changes and changes in found) or ((),)
    request, target = question.request, question.target
    kept = Kept(
        "Variants",
        code.variants(request, target, changed),
        lambda: what_if.variants(request, target, changed),
        kind="Variants",
    )
    save_and_code("variants", question.one.name, [kept])


def draw_refusal(variants: VariantList) -> None:
    """Why the last change was not added, if it was not."""
    if variants.refusal:
        st.warning(plain(f"Not changed: {variants.refusal}."), icon=":material/info:")


def open_text(question: Question, changes: tuple[Change, ...]) -> None:
    """Make the changed text the text of the whole app."""
    after = what_if.edited(question.request, changes)
    state.change(text=after.text, pair=after.pair or "")
    state.redraw_page()


def _actions(question: Question, variants: VariantList, number: int) -> list[Action]:
    pins = [
        Action(
            f"pin_{pin}",
            f"Pinned as {pin}" if variants.pins.get(pin) == number else f"Pin as {pin}",
            partial(variants.pin, pin, number),
            f"Show it as {pin} in the comparison below",
            variants.pins.get(pin) == number,
        )
        for pin in ("A", "B")
    ]
    if number == ORIGINAL:
        return pins if len(variants.changes) > 1 else []
    return [
        Action("go_on", "Edit further", partial(variants.edit_further, number), "Change another word of it"),
        Action("undo", "Undo", partial(variants.undo, number), "Undo its last change"),
        Action(
            "open", "Open", partial(open_text, question, variants.changes[number]), "Use it as the text of all pages"
        ),
        *pins,
        Action("remove", "Remove", partial(variants.remove, number)),
    ]


# --- a row -----------------------------------------------------------------------------------------------------


def draw_row(
    title: str,
    text: str,
    outcome: Outcome | None,
    actions: Sequence[Action],
    *,
    key: str,
    note: str = "",
    absent: str = _NO_ANSWER,
) -> None:
    """One text. ``title``, ``text``, ``note`` are Markdown; ``outcome`` None: there is none, as ``absent`` says."""
    with st.container(border=True, key=key):
        left, right = st.columns([0.64, 0.36], gap="medium")
        with left:
            st.markdown(f"**{title}** &nbsp; {text}")
            if actions:
                with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
                    for action in actions:
                        st.button(
                            action.label,
                            key=f"{key}_{action.id}",
                            type="tertiary",
                            icon=":material/check:" if action.active else None,
                            help=action.help or None,
                            on_click=action.run,
                        )
        with right:
            if outcome is None:
                st.caption(absent)
            else:
                _outcome(outcome, note)


def _outcome(outcome: Outcome, note: str) -> None:
    change = outcome.probability - outcome.probability_before
    parts = [outcome.told]
    if change:
        moved = charts.points(outcome.probability_before, outcome.probability)
        parts.append(plain(charts.signed(change) if outcome.score else moved))
    if note:
        parts.append(f":gray[{note}]")
    st.markdown(" &nbsp; ".join(parts))
    if outcome.score or not change:
        return  # a score has no scale on which a bar could be long or short
    # numbers only: no user text reaches this markup
    side, width = "up" if change > 0 else "down", 50 * min(abs(change), 1.0)
    st.html(f'<div class="what-if-bar" title="{_BAR}"><span class="{side}" style="width:{width:.2f}%"></span></div>')


# --- two of them -----------------------------------------------------------------------------------------------


def _side_by_side(question: Question, variants: VariantList, found: dict[tuple[Change, ...], Outcome]) -> None:
    from glassbert.pictures.bars import paired_bars, paired_scores

    pinned = {pin: number for pin, number in variants.pins.items() if variants.changes[number] in found}
    if len(pinned) < 2 or pinned["A"] == pinned["B"]:
        st.caption("Pin two different texts as A and B to see them side by side.")
        return
    st.markdown("**A and B side by side**")
    changes = {pin: variants.changes[pinned[pin]] for pin in ("A", "B")}
    left, right = st.columns([0.45, 0.55], gap="large")
    with left:
        for pin in ("A", "B"):
            st.markdown(f"**{pin}** &nbsp; {marked(question.request, changes[pin])}  \n{found[changes[pin]].told}")
        if "compare" in PAGES:
            _link(question.one.role, *(what_if.edited(question.request, changes[pin]) for pin in ("A", "B")))
    with right:
        names, first, second = _distributions(question, found, changes["A"], changes["B"])
        if question.kind == "class" and question.one.model.regression:
            figure = paired_scores(names, first, second, None, 1.0)
        else:
            figure = paired_bars(names, first, second, sides=("A", "B"))
        draw_chart(figure, key="pinned")


def _link(role: Role, first: TextRequest, second: TextRequest) -> None:
    page = PAGES["compare"]
    view = replace(
        state.view(),
        token=-1,
        shown_model=role,
        text=first.text,
        pair=first.pair or "",
        other_text=second.text,
        other_pair=second.pair or "",
    )
    st.page_link(
        page.file,
        label="Compare A and B in depth",
        icon=page.icon,
        query_params=state.link(page.id, view, sides="texts"),
    )


def _distributions(
    question: Question,
    found: dict[tuple[Change, ...], Outcome],
    first: tuple[Change, ...],
    second: tuple[Change, ...],
) -> tuple[list[str], list[float], list[float]]:
    """Both predictions: every answer that either finds likely, with its probability in A and in B."""
    texts = [what_if.edited(question.request, changes) for changes in (first, second)]
    if question.kind == "class":
        one, other = (language.classify(text) for text in texts)
        if one.regression:
            return list(one.labels), one.logits.tolist(), other.logits.tolist()
        likeliest = (one.probabilities + other.probabilities).argsort()[::-1][:_MOST_CLASSES]
        names = [one.labels[index] for index in likeliest]
        return names, one.probabilities[likeliest].tolist(), other.probabilities[likeliest].tolist()
    if question.kind == "next":
        before, after = (language.next_sentence(text) for text in texts)
        answers = [before.predicted, 1 - before.predicted]
        names = [("B follows A", "B does not follow A")[answer] for answer in answers]
        return names, before.probabilities[answers].tolist(), after.probabilities[answers].tolist()
    if question.gap is None:  # an entity or an answer: what is asked for, in both texts
        name = charts.readable(found[first].target)
        return [name], [found[first].probability], [found[second].probability]
    gaps = [
        what_if.edit_text(question.request, changes).word(question.gap).token_in(encode(text))
        for changes, text in zip((first, second), texts, strict=True)
    ]
    words: list[str] = []
    for text, gap in zip(texts, gaps, strict=True):
        prediction = language.fill_mask(text, (gap,), _FETCHED)
        likely = whole_words(text.model, prediction, 0)[:_CANDIDATES]
        spelling = prediction.encoded.spelling
        words += [charts.readable(prediction.candidates[0][index], spelling).removeprefix("␣") for index in likely]
    asked_words = tuple(dict.fromkeys(words))
    one, other = (
        score_words(text, gap, asked_words).probabilities.tolist() for text, gap in zip(texts, gaps, strict=True)
    )
    return list(asked_words), one, other


def _how(variants: VariantList, found: dict[tuple[Change, ...], Outcome]) -> None:
    with how_computed("What if"):
        st.markdown(
            r"""
Every variant $x'$ is tokenized again, as if it had been typed, and sent through the network in one batch with the
others. The row shows the probability of the target (of a regression, its score) and its difference from the original
text, a counterfactual in the sense of Wachter et al. (2018): what would the model have predicted if the word had been
different?

$$\Delta = p(y \mid x') - p(y \mid x)$$
"""
        )
        shown = [found[changes] for changes in variants.changes.values() if changes and changes in found]
        if shown:
            first, changed = shown[0].probability_before, shown[0].probability
            st.latex(rf"\Delta = {changed:.4f} - {first:.4f} = {changed - first:+.4f}")
        st.caption(
            f"{plain(variants.cost)} "
            "*A change that matters to the model need not matter to the meaning, and vice versa.*"
        )
