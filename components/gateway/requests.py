"""The requests of pages: small frozen objects, which are the keys of every cache; and the open models they go to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from components.gateway.library import gb
from components.state import View

__all__ = ["ModelRequest", "Opened", "Part", "Role", "TextRequest", "version_of"]

#: The main model, or the second one.
Role = Literal["model", "beside"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model, where; ``off``: the (layer, head) that are switched off.

    ``files`` identifies the files of a local folder: results of other weights have another key. ``half``: in half
    precision, whatever the server's setting.
    """

    source: str
    device: str = "auto"
    off: tuple[tuple[int, int], ...] = ()
    files: str = ""
    half: bool = False


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One input of one model."""

    model: ModelRequest
    text: str
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a long text that pages show: window ``number`` of ``of``, counted from 0, of text A or B (``which``,
    0 or 1), whose characters [start, stop) it has; the other text is whole."""

    whole: tuple[str, str]
    number: int
    of: int
    text: str
    pair: str
    which: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A loaded model, and the requests to it. ``role`` is "model" or "beside"; ``part`` that of a long text."""

    role: Role
    request: ModelRequest
    model: gb.Model
    name: str
    part: Part | None = None

    def text(self, view: View) -> TextRequest:
        """This view's text for this model; of a text that is longer than the models read, the part that is shown."""
        part = self.part
        if part is not None and part.whole == (view.text, view.pair):
            return TextRequest(self.request, part.text, part.pair or None)
        return self.whole(view)

    def whole(self, view: View) -> TextRequest:
        """This view's whole text, however long."""
        return TextRequest(self.request, view.text, view.pair or None)


def version_of(*parts: object) -> str:
    """A short hash that names what a component draws, so that a click on older data is dropped."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
