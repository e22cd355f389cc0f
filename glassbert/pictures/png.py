"""8-bit pictures as PNG (RFC 2083), with the standard library alone.

Each pixel is the number of a colour in a palette.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["data_address", "encoded"]


def encoded(levels: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8]) -> bytes:
    """The PNG of ``levels`` (row, column), indices into ``colours`` (level, 3): the levels themselves are stored.

    Raises ValueError for other types or shapes, and for a level without a colour.
    """
    if levels.dtype != np.uint8 or levels.ndim != 2 or 0 in levels.shape:
        raise ValueError(f"levels are {levels.dtype} {levels.shape}: pass uint8 (row, column), none empty")
    if colours.dtype != np.uint8 or colours.ndim != 2 or colours.shape[1] != 3 or not 0 < len(colours) <= 256:
        raise ValueError(f"colours are {colours.dtype} {colours.shape}: pass uint8 (level, 3), at most 256")
    if int(levels.max()) >= len(colours):
        raise ValueError(f"level {int(levels.max())}: there are {len(colours)} colours")
    height, width = levels.shape
    eight_bits, by_palette = 8, 3
    header = struct.pack(">IIBBBBB", width, height, eight_bits, by_palette, 0, 0, 0)
    # each row begins with the number of its filter; 0 is none, which is best for palettes
    rows = np.zeros((height, width + 1), dtype=np.uint8)
    rows[:, 1:] = levels
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"PLTE", colours.tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), level=9)),
            (b"IEND", b""),
        )
    )


def data_address(levels: npt.NDArray[Any], colours: npt.NDArray[np.uint8]) -> str:
    """The PNG as a data URI, for a picture inside a document."""
    return "data:image/png;base64," + base64.b64encode(encoded(levels, colours)).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
