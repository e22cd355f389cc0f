"""Pictures in the output of a notebook's cell: Jupyter, VS Code, Colab. Nothing is fetched."""

from __future__ import annotations

import sys
from typing import Any

from glassbert.errors import GlassBERTError
from glassbert.figures._figure import model_told
from glassbert.figures._head_picker import MOST_WEIGHTS, HeadPicker, head_picker
from glassbert.figures.token_maps import chosen
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.network.model import Model
from glassbert.pictures.palette import theme

__all__ = ["all_heads", "display"]

#: By name, because an app that reloads modules keeps results of the old classes.
_MAPS = {AttentionMaps.__name__, TokenMaps.__name__}


def all_heads(
    result: Any,
    *,
    dark: bool,
    title: str,
    source: Model | str | None,
    layer: int | None = None,
    by_word: bool = False,
    special: bool = True,
    **_: Any,
) -> HeadPicker | None:
    """All heads to choose from, where a result has several and none was asked for; else None: a picture is enough."""
    if type(result).__name__ not in _MAPS or layer is not None:
        return None
    maps = result.maps() if type(result).__name__ == AttentionMaps.__name__ else result
    maps = chosen(maps, by_word=by_word, special=special)
    if not maps.per_head or maps.values.size > MOST_WEIGHTS or len(maps.layers) * len(maps.heads) == 1:
        return None
    return head_picker(maps, theme(dark), title=title, caption=model_told(source))


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
