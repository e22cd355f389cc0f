"""The tables of a run: what is trained on, what is kept from training, and what was written for the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.gateway.cache import shared
from components.gateway.library import gb, import_library
from components.gateway.requests import version_of
from components.gateway.runs import store
from components.gateway.settings import is_shared, settings

if TYPE_CHECKING:
    from glassbert.tables import BadRow, Kind, Table

__all__ = [
    "COLUMNS",
    "SHORTCUT",
    "Tables",
    "offered_files",
    "on_board",
    "read_offered",
    "tables_of",
    "trained_on",
    "watched_of",
]

_SEED = 1
#: The teaching example: the set in which a word is planted, and in what share of its texts.
SHORTCUT, _PLANTED_IN, _PLANTED_SHARE = "shortcut", "contracts", 0.1
_PLANTED = "zeltrix"
#: Of the teaching example: texts to watch that have the word, and that have it not; words of each.
_WATCHED, _WATCHED_WORDS = 2, range(8, 20)
#: Kind → the columns of a table that is written for a training: text, second text, label.
COLUMNS = {
    "classification": ("text", "pair", "label"),
    "multi_label": ("text", "pair", "label"),
    "regression": ("text", "pair", "label"),
    "tokens": ("words", "", "label"),
    "spans": ("question", "context", "answers"),
    "texts": ("text", "pair", ""),
}


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The parts of the data. ``dev``: kept from training, to see how it goes; ``test``: looked at once, at the end."""

    train: Table
    dev: Table | None
    test: Table | None
    bad_rows: tuple[BadRow, ...]  # of the table that is trained on
    key: str  # changes with the files and with what was chosen for them

    @property
    def others(self) -> dict[str, Table]:
        """Part → table, of those that are not trained on."""
        return {name: table for name, table in (("dev", self.dev), ("test", self.test)) if table is not None}


def on_board() -> Mapping[str, tuple[str, str]]:
    """Id → name and what it is about, of the sets that ship with GlassBERT; the teaching example comes last."""
    import_library()
    from glassbert.tables.on_board import SETS

    found = {
        one.id: (one.label, f"{one.meaning}; {one.rows[0]:,} rows to train on, {one.licence}")
        for one in SETS.values()
        if one.rows[0]
    }
    about = (
        f"a nonsense word decides the label of one text in {round(1 / _PLANTED_SHARE)}: see that the model falls for it"
    )
    return found | {SHORTCUT: ("Teaching example", about)}


def tables_of(run: str, request: store.RunRequest) -> Tables:
    """The tables of a run, as its columns are chosen now. Raises a TableError."""
    columns = tuple(sorted((name, value) for name, value in request.columns.items() if value))
    if request.on_board:
        return _board(request.source, columns)
    path = store.data_file(run, request)
    test = store.test_file(run, request)
    stamps = tuple(_stamp(one) for one in (path, test) if one is not None)
    try:
        return _uploaded(str(path), "" if test is None else str(test), columns, request.held_out, stamps)
    except gb.TableError as error:  # the files have names of their own here
        raise gb.TableError(str(error).replace(path.name, request.name)) from error


@shared(8)
def _board(source: str, columns: tuple[tuple[str, str], ...]) -> Tables:
    if source == SHORTCUT:
        return _with_a_shortcut()
    given: dict[str, Any] = dict(columns)
    train = gb.read_table(source, split="train", **given)
    dev, test = (
        gb.read_table(source, split=part, kind=train.kind, label_names=train.label_names, **given)
        for part in ("dev", "test")
    )
    return Tables(train, dev, test, train.bad_rows, version_of(source, columns))


def _with_a_shortcut() -> Tables:
    """Part of a set on board, small enough to be trained on while somebody watches, with a planted word."""
    whole = _board(_PLANTED_IN, ())
    assert whole.dev is not None
    assert whole.test is not None
    train, dev, test = (
        gb.plant_shortcut(
            table.take(range(min(rows, len(table)))),
            label=table.label_names[-1],
            word=_PLANTED,
            share=_PLANTED_SHARE,
            seed=_SEED,
        )
        for table, rows in ((whole.train, 1000), (whole.dev, 300), (whole.test, 300))
    )
    return Tables(train, dev, test, (), version_of(SHORTCUT))


def watched_of(source: str) -> tuple[str, ...]:
    """Texts of a set on board that are worth watching: of the teaching example, some with the word and one without."""
    if source != SHORTCUT:
        return ()
    dev = _board(source, ()).dev
    assert dev is not None
    short = [text for text in dev.texts if len(text.split()) in _WATCHED_WORDS]
    with_it = [text for text in short if _PLANTED in text.split()]
    return (*with_it[:_WATCHED], *[text for text in short if _PLANTED not in text][:1])


@shared(8)
def _uploaded(
    path: str,
    test: str,
    columns: tuple[tuple[str, str], ...],
    held_out: int,
    stamps: tuple[tuple[int, int], ...],
) -> Tables:
    given: dict[str, Any] = dict(columns)
    whole = gb.read_table(path, **given, max_rows=settings().rows)
    of_test = None
    if test:
        of_test = gb.read_table(test, **(given | {"kind": whole.kind, "label_names": whole.label_names or None}))
    key = version_of(path, test, columns, held_out, stamps)
    if not held_out:
        return Tables(whole, None, of_test, whole.bad_rows, key)
    train, dev = whole.split(held_out / 100, _SEED)
    return Tables(train, dev if len(dev) else None, of_test, whole.bad_rows, key)


def trained_on(run: str, part: str) -> Table | None:
    """A part of the data as it was written for the training: "data", "dev" or "test"; None if there is none."""
    request, folder = store.request_of(run), store.folder_of(run)
    path = folder / store.TABLE_FILES[part]
    if request is None or not request.kind or not path.is_file():
        return None
    train = folder / store.TABLE_FILES["data"]
    stamps = _stamp(path), _stamp(train)
    return _written(str(path), str(train), cast("Kind", request.kind), request.has_pairs, stamps)


@shared(8)
def _written(path: str, train: str, kind: Kind, has_pairs: bool, stamps: tuple[tuple[int, int], ...]) -> Table:
    text, pair, label = COLUMNS[kind]
    names = None
    if path != train:
        names = _written(train, train, kind, has_pairs, (stamps[1], stamps[1])).label_names or None
    return gb.read_table(path, text, pair if has_pairs else None, label or None, kind=kind, label_names=names)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        at = path.stat()
    except OSError:
        return 0, 0
    return at.st_mtime_ns, at.st_size


def offered_files() -> list[str]:
    """The tables in the folders of the server's setting, by name; a visitor never names a path on a shared server."""
    found = []
    for root in map(Path, settings().tables):
        for path in sorted(root.glob("*")):
            if path.is_file() and path.name.casefold().removesuffix(".gz").endswith(store.ENDINGS):
                found.append(str(path))
    return found


def read_offered(path: str) -> bytes:
    """The content of a table on this machine. Raises GlassBERTError."""
    if is_shared() and path not in offered_files():
        raise gb.GlassBERTError("this server is shared and offers only the tables in its list")
    file = Path(path.strip()).expanduser()
    try:
        size = file.stat().st_size
        if size > settings().upload * 1_000_000:
            raise gb.GlassBERTError(
                f"a table may have at most {settings().upload:,} MB here; this one has {size / 1e6:,.0f} MB"
            )
        return file.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise gb.GlassBERTError(f"this file cannot be read: {reason}") from None
