"""Texts with changed words: how they are written, and a search for the smallest change of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, models, what_if
from components.gateway.requests import ModelRequest, TextRequest, version_of
from components.gateway.what_if import Change
from components.shared import charts
from components.shared.jobs import run_job
from components.shared.plain_view import cost_ahead
from components.shared.questions import Question
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain

if TYPE_CHECKING:
    from glassbert.whatif.results import FlipSearch

__all__ = ["draw_changes", "marked", "search_for_changes"]

# Of a long unchanged passage, this much is shown on either side of a change.
_AROUND = 60
#: The model on board that proposes words where no open one can.
_PROPOSER = "pretrained"
_BUDGET, _SHOWN = 300, 4
_OPTIONS = {"max_edits": 2, "budget": _BUDGET}


def marked(request: TextRequest, changes: tuple[Change, ...]) -> str:
    """The text with its changes, as Markdown: deletions struck out, insertions highlighted; text B after a slash."""
    edited, shown = what_if.edit_text(request, changes), []
    for number, text in enumerate(edited.original.texts):
        parts, end = [], 0
        for word in edited.words:
            if not word.changed or word.text != number:
                continue
            parts.append(_stretch(text[end : word.start], first=end == 0))
            parts.append(f":gray[~~{plain(word.old)}~~]")
            if word.new:
                parts.append(f" :violet-background[**{plain(word.new)}**]")
            end = word.end
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


def search_for_changes(question: Question, *, key: str, label: str) -> FlipSearch | None:
    """The smallest changes that flip the prediction, searched on request: at most `_BUDGET` passes."""
    proposer = _proposer(question)
    return run_job(
        key,
        version_of(question.request, question.target, proposer),
        lambda: what_if.flip_search(question.request, question.target, proposer, **_OPTIONS),
        label=label,
        cost=cost_ahead(
            f"At most {_BUDGET:,} passes on a text of this length.",
            question.one.model,
            _BUDGET,
            len(question.encoded),
            may_end_early=True,
        ),
        narrow=True,
    )


def draw_changes(question: Question, found: FlipSearch, *, kept: str, key: str) -> None:
    """The first changes of a search, a line each; ``kept`` says what the prediction stays where none was found."""
    flips = found.flips
    if not flips.texts:
        st.markdown(f"None of {found.tried:,} changes of other words does: {plain(kept)}.")
    for edits, answer, share in list(zip(flips.edits, flips.predictions, flips.probabilities.tolist(), strict=True))[
        :_SHOWN
    ]:
        now = (
            f"now **{plain(charts.readable(answer))}**, {plain(charts.readable(flips.target_label))} {_percent(share)}"
        )
        st.markdown(f"- {marked(question.request, edits)}  \n  :gray[{now}]")
    if found.found > _SHOWN:
        st.caption(f"The {_SHOWN} smallest of {found.found} that were found among {found.tried:,} changes.")
    written = code.find_flip(question.request, question.target, _proposer(question), **_OPTIONS)
    kept_search = Kept.of("Smallest change", written, found)
    save_and_code(key, question.one.name, [kept_search], [kept_search.code.flips.frame()])


def _percent(share: float) -> str:
    """A probability, escaped."""
    return plain(charts.percent(share))


def _proposer(question: Question) -> ModelRequest | None:
    """Who suggests words: the model itself if it can, else an open one, else the one on board."""
    if "masked_words" in question.one.model.task_heads:
        return None
    if question.proposer is not None:
        return question.proposer.request
    return models.request_of(_PROPOSER, state.view().device)
