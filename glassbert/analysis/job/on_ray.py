"""The parts of an analysis on a Ray cluster (https://docs.ray.io), through Ray Data.

The driver writes the rows of each part into the folder, and a pool of actors, each with a model of its own, takes part
after part and writes its files there, the last one by rename. So the folder is all the state there is: a part that a
killed actor worked on is done again by another one, and an interrupted job goes on with the parts that are missing,
here or with the local engine. Ray's own checkpoints are not needed, and its setting to drop failed blocks is not used.

For very many texts: the driver only reads the table and writes it once, some 100,000 rows a second from Parquet and
30,000 from CSV. All else is proportional to the rows, and parts do not wait for each other. At 100 texts a second for
each processor core, 10⁸ texts are 10⁶ core seconds: 2.8 hours on 100 cores, of which the driver reads for up to one,
while the first parts are worked on. A part has 1,000 rows, so 10⁵ parts of 10 to 20 s, of which Ray's bookkeeping,
some milliseconds each, is no bottleneck.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from glassbert.analysis.job.labels import Labels
from glassbert.analysis.job.output import Output, PartWriter
from glassbert.analysis.job.work import Plan, columns_of_part
from glassbert.attribution import chosen_method
from glassbert.errors import GlassBERTError, OptionError, StoppedError
from glassbert.network.model import Model
from glassbert.tables.streaming import StreamedRow

__all__ = ["run_on_ray"]

_POLL_SECONDS = 0.2


def run_on_ray(
    model: Model,
    plan: Plan,
    output: Output,
    parts: Iterator[tuple[int, list[StreamedRow]]],
    address: str | None,
    actors: int | None,
    progress: Callable[[int, int | None], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Write all parts that are missing. Raises OptionError, StoppedError, GlassBERTError."""
    settings = _settings(model, plan, output)
    rows_folder = output.folder / ".rows"
    wanted, rows = _rows_written(parts, output, rows_folder)
    if wanted:
        done = rows - sum(part["count"] for part in wanted)
        if progress is not None:
            progress(done, rows)
        for result in _results(settings | {"rows": str(rows_folder)}, wanted, model, address, actors, cancelled):
            if result["error"]:
                raise GlassBERTError(f"part {result['part']} of the analysis failed: {result['error']}")
            done += int(result["count"])
            output.seconds += float(result["seconds"])
            if progress is not None:
                progress(done, rows)
    shutil.rmtree(rows_folder, ignore_errors=True)


def _settings(model: Model, plan: Plan, output: Output) -> dict[str, Any]:
    """What an actor needs to do the same work, as plain data."""
    checkpoint = model.checkpoint
    if not checkpoint.folder.is_dir():
        raise OptionError("engine='ray' needs a model that lies in a folder: save it, load it, and pass that")
    return {
        "out": str(output.folder.resolve()),
        "model": checkpoint.source if checkpoint.embedded else str(checkpoint.folder.resolve()),
        "precision": model.precision,
        "ablated_heads": [list(one) for one in model.ablated_heads],
        "writer": output.writer.settings(),
        "methods": [(method.id, dict(settings)) for method, settings in plan.methods],
        "labels": (plan.labels.kind, list(plan.labels.names), list(plan.labels.class_names)),
        "plan": {
            "labelled": plan.labelled,
            "receipts": plan.receipts,
            "checks": plan.checks,
            "orderings": plan.orderings,
            "seed": plan.seed,
            "meta": plan.meta,
        },
    }


def _rows_written(
    parts: Iterator[tuple[int, list[StreamedRow]]], output: Output, folder: Path
) -> tuple[list[dict[str, int]], int]:
    """The parts that are missing, each with its first id and its number of rows; and the number of all rows."""
    folder.mkdir(exist_ok=True)
    wanted, rows = [], 0
    for number, part in parts:
        if not output.has(number):
            _write_rows(folder / f"{number:05}.json", part)
            wanted.append({"part": number, "first": rows, "count": len(part)})
        rows += len(part)
    return wanted, rows


