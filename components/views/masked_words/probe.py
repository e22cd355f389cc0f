"""Template probe: one sentence with slots, word lists, one batch, one heatmap."""

from __future__ import annotations

from math import prod

import streamlit as st

from components import state
from components.gateway import code
from components.gateway.language import large_probe, probe_template
from components.gateway.models import is_quick
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.jobs import run_at_once_if_quick
from components.shared.plain_view import cost_ahead
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import dark_page
from components.text import plain
from components.views.masked_words.fields import MaskedWordsFields
from components.views.masked_words.shared import say_if_words_are_left_out, words_asked

_MOST_DRAWN = 60
_SHARES = ("probability", "choice_probability")


def draw_probe(_: list[Opened], one: Opened) -> None:
    """Cost: one forward pass per sentence, batched."""
    from glassbert.pictures.matrices import probability_table

    own = state.fields(MaskedWordsFields)
    left, right = st.columns([0.6, 0.4], gap="medium")
    left.text_input("Sentence with {slots} and one [MASK]", **state.bind("template", MaskedWordsFields))
    right.text_input(
        "Words to compare",
        help="Leave empty to compare the most likely words.",
        **state.bind("probe_words", MaskedWordsFields),
    )
    st.text_area(
        "Values for the slots, one slot per line",
        height=90,
        help="name: first, second, third. With several slots, all combinations are used.",
        **state.bind("fillers", MaskedWordsFields),
    )
    slots, words = _slots(own.fillers), words_asked(own.probe_words)
    say_if_words_are_left_out(own.probe_words)
    sentences = prod(max(1, len(values)) for _, values in slots)
    passes, tokens = sentences * max(1, len(words)), 2 * len(own.template.split()) + 2  # at most about this many
    result = run_at_once_if_quick(
        "probe",
        version_of(one.request, own.template, slots, words),
        is_quick(one.model, passes, tokens),
        lambda: probe_template(one.request, own.template, slots, words),
        lambda: large_probe(one.request, own.template, slots, words),
        label="Compare the sentences",
        cost=cost_ahead(f"{sentences:,} sentences, up to {passes:,} forward passes.", one.model, passes, tokens),
    )
    if result is None:
        return
    if len(result.combinations) <= _MOST_DRAWN:
        names = [charts.readable(word, result.spelling) for word in result.words]
        figure = probability_table(result.probabilities, result.labels(), names, dark=dark_page())
        draw_chart(figure, key="template")
    else:
        st.info(f"{len(result.combinations)} sentences are too many for a heatmap; the table below lists them all.")
    st.caption(
        f"One row per sentence, one column per word: the probability of that word at the gap, by {plain(one.name)}. "
        "*This measures what the model learned from its training texts. One template is an anecdote: vary the wording "
        "before drawing conclusions.*"
    )
    frame = result.frame()
    for column in ("word", "choice"):
        if column in frame:
            frame[column] = [charts.readable(word, result.spelling) for word in frame[column]]
    for column in _SHARES:
        if column in frame:
            frame[column] = 100 * frame[column]
    share = st.column_config.NumberColumn(format="%.3g%%")
    surprisal = st.column_config.NumberColumn("surprisal (bits)", format="%.2f")
    formats = dict.fromkeys(_SHARES, share) | {"surprisal": surprisal}
    st.dataframe(frame, hide_index=True, width="stretch", height=240, column_config=formats)
    written = code.probe_template(one.request, own.template, slots, words)
    save_and_code("probe", one.name, [Kept.of("Template probe", written, result)])


def _slots(written: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """``"job: nurse, doctor\\nplace: home" → (("job", ("nurse", "doctor")), ("place", ("home",)))``."""
    slots = []
    for line in written.splitlines():
        name, colon, fillers = line.partition(":")
        if colon and name.strip():
            values = tuple(filler.strip() for filler in fillers.split(",") if filler.strip())
            slots.append((name.strip().strip("{}"), values))
    return tuple(slots)
