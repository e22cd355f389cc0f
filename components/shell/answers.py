"""What the open models answer about the text, as badges in the text bar. Cost: one forward pass per answer, shared with
the pages that show more of it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import inputs, language, verdicts
from components.gateway.requests import Opened
from components.shared import charts
from components.text import plain, shortened

if TYPE_CHECKING:
    import numpy as np

__all__ = ["draw_answers"]

_MOST_NAMES = 4


def draw_answers(opened: Sequence[Opened]) -> None:
    """One badge per trained head that decides something about a whole text, and the threshold of a decision."""
    badges = [badge for one in opened for badge in _answers(one)]
    if badges:
        st.html(f'<div class="gb-answers" role="status" aria-label="What the models answer">{"".join(badges)}</div>')
    _threshold(opened)


def _answers(one: Opened) -> Iterator[str]:
    view, heads = state.view(), one.model.task_heads
    request = one.text(view)
    texts = " (A and B)" if request.pair else ""  # "B follows A" says so itself
    if "classification" in heads:
        classes = language.classify(request)
        if classes.regression:
            told = ", ".join(f"{logit:.4g}" for logit in classes.logits[:3])
            yield _badge(str(classes.labels[0]) if len(classes.labels) == 1 else "scores", f"{told}{texts}", one)
        elif classes.multi_label:
            found = [
                (name, share) for name, share in zip(classes.labels, classes.probabilities, strict=True) if share >= 0.5
            ]
            yield _badge(
                ", ".join(name for name, _ in found) or "no label", f"{len(found)} of {len(classes.labels)}{texts}", one
            )
        else:
            answer = classes.decided(view.threshold)
            needed = None
            if classes.is_between_two and view.threshold != 0.5:
                needed = view.threshold if answer == 1 else 1 - view.threshold
            sure = _sure(classes.probabilities, answer, needed)
            if answer != classes.predicted:  # say why it is not the more probable one
                second = classes.labels[1]
                sure += f" ({second if answer != 1 else 'it'} needs {view.decide_at}%)"
            yield _badge(str(classes.labels[answer]), f"{sure}{texts}", one)
    if "next_sentence" in heads and view.pair:
        pair = language.next_sentence(request)
        yield _badge(pair.answer, _sure(pair.probabilities, pair.predicted), one)
    if "token_classification" in heads:
        named = language.entities(request)
        names = [f"{shortened(words, 30)} {name}" for words, name in zip(named.surfaces, named.names, strict=True)]
        count = f"{len(names)} {'entity' if len(names) == 1 else 'entities'}"
        yield _badge(", ".join(names[:_MOST_NAMES]) or "no entity", count if names else "", one)
    if "question_answering" in heads and view.pair:
        best = language.answer(request, 8)  # as many as the pages list
        share = charts.percent(float(best.span_probabilities[0]))
        yield _badge(shortened(best.answers[0], 60) or "no answer", share, one)
    if "replaced_tokens" in heads:
        replaced = language.replaced_tokens(request)
        worst = replaced.most_suspicious
        share = charts.percent(float(replaced.probabilities[worst]))
        if replaced.predicted[worst]:
            yield _badge(f"“{replaced.encoded.pieces[worst]}” looks replaced", share, one)
        else:
            yield _badge("no token looks replaced", f"at most {share}", one)
    gaps = [token for token in inputs.encode(request).tokens if token == one.model.mask_token]
    if "masked_words" in heads and gaps:
        position = inputs.encode(request).tokens.index(one.model.mask_token)
        guess = language.fill_mask(request, (position,), 8)  # as many as the Workbench shows
        word = charts.readable(guess.candidates[0][0], guess.encoded.spelling)
        yield _badge(f"{one.model.mask_token} = {word}", _sure(guess.probabilities[0], 0), one)


def _threshold(opened: Sequence[Opened]) -> None:
    """The probability from which a classifier of two classes says the second: half, unless one error is worse than the
    other."""
    view = state.view()
    for one in opened:
        if "classification" not in one.model.task_heads:
            continue
        classes = language.classify(one.text(view))
        if classes.is_between_two:
            first, second = map(plain, classes.labels)
            with st.popover(f"Threshold {view.decide_at}%", key="threshold", type="tertiary"):
                st.slider(
                    f"Predict {second} above (%)",
                    1,
                    99,
                    help=f"Below it, the answer is {first}, however the probabilities compare. Choose a high value if "
                    f"a wrong {second} is worse than a wrong {first}.",
                    **state.bind("decide_at"),
                )
            return


def _sure(probabilities: Sequence[float] | np.ndarray, answer: int, needed: float | None = None) -> str:
    """``56.9%, undecided``: with the word that a verdict has for a close answer."""
    share = float(probabilities[answer])
    others = [float(other) for index, other in enumerate(probabilities) if index != answer]
    close = bool(others) and verdicts.is_undecided(share, max(others), needed)
    return f"{charts.percent(share)}{', undecided' if close else ''}"


def _badge(answer: str, how_sure: str, one: Opened) -> str:
    limits = verdicts.about_probabilities(one.model)
    about = f"{one.name}. {limits}" if limits else one.name
    where = "" if one.part is None else f"Window {one.part.number + 1}: "
    return (
        f'<span class="gb-answer" title="{html.escape(about)}">{where}<b>{html.escape(answer)}</b> '
        f"{html.escape(how_sure)}</span>"
    )
