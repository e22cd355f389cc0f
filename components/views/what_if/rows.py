"""A changed text in a row: the changes, the model's prediction, and the change in probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from components.gateway import inputs, what_if
from components.gateway.requests import TextRequest
from components.gateway.what_if import Change
from components.shared.charts import percent, readable
from components.text import plain

__all__ = ["Action", "Outcome", "draw_row", "marked"]

# Of a long unchanged passage, this much is shown on either side of a change.
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model predicts for a changed text and for the original; ``probability`` is that of ``target``.

    ``score``: the model is a regression, and its raw scores stand in the place of probabilities.
    """

    target: str
    prediction: str
    probability: float
    prediction_before: str
    probability_before: float
    score: bool = False

    @property
    def told(self) -> str:
        """The prediction and the target's probability, as Markdown."""
        if self.score:
            return f"**{plain(readable(self.target))}** {plain(f'{self.probability:.4g}')}"
        decided, share = plain(readable(self.prediction)), plain(percent(self.probability))
        name = f":orange-badge[{decided}]" if self.prediction != self.prediction_before else f"**{decided}**"
        same = self.prediction == self.target
        return f"{name} &nbsp; {share}" if same else f"{name} &nbsp; {plain(readable(self.target))} {share}"


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A button under a row; ``id`` makes its key."""

    id: str
    label: str
    run: Callable[[], None]
    help: str = ""
    active: bool = False


def marked(request: TextRequest, changes: tuple[Change, ...]) -> str:
    """The text with its changes, as Markdown: deletions struck out, insertions highlighted; text B after a slash."""
    after = what_if.edited(request, changes)
    news, shown = (after.text, after.pair or ""), []
    for number, text in enumerate(inputs.encode(request).texts):
        parts, end = [], 0
        for place in what_if.places(request, changes):
            if not place.changed or place.text != number:
                continue
            parts.append(_stretch(text[end : place.start], first=end == 0))
            parts.append(f":gray[~~{plain(text[place.start : place.end])}~~]")
            if place.new_end > place.new_start:
                parts.append(f" :orange-background[**{plain(news[number][place.new_start : place.new_end])}**]")
            end = place.end
        parts.append(_stretch(text[end:], first=end == 0, last=True))
        shown.append("".join(parts))
    return " **/** ".join(shown)


def _stretch(text: str, *, first: bool, last: bool = False) -> str:
    """Unchanged words; of many only those next to a change, or the beginning if nothing changed."""
    if len(text) <= 2 * _AROUND:
        return plain(text)
    head = text[:_AROUND].rpartition(" ")[0] if last or not first else ""
    tail = "" if last else text[-_AROUND:].partition(" ")[2]
    return plain(f"{head} … {tail}")


def draw_row(
    title: str, text: str, outcome: Outcome | None, actions: Sequence[Action], *, key: str, note: str = ""
) -> None:
    """One text. ``title``, ``text``, ``note`` are Markdown; ``outcome`` None: this question cannot be asked of it."""
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
                st.caption("The gap being predicted was changed here, so this question has no answer.")
            else:
                _outcome(outcome, note)


def _outcome(outcome: Outcome, note: str) -> None:
    change = outcome.probability - outcome.probability_before
    parts = [outcome.told]
    if change:
        parts.append(plain(f"{change:+.3g}") if outcome.score else _points(change))
    if note:
        parts.append(f":gray[{note}]")
    st.markdown(" &nbsp; ".join(parts))
    if outcome.score:
        return  # a score has no scale on which a bar could be long or short
    # numbers only: no user text reaches this markup
    side, width = "up" if change > 0 else "down", 50 * min(abs(change), 1.0)
    st.html(f'<div class="what-if-bar"><span class="{side}" style="width:{width:.2f}%"></span></div>')


def _points(change: float) -> str:
    """A difference of probabilities, in percentage points: "−12.3 points"."""
    size = abs(100 * change)
    shown = f"{size:.1f}" if size >= 0.1 else f"{size:.1g}"
    return plain(f"{'+' if change > 0 else '−'}{shown} points")
