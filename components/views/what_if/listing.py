"""The list of variants, and two of them side by side."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import language, what_if
from components.gateway.language import score_words, whole_words
from components.gateway.opened import Role
from components.gateway.requests import TextRequest, version_of
from components.gateway.what_if import Change
from components.shared import charts
from components.shared.questions import Question
from components.shell.navigation import PAGES
from components.text import plain
from components.views.what_if.rows import Action, Outcome, draw_row, marked
from components.views.what_if.tries import ORIGINAL, Tries

if TYPE_CHECKING:
    from glassbert.whatif.results import Variants

__all__ = ["draw_variants", "open_text", "outcomes"]

_MOST_CLASSES, _CANDIDATES, _FETCHED = 6, 5, 50


def draw_variants(asked: Question, tries: Tries) -> None:
    """Cost: one pass for each variant that is new to this question, in one batch."""
    found = _evaluated(asked, tries)
    itself = found[tries.changes[ORIGINAL]]
    st.markdown(
        f"**Variants** · the prediction of {plain(asked.one.name)}, the probability of "
        f"**{plain(charts.readable(itself.target))}**, and its change"
    )
    for number, changes in tries.changes.items():
        draw_row(
            "Original" if number == ORIGINAL else f"{number}",
            marked(asked.request, changes),
            found.get(changes),
            _actions(asked, tries, number),
            key=f"variant_{number}",
        )
    if len(tries.changes) > 1:
        st.button("Remove all variants", icon=":material/delete_sweep:", on_click=tries.clear, key="variants_clear")
        _side_by_side(asked, tries, found)
    _how(tries, found)


def _evaluated(asked: Question, tries: Tries) -> dict[tuple[Change, ...], Outcome]:
    """The outcomes of the variants; those that are new to this question are run in one batch."""
    found: dict[tuple[Change, ...], Outcome] = tries.outcomes.setdefault(
        version_of(asked.request.model, asked.target), {}
    )
    new = [one for one in tries.changes.values() if one and one not in found and _can_be_asked(asked, one)]
    if new or () not in found:
        result = what_if.variants(asked.request, asked.target, tuple(new) or ((),))
        itself = (result.prediction, result.probability)
        found[()] = Outcome(result.target_label, *itself, *itself)
        found.update(zip(new, outcomes(result), strict=False))
        tries.cost = f"{result.forward_passes} passes in one batch, {result.seconds:.2f} s."
    return found


def outcomes(result: Variants) -> list[Outcome]:
    """For each variant, next to the outcome of the original text."""
    return [
        Outcome(result.target_label, prediction, float(probability), result.prediction, result.probability)
        for prediction, probability in zip(result.predictions, result.probabilities, strict=True)
    ]


def open_text(asked: Question, changes: tuple[Change, ...]) -> None:
    """Make the changed text the text of the whole app."""
    after = what_if.edited(asked.request, changes)
    state.change(text=after.text, pair=after.pair or "")
    state.redraw_page()


def _can_be_asked(asked: Question, changes: tuple[Change, ...]) -> bool:
    return asked.gap is None or all(position != asked.gap for position, _, _ in changes)


def _actions(asked: Question, tries: Tries, number: int) -> list[Action]:
    pins = [
        Action(
            f"pin_{pin}",
            f"Pinned as {pin}" if tries.pins.get(pin) == number else f"Pin as {pin}",
            partial(tries.pin, pin, number),
            f"Show it as {pin} in the comparison below",
            tries.pins.get(pin) == number,
        )
        for pin in ("A", "B")
    ]
    if number == ORIGINAL:
        return pins if len(tries.changes) > 1 else []
    return [
        Action("go_on", "Edit further", lambda: setattr(tries, "draft", number), "Change another word of it"),
        Action("undo", "Undo", lambda: tries.undo(number), "Undo its last change"),
        Action("open", "Open", lambda: open_text(asked, tries.changes[number]), "Use it as the text of all pages"),
        *pins,
        Action("remove", "Remove", lambda: tries.remove(number)),
    ]


# --- two of them -----------------------------------------------------------------------------------------------


def _side_by_side(asked: Question, tries: Tries, found: dict[tuple[Change, ...], Outcome]) -> None:
    from glassbert.pictures.bars import paired_bars

    pinned = {pin: number for pin, number in tries.pins.items() if tries.changes[number] in found}
    if len(pinned) < 2 or pinned["A"] == pinned["B"]:
        st.caption("Pin two different texts as A and B to see them side by side.")
        return
    st.markdown("**A and B side by side**")
    changes = {pin: tries.changes[pinned[pin]] for pin in ("A", "B")}
    left, right = st.columns([0.45, 0.55], gap="large")
    with left:
        for pin in ("A", "B"):
            st.markdown(f"**{pin}** &nbsp; {marked(asked.request, changes[pin])}  \n{found[changes[pin]].told}")
        if "compare" in PAGES:
            _link(asked.one.role, *(what_if.edited(asked.request, changes[pin]) for pin in ("A", "B")))
    with right:
        names, first, second = _distributions(asked, changes["A"], changes["B"])
        figure = paired_bars(names, first, second, sides=("A", "B"))
        st.plotly_chart(figure, key="pinned", config=charts.CONFIG, width="stretch")


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
    asked: Question, first: tuple[Change, ...], second: tuple[Change, ...]
) -> tuple[list[str], list[float], list[float]]:
    """Both predictions: every answer that either finds likely, with its probability in A and in B."""
    texts = [what_if.edited(asked.request, changes) for changes in (first, second)]
    if asked.kind == "class":
        one, other = (language.classify(text) for text in texts)
        likeliest = (one.probabilities + other.probabilities).argsort()[::-1][:_MOST_CLASSES]
        names = [one.labels[index] for index in likeliest]
        return names, one.probabilities[likeliest].tolist(), other.probabilities[likeliest].tolist()
    if asked.kind == "next":
        one, other = (language.next_sentence(text).probabilities.tolist() for text in texts)
        return ["B follows A", "B is from elsewhere"], one, other
    assert asked.gap is not None  # of the three kinds of question here, this is a masked word
    gaps = [what_if.token_now(asked.request, changes, asked.gap) for changes in (first, second)]
    words: list[str] = []
    for text, gap in zip(texts, gaps, strict=True):
        prediction = language.fill_mask(text, (gap,), _FETCHED)
        likely = whole_words(prediction, 0)[:_CANDIDATES]
        words += [charts.readable(prediction.candidates[0][index]) for index in likely]
    asked_words = tuple(dict.fromkeys(words))
    one, other = (
        score_words(text, gap, asked_words).probabilities.tolist() for text, gap in zip(texts, gaps, strict=True)
    )
    return list(asked_words), one, other


def _how(tries: Tries, found: dict[tuple[Change, ...], Outcome]) -> None:
    with st.expander("How this is computed"):
        st.markdown(
            r"""
Every variant $x'$ is tokenized again, as if it had been typed, and sent through the network in one batch with the
others. The row shows the probability of the target and its difference from the original text, a counterfactual in the
sense of Wachter et al. (2018): what would the model have predicted if the word had been different?

$$\Delta = p(y \mid x') - p(y \mid x)$$
"""
        )
        shown = [found[changes] for changes in tries.changes.values() if changes and changes in found]
        if shown:
            first, changed = shown[0].probability_before, shown[0].probability
            st.latex(rf"\Delta = {changed:.4f} - {first:.4f} = {changed - first:+.4f}")
        st.caption(
            f"{plain(tries.cost)} *A change that matters to the model need not matter to the meaning, and vice versa.*"
        )
