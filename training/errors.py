"""The error class of the recipe, and how scripts show it."""

from __future__ import annotations

import sys
from collections.abc import Callable

__all__ = ["RecipeError", "run_script"]


class RecipeError(Exception):
    """A step cannot continue; the message explains what is wrong, what is valid and what to do."""


def run_script(main: Callable[[], object]) -> None:
    """Run a script's ``main``; a `RecipeError` ends it with its message instead of a traceback."""
    try:
        main()
    except RecipeError as error:
        sys.exit(f"error: {error}")
