"""A finished run of fine-tuning, made once for all tests that show its result."""

from __future__ import annotations

import functools

import glassbert as gb
from components.gateway.runs import command, store
from components.gateway.runs.tables import trained_on
from tests.conftest import TinyCheckpoint

__all__ = ["TABLE", "tuned_run"]

TABLE = "text,label\n" + "".join(
    f"This film was good {n} times.,good\nThe man went to the store {n} times.,bad\n" for n in range(40)
)


@functools.cache
def tuned_run(tiny_checkpoint: TinyCheckpoint) -> str:
    """The id of a run on a tiny model, trained in this process."""
    run = store.create("films.csv", "films.csv", TABLE.encode())
    base = str(tiny_checkpoint("bert", "masked_words"))
    store.change(run, base=base, settings={"epochs": 2, "threads": 1, "device": "cpu"})
    command.arguments(run)
    request = store.change(run, started=True)
    assert request is not None
    data, dev = trained_on(run, "data"), trained_on(run, "dev")
    assert data is not None
    gb.finetune(base, data, dev, store.model_folder(request), **request.settings)
    return run
