"""The contents of a checkpoint's weights, read from the safetensors headers alone.

A safetensors file consists of 8 bytes (the header's length, little-endian), a JSON header (tensor name → dtype, shape
and offsets in the data) and the data, without gaps. A few kilobytes therefore reveal names, shapes and truncation.
Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

from glassbert.errors import DamagedCheckpointError
from glassbert.models.files import megabytes, quoted, read_json

__all__ = [
    "INDEX",
    "MAX_INDEX_BYTES",
    "SINGLE",
    "Tensor",
    "Weights",
    "fingerprint",
    "read_weights",
    "shard_names",
    "stored_tensors",
    "weight_map",
]

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

#: The dtypes of the format and their bits per value.
DTYPE_BITS: dict[str, int] = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip

_MAX_HEADER_BYTES = 16_000_000  # a BERT's header has 20 to 200 kB
MAX_INDEX_BYTES = 16_000_000
_ADVICE = "download or copy the weights again"


@dataclass(frozen=True, slots=True)
class Tensor:
    """Dtype and shape of one stored tensor; its values are not read."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one checkpoint: ``files`` on disk and the tensors they contain, by name."""

    files: tuple[Path, ...]
    tensors: Mapping[str, Tensor]
    headers: bytes

    @property
    def stored_bytes(self) -> int:
        return sum(tensor.values * DTYPE_BITS[tensor.dtype] // 8 for tensor in self.tensors.values())

    @property
    def parameters(self) -> int:
        """The number of trained values; integer buffers such as position ids do not count."""
        return sum(tensor.values for tensor in self.tensors.values() if "F" in tensor.dtype)


def read_weights(folder: Path, *, source: str, root: Path | None = None) -> Weights:
    """Read all headers of ``model.safetensors`` or of the shards of its index.

    Shards must be inside ``root`` (default: ``folder``). Raises DamagedCheckpointError.
    """
    single = folder / SINGLE
    if os.path.lexists(single) and not single.is_file() and not (folder / INDEX).is_file():
        what = "is not a regular file" if single.exists() else "is a link that leads nowhere"
        raise DamagedCheckpointError(f"{SINGLE} of {quoted(source)} {what}, so it is not read; {_ADVICE}")
    if single.is_file():
        names: tuple[str, ...] = (SINGLE,)
        promised: Mapping[str, str] = {}
    else:
        promised = weight_map(folder, source)
        names = shard_names(promised, source, escapes=folder if root is not None else None, root=root)
    tensors: dict[str, Tensor] = {}
    headers = hashlib.sha256()
    for name in names:
        path = folder / name
        if not path.is_file():
            raise DamagedCheckpointError(
                f"{INDEX} of {quoted(source)} lists the file {quoted(name)}, which is missing; {_ADVICE}"
            )
        found, header = _read_header(path, source)
        headers.update(header)
        tensors.update(found)
    lost = sorted(set(promised) - set(tensors))
    if lost:
        raise DamagedCheckpointError(
            f"{INDEX} of {quoted(source)} lists {len(lost)} tensors that no file contains "
            f"({quoted(lost[0])} among them); {_ADVICE}"
        )
    return Weights(tuple(folder / name for name in names), tensors, headers.digest())


def stored_tensors(folder: Path, source: str) -> dict[str, Any]:
    """The values of all tensors, by name. Raises DamagedCheckpointError."""
    from safetensors.torch import load_file

    weights = read_weights(folder, source=source)
    tensors: dict[str, Any] = {}
    for path in weights.files:
        tensors |= load_file(path)
    return tensors


def weight_map(folder: Path, source: str) -> Mapping[str, str]:
    """Tensor → file, from the index in ``folder``. Raises DamagedCheckpointError."""
    index = read_json(folder / INDEX, max_bytes=MAX_INDEX_BYTES, source=source)
    files = index.get("weight_map")
    if not isinstance(files, dict) or not files or not all(isinstance(file, str) for file in files.values()):
        raise DamagedCheckpointError(f"{INDEX} of {quoted(source)} does not map tensors to files; {_ADVICE}")
    return files


def shard_names(
    files: Mapping[str, str], source: str, *, escapes: Path | None = None, root: Path | None = None
) -> tuple[str, ...]:
    """The files listed in an index, each a relative path inside the folder or, from ``escapes``, inside ``root``."""
    names = tuple(sorted(set(files.values())))
    for name in names:
        parts = PurePosixPath(name).parts
        inside = parts and ".." not in parts and not name.startswith("/") and "\\" not in name and ":" not in name
        if not inside and escapes is not None and root is not None:
            inside = (escapes / name).resolve().is_relative_to(root.resolve())
        if not inside or not name.endswith(".safetensors") or not name.isprintable():
            raise DamagedCheckpointError(
                f"{INDEX} of {quoted(source)} points to {quoted(name)}, but it must point to .safetensors files inside "
                "the model's own folder: copy the weights there and correct the index"
            )
    return names


def _read_header(path: Path, source: str) -> tuple[dict[str, Tensor], bytes]:
    def damaged(what: str) -> DamagedCheckpointError:
        return DamagedCheckpointError(f"{quoted(path.name)} of {quoted(source)} {what}; {_ADVICE}")

    try:
        file_bytes = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"version ":
                raise damaged("is a Git LFS pointer, not the weights themselves: run `git lfs pull`")
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > file_bytes - 8:
                raise damaged(f"is truncated or not a safetensors file ({megabytes(file_bytes)})")
            if length > _MAX_HEADER_BYTES:
                raise damaged("has an impossibly long header")
            header = file.read(length)
    except OSError as error:
        raise damaged(f"cannot be read ({error.strerror or 'no access'})") from error
    try:
        entries = json.loads(header)
        tensors, data_bytes = _tensors(entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("has a damaged header") from error
    if data_bytes != file_bytes - 8 - length:
        raise damaged(
            f"is truncated or damaged: its header describes {data_bytes} bytes of weights, "
            f"but the file has {file_bytes - 8 - length}"
        )
    return tensors, header


def _tensors(entries: Mapping[str, Any]) -> tuple[dict[str, Tensor], int]:
    """The tensors in the header and their total bytes. Raises ValueError, TypeError or KeyError for invalid entries."""
    tensors: dict[str, Tensor] = {}
    places: list[tuple[int, int]] = []
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        tensor = Tensor(entry["dtype"], tuple(entry["shape"]))
        begin, end = entry["data_offsets"]
        if not all(isinstance(number, int) and number >= 0 for number in (*tensor.shape, begin, end)):
            raise ValueError(name)
        if (end - begin) * 8 != tensor.values * DTYPE_BITS[tensor.dtype]:
            raise ValueError(name)
        tensors[name] = tensor
        places.append((begin, end))
    filled = 0
    for begin, end in sorted(places):
        if begin != filled:
            raise ValueError("a gap or an overlap")
        filled = end
    return tensors, filled


def fingerprint(weights: Weights, other_files: Iterable[Path]) -> str:
    """A stable identity of a checkpoint for caches, without reading the weights.

    It covers the safetensors headers and, for each file, its name, size and stamp. The stamp is the content hash if
    the hub's cache names the file by it, else the modification time: the same download has the same fingerprint on
    every machine, and a local file that is rewritten gets a new one.
    """
    digest = hashlib.sha256(weights.headers)
    for path in (*weights.files, *sorted(other_files)):
        blob = path.resolve()
        status = blob.stat()
        stamp = blob.name if blob.parent.name == "blobs" else status.st_mtime_ns
        digest.update(f"{path.name}\0{status.st_size}\0{stamp}\0".encode())
    return digest.hexdigest()[:32]
