"""Pictures of results, for files and notebooks. One file per kind of picture.

A file of this folder that defines ``FIGURES``, records of the types of result that it draws, adds them; adding one
requires no other change. ``_figure`` says what a record is and draws the sheet around it, ``_picture`` is what comes
out. The painting itself, which knows no results, is in ``pictures``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from glassbert.arguments import checked
from glassbert.figures._figure import Figure, on_sheet
from glassbert.figures._notebook import all_heads, display
from glassbert.figures._picture import Picture
from glassbert.figures._tables import TABLE
from glassbert.network.model import Model
from glassbert.pictures.palette import theme
from glassbert.results import Result

__all__ = ["FIGURES", "Figure", "Picture", "draw", "show"]


def _discover() -> Mapping[str, Figure]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = (figure for module in modules for figure in module.FIGURES)
    return MappingProxyType({figure.result.__name__: figure for figure in found})


#: Name of a result type → how it is drawn. By name: an app that reloads modules keeps results of the old classes.
FIGURES: Mapping[str, Figure] = _discover()


def _options_told() -> str:
    """Type, its options with their defaults, and what they mean."""
    told = []
    for name, figure in sorted(FIGURES.items()):
        if figure.options:
            listed = [f"    {option} : {kind}, default {default!r}" for option, (kind, default) in figure.told.items()]
            meaning = " ".join((inspect.getdoc(figure.paint) or "").split())
            told.append(
                "\n".join(
                    [name, *listed, *textwrap.wrap(meaning, 100, initial_indent=" " * 8, subsequent_indent=" " * 8)]
                )
            )
    return textwrap.indent("\n".join(told), "    ")


@checked
def draw(
    result: Result, *, dark: bool = False, title: str | None = None, source: Model | str | None = None, **options: Any
) -> Picture:
    """Draw a result: the app's own picture as a document of its own, for a paper, a slide or a report.

    ``draw(maps, layer=2, head=4).save("head.svg")``. The picture has a heading (``title``; "" for none), the text, a
    scale where colours have one, and a caption with method and settings, which names ``source``, a model or its name.
    ``dark`` draws on a dark page. ``options`` depend on the type of result. A type without a picture is drawn as its
    table. Equal results give equal pictures. Raises OptionError, LayerError.
    """
    figure = FIGURES.get(type(result).__name__, TABLE)
    figure.check(options, type(result).__name__)
    on = theme(dark)
    return on_sheet(figure.paint(result, on, **options), on, title=title, source=source)


# an option is told where it is passed, and written down only once: at the function that draws with it
draw.__doc__ = f"{inspect.cleandoc(draw.__doc__ or '')}\n\nOptions of each type of result:\n\n{_options_told()}"


@checked
def show(
    result: Result, *, dark: bool = False, title: str | None = None, source: Model | str | None = None, **options: Any
) -> None:
    """Show a result's picture in the output of a notebook's cell, as :func:`draw` draws it.

    Of maps of several heads, without ``layer``, a click on a head shows it large. Works in Jupyter, VS Code and Colab,
    without a network. ``dark`` and all other options are those of :func:`draw`. Raises OptionError, LayerError, and
    GlassBERTError outside a notebook.
    """
    picture = draw(result, dark=dark, title=title, source=source, **options)
    heads = all_heads(result, dark=dark, title=picture.title if title is None else title, source=source, **options)
    display(picture if heads is None else heads)
