"""A finished analysis, and one of the same table by another model, made once for all tests that show them."""

from __future__ import annotations

import functools

import glassbert as gb
from components.gateway.runs import store
from tests.conftest import TinyCheckpoint

__all__ = ["HOSTILE", "analysed_run"]

HOSTILE = "<script>alert(1)</script> ![x](http://x.example/y) :red[z]"
TABLE = "text,label,country\n" + "".join(
    f'"This film was good {n} times. {HOSTILE if n == 7 else ""}",{("POSITIVE", "NEGATIVE", "neutral")[n % 3]},'
    f"{('DE', '<b>FR</b>')[n % 2]}\n"
    for n in range(70)
)


@functools.cache
def analysed_run(tiny_checkpoint: TinyCheckpoint) -> str:
    """The id of an analysis by a tiny classifier, made in this process; beside it is one by another model."""
    first = ""
    for layers in (3, 2):
        base = str(tiny_checkpoint("bert", "classification", layers=layers))
        run = store.create("films.csv", "films.csv", TABLE.encode(), work="analysis", base=base, started=True)
        request = store.request_of(run)
        assert request is not None
        gb.analyse(
            gb.load(base, device="cpu"),
            store.data_file(run, request),
            store.analysis_folder(run, request),
            methods=("input_x_gradient", "saliency"),
            receipts=0.3,
            orderings=10,
        )
        first = first or run
    return first
