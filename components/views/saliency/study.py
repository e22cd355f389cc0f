"""One question put to several methods: scores and receipts arrive one after another while a thread works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from components import state
from components.gateway import inputs, models, saliency
from components.gateway.job import Job
from components.gateway.library import gb
from components.gateway.requests import TextRequest

if TYPE_CHECKING:
    from glassbert.targets import Output

__all__ = ["Asked", "Study", "current_study"]

# A quick study is done before the page has to say that it is under way.
_QUICK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Asked:
    """What is explained: a text of a model, a decision, and in which units."""

    request: TextRequest
    target: gb.Target
    output: Output = "logit"


@dataclass(slots=True, eq=False)
class Study:
    """What is known so far; methods asked about later are added to what is there."""

    asked: Asked
    scores: dict[str, gb.TokenScores] = field(default_factory=dict)
    receipts: dict[str, gb.Receipt] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    doing: str = ""
    job: Job | None = None

    @property
    def running(self) -> bool:
        return self.job is not None and self.job.running

    @property
    def arrived(self) -> int:
        """Grows with everything that arrives."""
        return len(self.scores) + len(self.receipts) + len(self.refusals)

    @property
    def stopped(self) -> bool:
        return self.job is not None and isinstance(self.job.error, gb.StoppedError)

    def raise_error(self) -> None:
        """What ended the work, unless the visitor did: raised where a page can tell it."""
        if self.job is not None and self.job.error is not None and not self.stopped:
            raise self.job.error

    def lacking(self, methods: Sequence[str]) -> list[str]:
        """Methods whose receipt is neither here nor refused."""
        return [method for method in methods if method not in self.receipts and method not in self.refusals]

    def start(self, methods: Sequence[str]) -> None:
        """Compute what is lacking, in a thread: Streamlit ends a page's own thread at the next click."""
        if self.running:
            return
        # the cached model and text are fetched here: in the job's own thread there is no page to cache for
        model, encoded = models.load(self.asked.request.model), inputs.encode(self.asked.request)
        lacking = self.lacking(methods)
        self.job = Job(lambda **reports: self._work(model, encoded, lacking, **reports))
        self.job.wait(_QUICK_SECONDS)

    def stop(self) -> None:
        if self.job is not None:
            self.job.stop()

    def _work(
        self,
        model: gb.Model,
        encoded: gb.Encoded,
        lacking: Sequence[str],
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        wanted = [method for method in lacking if method not in self.scores]
        options = {method: saliency.page_options(method) for method in wanted}
        self.doing = "methods"
        if wanted:
            for scores in gb.attribute_each(
                model,
                encoded,
                methods=wanted,
                target=self.asked.target,
                output=self.asked.output,
                options=options,
                on_error=lambda method, error: self.refusals.__setitem__(method, str(error)),
                progress=progress,
                cancelled=cancelled,
            ):
                self.scores[scores.method] = scores
        self.doing = "receipts"
        judged = [self.scores[method] for method in lacking if method in self.scores]
        for scores, receipt in zip(
            judged, gb.receipts(model, judged, progress=progress, cancelled=cancelled), strict=True
        ):
            self.receipts[scores.method] = receipt


def current_study(asked: Asked) -> Study:
    """This visitor's study of this question; a study of another one is stopped and forgotten."""
    study: Study | None = state.remembered("study")
    if study is None or study.asked != asked:
        if study is not None:
            study.stop()
        study = Study(replace(asked))
        state.remember("study", study)
    return study
