"""Which method to trust: on this text, and for this model over the bundled sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code, saliency
from components.gateway.models import duration
from components.gateway.requests import Opened, version_of
from components.gateway.saliency import Explanations
from components.shared import charts
from components.shared.jobs import current_job, draw_job
from components.shared.plain_view import for_experts
from components.shared.questions import Question
from components.shared.receipts import MARKS, VERDICTS
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.saliency.ask import chosen_methods
from components.views.saliency.fields import SaliencyFields
from components.views.saliency.rows import kept_receipts

if TYPE_CHECKING:
    from glassbert.evaluation.results import MethodRanking, Scoreboard

# Measured on the embedded models: all methods and the random orderings take about a thousand passes a sentence.
_PASSES_OF_RANKING, _TOKENS_OF_SENTENCE = 60_000, 16
# The sentences in which the deciding words are known, for a classifier.
_PASSES_OF_EVIDENCE = 45_000

__all__ = ["draw_board"]


def draw_board(question: Question, explanations: Explanations, methods: list[str]) -> None:
    """Cost: none for this text; the bundled sentences are computed once per model and kept on disk."""
    receipts = [explanations.receipts[method] for method in methods if method in explanations.receipts]
    st.subheader("On this text", anchor=False)
    if receipts:
        _this_text(saliency.scoreboard(receipts))
    else:
        st.info("The receipts are not computed yet.")
    st.subheader("For this model", anchor=False)
    _this_model(question.one)
    kept = []
    if receipts:
        here = kept_receipts(question, explanations, methods)
        board = code.scoreboard([one.code for one in here])
        kept.append(Kept.of("On this text", board, saliency.scoreboard(receipts)))
    ranking = saliency.stored_ranking(question.one.request)
    if ranking is not None:
        kept.append(Kept.of("For this model", code.method_ranking(question.one.request), ranking))
    save_and_code("board", question.one.name, kept)


def _this_text(board: Scoreboard) -> None:
    known, beaten = saliency.methods(), _beaten()
    rows = []
    for method, faithful, numbers, given in zip(
        board.methods, board.faithfulness, board.numbers, board.verdicts, strict=True
    ):
        row: dict[str, object] = {
            "Method": known[method].label,
            beaten: None if faithful is None else 100 * faithful,
        }
        for column, number, verdict in zip(board.columns, numbers, given, strict=True):
            told = "" if number is None else f" {charts.readable_number(number)}"
            row[_named(column)] = f"{MARKS[verdict]}{for_experts(told)}"
        rows.append(row)
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        column_config={
            beaten: st.column_config.ProgressColumn(format="%.1f%%", min_value=0.0, max_value=100.0, help=board.rule)
        },
    )
    marks = ", ".join(f"{MARKS[verdict]} {name}" for verdict, (name, _, _) in VERDICTS.items())
    st.caption(f"{plain(board.rule)} {marks}. *This is one text: on another, the order may be reversed.*")


def _beaten() -> str:
    return for_experts("Random orderings beaten", "Better than chance")


def _named(check: str) -> str:
    """What the receipts call it: in plain words, what may be said of a method for which it holds."""
    declared = saliency.checks()[check]
    return for_experts(declared.label, declared.claim)


def _this_model(one: Opened) -> None:
    ranking = saliency.stored_ranking(one.request)
    if ranking is not None:
        _ranking(ranking)
        return
    key = version_of(one.request)
    classifies = "classification" in one.model.task_heads
    passes = _PASSES_OF_RANKING + classifies * _PASSES_OF_EVIDENCE
    also = " It also explains up to forty in which the words that decide are known." if classifies else ""
    job = current_job(f"ranking_{key}", key)  # one job per model: minutes of work survive a switch to another one
    draw_job(
        job,
        lambda: job.start(saliency.method_ranking(one.request)),
        name="ranking",
        label="Rank the methods for this model",
        cost="Every method explains each of sixty bundled short sentences, written for this purpose, and is compared "
        f"with random orderings.{also} This takes {duration(one.model, passes, _TOKENS_OF_SENTENCE)}, once per model; "
        "the result is kept on disk.",
        unit="of the sentences",
    )


def _add(method: str) -> None:
    state.change(SaliencyFields, methods=" ".join([*chosen_methods(), method]))
    state.redraw_page()


def _ranking(ranking: MethodRanking) -> None:
    known = saliency.methods()
    best = known[ranking.best].label if ranking.best in known else ranking.best
    table = ranking.frame()
    st.markdown(f"For this model, over {len(ranking.sentences)} sentences, **{plain(best)}** is the most faithful.")
    if ranking.best in known and ranking.best not in chosen_methods():
        st.button(
            plain(f"Add {best} to the methods above"),
            icon=":material/add:",
            key="add_best",
            on_click=_add,
            args=(ranking.best,),
        )
    st.dataframe(
        {
            "Method": [known[method].label if method in known else method for method in table["method"]],
            _beaten(): (100 * table["beaten"]).tolist(),
            _named("comprehensiveness"): table["comprehensiveness"].tolist(),
            _named("sufficiency"): table["sufficiency"].tolist(),
            _named("leave_one_out"): table["agreement"].tolist(),
            **{
                name: table[truth].tolist()
                for truth, name in _truths().items()
                if not table[truth].isna().all()  # where it is not known
            },
            for_experts("Passes", "Runs of the model"): table["forward_passes"].round().astype(int).tolist(),
        },
        hide_index=True,
        width="stretch",
        column_config={
            _beaten(): st.column_config.ProgressColumn(format="%.1f%%", min_value=0.0, max_value=100.0),
            _named("comprehensiveness"): st.column_config.NumberColumn(format="%.3f", help="Higher is better."),
            _named("sufficiency"): st.column_config.NumberColumn(format="%.3f", help="Lower is better."),
            _named("leave_one_out"): st.column_config.NumberColumn(
                format="%.2f", help="Kendall's τ with the effects of leaving out one word at a time. Higher is better."
            ),
            **{
                name: st.column_config.NumberColumn(format="%.2f", help=_TRUTH_HELP[truth])
                for truth, name in _truths().items()
            },
        },
    )
    st.caption(
        plain(
            f"Means over the sentences to which the measures apply, {ranking.orderings} random orderings each. "
            "Computed once for these weights and kept on disk."
        )
    )
    names = _truths()
    shown = [
        _known(names["planted"], ranking.planted.shape[1], ranking.planted_chance, ranking.planted_missing),
        _known(names["edits"], ranking.edits.shape[1], ranking.edits_chance, ranking.edits_missing),
    ]
    st.caption(plain(" ".join(shown)))


def _known(name: str, sentences: int, chance: float | None, missing: str) -> str:
    """What a column of known evidence is a mean of, or why there is none."""
    if chance is None:
        return f"{name}: not known, because {missing}."
    return f"{name}: average precision over {sentences} sentences; {chance:.2f} for a random order."


#: What the two columns of known evidence say.
_TRUTH_HELP = {
    "planted": "A word of a copy of the model has a vector that turns every answer: does the method rank it first? "
    "1 if it always does.",
    "edits": "People reversed sentences of film reviews by changing few words: does the method rank these first? "
    "1 if it always does.",
}


def _truths() -> dict[str, str]:
    """The columns of known evidence: what is found → its name."""
    return {
        "planted": for_experts("Planted word", "Finds a planted word"),
        "edits": for_experts("Human edits", "Finds the words people changed"),
    }
