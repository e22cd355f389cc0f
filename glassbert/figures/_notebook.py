"""Pictures in the output of a notebook's cell: Jupyter, VS Code, Colab. Nothing is fetched."""

from __future__ import annotations

import sys
from typing import Any

from glassbert.errors import GlassBERTError

__all__ = ["display"]


def display(shown: Any) -> None:
    """Hand an object that has ``_repr_html_`` to the notebook. Raises GlassBERTError outside one."""
    # a notebook has imported IPython long ago, and a script need not
    python = sys.modules.get("IPython")
    if python is None or python.get_ipython() is None:
        raise GlassBERTError(
            "show needs a notebook, or another IPython session: draw(result) gives the same picture, and "
            'draw(result).save("picture.svg") a file'
        )
    python.display.display(shown)