def _write_rows(place: Path, rows: list[StreamedRow]) -> None:
    """One JSON array a line. A label's cell may be anything that JSON holds."""
    lines = [json.dumps([one.row, one.text, one.pair, one.label, one.meta, one.damage], default=_plain) for one in rows]
    partial = place.with_suffix(".part")
    partial.write_text("\n".join(lines), encoding="ascii")
    partial.replace(place)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _read_rows(place: Path) -> list[StreamedRow]:
    read = [json.loads(line) for line in place.read_text(encoding="ascii").split("\n")]
    return [StreamedRow(row, text, pair, label, tuple(meta), damage) for row, text, pair, label, meta, damage in read]


class PartActor:
    """A model, loaded once, that works on parts. Ray makes one of it for each actor of the pool."""

    def __init__(self, settings: Mapping[str, Any], threads: int | None) -> None:
        from glassbert.heads import ablate
        from glassbert.network.device import limit_threads
        from glassbert.network.model import load

        if threads is not None:
            limit_threads(threads)
        model = load(settings["model"], precision=settings["precision"])
        if settings["ablated_heads"]:
            model = ablate(model, [tuple(one) for one in settings["ablated_heads"]])
        self._model = model
        kind, names, class_names = settings["labels"]
        self._plan = Plan(
            labels=Labels(kind, tuple(names), tuple(class_names)),
            methods=tuple(chosen_method(name, options) for name, options in settings["methods"]),
            **settings["plan"],
        )
        self._writer = PartWriter(Path(settings["out"]), **settings["writer"])
        self._rows = Path(settings["rows"])

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Parts by number in, what became of them out. What a row does wrong is in its own column."""
        import time

        results: dict[str, list[Any]] = {"part": [], "count": [], "seconds": [], "error": []}
        for part, first in zip(map(int, batch["part"]), map(int, batch["first"]), strict=True):
            start, error, rows = time.perf_counter(), "", []
            try:
                rows = _read_rows(self._rows / f"{part:05}.json")
                if not self._writer.has(part):
                    columns = columns_of_part(self._model, self._plan, first, rows)
                    self._writer.write(part, columns)
            except GlassBERTError as problem:
                error = str(problem)
            for name, value in (
                ("part", part),
                ("count", len(rows)),
                ("seconds", time.perf_counter() - start),
                ("error", error),
            ):
                results[name].append(value)
        return results


def _results(
    settings: Mapping[str, Any],
    wanted: list[dict[str, int]],
    model: Model,
    address: str | None,
    actors: int | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[dict[str, Any]]:
    """One dictionary for each part that is done, as they come."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong comes back as an error
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise OptionError("engine='ray' needs Ray: pip install 'glassbert[ray]'") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    started = not ray.is_initialized()
    if started:
        # workers find this package where it lies, installed or not
        paths = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={
                "env_vars": {"PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0", "OMP_WAIT_POLICY": "passive"}
            },
        )
    try:
        yield from _stream(ray, settings, wanted, model, actors, cancelled)
    finally:
        if started:
            ray.shutdown()


def _stream(
    ray: Any,
    settings: Mapping[str, Any],
    wanted: list[dict[str, int]],
    model: Model,
    actors: int | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[dict[str, Any]]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0)) if model.device != "cpu" else 0
    most = gpus or int(resources.get("CPU", 1))
    size = max(1, min(actors or most, most, len(wanted)))
    placed: dict[str, Any] = {"num_gpus": 1} if gpus else {"num_cpus": 1}
    parts = ray.data.from_items(wanted, override_num_blocks=len(wanted))
    results = parts.map_batches(
        PartActor,
        fn_constructor_kwargs={"settings": dict(settings), "threads": None if gpus else 1},
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=size),
        **placed,
    )
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def collect() -> None:
        try:
            for row in results.iter_rows():
                found.put(row)
            found.put(None)
        except BaseException as error:  # told to the thread that waits
            found.put(error)

    threading.Thread(target=collect, daemon=True, name="ray-results").start()
    while True:
        if cancelled is not None and cancelled():
            raise StoppedError("the analysis was stopped; the same call goes on with it")
        try:
            row = found.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if row is None:
            return
        if isinstance(row, BaseException):
            told = str(row).strip().splitlines()
            raise GlassBERTError(f"Ray stopped the analysis: {told[-1] if told else type(row).__name__}") from row
        yield row
