"""Read small untrusted files as data, and quote untrusted text in messages."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from glassbert.errors import DamagedCheckpointError

__all__ = ["megabytes", "parse_json", "quoted", "read_bytes", "read_json"]

_QUOTED_CHARACTERS = 80
_ADVICE = "restore the file or choose another model"
#: An escaped surrogate. Pairs of them are one character; a lone one is text that no encoding can write.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def quoted(text: object, *, characters: int = _QUOTED_CHARACTERS) -> str:
    """Untrusted text for a message: one line, printable, at most 80 characters, in quotes."""
    plain = "".join(character if character.isprintable() else "�" for character in str(text)[:1000])
    if len(plain) > characters:
        plain = plain[: characters - 1] + "…"
    return f'"{plain}"'


def megabytes(size_bytes: float) -> str:
    """``1_340_000_000 → "1.3 GB"``; decimal units, as used by hubs and disks."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{max(size_bytes / 1e6, 0.1):.0f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def read_bytes(path: Path, *, max_bytes: int, source: str) -> bytes:
    """The content of a regular file of at most ``max_bytes``. Raises DamagedCheckpointError; the file must exist.

    The file is examined after it has been opened, without waiting for it: a named pipe would never answer, and a
    device claims to be empty and never ends.
    """
    what = f"{path.name} of {quoted(source)}"
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:  # noqa: PTH123 (opened above)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise DamagedCheckpointError(f"{what} is not a regular file, so it is not read; {_ADVICE}")
            content = file.read(max_bytes + 1) if status.st_size <= max_bytes else b""
    except OSError as error:
        raise DamagedCheckpointError(f"{what} cannot be read ({error.strerror or 'no access'}); {_ADVICE}") from error
    size_bytes = max(status.st_size, len(content))
    if size_bytes > max_bytes:
        raise DamagedCheckpointError(
            f"{what} has {megabytes(size_bytes)}, but such a file has at most {megabytes(max_bytes)}, so it is not "
            f"read; {_ADVICE}"
        )
    return content


def read_json(path: Path, *, max_bytes: int, source: str) -> dict[str, Any]:
    """The object in a JSON file. Raises DamagedCheckpointError; the file must exist."""
    return parse_json(read_bytes(path, max_bytes=max_bytes, source=source), path.name, source)


def parse_json(content: bytes, name: str, source: str) -> dict[str, Any]:
    """The object in the content of a JSON file, without NaN, Infinity or lone surrogates."""
    what = f"{name} of {quoted(source)}"

    def refuse(constant: str) -> NoReturn:
        raise DamagedCheckpointError(f"{what} contains {quoted(constant)}, which is not a number in JSON; {_ADVICE}")

    def number(digits: str) -> float:
        value = float(digits)
        return refuse(digits) if math.isinf(value) else value

    try:
        value = json.loads(content, parse_constant=refuse, parse_float=number)
        if _SURROGATE.search(content):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DamagedCheckpointError(f"{what} contains half of a character (a lone surrogate); {_ADVICE}") from error
    except (ValueError, RecursionError) as error:  # ValueError: invalid JSON or invalid UTF-8
        raise DamagedCheckpointError(f"{what} is not valid JSON; {_ADVICE}") from error
    if not isinstance(value, dict):
        raise DamagedCheckpointError(f"{what} is not a JSON object {{…}}; {_ADVICE}")
    return value
