"""A training under way, or one that ended before its end: curves, what it gets wrong now, stop and resume."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from components.gateway.models import in_words as duration
from components.gateway.requests import version_of
from components.gateway.runs import store
from components.gateway.runs.progress import STOPPED, Progress, progress_of
from components.gateway.runs.queue import RunState, queue, state_of
from components.gateway.runs.tables import trained_on
from components.shared import charts
from components.shared.plots import draw_chart
from components.shared.run_list import say_refused, with_error
from components.shared.word_strip import strip_of
from components.text import plain, shortened
from components.views.fine_tuning.runs import LIST, draw_back, draw_delete, reuse

if TYPE_CHECKING:
    from glassbert.tables import Table

__all__ = ["draw_curves", "draw_stopped", "draw_training"]

_REFRESH, _STOPPING = 1.0, 0.3  # seconds between two looks
_WRONG = 8
_TEXT_CHARACTERS = 160
#: Metric → its name, of those that are shares and drawn while a model learns, the most telling first.
SHARES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "subset_accuracy": "all labels right",
    "span_f1": "span F1",
    "exact_match": "exact match",
    "token_f1": "token F1",
    "masked_accuracy": "masked words guessed",
}
_OTHERS = {"pearson": "Pearson correlation", "spearman": "Spearman correlation", "rmse": "RMSE", "mae": "MAE"}
_MOST_LINES = 3
_STAGES = {
    "": "Starting",
    STOPPED: "Starting again",
    "reading": "Reading the data",
    "asking the teacher": "Asking the teacher",
    "training": "Training",
    "evaluating": "Evaluating",
    "label errors": "Looking for wrong labels",
    "learning": "Measuring what has moved",
    "receipts": "Checking the words of the watched sentences",
    "writing": "Writing the model",
}


def draw_training(run: str, request: store.RunRequest, found: RunState) -> None:
    """The live view; the page is drawn anew when the state of the run changes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_back()
        st.markdown(f"**{plain(request.name)}**", width="content")
    st.fragment(_live, run_every=_STOPPING if found.name == "stopping" else _REFRESH)(run, request, found.name)


def _live(run: str, request: store.RunRequest, drawn: str) -> None:
    now = state_of(run)
    if now.name != drawn:
        st.rerun()
    progress = progress_of(store.training_folder(request))
    left, right = st.columns([0.8, 0.2], vertical_alignment="center")
    with left:
        _status(now, progress)
    right.button(
        "Stop" if now.name != "waiting" else "Leave the queue",
        key="stop_run",
        icon=":material/stop:",
        width="stretch",
        disabled=now.name == "stopping",
        on_click=_stop,
        args=(run,),
    )
    draw_curves(progress)
    _wrong(run, progress)
    _watched(run, progress)


def _stop(run: str) -> None:
    queue().stop(run)


def _status(now: RunState, progress: Progress) -> None:
    if now.name == "waiting":
        others = "one other run is" if now.place == 1 else f"{now.place} other runs are"
        st.progress(0.0, text=f"Waiting: {others} before this one. It starts by itself.")
        return
    if now.name == "stopping":
        st.progress(progress.share, text="Stopping: the state is being saved, so that the run can be resumed.")
        return
    told = _STAGES.get(progress.stage, progress.stage)
    if progress.part[1]:
        told += f": {progress.part[0]:,} of {progress.part[1]:,}"
    elif progress.step:
        total = progress.start.get("steps")
        told += f": step {progress.step:,}" + (f" of {total:,}" if isinstance(total, int) else "")
        epoch = progress.steps[progress.step].get("epoch")
        if isinstance(epoch, int | float):
            told += f", epoch {epoch:.1f} of {progress.start.get('epochs', '?')}"
        if progress.left is not None and progress.stage == "training":  # of the steps alone
            told += f" · {duration(float(progress.left))} left, as measured so far"
    st.progress(progress.share, text=plain(f"{told} …"))
    patience = (progress.start.get("settings") or {}).get("patience")
    if patience and progress.stage in ("training", "evaluating"):
        epochs = "one epoch" if patience == 1 else f"{patience} epochs"
        st.caption(
            f"It ends earlier once {epochs} in a row gain nothing on the rows that are kept from training. Then the "
            "model of the best epoch is kept."
        )


