"""A report on one answer, as one HTML file."""

from __future__ import annotations

import time
from collections.abc import Callable

from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import in_words, load
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.verdicts import suggesting

__all__ = ["duration_of_report", "report"]

# Long enough to say how fast this machine is now, with all that it does at the moment.
_TRIAL_SECONDS = 0.3


def duration_of_report(request: TextRequest, target: gb.Target) -> str:
    """How long a report takes, roughly: "about 12 s"; by how fast passes of this text are now."""
    model, encoded = load(request.model), encode(request)
    import_library()
    from glassbert.reports.weighing import expected_work

    return in_words(sum(expected_work(model, len(encoded)).values()) * _seconds_of_a_pass(model, encoded, target))


def _seconds_of_a_pass(model: gb.Model, encoded: gb.Encoded, target: gb.Target) -> float:
    """The mean of some; the first one, which may have to wait or to import, does not count."""
    from glassbert.verdicts import decided_answer

    decided_answer(model, encoded, target=target)
    start, passes = time.perf_counter(), 0
    while not passes or time.perf_counter() - start < _TRIAL_SECONDS:
        decided_answer(model, encoded, target=target)
        passes += 1
    return (time.perf_counter() - start) / passes


def report(request: TextRequest, target: gb.Target, proposer: ModelRequest | None) -> Callable[..., bytes]:
    """The work of a job: the file. It names no path of this machine.

    Cost: some hundred times that of a pass of the text, see `glassbert.reports.weighing`.
    """
    model, encoded = load(request.model), encode(request)
    suggests = suggesting(model, request.model, proposer)

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> bytes:
        made = gb.report(model, encoded, target=target, proposer=suggests, progress=progress, cancelled=cancelled)
        return made.html.encode()

    return work
