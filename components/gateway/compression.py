"""Compression: recipes to choose from, labelled texts to compare on, the comparison, and the models that are kept."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.gateway.cache import shared
from components.gateway.files import slug
from components.gateway.library import gb, import_library
from components.gateway.models import duration, load, request_of
from components.gateway.requests import ModelRequest
from components.gateway.settings import tuned_folder

if TYPE_CHECKING:
    from glassbert.compression import CompressionCurve
    from glassbert.tables import Table

__all__ = [
    "RECIPES",
    "Preset",
    "classes_of",
    "curve",
    "expected",
    "keep",
    "kept_models",
    "on_board",
    "read",
    "recipe_of",
    "table_on_board",
]

_RECORD = "compression.json"
_MOST_ROWS = 2000
#: In passes of the texts' mean length: what the times take, and each text that is explained, forward and back.
_TIMED_PASSES, _EXPLAINED_PASSES = 150, 60


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe to choose: how it is called, and what the library is told; ``vocabulary``: the pieces of the texts."""

    label: str
    recipe: Any
    vocabulary: bool = False


#: Id → recipe. The library takes any share, head or layer; these are the ones that people try first.
RECIPES: Mapping[str, Preset] = {
    "bfloat16": Preset("bfloat16", "bfloat16"),
    "int8": Preset("int8", "int8"),
    "heads_20": Preset("20% of the heads removed", {"heads": 0.2}),
    "heads_40": Preset("40% of the heads removed", {"heads": 0.4}),
    "neurons_25": Preset("25% of the feed-forward neurons removed", {"intermediate": 0.25}),
    "neurons_50": Preset("50% of the feed-forward neurons removed", {"intermediate": 0.5}),
    "last_layer": Preset("The last layer dropped", None),
    "vocabulary": Preset("Only the vocabulary of these texts", None, vocabulary=True),
    "heads_int8": Preset("20% of the heads removed, then int8", [{"heads": 0.2}, "int8"]),
}


def recipe_of(name: str, request: ModelRequest, table: Any) -> Any:
    """What the library is told."""
    preset = RECIPES[name]
    if preset.vocabulary:
        return {"vocabulary": table}
    return {"layers": [load(request).layers - 1]} if preset.recipe is None else preset.recipe


# --- texts ------------------------------------------------------------------------------------------------------------


def on_board() -> Mapping[str, str]:
    """Id → name of the sets that ship with GlassBERT, the one for the embedded classifier first."""
    import_library()
    from glassbert.tables.on_board import SETS

    return {one.id: one.label for one in sorted(SETS.values(), key=lambda one: one.rows[0])}


@shared(4)
def table_on_board(name: str) -> Table:
    """The test rows of a set on board."""
    return _limited(gb.read_table(name, split="test"))


def read(name: str, content: bytes) -> Table:
    """A table that was uploaded. Raises TableError, which names row and column."""
    with tempfile.TemporaryDirectory(prefix="glassbert-table-") as folder:
        place = Path(folder) / f"table{''.join(Path(name).suffixes[-2:]).lower()}"
        place.write_bytes(content)
        try:
            return _limited(gb.read_table(place))
        except gb.GlassBERTError as error:  # the file has a name of its own here
            raise gb.TableError(str(error).replace(str(place), name).replace(place.name, name)) from None


def _limited(table: Table) -> Table:
    """At most so many rows, evenly taken: a comparison runs them through every model."""
    if len(table) <= _MOST_ROWS:
        return table
    return table.take(range(0, len(table), -(-len(table) // _MOST_ROWS)))


def classes_of(request: ModelRequest, table: Table) -> str:
    """Why this model cannot be measured on this table; "" if it can."""
    model = load(request)
    if "classification" not in model.task_heads or model.regression or model.multi_label:
        return "Compression is measured on a model that gives each text one class: open one, or choose another."
    known = {name.casefold() for name in model.labels}
    if table.kind != "classification" or not {name.casefold() for name in table.label_names} <= known:
        own = ", ".join(model.labels[:6])
        return f"The labels of these texts are not those of the model ({own}): choose texts that have its labels."
    return ""


# --- the work ---------------------------------------------------------------------------------------------------------


def curve(request: ModelRequest, recipes: Sequence[str], table: Table, texts: int) -> Callable[..., CompressionCurve]:
    """The work of a job. Cost, for each recipe: every row once, some hundred passes for the times, and for the texts
    that are explained what integrated gradients and the deletion test take, some hundred passes each."""
    model = load(request)
    chosen = [recipe_of(name, request, table) for name in recipes]

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> CompressionCurve:
        return gb.compression_curve(
            model,
            chosen,
            table,
            texts=texts,
            progress=lambda _recipe, done, total: progress(done, total),
            cancelled=cancelled,
        )

    return work


def expected(request: ModelRequest, recipes: int, table: Table, texts: int) -> str:
    """How long that takes, very roughly: "about 2 min"."""
    words = [len(text.split()) for text in table.texts[:200]]
    tokens = int(2 + 1.35 * sum(words) / max(1, len(words)))
    texts = min(texts, len(table))
    each = len(table) + _TIMED_PASSES + texts * _EXPLAINED_PASSES
    return duration(load(request), (recipes + 1) * each + texts * tokens, tokens)


def keep(request: ModelRequest, name: str, recipe: str, table: Table) -> Callable[..., str]:
    """The work of a job: write the compressed model to a folder of its own, whose path is a secret, and return that."""
    model = load(request)
    wanted = recipe_of(recipe, request, table)
    folder = tuned_folder() / secrets.token_hex(16) / (slug(f"{name} {recipe.replace('_', ' ')}") or "model")

    def work(cancelled: Callable[[], bool], **_: Any) -> str:
        try:
            folder.parent.mkdir(parents=True, mode=0o700)
            gb.compress(model, wanted, folder, table, cancelled=cancelled)
        except OSError as error:
            shutil.rmtree(folder.parent, ignore_errors=True)
            raise gb.GlassBERTError(f"the model cannot be written: {error.strerror or error}") from error
        except gb.GlassBERTError:
            shutil.rmtree(folder.parent, ignore_errors=True)
            raise
        request_of(str(folder), "cpu")
        return str(folder)

    return work


def kept_models(known: set[str] | None) -> dict[str, str]:
    """Folder → name of the compressed models that are kept, the newest first; ``known``: only these folders."""
    found = []
    if tuned_folder().is_dir():
        for place in tuned_folder().glob(f"*/*/{_RECORD}"):
            folder = place.parent
            if re.fullmatch("[0-9a-f]{32}", folder.parent.name) and (known is None or str(folder) in known):
                found.append((place.stat().st_mtime_ns, str(folder), folder.name))
    return {folder: name for _, folder, name in sorted(found, reverse=True)}
