"""What the page Data set asks the library: result folders, opened once, and questions to them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.gateway.cache import shared
from components.gateway.library import gb, import_library
from components.gateway.models import in_words, load, request_of, suggestions, waiting
from components.gateway.runs import store
from components.gateway.runs.queue import threads
from components.gateway.settings import is_shared, settings

if TYPE_CHECKING:
    from glassbert.analysis.listing import RowPage
    from glassbert.analysis.opening import Analysis
    from glassbert.analysis.row_results import ModelsCompared
    from glassbert.tables.streaming import TableStream

__all__ = [
    "METHODS",
    "ask",
    "columns_of",
    "compared",
    "deciders",
    "duration",
    "export",
    "filter_error",
    "model_of",
    "narrowed",
    "on_board",
    "opened",
    "result_folder",
    "row",
    "rows",
    "stamp",
    "term",
    "unlike_labels",
]

#: Methods that explain a whole data set in sensible time: one pass each.
METHODS = ("attn_lrp", "input_x_gradient", "attention_relevance", "saliency")
#: A text is classified and explained by as much work as so many forward passes, and a receipt by so many.
_PASSES, _METHOD_PASSES, _RECEIPT_PASSES = 1.2, 3.0, 150
_OPERATIONS_PER_SECOND, _START_SECONDS = 6e10, 8.0
#: In a filter with these a term more can mean something else.
_TURNED = re.compile(r"\b(or|not)\b|-")


def on_board() -> Mapping[str, tuple[str, str]]:
    """Id → name and what it is, of the sets that ship with GlassBERT; first the one for the embedded classifier."""
    import_library()
    from glassbert.tables.on_board import SETS

    return {
        one.id: (one.label, f"{one.meaning}; {one.rows[2]:,} texts, {one.licence}")
        for one in sorted(SETS.values(), key=lambda one: one.rows[0])
    }


# --- before an analysis -----------------------------------------------------------------------------------------------


def columns_of(run: str, request: store.RunRequest) -> tuple[TableStream, int]:
    """The columns of the table of a run as they are chosen, its first rows, and how many it has. Raises TableError."""
    path = None if request.on_board else store.data_file(run, request)
    columns = tuple(sorted((name, value) for name, value in request.columns.items() if value))
    key = (0, 0) if path is None else (path.stat().st_mtime_ns, path.stat().st_size)
    try:
        return _columns(request.source if path is None else str(path), request.on_board, columns, key)
    except gb.TableError as error:  # the file has a name of its own here
        raise gb.TableError(str(error).replace(path.name if path else "", request.name)) from error


@shared(8)
def _columns(
    source: str,
    on_board: bool,
    columns: tuple[tuple[str, str], ...],
    key: tuple[int, int],  # noqa: ARG001 — part of the key of the cache
) -> tuple[TableStream, int]:
    import_library()
    from dataclasses import replace

    from glassbert.tables.streaming import stream_of

    given: dict[str, Any] = dict(columns)
    stream = stream_of(source if on_board else Path(source), split="test" if on_board else None, **given)
    count = len(stream.first)
    most = settings().rows
    for _ in stream.rest:
        count += 1
        if count > most:
            raise gb.TableError(f"a table may have at most {most:,} rows here: use `glassbert analyse` for more")
    return replace(stream, rest=iter(())), count


def deciders(sources: Mapping[str, str]) -> dict[str, str]:
    """Of these sources of models, with their names, those that classify whole texts; nothing large is loaded."""
    found = {"sentiment": suggestions()["sentiment"].label}
    for source, name in sources.items():
        if source not in found and _decides(source):
            found[source] = name
    return found


def _decides(source: str) -> bool:
    try:
        config = json.loads((Path(source) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    names = config.get("architectures") or ()
    return any(str(name).endswith("ForSequenceClassification") for name in names)


def model_of(request: store.RunRequest) -> gb.Model:
    """The model of an analysis, on the CPU."""
    return load(request_of(request.base, "cpu"))


def unlike_labels(stream: TableStream, model: gb.Model, names: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Of the rows read so far, how many have a label that is none of the model's; and the labels that stand there.

    ``names``: how the table spells the model's labels, in the model's order; none: as the model does.
    """
    from glassbert.analysis.job.labels import Labels, kind_of_model

    cells = [row.label for row in stream.first if row.damage is None]
    values = Labels(kind_of_model(model), tuple(names or model.labels), stream.class_names).values(cells)
    return sum(isinstance(one, str) for one in values), tuple(
        dict.fromkeys(str(one) for one in cells if one is not None)
    )


