"""Read small untrusted files as data, and quote untrusted text in messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError

__all__ = ["megabytes", "quoted", "read_json"]

_QUOTED_CHARACTERS = 80


def quoted(text: object) -> str:
    """Untrusted text for a message: one line, printable, at most 80 characters, in quotes."""
    plain = "".join(character if character.isprintable() else "�" for character in str(text)[:1000])
    if len(plain) > _QUOTED_CHARACTERS:
        plain = plain[: _QUOTED_CHARACTERS - 1] + "…"
    return f'"{plain}"'


def megabytes(size_bytes: float) -> str:
    """``1_340_000_000 → "1.3 GB"``; decimal units, as used by hubs and disks."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{max(size_bytes / 1e6, 0.1):.0f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def read_json(path: Path, *, max_bytes: int, source: str) -> dict[str, Any]:
    """The object in a JSON file. Raises DamagedCheckpointError; the file must exist."""
    what = f"{path.name} of {quoted(source)}"
    advice = "restore the file or choose another model"
    try:
        size_bytes = path.stat().st_size
        if size_bytes > max_bytes:
            raise DamagedCheckpointError(
                f"{what} has {megabytes(size_bytes)}, but such a file has at most {megabytes(max_bytes)}, so it is not "
                f"read; {advice}"
            )
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise DamagedCheckpointError(f"{what} cannot be read ({error.strerror or 'no access'}); {advice}") from error
    except (ValueError, RecursionError) as error:  # ValueError: invalid JSON or invalid UTF-8
        raise DamagedCheckpointError(f"{what} is not valid JSON; {advice}") from error
    if not isinstance(value, dict):
        raise DamagedCheckpointError(f"{what} is not a JSON object {{…}}; {advice}")
    return value
