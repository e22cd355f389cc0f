"""A report on one answer, as one HTML file."""

from __future__ import annotations

from collections.abc import Callable

from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import in_words, load, waiting
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.verdicts import suggesting

__all__ = ["duration_of_report", "report"]


def duration_of_report(request: TextRequest) -> str:
    """How long a report takes, roughly: "about 12 s"; longer the busier this machine is."""
    model, tokens = load(request.model), len(encode(request))
    import_library()
    from glassbert.reports.weighing import expected_seconds

    return in_words(expected_seconds(model, tokens) * waiting())


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
