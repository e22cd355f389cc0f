"""``compression_curve``: several recipes for one model, each compared with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from glassbert.arguments import checked
from glassbert.compression._recipes import label_of
from glassbert.compression.comparing import Reference, compared
from glassbert.compression.compressing import compress
from glassbert.compression.results import CompressionComparison, CompressionCurve
from glassbert.errors import OptionError, StoppedError, UnsupportedModelError
from glassbert.network.model import Model
from glassbert.tables import Table

__all__ = ["compression_curve"]

Recipe = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]


@checked
def compression_curve(
    model: Model,
    recipes: Sequence[Any],
    table: Table,
    out: str | os.PathLike[str] | None = None,
    *,
    importance: Table | None = None,
    texts: int = 40,
    method: str | None = None,
    other_training: Model | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> CompressionCurve:
    """:func:`compress` and :func:`compare_compressed` for each of several recipes.

        curve = gb.compression_curve(model, ["bfloat16", "int8", {"heads": 0.2}, [{"heads": 0.2}, "int8"]], test)
        curve.frame()  # size against accuracy against drift

    What the original model says is computed once. ``table`` has the texts on which models are compared;
    ``importance`` those by which shares of heads and neurons are chosen (None: the same, which flatters what is chosen
    by them). The models are written to folders in ``out``, a new folder; None: they are not kept. A recipe that this
    model does not allow has its reason in ``failed``. ``progress`` is called with the recipe, how many are done and how
    many there are. When ``cancelled()`` returns true, the recipes that are done are returned with ``complete=False``.
    Raises as those two do.
    """
    labels = [label_of(recipe) for recipe in recipes]
    if not labels:
        raise OptionError("pass at least one recipe")
    if len(set(labels)) < len(labels):
        raise OptionError(
            f"recipes must differ; {next(one for one in labels if labels.count(one) > 1)!r} is there twice"
        )
    place = None if out is None else Path(out)
    if place is not None and place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise OptionError(f"{place} exists already: choose a new folder, or delete it first")
    reference = Reference(model, table, texts=texts, seed=seed, cancelled=cancelled)
    if other_training is not None:
        reference.require(other_training)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
    found: list[CompressionComparison] = []
    failed: dict[str, str] = {}
    folders: list[str] = []
    complete = True
    for number, (recipe, label) in enumerate(zip(recipes, labels, strict=True)):
        if progress is not None:
            progress(label, number, len(labels))
        folder = f"{number + 1}-{re.sub(r'[^a-z0-9.]+', '-', label).strip('-')[:60]}"
        try:
            reference.check()
            small = compress(
                model, recipe, None if place is None else place / folder, importance or table, cancelled=cancelled
            )
            found.append(compared(reference, small, method, other_training))
            folders.append(folder)
        except StoppedError:
            complete = False
            break
        except UnsupportedModelError as error:
            failed[label] = str(error)
    if progress is not None and complete:
        progress("done", len(labels), len(labels))
    return CompressionCurve(
        source=model.source,
        table=table.source,
        comparisons=tuple(found),
        failed=failed,
        folders=() if place is None else tuple(folders),
        complete=complete,
    )
