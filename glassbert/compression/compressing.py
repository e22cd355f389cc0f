"""``compress``: a smaller or faster model by a recipe, written as a folder that loads like any other."""

from __future__ import annotations

import os
import shutil
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from glassbert.arguments import checked
from glassbert.compression._draft import started
from glassbert.compression._recipe import Given
from glassbert.compression._recipes import label_of, steps_of
from glassbert.compression.results import Compression
from glassbert.errors import OptionError, SavedResultError, StoppedError
from glassbert.models.weights import read_weights
from glassbert.network.model import Model, load
from glassbert.results import load_result
from glassbert.tables import Table

__all__ = ["compress", "compression_record"]

#: The file in a compressed model's folder that says what was done.
RECORD = "compression.json"


@checked
def compress(
    model: Model,
    recipe: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]],
    out: str | os.PathLike[str] | None = None,
    table: Table | None = None,
    *,
    full_size: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Model:
    """A smaller or faster model, which every function accepts: ``compress(model, {"heads": 0.2}, "smaller", table)``.

    Recipes:

    - "bfloat16", "float16": half precision. Half the size; faster where the processor computes in it.
    - "int8": weights of the layers and the table of words as whole numbers, inputs of the layers rounded as they come.
      A quarter of the size, about twice as fast on a CPU with int8 instructions. There are no gradients, so gradient
      methods raise a MethodError. Only GlassBERT reads the folder.
    - {"heads": [(0, 3), (2, 1)]}: these (layer, head) are cut out of the weights, as if by :func:`ablate`. {"heads":
      0.2}: that share of all heads, those of least :func:`head_importance` on up to 64 rows of ``table``; each layer
      keeps one. Heads keep their numbers; a removed one has attention 0. Only GlassBERT reads the folder;
      ``full_size`` writes them as zeros instead, which stock transformers reads, to the same logits.
    - {"layers": [4, 5]}: these layers are dropped. The rest was not trained for that:
      ``finetune(compressed, train, dev, out)`` heals it.
    - {"intermediate": 0.25}: that share of the feed-forward neurons, the least important ones on ``table``, the same
      number in every layer.
    - {"vocabulary": texts}: the pieces that no text of a list, or of a Table, uses are removed and the tokenizer
      rebuilt. These texts get the same logits; for a multilingual model this saves most.

    A list is a chain, from first to last; "int8" comes last. The model is written to ``out``, a new folder (None: a
    temporary one, which lasts as long as the model), with the tokenizer and a record of what was done
    (:func:`compression_record`). It is opened in half precision if it is in it; :func:`load` needs ``precision=`` for
    that. ``progress`` is called with the step's name, what is done and what there is to do. Raises OptionError,
    LayerError, UnsupportedModelError, TaskHeadError, and StoppedError when cancelled.
    """
    steps = steps_of(recipe)
    start = time.perf_counter()

    def check() -> None:
        if cancelled is not None and cancelled():
            raise StoppedError("compression was cancelled; nothing has been written")

    draft = started(model)
    before, done = draft.parameters(), []
    for step, value in steps:
        check()

        def report(count: int, total: int, name: str = step.name) -> None:
            if progress is not None:
                progress(name, count, total)

        done.append(step.apply(draft, value, Given(table, report, check)))
        draft.changed = True
    check()
    place = None if out is not None else Path(mkdtemp(prefix="glassbert-"))
    folder = Path(out) if out is not None else _inside(place, draft.class_name)
    try:
        draft.write(folder, full_size=full_size)
        written = read_weights(folder, source=str(folder))
        record = Compression(
            source=model.source,
            recipe=label_of(recipe),
            steps=tuple(step.name for step, _ in steps),
            done=tuple(done),
            parameters_before=before,
            parameters_after=sum(one.numel() for one in draft.tensors.values()) if full_size else draft.parameters(),
            bytes_before=model.checkpoint.weight_bytes,
            bytes_after=written.stored_bytes,
            stock=not draft.int8 and (full_size or not draft.removed),
            seconds=time.perf_counter() - start,
        )
        record.save(folder / RECORD)
        compressed = load(folder, model.device, precision=draft.precision)
    except BaseException:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
        raise
    if place is not None:
        weakref.finalize(compressed.network, shutil.rmtree, place, ignore_errors=True)
    return compressed


def _inside(place: Path | None, name: str) -> Path:
    assert place is not None
    return place / name


@checked
def compression_record(model: Model) -> Compression:
    """What :func:`compress` did to this model, read from its folder. Raises OptionError if it did nothing."""
    try:
        record = load_result(model.checkpoint.folder / RECORD)
    except SavedResultError as error:
        raise OptionError(
            f"{model.source!r} has no record of a compression: pass a model that gb.compress made, or its folder to "
            "gb.load first"
        ) from error
    if not isinstance(record, Compression) and type(record).__name__ != Compression.__name__:
        raise OptionError(f"{RECORD} of {model.source!r} is not the record of a compression; compress the model again")
    return record  # type: ignore[return-value]
