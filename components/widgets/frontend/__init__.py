"""What the custom components have in common, on both sides of the wire.

A component is a folder with a Python wrapper, a ``.js`` and a ``.css`` file of the folder's name. The script imports
other modules of its folder and of this one, and `modules` makes one script of them; `shared.css` of this folder goes in
front of each component's own.

All components are *controlled*: Python sends what is selected, a click is shown at once and sent as the
trigger value ``select``, and the owner of the selection sends it back with the next run. Every payload
carries a ``version`` (a hash of what is drawn) that the browser echoes in its events: an event about
other data than the data of this run is dropped by `read_event`.

What a payload holds at its first level is a string, a number, bytes or a tuple, never a list, a dict or an array: of
those Streamlit asks whether they are tables, and a cold process imports pandas and pyarrow to find out, for half a
second of a first visitor's wait.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from .modules import joined

__all__ = ["EVENT", "nothing", "pack", "read_event", "register", "unpack"]

EVENT = "select"

_SHARED = Path(__file__).parent


def register(folder: Path) -> ComponentRenderer:
    """Register the component of a folder; call it once, where the wrapper's module is loaded."""
    name = folder.name
    styles = (_SHARED / "shared.css", folder / f"{name}.css")
    return st.components.v2.component(
        f"glassbert_{name}",
        js=joined(folder / f"{name}.js"),
        css="\n".join(path.read_text(encoding="utf-8") for path in styles),
    )


def nothing() -> None:
    """The callback of a caller who wants none: Streamlit reports only events that have a callback."""


def read_event(result: Mapping[str, Any], version: str) -> Mapping[str, Any] | None:
    """The event in a component's result, or None when there is none or it is about other data.

    ``result`` is what mounting returned or, inside a callback, ``session_state[key]``.
    """
    event = result.get(EVENT)
    if not isinstance(event, Mapping) or event.get("version") != version:
        return None
    return event


def pack(header: Mapping[str, Any], body: bytes) -> bytes:
    """One message for the browser: the header's length (uint32, little endian), the header as JSON, and
    the body deflated. A raw message spares the third that base64 would add."""
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + zlib.compress(body, level=1)


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The inverse of `pack`, as the browser does it."""
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), zlib.decompress(message[4 + length :])
