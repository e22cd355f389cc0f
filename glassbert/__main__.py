"""``python -m glassbert COMMAND``, which is the same as ``glassbert COMMAND``."""

from __future__ import annotations

import sys

from glassbert.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
