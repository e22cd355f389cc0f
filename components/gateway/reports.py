"""A report on one answer, as one HTML file."""

from __future__ import annotations

from collections.abc import Callable

from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import duration, load
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.verdicts import suggesting

__all__ = ["duration_of_report", "report"]

#: With gradients, on altered inputs, and on networks with other weights, a pass takes this much longer than one of many
#: plain ones.
_SLOWER = 5


def duration_of_report(request: TextRequest) -> str:
    """How long a report takes, roughly: "about 12 s"."""
    model, tokens = load(request.model), len(encode(request))
    import_library()
    from glassbert.reports.weighing import expected_passes

    return duration(model, _SLOWER * expected_passes(model, tokens), tokens)


def report(request: TextRequest, target: gb.Target, proposer: ModelRequest | None) -> Callable[..., bytes]:
    """The work of a job: the file. It names no path of this machine.

    Cost: about 1,700 passes of a short text, a third of them in the verdict; see `glassbert.reports.weighing`.
    """
    model, encoded = load(request.model), encode(request)
    suggests = suggesting(model, request.model, proposer)

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> bytes:
        made = gb.report(model, encoded, target=target, proposer=suggests, progress=progress, cancelled=cancelled)
        return made.html.encode()

    return work
