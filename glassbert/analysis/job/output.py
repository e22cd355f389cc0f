"""Write a result folder so that whatever interrupts it, what is there is whole.

Each file appears by rename; the predictions of a part come last and say that the part is there. The manifest is written
at the start, with the identity of the analysis, and at the end, with its counts. The folder is held by one process.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from glassbert import saving
from glassbert.analysis.folder import KINDS, MANIFEST, Manifest, part_file, parts_in, read_manifest, schemas
from glassbert.analysis.job.predicting import state_width
from glassbert.analysis.job.work import Columns, Plan
from glassbert.errors import GlassBERTError, OptionError, SavedResultError
from glassbert.evaluation import content_hash
from glassbert.network.model import Model
from glassbert.tables.streaming import TableStream

__all__ = ["Output", "PartWriter"]

_LOCK, _ROWS = ".lock", ".rows"
_PACKAGES = ("torch", "transformers", "pyarrow", "numpy")


@dataclass(frozen=True, slots=True)
class PartWriter:
    """Writes the files of parts into a folder."""

    folder: Path
    meta: int
    state_width: int

    def settings(self) -> dict[str, int]:
        """All but the folder, as plain data."""
        return {"meta": self.meta, "state_width": self.state_width}

    def has(self, number: int) -> bool:
        """Whether the part is there."""
        return (self.folder / part_file("predictions", number)).is_file()

    def write(self, number: int, columns: Mapping[str, Columns]) -> None:
        """All files of a part. Raises SavedResultError where the disk does not take them."""
        kinds = schemas(self.meta, self.state_width)
        for kind in KINDS:
            schema = kinds[kind]
            arrays = [_array(columns[kind][field.name], field.type) for field in schema]
            place = self.folder / part_file(kind, number)
            partial = place.with_name(f"{place.name}.{os.getpid()}.part")
            try:
                pq.write_table(pa.table(arrays, schema=schema), partial, compression="zstd")
                partial.replace(place)
            except OSError as error:
                partial.unlink(missing_ok=True)
                raise _cannot_write(self.folder, error) from error


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        import numpy as np

        flat = np.concatenate(values) if len(values) else np.empty(0, dtype=np.float16)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat.astype(np.float16)), kind.list_size)
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def _cannot_write(folder: Path, error: OSError) -> SavedResultError:
    if error.errno == errno.ENOSPC:
        return SavedResultError(
            f"there is no space left for {folder}: free some, and the same call goes on with what is there"
        )
    return SavedResultError(f"{folder} cannot be written: {error.strerror or error}")


class Output:
    """The result folder of one analysis, held by this process inside ``with``."""

    def __init__(self, folder: Path, model: Model, plan: Plan, stream: TableStream, *, resume: bool, engine: str):
        """Raises OptionError if the folder holds something else, or if another process works on it."""
        self.folder = folder
        self.manifest = _manifest(model, plan, stream, engine)
        self.writer = PartWriter(folder, plan.meta, self.manifest.state_width)
        #: Of this call: what it takes is added by whoever works on parts.
        self.seconds = 0.0
        #: Whether the analysis was complete before this call.
        self.complete = False
        self._resume = resume

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._held = saving.held(self.folder / _LOCK)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        if self._held is None:
            raise OptionError(f"another process is writing into {self.folder}: wait for it, or name another folder")
        try:
            self._open()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._held is not None
        self._held.close()

    def _open(self) -> None:
        others = [place for place in self.folder.iterdir() if place.name != _LOCK]
        known = (self.folder / MANIFEST).exists()
        if others and not known:
            raise OptionError(f"{self.folder} holds other files: name a new folder, or an empty one")
        if known and not self._resume:
            self._clear(others)
        elif known:
            found = read_manifest(self.folder)
            self.seconds = found.seconds
            self._check(found)
            self.complete = found.complete
        if self.complete:
            return
        for left in self.folder.glob("*.part"):  # of a process that was killed
            left.unlink(missing_ok=True)
        self._write_manifest(replace(self.manifest, seconds=self.seconds))

    def _check(self, found: Manifest) -> None:
        ours, theirs = self.manifest.identity, found.identity
        for name, value in ours.items():
            if theirs[name] != value:
                raise OptionError(
                    f"{self.folder} holds another analysis; what differs is {_difference(name, theirs[name], value)}. "
                    "Name another folder, make the same call as before, or start again with resume=False"
                )

    def _clear(self, others: list[Path]) -> None:
        """Remove what an analysis wrote; anything else stays, and is refused."""
        ours = {MANIFEST, _ROWS}
        for place in others:
            if place.name not in ours and not place.name.startswith(tuple(f"{kind}-" for kind in KINDS)):
                raise OptionError(f"{self.folder} also holds {place.name}, which no analysis wrote: remove it yourself")
        for place in sorted(others, key=lambda one: one.name != MANIFEST):
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)

    def _write_manifest(self, manifest: Manifest) -> None:
        saving.write(self.folder / MANIFEST, manifest.to_dict())

    def has(self, number: int) -> bool:
        return self.writer.has(number)

    def write(self, number: int, columns: Mapping[str, Columns], seconds: float) -> None:
        """The files of a part, and the time it took."""
        self.writer.write(number, columns)
        self.seconds += seconds
        self._write_manifest(replace(self.manifest, seconds=round(self.seconds, 3)))

    def finish(self) -> None:
        """Count what is there: the analysis is complete."""
        counts: dict[str, Any] = dict.fromkeys(("rows", "errors", "labelled", "tokens", "explained", "checked"), 0)
        for number in parts_in(self.folder):
            for name, count in self._counts(number).items():
                counts[name] += count
        rate = counts["rows"] / self.seconds if self.seconds else 0.0
        self._write_manifest(
            replace(
                self.manifest,
                complete=True,
                seconds=round(self.seconds, 3),
                texts_per_second=round(rate, 2),
                **counts,
            )
        )

    def _counts(self, number: int) -> dict[str, int]:
        def read(kind: str, *columns: str) -> pa.Table:
            return pq.read_table(self.folder / part_file(kind, number), columns=list(columns))

        try:
            predictions = read("predictions", "error", "label", "expected", "labels", "tokens")
            labelled = pc.or_(
                pc.or_(predictions["label"].is_valid(), predictions["expected"].is_valid()),
                predictions["labels"].is_valid(),
            )
            return {
                "rows": len(predictions),
                "errors": len(predictions) - predictions["error"].null_count,
                "labelled": pc.sum(labelled).as_py() or 0,
                "tokens": pc.sum(predictions["tokens"]).as_py() or 0,
                "explained": pc.count_distinct(read("attributions", "id")["id"]).as_py(),
                "checked": pc.count_distinct(read("receipts", "id")["id"]).as_py(),
            }
        except (OSError, pa.ArrowException) as error:
            raise SavedResultError(
                f"part {number} in {self.folder} is damaged ({error}): delete its predictions, and call again"
            ) from error


def _difference(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                return f"{name}, {key} ({_short(before.get(key))}, now {_short(now.get(key))})"
    return f"{name} ({_short(before)}, now {_short(now)})"


def _short(value: Any) -> str:
    return str(value)[:60]


def _manifest(model: Model, plan: Plan, stream: TableStream, engine: str) -> Manifest:
    # without what calls of it leave behind
    tokenizer = json.loads(model.tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}
    return Manifest(
        model={
            "name": model.source,
            "hash": _weights_hash(model),
            "tokenizer": hashlib.sha256(json.dumps(tokenizer, sort_keys=True).encode()).hexdigest(),
            "labels": list(plan.labels.names),
            "kind": plan.labels.kind,
            "max_tokens": model.max_tokens,
            "precision": model.precision,
            "ablated_heads": [list(one) for one in model.ablated_heads],
        },
        table={
            "source": stream.source,
            "fingerprint": stream.fingerprint,
            "text": stream.text_column,
            "pair": stream.pair_column,
            "label": stream.label_column if plan.labelled else None,
            "meta": list(stream.meta_columns),
        },
        methods=tuple(method.id for method, _ in plan.methods),
        options={method.id: dict(settings) for method, settings in plan.methods},
        receipts={
            "share": plan.receipts,
            "seed": plan.seed,
            "checks": list(plan.checks) if plan.receipts else [],
            "orderings": plan.orderings,
        },
        version=str(sys.modules[__name__.partition(".")[0]].__version__),
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        state_width=state_width(model),
        engine=engine,
    )


def _weights_hash(model: Model) -> str:
    """Of the content of its files; of a network that was only wrapped, of its weights in memory."""
    try:
        return content_hash(model)
    except (GlassBERTError, OSError):
        digest = hashlib.sha256()
        for name, weight in sorted(model.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(weight.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()
