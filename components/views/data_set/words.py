"""The words that the answers hang on over all texts, and those that decide beyond their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import data_sets
from components.gateway.library import gb
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain, shortened
from components.views.data_set.fields import DataSetFields
from components.views.data_set.shown import Shown, narrow

if TYPE_CHECKING:
    from glassbert.analysis.measure_results import ReceiptShares
    from glassbert.analysis.reason_results import GlobalWords, ShortcutWords

__all__ = ["draw_words"]

_WORDS, _CLASSES, _SHORTCUTS = 15, 6, 20
#: Where fewer of the checked explanations hold, their words are introduced by a warning.
_CONVINCING = 0.5


def draw_words(shown: Shown) -> None:
    methods = shown.manifest.methods
    own = state.fields(DataSetFields)
    method = own.words_by if own.words_by in methods else methods[0]
    if len(methods) > 1:
        st.segmented_control(
            "Explained by",
            methods,
            format_func=lambda one: gb.METHODS[one].label,
            **state.bind("words_by", DataSetFields, options=dict.fromkeys(methods), shown=method),
        )
    found: GlobalWords = shown.ask("words", method=method)
    if not found.words:
        st.info(f"No word stands in at least {found.least} texts that got the same answer.")
        return
    st.markdown(
        f"How much each word adds to the answer where it stands, as a share of all words of its text: the mean over "
        f"texts, with 95% intervals. Words of at least {found.least} texts; click one for its rows."
    )
    _how_far_to_believe(shown, method)
    classes = [int(one) for one in np.argsort(-found.class_texts, kind="stable") if (found.classes == one).any()]
    for start in range(0, min(len(classes), _CLASSES), 2):
        for place, number in zip(st.columns(2, gap="large"), classes[start : start + 2], strict=False):
            with place:
                _of_class(shown, found, number, method)
    if len(classes) > _CLASSES:
        st.caption(f"The {_CLASSES} most frequent of {len(classes)} answers; the rest are in the file.")
    kept = [Kept.of("Words", shown.code("words", method=method), found)]
    if shown.manifest.kind == "classification" and shown.manifest.table.get("label") is not None:
        kept.append(_shortcuts(shown, method))
    with how_computed("Data sets"):
        st.markdown(
            "A word's share in a text is the sum of its tokens' scores for the answer, divided by the sum of the sizes "
            "of all scores."
        )
    save_and_code("data_set_words", shown.request.name, kept)


def _how_far_to_believe(shown: Shown, method: str) -> None:
    """What the receipts say of the explanations that these words are made from."""
    if not shown.manifest.receipts.get("share"):
        return
    found: ReceiptShares = shown.ask("receipts", by="method")
    of = [place for place, one in enumerate(found.methods) if one == method]
    checked = sum(int(found.checked[place]) for place in of)
    holds = sum(int(found.holds[place]) for place in of)
    if checked and holds < _CONVINCING * checked:
        st.warning(
            f"Of {checked:,} checks of these explanations, {charts.percent(holds / checked)} hold: believe these words "
            "less, or analyse the table with another method.",
            icon=":material/receipt_long:",
        )


def _of_class(shown: Shown, found: GlobalWords, number: int, method: str) -> None:
    from glassbert.pictures.data_sets import shares_of_words

    name = found.class_names[number]
    places = np.asarray([place for place in np.flatnonzero(found.classes == number) if _is_word(found.words[place])])
    if not len(places):
        return
    places = places[:_WORDS]
    places = places[np.argsort(-found.mean[places], kind="stable")]
    key = f"words_{number}_{shown.version(method)}"
    words = [found.words[place] for place in places]

    def clicked() -> None:
        points = (state.value(key) or {}).get("selection", {}).get("points", [])
        if points:
            word = words[int(points[0]["customdata"][0])]
            narrow(shown.where, data_sets.term("word", word), data_sets.term("answer", name))

    st.markdown(f"**{plain(shortened(name, 40))}**, the answer to {int(found.class_texts[number]):,} texts")
    draw_chart(
        shares_of_words(
            words,
            found.mean[places].tolist(),
            found.low[places].tolist(),
            found.high[places].tolist(),
            found.texts[places].tolist(),
        ),
        key=key,
        on_select=clicked,
        selection_mode="points",
    )


def _is_word(text: str) -> bool:
    """Punctuation is left to the file."""
    return any(map(str.isalnum, text))


def _shortcuts(shown: Shown, method: str) -> Kept:
    found: ShortcutWords = shown.ask("shortcuts", method=method)
    st.markdown("**Words that decide beyond their evidence**")
    if not found.words:
        st.caption(
            f"None of {found.tried:,} words tried: what they add to answers goes with the labels of their texts."
        )
        return Kept.of("Shortcuts", shown.code("shortcuts", method=method), found)
    kinds = {"beyond_evidence": "adds more than its labels say", "gives_away": "gives the label away"}
    rows = [
        {
            "Word": word,
            "Answer": found.label_names[int(found.classes[place])],
            "Why listed": kinds.get(found.kinds[place], found.kinds[place]),
            "Adds": charts.percent(float(found.mean[place])),
            "Expected": charts.percent(float(found.expected[place])),
            "Texts": int(found.texts[place]),
            "Followed against the label": f"{int(found.followed[place]):,} of {int(found.others[place]):,}",
        }
        for place, word in enumerate(found.words[:_SHORTCUTS])
    ]
    key = f"shortcuts_{shown.version(method)}"

    def clicked() -> None:
        chosen = (state.value(key) or {}).get("selection", {}).get("rows", [])
        if chosen:
            narrow(shown.where, data_sets.term("word", found.words[chosen[0]]))

    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        key=key,
        on_select=clicked,
        selection_mode="single-row",
    )
    st.caption("A reason to look, no proof: a word can be right where its labels are few or wrong.")
    return Kept.of("Shortcuts", shown.code("shortcuts", method=method), found)
