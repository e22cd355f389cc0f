"""``python -m glassbert COMMAND``, which is the same as ``glassbert COMMAND``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. ``None``: the arguments of this process."""
    try:
        # here, so that an interrupt is expected from the first import on
        from glassbert.commands import main as run

        return run(arguments)
    except KeyboardInterrupt:
        if arguments is not None:
            return 130
        # at once: an interrupt inside of a C extension, already dealt with, would make Python end by the signal itself
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
