"""The requests of pages: small frozen objects, which are the keys of every cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["ModelRequest", "TextRequest", "version_of"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model, where; ``off``: the (layer, head) that are switched off.

    ``files`` identifies the files of a local folder: results of other weights have another key.
    """

    source: str
    device: str = "auto"
    off: tuple[tuple[int, int], ...] = ()
    files: str = ""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One input of one model."""

    model: ModelRequest
    text: str
    pair: str | None = None


def version_of(*parts: object) -> str:
    """A short hash that names what a component draws, so that a click on older data is dropped."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
