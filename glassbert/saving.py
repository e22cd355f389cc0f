"""Read and write files of saved results: JSON, or a zip archive if the arrays are large. Plain data only, no types.

The archive contains ``result.json``, in which each array is null, and one ``.npy`` member per array, named by its
path: ``encoded/input_ids.npy``. Nothing is pickled, and nothing is ever extracted to disk.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from glassbert.errors import SavedResultError

__all__ = ["held", "packed", "read", "write", "write_bytes"]

#: With more array elements than this, a file without a known suffix becomes an archive.
_LARGE = 10_000
_DOCUMENT = "result.json"
_MEMBER = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*\.npy")
_DTYPES = {"<i8", "<f4", "<f8"}
#: A member with a higher compression ratio is stored uncompressed, and none is read: this rules out zip bombs.
_MOST_PACKED, _ALWAYS_FINE = 100, 1 << 16
_MOST_BYTES = 1 << 26
_MOST_MEMBERS = 10_000
#: What the standard library raises for archives that are truncated, modified or encrypted.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, KeyError),
    *(NotImplementedError, RuntimeError, MemoryError),
)


def write(path: str | os.PathLike[str], data: dict[str, Any]) -> Path:
    """Write dictionaries, lists, plain values and arrays as ``.json`` or ``.zip``; else the arrays' size decides.

    The file appears only once it is complete. Raises SavedResultError if it cannot be written.
    """
    return write_bytes(path, packed(data, {".json": False, ".zip": True}.get(Path(path).suffix.lower())))


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file that appears only once it is complete. Raises SavedResultError if it cannot be written."""
    target = Path(path)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SavedResultError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def held(path: str | os.PathLike[str]) -> IO[str] | None:
    """The file, held by this process alone until it is closed, whatever ends the process; None if another holds it.

    A system without such locks holds nothing. Raises OSError.
    """
    file = Path(path).open("w")  # noqa: SIM115  (open as long as it is held)
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def packed(data: dict[str, Any], archived: bool | None = None) -> bytes:
    """The content of such a file: an archive, or JSON; None: the arrays' size decides. Raises SavedResultError."""
    arrays = dict(_arrays(data))
    large = sum(array.size for array in arrays.values()) > _LARGE
    return _archive(data, arrays) if (large if archived is None else archived) else _json(_as_lists(data))


def read(path: str | os.PathLike[str]) -> Any:
    """Read the data that :func:`write` saved. Raises SavedResultError if the file is missing, damaged or invalid."""
    source = Path(path)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise SavedResultError(f"{source} cannot be read: {error.strerror or error}") from error
    try:
        return _unarchived(content) if content[:2] == b"PK" else _parsed(content)
    except _UnreadableError as error:
        raise SavedResultError(f"{source} is not a saved result, or it is damaged: {error}") from error
    except _DAMAGED as error:
        raise SavedResultError(f"{source} is a damaged archive: {error}") from error


class _UnreadableError(Exception):
    """The reason, as the end of a sentence."""


def _json(data: Any) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=True, allow_nan=False).encode()
    except ValueError as error:
        raise SavedResultError(
            "this result contains numbers that are not finite, which JSON cannot represent: save it as .zip"
        ) from error


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        raise _UnreadableError("its text is not JSON") from error


def _arrays(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], np.ndarray[Any, Any]]]:
    """Every array with its path of keys; list items are numbered from 0."""
    if isinstance(data, np.ndarray):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _arrays(value, (*path, str(key)))
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data):
            yield from _arrays(value, (*path, str(number)))


def _as_lists(data: Any, array: Any = np.ndarray.tolist) -> Any:
    if isinstance(data, np.ndarray):
        return array(data)
    if isinstance(data, dict):
        return {key: _as_lists(value, array) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_as_lists(value, array) for value in data]
    return data


def _archive(data: dict[str, Any], arrays: dict[tuple[str, ...], np.ndarray[Any, Any]]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        document = _as_lists(data, lambda array: None)
        _put(members, _DOCUMENT, json.dumps(document, ensure_ascii=True).encode())
        for path, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            _put(members, "/".join(path) + ".npy", file.getvalue())
    return archive.getvalue()


def _put(members: zipfile.ZipFile, name: str, content: bytes) -> None:
    # a fixed date, so that equal results give identical files
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    if len(content) > _ALWAYS_FINE and len(content) > _MOST_PACKED * len(zlib.compress(content, 6)):
        info.compress_type = zipfile.ZIP_STORED
    members.writestr(info, content)


def _unarchived(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as members:
        names = members.namelist()
        if _DOCUMENT not in names or len(set(names)) != len(names) or len(names) > _MOST_MEMBERS:
            raise _UnreadableError(f"it has no {_DOCUMENT}, or it has duplicate or too many members")
        if sum(info.file_size for info in members.infolist()) > max(_MOST_BYTES, _MOST_PACKED * len(content)):
            raise _UnreadableError(f"it would decompress to far more than its {len(content):,} bytes")
        data = _parsed(_member(members, _DOCUMENT))
        for name in names:
            if name != _DOCUMENT:
                if not _MEMBER.fullmatch(name):
                    raise _UnreadableError(f"it has an unexpected member, {name[:80]!r}")
                _insert(data, name.removesuffix(".npy").split("/"), _array(_member(members, name), name))
    return data


def _member(members: zipfile.ZipFile, name: str) -> bytes:
    info = members.getinfo(name)
    if info.file_size > max(_ALWAYS_FINE, _MOST_PACKED * info.compress_size):
        raise _UnreadableError(f"{name} would decompress from {info.compress_size:,} to {info.file_size:,} bytes")
    return members.read(name)  # reads at most the size above, whatever the data claims, and verifies the checksum


def _array(content: bytes, name: str) -> np.ndarray[Any, Any]:
    file = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise _UnreadableError(f"{name} has an unknown format version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise _UnreadableError(f"{name} is not an array") from error
    values = memoryview(content)[file.tell() :]
    count = 1
    for length in shape:
        count *= length
    if dtype.str not in _DTYPES or fortran or min(shape, default=0) < 0 or count * dtype.itemsize != len(values):
        raise _UnreadableError(f"the data of {name} does not match its header")
    array: np.ndarray[Any, Any] = np.frombuffer(values, dtype=dtype).reshape(shape)
    return array


def _insert(data: Any, path: list[str], array: np.ndarray[Any, Any]) -> None:
    """Insert an array where the document has null."""
    *parents, last = path
    place = data
    try:
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place[parent]
        key: Any = int(last) if isinstance(place, list) else last
        if place[key] is not None:
            raise KeyError(last)
        place[key] = array
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise _UnreadableError(f"{_DOCUMENT} has no placeholder for {'/'.join(path)}") from error
