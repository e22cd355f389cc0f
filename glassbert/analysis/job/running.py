"""``analyse``: predict, explain and check every row of a table, and write a result folder.

The rows come in parts of 1,000. A part is there when its predictions file is, which is renamed into place last; a call
that goes on skips those parts. So whatever ends a process, at most one part is lost, and the result is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from glassbert.analysis.folder import PART_ROWS
from glassbert.analysis.job.labels import Labels, check_labels, kind_of_model, names_of_labels
from glassbert.analysis.job.output import Output
from glassbert.analysis.job.work import Plan, columns_of_part
from glassbert.analysis.opening import Analysis, open_analysis
from glassbert.arguments import checked
from glassbert.attribution import attribute, chosen_method
from glassbert.errors import GlassBERTError, OptionError, StoppedError, TableError
from glassbert.evaluation import CHECKS
from glassbert.network.model import Model, require_task_head
from glassbert.tables import SETS
from glassbert.tables.streaming import StreamedRow, TableStream, stream_of

__all__ = ["analyse"]

#: What a receipt of a data set checks by default: whether the top words decide, and whether they do so alone.
_CHECKS = ("comprehensiveness", "sufficiency")


@checked
def analyse(
    model: Model,
    table: Any,
    out: str | Path,
    *,
    methods: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    receipts: float = 0.01,
    checks: Sequence[str] = _CHECKS,
    orderings: int | None = None,
    seed: int = 0,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    label_names: Sequence[str] | None = None,
    split: str | None = None,
    engine: Literal["local", "ray"] = "local",
    ray_address: str | None = None,
    actors: int | None = None,
    resume: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Analysis:
    """Predict and explain every text of a table: ``analyse(model, "reviews.csv", "reviews-analysis")``.

    ``table`` is whatever :func:`glassbert.read_table` reads, or a :class:`glassbert.Table`; rows are read as they are
    needed, so that a table may be larger than memory. ``text``, ``pair`` and ``label`` name its columns as there; up to
    20 other columns are kept to filter by. Labels are optional. They are the model's, by name or by number;
    ``label_names`` says how the table spells the model's labels, in the model's order. ``split`` is that of a set on
    board (None: "test") or of a ``datasets`` object.

    The answer of each text is explained by each of ``methods`` (ids of ``gb.METHODS``; an empty list: predictions only;
    None: AttnLRP, or input × gradient where a model has modules that it knows no rule for), with ``options``: method
    id → its options. Of a share of the texts, ``receipts`` (0 to 1, drawn by ``seed``), each
    explanation is checked: ``checks`` are ids of ``gb.CHECKS``, against ``orderings`` random orders (None: 100, fewer
    for long texts). A receipt takes hundreds of passes: at 0.01 they take about as long as everything else.

    ``out`` becomes a folder of Parquet files and a ``manifest.json``, which :func:`glassbert.open_analysis` opens while
    it grows. Texts longer than the model reads are shortened and marked as ``truncated``; a row that fails has the
    reason in its column ``error``, and is counted. The same call on an unfinished folder goes on with it, and ends with
    the same files; ``resume=False`` starts again. ``progress(rows done, rows or None)`` is called as it goes: how many
    there are is known at the end.

    ``engine="ray"`` spreads the parts over ``actors`` (None: one for each processor core or GPU) of a Ray cluster:
    ``ray_address`` as ``ray.init`` takes it, None for one on this machine. All of its machines must see ``out`` at the
    same path. It needs ``pip install glassbert[ray]`` and takes half a minute to start.

    Passes for each text: one, and those of each method. Memory: about 100 MB beside the model, whatever the number of
    rows. Raises TaskHeadError for a model without a classifier, MethodError, OptionError, TableError,
    SavedResultError if the folder cannot be written, and StoppedError when ``cancelled()``.
    """
    require_task_head(model, "classification")
    if not 0 <= receipts <= 1:
        raise OptionError(f"receipts must be a share of the texts, 0 to 1; got {receipts}")
    if seed < 0:
        raise OptionError(f"seed must be 0 or more; got {seed}")
    if actors is not None and actors < 1:
        raise OptionError(f"actors must be 1 or more; got {actors}")
    if unknown := [check for check in checks if check not in CHECKS]:
        raise OptionError(f"a check must be one of {', '.join(CHECKS)}; got {', '.join(map(repr, unknown))}")
    asked = _default_methods(model) if methods is None else tuple(dict.fromkeys(methods))
    if extra := sorted(set(options or {}) - set(asked)):
        raise OptionError(f"options for {extra[0]}, which is not among the methods: {', '.join(asked) or 'none'}")
    chosen = tuple(chosen_method(method, (options or {}).get(method, {})) for method in asked)
    names = names_of_labels(model, label_names)
    if split is None and isinstance(table, str) and table in SETS:
        split = "test"
    stream = stream_of(table, text, pair, label, split=split)
    if not stream.first:
        raise TableError(f"{stream.source} has no row: there is nothing to analyse")
    labels = Labels(kind_of_model(model), names, stream.class_names)
    labelled = check_labels(labels, stream, asked=label is not None)
    if not labelled and stream.label_column is not None:  # it is a column like others
        stream = stream_of(table, text, pair, split=split, labelled=False)
    plan = Plan(
        labels=labels,
        labelled=labelled,
        methods=chosen,
        receipts=receipts if chosen and checks else 0.0,
        checks=tuple(checks),
        orderings=orderings,
        seed=seed,
        meta=len(stream.meta_columns),
    )
    with Output(Path(out), model, plan, stream, resume=resume, engine=engine) as output:
        if not output.complete:
            if engine == "ray":
                from glassbert.analysis.job.on_ray import run_on_ray

                run_on_ray(model, plan, output, _parts(stream), ray_address, actors, progress, cancelled)
            else:
                _run(model, plan, stream, output, progress, cancelled)
            output.finish()
    return open_analysis(out)


def _default_methods(model: Model) -> tuple[str, ...]:
    """Of the methods of one pass, the one whose words most often are those that decide, if the model has its rules.

    Of a model without gradients, the cheapest one that needs none.
    """
    if model.checkpoint.int8:
        return ("occlusion",)
    try:
        attribute(model, "a", method="attn_lrp", target=0)
    except GlassBERTError:
        return ("input_x_gradient",)
    return ("attn_lrp",)


def _parts(stream: TableStream) -> Iterator[tuple[int, list[StreamedRow]]]:
    """The number of each part, and its rows."""
    rows = stream.rows
    number = 0
    while part := list(islice(rows, PART_ROWS)):
        yield number, part
        number += 1


def _run(
    model: Model,
    plan: Plan,
    stream: TableStream,
    output: Output,
    progress: Callable[[int, int | None], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """The local engine: part after part, in this process."""
    for number, rows in _parts(stream):
        first = number * PART_ROWS
        if cancelled is not None and cancelled():
            raise StoppedError("the analysis was stopped; the same call goes on with it")

        def report(done: int, first: int = first) -> None:
            if progress is not None:
                progress(first + done, None)

        if output.has(number):
            report(len(rows))
            continue
        started = time.perf_counter()
        columns = columns_of_part(model, plan, first, rows, report=report, cancelled=cancelled)
        output.write(number, columns, time.perf_counter() - started)
        report(len(rows))
