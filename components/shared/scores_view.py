"""One attribution on screen: coloured tokens, bars, and what the scores add up to."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import saliency, verdicts
from components.gateway.library import gb
from components.gateway.models import duration, is_quick
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.jobs import run_at_once_if_quick
from components.shared.questions import Question
from components.shared.selection import (
    second_in,
    select_token,
    selected_in,
    shown_index,
    shown_positions,
    strip_tokens,
)
from components.text import passes, plain
from components.widgets.token_strip import clicked_second, clicked_token, token_strip

__all__ = ["arithmetic", "draw_scores", "scores_of", "warn_of_small_change"]


def scores_of(question: Question, method: gb.Method, *, key: str) -> gb.TokenScores | None:
    """The scores of this method; None until the user asks for them, where they take more than a moment."""
    tokens = len(question.encoded)
    count = saliency.passes_of(method, tokens)
    return run_at_once_if_quick(
        f"{key}_scores",
        version_of(question.key, method.id),
        is_quick(question.one.model, count, tokens),
        lambda: saliency.attribute(question.request, method.id, question.target),
        lambda: saliency.long_attribution(question.request, method.id, question.target),
        label="Compute the scores",
        cost=f"Takes {duration(question.one.model, count, tokens)}. Other methods are faster.",
        narrow=True,
    )


def draw_scores(question: Question, result: gb.TokenScores, method: gb.Method, *, key: str) -> None:
    """The strip, the bars and a caption. Components are keyed ``key`` and ``{key}_bars``."""
    view = state.view()
    one, request = question.one, question.request
    positions = shown_positions(result.encoded, view.special)
    words = [position for position in positions.tolist() if not result.encoded.special_tokens_mask[position]]
    selected = selected_in(question.opened, one)
    version = version_of(request, view.special)
    st.markdown(f"Evidence for **{plain(charts.readable(result.target_label))}** · {plain(one.name)}")
    token_strip(
        strip_tokens(result.encoded, one.model, positions, result.scores),
        key=key,
        label=f"{method.label} of each token",
        selected=shown_index(positions, selected),
        version=version,
        legend="against · for" if method.signed else "none · most",
        scale=float(abs(result.scores[words]).max(initial=0.0)) or None,
        signed=method.signed,
        pairs=True,
        second=shown_index(positions, second_in(question.opened, one)),
        on_select=select_token(key, version, positions, clicked_token, request, question.main, clicked_second),
    )
    st.plotly_chart(charts.scores(result, words, selected), key=f"{key}_bars", config=charts.CONFIG, width="stretch")
    warn_of_small_change(question, result)
    st.caption(_summary(result, method, view.special))


def warn_of_small_change(question: Question, result: gb.TokenScores) -> None:
    """Say where the colours are drawn that they explain next to nothing: the empty text has nearly the same value."""
    if result.baseline is None or result.baseline_value is None:
        return
    gap = verdicts.baseline_gap(question.request, result.target, result.output, str(result.baseline))
    if gap.verdict == "fails":
        told = gap.sentence[0].upper() + gap.sentence[1:]
        st.warning(
            plain(f"{told}. Do not read these colours as reasons; try a method without a baseline, such as Saliency."),
            icon=":material/warning:",
        )


def _summary(result: gb.TokenScores, method: gb.Method, special: bool) -> str:
    parts = [f"{plain(method.label)}: {plain(method.meaning)}."]
    parts.append(arithmetic(result))
    is_special = result.encoded.special_tokens_mask.astype(bool)
    total = abs(result.scores).sum()
    share = abs(result.scores[is_special]).sum() / total if total else 0.0
    where = "Special tokens, which have no bars," if special else "Hidden special tokens"
    parts.append(f"{where} account for {share:.0%} of the total magnitude.")
    parts.append(f"{passes(result.forward_passes)}, {plain(f'{result.seconds:.2f}')} s.")
    parts.append("*Another method may rank the words differently: this is one view, not the reason.*")
    return " ".join(parts)


def arithmetic(result: gb.TokenScores) -> str:
    """What the scores add up to, if anything, and where the rest of F(text) went, if known."""
    unit = "logits" if result.output == "logit" else "probability"
    total, value = plain(f"{result.scores.sum():+.2f}"), plain(f"{result.value:+.2f}")
    if result.delta is not None and result.baseline_value is not None:
        # without a baseline input the scores sum to F(text) itself
        name = plain(str(result.baseline).upper())
        baseline = f" − F([{name}]) {plain(f'{result.baseline_value:+.2f}')}" if result.baseline else ""
        return f"Sum {total} = F(text) {value}{baseline} {unit}, off by {plain(f'{result.relative_delta:.1%}')}."
    if left := result.options.get("unattributed"):
        rest = ", ".join(f"{plain(account)} {plain(f'{share:+.2f}')}" for account, share in left.items())
        return f"Sum {total} of F(text) {value} {unit}; the rest went to {rest}."
    return "The scores need not add up to anything."