def draw_curves(progress: Progress) -> None:
    """The loss of each step, and what was measured after each epoch."""
    from glassbert.pictures.learning import loss_curve, metric_curves

    steps = sorted(progress.steps)
    if not steps:
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Loss**")
        total = progress.start.get("steps")
        losses = [float(progress.steps[step].get("loss", 0.0)) for step in steps]
        draw_chart(loss_curve(steps, losses, total if isinstance(total, int) else None), key="loss_curve")
    with right:
        names, values = measured(progress)
        if values:
            st.markdown("**On the rows that were kept from training**")
            epochs = sorted(progress.epochs)
            most = progress.start.get("epochs")
            draw_chart(
                metric_curves(epochs, values, most if isinstance(most, int) else None, share=names[0] in SHARES),
                key="metric_curves",
            )
        elif any(one.get("metrics") == {} for one in progress.epochs.values()):
            st.caption("No rows were kept from training, so there is nothing to measure it by.")
        else:
            st.caption("The first measurement comes at the end of the first epoch.")


def measured(progress: Progress) -> tuple[list[str], dict[str, list[float]]]:
    """The metrics that every epoch has, by id; and their lines by name, of shares or else of other numbers."""
    epochs = [progress.epochs[epoch].get("metrics") or {} for epoch in sorted(progress.epochs)]
    for known in (SHARES, _OTHERS):
        names = [name for name in known if epochs and all(name in one for one in epochs)][:_MOST_LINES]
        if names:
            return names, {known[name]: [float(one[name]) for one in epochs] for name in names}
    return [], {}


def _wrong(run: str, progress: Progress) -> None:
    """The examples of the last epoch with wrong and confident answers."""
    if not progress.epochs:
        return
    last = progress.epochs[max(progress.epochs)]
    wrong = [one for one in last.get("wrong") or () if isinstance(one, dict)][:_WRONG]
    if not wrong:
        return
    # places in the rows that were kept from training, or without such rows in the table that is trained on
    dev = trained_on(run, "dev")
    table = trained_on(run, "data") if dev is None else dev
    if table is None:
        return
    st.markdown(f"**What it still gets wrong, after epoch {max(progress.epochs)}**, the most confident first")
    st.dataframe([_row(table, one) for one in wrong], hide_index=True, width="stretch", key="wrong_now")


def _row(table: Table, one: dict[str, Any]) -> dict[str, str]:
    place = one.get("row")
    text = table.texts[place] if isinstance(place, int) and 0 <= place < len(table) else ""
    return {
        "Text": shortened(text, _TEXT_CHARACTERS),
        "Label": str(one.get("label", "")),
        "Answer": str(one.get("answer", "")),
        "Confidence": charts.percent(float(one.get("confidence") or 0.0)),
    }


def _watched(run: str, progress: Progress) -> None:
    """The words of the watched sentences after the last epoch; how they got there is part of the result."""
    last = max((epoch for epoch, _ in progress.pinned), default=None)
    if last is None:
        return
    st.markdown(f"**Which words speak for the label of the watched sentences**, after epoch {last}")
    for (epoch, number), one in sorted(progress.pinned.items()):
        words, scores = one.get("words") or [], one.get("scores") or []
        if epoch != last or len(words) != len(scores) or not words:
            continue
        left, right = st.columns([0.2, 0.8], vertical_alignment="center")
        answer, confidence = str(one.get("answer", "")), one.get("confidence")
        sure = f", {charts.readable_number(float(confidence))}" if isinstance(confidence, int | float) else ""
        left.caption(plain(f"Answered {shortened(answer, 40)}{sure}"))
        with right:
            strip_of(
                list(map(str, words)),
                [float(score) for score in scores],
                key=f"now_{number}",
                label=f"Words of sentence {number + 1}",
                version=version_of(run, number, epoch),
            )


def draw_stopped(run: str, request: store.RunRequest, found: RunState) -> None:
    """A run that was stopped or failed: why, how far it came, and how it goes on."""
    say_refused()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_back()
        st.markdown(f"**{plain(request.name)}** · {LIST.in_words(found)}", width="content")
    progress = progress_of(store.training_folder(request))
    if found.name == "failed":
        told = found.sentence.rstrip(".")
        at = f" Resumed, it goes on from what was saved last, up to step {progress.step:,}." if progress.step else ""
        st.error(plain(f"The training failed: {told}.{at}"), icon=":material/error:")
    else:
        total = progress.start.get("steps")
        at = f" at step {progress.step:,} of {total:,}" if progress.step and isinstance(total, int) else ""
        st.info(f"This run was stopped{at}. Resumed, it ends with the same model as without the stop.")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Try again" if found.name == "failed" and not progress.step else "Resume",
            key="resume",
            type="primary",
            icon=":material/play_arrow:",
            on_click=with_error,
            args=(partial(queue().start, run),),
        )
        st.button(
            "Change the settings",
            key="reuse",
            icon=":material/content_copy:",
            help="A new run with this data and these settings, which can be changed before it starts.",
            on_click=reuse,
            args=(run,),
        )
        draw_delete(run)
    draw_curves(progress)
    _wrong(run, progress)
    _watched(run, progress)
