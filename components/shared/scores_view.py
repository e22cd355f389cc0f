"""One attribution on screen: coloured tokens, bars, and what the scores add up to."""

from __future__ import annotations

import streamlit as st

from components import state
from components.gateway import code, saliency, verdicts
from components.gateway.library import gb
from components.gateway.models import duration, is_quick
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.jobs import run_at_once_if_quick
from components.shared.plain_view import for_experts
from components.shared.plots import draw_chart
from components.shared.questions import Question, texts_told
from components.shared.save_and_code import Kept
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

__all__ = [
    "arithmetic",
    "draw_scores",
    "how_it_adds_up",
    "kept_scores",
    "scores_of",
    "sum_line",
    "warn_of_small_change",
]


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


def draw_scores(
    question: Question, result: gb.TokenScores, method: gb.Method, *, key: str, linked: bool = True
) -> None:
    """The strip, the bars and a caption. Components are keyed ``key`` and ``{key}_bars``.

    ``linked``: whether the text is the page's, whose tokens can be selected.
    """
    view = state.view()
    one, request = question.one, question.request
    positions = shown_positions(result.encoded, view.special)
    words = [position for position in positions.tolist() if not result.encoded.special_tokens_mask[position]]
    selected = selected_in(question.opened, one) if linked else None
    version = version_of(request, view.special)
    texts = texts_told(request) if question.kind == "class" else ""
    st.markdown(f"Evidence for **{plain(charts.readable(result.target_label))}**{texts} · {plain(one.name)}")
    token_strip(
        strip_tokens(result.encoded, one.model, positions, result.scores),
        key=key,
        label=f"{method.label} of each token",
        selected=shown_index(positions, selected),
        version=version,
        legend="against · for" if method.signed else "none · most",
        scale=float(abs(result.scores[words]).max(initial=0.0)) or None,
        signed=method.signed,
        pairs=linked,
        second=shown_index(positions, second_in(question.opened, one)) if linked else None,
        selectable=linked,
        on_select=select_token(key, version, positions, clicked_token, request, question.main, clicked_second)
        if linked
        else None,
    )
    draw_chart(charts.scores(result, words, selected), key=f"{key}_bars")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(sum_line(result, view.special), width="content")
        how_it_adds_up(result, key=key)
    warn_of_small_change(question, result)
    st.caption(
        f"{plain(method.label)}: {plain(method.meaning)}. *Another method may rank the words differently: this is one "
        "view, not the reason.*"
    )


def kept_scores(question: Question, result: gb.TokenScores) -> Kept:
    """The scores, for "Save & code"."""
    written = code.attribute(question.request, result.method, question.target, question.output)
    return Kept("Scores", written, lambda: result, picture={"special": state.view().special})


def warn_of_small_change(question: Question, result: gb.TokenScores) -> None:
    """Say where the colours are drawn that they explain next to nothing: the empty text has nearly the same value."""
    if result.baseline is None or result.baseline_value is None:
        return
    gap = verdicts.baseline_gap(question.request, result.target, result.output, str(result.baseline))
    if gap.verdict == "fails":
        told = gap.sentence[0].upper() + gap.sentence[1:]
        st.warning(
            plain(
                f"{told}. Do not read these colours as reasons; try a method without a baseline, such as Gradient "
                "saliency."
            ),
            icon=":material/warning:",
        )


def sum_line(result: gb.TokenScores, special_shown: bool) -> str:
    """What the scores add up to, and the part of special tokens, which have no bars, in one line."""
    magnitudes = abs(result.scores)
    special = float(magnitudes[result.encoded.special_tokens_mask.astype(bool)].sum())
    which = "special" if special_shown else "hidden special"
    hold = f"{which} tokens hold {special / max(float(magnitudes.sum()), 1e-12):.0%} of the magnitude."
    if not _parts(result):
        return f"The scores need not add up to anything; {hold}"
    unit = result.unit
    total, value = (plain(charts.signed(number)) for number in (float(result.scores.sum()), result.value))
    return f"Sum {total} of F(text) {value} {unit}; {hold}"


def how_it_adds_up(result: gb.TokenScores, *, key: str) -> None:
    """A popover: where the rest of F(text) went, and what it cost."""
    with st.popover("How this adds up", type="tertiary", key=f"{key}_sum"):
        st.markdown(arithmetic(result))


def arithmetic(result: gb.TokenScores) -> str:
    """What the scores add up to, if anything, and where the rest of F(text) went, if known: a table in Markdown."""
    parts = _parts(result)
    unit = result.unit.capitalize()
    rows = [f"| {name} | {plain(charts.signed(number))} |" for name, number in parts]
    table = "\n".join([f"| | {unit} |", "|---|---:|", *rows]) + "\n\n" if rows else ""
    if not rows:
        table = "The scores need not add up to anything.\n\n"
    elif result.delta is not None:
        table += f"Off by {plain(f'{result.relative_delta:.1%}')}. "
    cost = passes(result.forward_passes)
    return table + for_experts(f"{cost[0].upper()}{cost[1:]}, {plain(f'{result.seconds:.2f}')} s.")


def _parts(result: gb.TokenScores) -> list[tuple[str, float]]:
    """What adds up to F(text), in order, and F(text) itself; none if nothing has to."""
    total = ("The scores of all tokens", float(result.scores.sum()))
    if result.delta is not None and result.baseline_value is not None:
        # without a baseline input the scores sum to F(text) itself
        name = plain(f"[{str(result.baseline).upper()}]")
        baseline = [(f"F with {name} for every word", result.baseline_value)] if result.baseline else []
        return [total, *baseline, ("F(text)", result.value)]
    if left := result.options.get("unattributed"):
        rest = ((plain(str(account).capitalize()), share) for account, share in left.items())
        return [total, *rest, ("F(text)", result.value)]
    return []