def duration(stream: TableStream, rows: int, model: gb.Model, methods: int, receipts: float) -> str:
    """How long an analysis takes, very roughly: "about 4 min"."""
    from glassbert.verdicts._work import operations

    texts = [one.text for one in stream.first if one.damage is None][:500]
    words = sum(len(text.split()) for text in texts) / max(1, len(texts))
    tokens = int(min(model.max_tokens, 2 + 1.35 * words))
    passes = _PASSES + _METHOD_PASSES * methods + (_RECEIPT_PASSES * receipts * methods)
    seconds = rows * passes * operations(model, tokens) / _OPERATIONS_PER_SECOND / threads()
    return in_words(seconds * waiting() + _START_SECONDS)


# --- result folders ---------------------------------------------------------------------------------------------------


def result_folder(path: str) -> tuple[Path, str]:
    """A folder that the command line wrote, if this visitor may open it, and the model of it. Raises GlassBERTError.

    On a shared server only below the folders of the setting ``tables``; whether there are others is not told.
    """
    folder = Path(path.strip()).expanduser()
    try:
        folder = folder.resolve()
        roots = [Path(root).expanduser().resolve() for root in settings().tables]
        allowed = not is_shared() or any(root == folder or root in folder.parents for root in roots)
        if allowed and (folder / "manifest.json").is_file():
            return folder, str(opened(str(folder), stamp(folder)).manifest.model["name"])
    except (OSError, ValueError):
        pass
    where = "in the folders that this server offers" if is_shared() else "there"
    raise gb.GlassBERTError(f"there is no result folder of glassbert analyse {where}: {path[:200]}")


def stamp(folder: Path) -> tuple[int, int]:
    """Changes whenever the folder does."""
    try:
        at = (folder / "manifest.json").stat()
        return at.st_mtime_ns, sum(1 for _ in folder.glob("predictions-*.parquet"))
    except OSError:
        return 0, 0


@shared(8)
def opened(folder: str, changed: tuple[int, int]) -> Analysis:  # noqa: ARG001 — part of the key of the cache
    """An analysis, opened once for all visitors until its folder changes. Raises SavedResultError."""
    import_library()
    try:
        return gb.open_analysis(folder)
    except gb.SavedResultError as error:  # where it is on a server is nobody's business
        if is_shared():
            raise gb.SavedResultError(str(error).replace(folder, Path(folder).name)) from None
        raise


@shared(64)
def ask(
    folder: str, changed: tuple[int, int], question: str, where: str, options: tuple[tuple[str, Any], ...] = ()
) -> Any:
    """The answer of an analysis to one of its questions. Raises OptionError for a wrong filter."""
    return getattr(opened(folder, changed), question)(where, **dict(options))


@shared(8)
def compared(
    folder: str, changed: tuple[int, int], other: str, other_changed: tuple[int, int], where: str
) -> ModelsCompared:
    """Two analyses of the same table. Raises ComparisonError."""
    return opened(folder, changed).compare(opened(other, other_changed), where)


@shared(32)
def rows(
    folder: str,
    changed: tuple[int, int],
    where: str,
    order: str,
    descending: bool,
    limit: int,
    offset: int,
) -> RowPage:
    """A page of the rows that pass a filter."""
    return opened(folder, changed).rows(where, order=order, descending=descending, limit=limit, offset=offset)


@shared(32)
def row(folder: str, changed: tuple[int, int], number: int) -> dict[str, Any]:
    """One row with its words."""
    return opened(folder, changed).row(number)


def term(name: str, value: str) -> str:
    """A term of a filter with any text in it: ``("label", 'a "b"') → label:"a \\"b\\""``."""
    from glassbert.analysis import filters

    return filters.term(name, value)


def narrowed(where: str, *terms: str) -> str:
    """A filter that asks for these terms too; one that ends with them already stays as it is."""
    from glassbert.analysis import filters

    if _TURNED.search(where):
        return filters.narrowed(where, *terms)
    more = " ".join(terms)
    return where if f" {where}".endswith(f" {more}") else f"{where} {more}".strip()


def filter_error(folder: str, changed: tuple[int, int], where: str) -> str:
    """What is wrong with a filter; "" if it can be read."""
    try:
        opened(folder, changed)._filter(where)
    except gb.OptionError as error:
        return str(error)
    return ""


def export(folder: str, changed: tuple[int, int], where: str, kind: str, form: Literal["csv", "parquet"]) -> bytes:
    """What is stored about all rows that pass a filter as a file: "rows", "attributions" or "receipts"."""
    return opened(folder, changed).export(kind, where, form=form)
