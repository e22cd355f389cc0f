"""SQL over the Parquet files of a result folder, by DuckDB.

Nothing is loaded ahead: a query over one column of 100,000 rows takes ten to thirty milliseconds, and memory is
bounded. The connection reads files of this folder and nothing else, and no user's text is part of any SQL: texts, names
of columns and numbers are parameters, or indices that were looked up.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import KINDS, Manifest, part_file, parts_in, schemas
from glassbert.errors import SavedResultError
from glassbert.results import Array

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

__all__ = ["Store"]

_MEMORY, _THREADS = "128MB", 2
#: Answers that are kept.
_KEPT = 32


class Store:
    """The four tables of a folder, ``predictions``, ``attributions``, ``states`` and ``receipts``, as SQL sees them.

    Of a folder that is being written, the parts that were there when it was opened. Any thread may ask.
    """

    def __init__(self, folder: Path, manifest: Manifest):
        """Raises SavedResultError where a file is missing or damaged."""
        self.folder = folder.resolve()
        self._width = manifest.state_width
        self.parts = tuple(parts_in(self.folder))
        kinds = schemas(len(manifest.meta), manifest.state_width)
        files = {kind: [self.folder / part_file(kind, number) for number in self.parts] for kind in KINDS}
        for kind, places in files.items():
            for place in places:
                _check(place, kinds[kind])
        self._lock, self._kept = threading.Lock(), OrderedDict[tuple[str, tuple[Any, ...]], Mapping[str, Array]]()
        self._connection = _connected(self.folder)
        with self._connection.cursor() as cursor:
            for kind, places in files.items():
                source = (
                    f"read_parquet([{', '.join(_literal(_unglobbed(place)) for place in places)}])"
                    if places
                    else f"({_empty(kinds[kind])})"
                )
                cursor.execute(f"CREATE VIEW {kind} AS SELECT * FROM {source}")
            cursor.execute("SET lock_configuration = true")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of the answer. Raises SavedResultError if a file turns out to be damaged."""
        return self._asked(lambda cursor: cursor.execute(sql, list(parameters)).fetchall())  # type: ignore[no-any-return]

    def arrays(self, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Array]:
        """The columns of the answer; where some values are null, masked arrays."""
        return self._asked(lambda cursor: cursor.execute(sql, list(parameters)).fetchnumpy())  # type: ignore[no-any-return]

    def kept_arrays(self, sql: str, parameters: Sequence[Any] = ()) -> Mapping[str, Array]:
        """The same, kept for the next time: for small answers that several questions about the same rows need."""
        asked = (sql, tuple(parameters))
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        found = self.arrays(sql, parameters)
        for column in found.values():
            column.setflags(write=False)
        with self._lock:
            self._kept[asked] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """The answer as a table."""
        return self._asked(lambda cursor: cursor.execute(sql, list(parameters)).df())

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The answer as a table of Arrow, in which lists stay cheap."""
        return self._asked(lambda cursor: cursor.sql(sql, params=list(parameters)).to_arrow_table())

    def states(self, chosen: Filter, *, wanted: Array | None = None) -> tuple[Array, Array]:
        """(row,) ids and (row, width) states as they are stored, in half precision; ``wanted``: of these ids only."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if wanted is None:
            wanted = self.arrays(f"{chosen.ids} ORDER BY id", chosen.parameters)["id"]
        ids, states = [np.zeros(0, dtype=np.int64)], [np.zeros((0, self._width), dtype=np.float16)]
        for number in self.parts:
            place = self.folder / part_file("states", number)
            try:
                table = pq.read_table(place, columns=["id", "state"])
            except (OSError, pa.ArrowException) as error:
                raise SavedResultError(f"{place} is damaged: {str(error).splitlines()[0]}") from error
            own = table["id"].to_numpy()
            kept = np.isin(own, wanted)
            if kept.any():
                ids.append(own[kept])
                states.append(np.asarray(table["state"].combine_chunks().flatten()).reshape(-1, self._width)[kept])
        return np.concatenate(ids), np.concatenate(states)

    def close(self) -> None:
        self._connection.close()

    def _asked(self, ask: Callable[[duckdb.DuckDBPyConnection], Any]) -> Any:
        import duckdb

        try:
            with self._connection.cursor() as cursor:
                return ask(cursor)
        except duckdb.OutOfMemoryException as error:
            raise SavedResultError(f"{self.folder} is too large for this question: narrow the filter") from error
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException):
            raise  # the SQL is wrong, not the file
        except duckdb.Error as error:
            raise SavedResultError(
                f"a file in {self.folder} cannot be read, it is damaged or gone: {str(error).splitlines()[0]}"
            ) from error


def _connected(folder: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    # where DuckDB puts what does not fit into its memory, until the query ends
    scratch = Path(tempfile.gettempdir()) / f"glassbert-queries-{os.getuid() if hasattr(os, 'getuid') else 0}"
    connection = duckdb.connect(
        config={"memory_limit": _MEMORY, "threads": _THREADS, "temp_directory": str(scratch)},
    )
    # as a pattern too, for the names of files are patterns to DuckDB
    allowed = ", ".join(_literal(name) for name in (str(folder), _unglobbed(folder)))
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    return connection


def _literal(text: str) -> str:
    """A string as SQL writes it; paths only, for views take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _unglobbed(place: Path) -> str:
    """A path in which no character stands for others."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(place))


def _check(place: Path, schema: Any) -> None:
    """That the footer of a file is whole and names these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(place)
    except FileNotFoundError:
        raise SavedResultError(f"{place} is missing, while its part has predictions: analyse the table again") from None
    except (OSError, pa.ArrowException) as error:
        raise SavedResultError(f"{place} is damaged: {str(error).splitlines()[0]}") from error
    lacking = [field.name for field in schema if field.name not in found.names]
    other = [field.name for field in schema if field.name in found.names and found.field(field.name).type != field.type]
    if lacking or other:
        what = f"lacks the column {lacking[0]}" if lacking else f"has another type of {other[0]}"
        raise SavedResultError(f"{place} {what}, so it is not of this format: analyse the table again")


def _empty(schema: Any) -> str:
    """SQL of a table without rows."""
    import pyarrow as pa

    names = {
        pa.string(): "VARCHAR",
        pa.bool_(): "BOOLEAN",
        pa.int8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.float16(): "FLOAT",
        pa.float32(): "FLOAT",
        pa.float64(): "DOUBLE",
    }

    def name(kind: Any) -> str:
        if pa.types.is_dictionary(kind):
            return name(kind.value_type)
        if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
            return f"{name(kind.value_type)}[]"
        return names[kind]

    columns = ", ".join(f'CAST(NULL AS {name(field.type)}) AS "{field.name}"' for field in schema)
    return f"SELECT {columns} WHERE false"
