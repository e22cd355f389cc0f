"""What the custom components have in common, on both sides of the wire.

A component is a folder with a Python wrapper, a ``.js`` and a ``.css`` file named after the folder. The script imports
other modules from its folder and from this one, and `modules` combines them into one script; `shared.css` of this
folder precedes each component's own.

All components are *controlled*: Python sends what is selected, a click is shown at once and sent as the
trigger value ``select``, and the owner of the selection sends it back with the next run. Every payload
carries a ``version`` (a hash of what is drawn) that the browser echoes in its events: `read_event` ignores events
about other data than those of this run.

The top-level values of a payload are strings, numbers, bytes or tuples, never lists, dicts or arrays: Streamlit checks
whether those are tables, for which a cold process imports pandas and pyarrow, and the first visitor waits half a
second longer.
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
    """Register the component of a folder; called once, when the wrapper's module is loaded."""
    name = folder.name
    styles = (_SHARED / "shared.css", folder / f"{name}.css")
    return st.components.v2.component(
        f"glassbert_{name}",
        js=joined(folder / f"{name}.js"),
        css="\n".join(path.read_text(encoding="utf-8") for path in styles),
    )


def nothing() -> None:
    """An empty callback: Streamlit reports only events that have a callback."""


def read_event(result: Mapping[str, Any], version: str) -> Mapping[str, Any] | None:
    """The event in a component's result; None if there is none or it is about other data.

    ``result`` is what mounting returned or, inside a callback, ``session_state[key]``.
    """
    event = result.get(EVENT)
    if not isinstance(event, Mapping) or event.get("version") != version:
        return None
    return event


def pack(header: Mapping[str, Any], body: bytes) -> bytes:
    """One message for the browser: the header's length (uint32, little endian), the header as JSON, and
    the body deflated. A raw message avoids the overhead of base64, a third."""
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + zlib.compress(body, level=1)


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The inverse of `pack`, as the browser does it."""
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), zlib.decompress(message[4 + length :])
