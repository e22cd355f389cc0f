"""Limits on memory and time of a process that reads a stranger's file.

The scripts that are run as such a process read this file by its path, since they do not import the library; so it
imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["limit"]


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound what this process takes from now on: memory beyond what is in use, and time of the processor.

    Time of the processor does not pass while a busy machine runs others. Does nothing on Windows, which has no such
    limits.
    """
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    limits = {"RLIMIT_CPU": int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds, "RLIMIT_CORE": 0}
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits["RLIMIT_AS"] = pages * resource.getpagesize() + memory_bytes
    for name, most in limits.items():
        hard = resource.getrlimit(getattr(resource, name))[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, hard))
