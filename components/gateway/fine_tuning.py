"""What the page Fine-tune asks the library: reports on data, default settings, and the result of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.gateway.cache import shared
from components.gateway.library import gb, import_library
from components.gateway.models import in_words, load, request_of, waiting
from components.gateway.requests import ModelRequest
from components.gateway.runs import store
from components.gateway.runs.queue import threads
from components.gateway.runs.tables import Tables

if TYPE_CHECKING:
    from glassbert.tables import DataReport
    from glassbert.tuning import TrainingSettings
    from glassbert.tuning.results import FineTuning

__all__ = ["base_request", "data_report", "defaults", "result_file", "result_of", "rough_duration", "tuned_models"]

RESULT = "finetuning.zip"
#: Part of the data → its name in sentences of a report.
_PARTS = {"dev": "rows kept from training", "test": "test rows"}
# A training pass goes forward and back: about three times the work of a forward pass.
_PASSES = 3


def base_request(source: str) -> ModelRequest:
    """The model that a run starts from, on the CPU, where the page looks at it."""
    return request_of(source, "cpu")


def data_report(tables: Tables, base: ModelRequest | None) -> Callable[..., DataReport]:
    """The work of a job: what there is to know about the data before a training. No pass."""
    model = None if base is None else load(base)
    others = {_PARTS[part]: table for part, table in tables.others.items()}
    return lambda cancelled=None, **_: gb.data_report(tables.train, model, others=others, cancelled=cancelled)


def defaults(tables: Tables, base: ModelRequest, chosen: Mapping[str, Any]) -> TrainingSettings:
    """The settings of a run with the reasons of those that were not chosen. Raises OptionError, ModelError."""
    return _defaults(tables, base, tuple(sorted({"threads": threads(), **chosen}.items())))


@shared(16)
def _defaults(tables: Tables, base: ModelRequest, chosen: tuple[tuple[str, Any], ...]) -> TrainingSettings:
    """Every text is tokenized for it. The tables are those of the cache, so that they are the same object each time."""
    return gb.training_settings(load(base), tables.train, tables.dev, **dict(chosen))


def rough_duration(tables: Tables, base: ModelRequest, settings: TrainingSettings) -> str:
    """How long a training takes, very roughly, before anything was measured: "about 4 min"."""
    from glassbert.verdicts._work import operations

    model, count = load(base), len(tables.train)
    # a word is a piece and a third, and [CLS] and [SEP] come on top; a sample is enough for the mean
    sample = tables.train.texts[:: max(1, count // 500)]
    words = sum(len(text.split()) for text in sample) / max(1, len(sample))
    tokens = int(min(settings.max_tokens, 2 + 1.35 * words))
    seconds = _PASSES * settings.epochs * count * operations(model, tokens) / _OPERATIONS_PER_SECOND / threads()
    return in_words(seconds * waiting() + _START_SECONDS)


#: Of one core in a training, as measured with 3,000 short texts; and what it takes to begin.
_OPERATIONS_PER_SECOND, _START_SECONDS = 8e10, 15.0


def result_file(request: store.RunRequest) -> Path:
    """Where the result of a finished run is."""
    return store.model_folder(request) / RESULT


def result_of(request: store.RunRequest) -> FineTuning:
    """The result of a finished run. Raises GlassBERTError if its file is damaged."""
    path = result_file(request)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        raise gb.GlassBERTError("the file with the result of this run is gone; its model may still be there") from None
    try:
        return _result(str(path), stamp)
    except gb.SavedResultError as error:  # where the file is on a server is nobody's business
        raise gb.GlassBERTError(str(error).replace(str(path), path.name)) from None


@shared(8)
def _result(path: str, stamp: int) -> FineTuning:  # noqa: ARG001 — part of the key
    import_library()
    from glassbert.tuning.results import FineTuning

    found = gb.load_result(path)
    if type(found).__name__ != FineTuning.__name__:
        raise gb.GlassBERTError("the file with the result of this run holds something else")
    return found  # type: ignore[return-value]


def tuned_models(known: set[str] | None) -> dict[str, str]:
    """Folder → name of the models of finished runs, the newest first; ``known``: only of these runs."""
    found = {}
    for run, request in store.listing():
        folder = store.model_folder(request)
        if (known is None or run in known) and (folder / "config.json").is_file():
            found[str(folder)] = request.name
    return found
