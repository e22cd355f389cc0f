"""Where rankings are stored: next to the embedded checkpoints, and in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from glassbert.attribution import Method
from glassbert.evaluation.results import MethodRanking
from glassbert.models.checkpoint import EMBEDDED_FOLDER
from glassbert.models.weights import read_weights
from glassbert.network.model import Model

__all__ = ["RANKINGS_FOLDER", "cache_folder", "content_hash", "key", "read", "write"]

#: Rankings that ship with GlassBERT.
RANKINGS_FOLDER = EMBEDDED_FOLDER / "rankings"
# Raised when the numbers of a ranking come to mean something else, or a method of the same options gives others.
_VERSION = 2
_MOST_BYTES = 8_000_000


def key(model: Model, methods: Sequence[Method], texts: Sequence[str], orderings: int, seed: int) -> str:
    """Everything a ranking depends on, as 32 hexadecimal digits."""
    said = {
        "version": _VERSION,
        "weights": content_hash(model),
        "precision": model.precision,
        "ablated_heads": list(model.ablated_heads),
        "methods": {method.id: dict(method.options) for method in methods},
        "texts": list(texts),
        "orderings": orderings,
        "seed": seed,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def content_hash(model: Model) -> str:
    """SHA-256 of the content of the weights' files: the same for every copy of a model, wherever it lies.

    Files are read once a process, as long as their size and time of last change stay.
    """
    checkpoint = model.checkpoint
    root = EMBEDDED_FOLDER if checkpoint.embedded else None
    weights = read_weights(checkpoint.folder, source=checkpoint.source, root=root)
    digest = hashlib.sha256()
    for path in weights.files:
        status = path.stat()
        digest.update(_file_hash(str(path), status.st_size, status.st_mtime_ns).encode())
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _file_hash(path: str, _size: int, _changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """``GLASSBERT_CACHE``, or the folder "glassbert" where this system keeps caches."""
    if named := os.environ.get("GLASSBERT_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "glassbert"


def read(wanted: str) -> MethodRanking | None:
    """The ranking of this key; None where there is none or its file is damaged, so that it is computed again."""
    files = [*sorted(RANKINGS_FOLDER.glob("*.json")), _file(wanted)]
    for path in files:
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["key"] == wanted:
                return MethodRanking.from_dict(data["ranking"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # not there, or not whole
    return None


def write(wanted: str, ranking: MethodRanking, path: Path | None = None) -> None:
    """Store a ranking under its key, atomically. A folder that cannot be written to is not an error."""
    path = path or _file(wanted)
    text = json.dumps({"key": wanted, "ranking": ranking.to_dict()}, allow_nan=False, separators=(",", ":"))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)


def _file(wanted: str) -> Path:
    return cache_folder() / "rankings" / f"{wanted}.json"
