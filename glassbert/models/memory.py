"""How much memory is free, so that a model that cannot fit is rejected instead of crashing the process."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_bytes"]


def available_bytes(root: Path = Path("/")) -> int | None:
    """Bytes that can still be allocated: the smaller limit of system and container; None if unknown.

    Linux reports what it could free for a new program (``MemAvailable``), and control groups what this container may
    use. Other systems report free pages, if anything. ``root`` is for tests.
    """
    found = [
        bytes_free
        for bytes_free in (
            _system(root),
            _group(root / "sys/fs/cgroup", "memory.max", "memory.current", "memory.stat"),
            _group(root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
        )
        if bytes_free is not None
    ]
    return min(found) if found else None


def _system(root: Path) -> int | None:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return None


def _group(folder: Path, limit: str, usage: str, statistics: str) -> int | None:
    try:
        limit_bytes = int((folder / limit).read_text())  # "max" is a ValueError: no limit
        used_bytes = int((folder / usage).read_text())
    except (OSError, ValueError):
        return None
    return max(0, limit_bytes - used_bytes + _file_cache(folder / statistics))


def _file_cache(path: Path) -> int:
    """Cached files count as used memory but are released on demand."""
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "inactive_file":
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
