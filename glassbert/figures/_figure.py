"""What a figure declares about itself, and the sheet that every picture is drawn on.

A figure paints one type of result: what is on the sheet's middle, with a heading, the text, and notes for the caption.
Its options are the keyword-only parameters of its function, checked against their annotations.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from glassbert.arguments import mismatch
from glassbert.errors import OptionError, OptionTypeError
from glassbert.figures._picture import Picture
from glassbert.pictures.drawing import Drawing, document, paragraph, stacked
from glassbert.pictures.markup import clipped
from glassbert.pictures.palette import Theme
from glassbert.results import Result

if TYPE_CHECKING:
    from glassbert.network.model import Model

__all__ = ["Figure", "Sheet", "model_name", "model_told", "on_sheet", "without_directions"]

_NARROWEST = 480
_MARGIN = 16
# Controls of the writing direction, which would turn our own words around as well.
_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a figure paints: the middle, and the words around it.

    ``title`` says what is drawn, ``texts`` is the input, and ``notes`` are sentences on method, settings and scale.
    """

    title: str
    drawing: Drawing
    texts: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """How results of one type are drawn: ``paint(result, on, **options)``."""

    result: type[Result]
    paint: Callable[..., Sheet]

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """Name → annotation, in order."""
        hints = get_type_hints(self.paint)
        parameters = inspect.signature(self.paint).parameters.values()
        return {one.name: hints[one.name] for one in parameters if one.kind is one.KEYWORD_ONLY}

    @property
    def told(self) -> Mapping[str, tuple[str, Any]]:
        """Name → annotation as it is written, and default."""
        parameters = inspect.signature(self.paint).parameters
        return {name: (str(parameters[name].annotation), parameters[name].default) for name in self.options}

    def check(self, given: Mapping[str, Any], name: str) -> None:
        """Raise OptionError for an option that this figure does not have, or one of another type."""
        unknown = sorted(set(given) - set(self.options))
        if unknown:
            valid = f"its options are {', '.join(self.options)}" if self.options else "it has none"
            raise OptionError(f"a picture of {name} has no option {', '.join(unknown)}; {valid}")
        for option, value in given.items():
            if sentence := mismatch(option, value, self.options[option]):
                raise OptionTypeError(sentence)
            if option == "top_k" and value is not None and value < 1:
                raise OptionError(f"top_k must be at least 1; got {value}")


def on_sheet(sheet: Sheet, on: Theme, *, title: str | None, source: Model | str | None) -> Picture:
    """The whole picture: heading, text, middle, caption. An empty ``title`` leaves the heading out."""
    heading = sheet.title if title is None else title
    wide = max(sheet.drawing.width, _NARROWEST)
    caption = " ".join(without_directions(note) for note in (model_told(source), *sheet.notes) if note)
    both = len(sheet.texts) > 1
    texts = [
        paragraph(f"{'AB'[number]}: {text}" if both else text, wide, on, most_lines=3)
        for number, text in enumerate(sheet.texts)
    ]
    head = stacked([paragraph(without_directions(heading), wide, on, font_px=15, bold=True), *texts], gap=4)
    drawn = stacked([head, sheet.drawing, paragraph(caption, wide, on, font_px=11)], gap=14)
    framed = Drawing(drawn.markup, wide, drawn.height)
    shown = clipped(" ".join(without_directions(heading).split()) or sheet.title, 200)
    svg = document(framed, on, title=shown, margin=_MARGIN)
    width, height = (math.ceil(side) for side in (framed.width + 2 * _MARGIN, framed.height + 2 * _MARGIN))
    return Picture(svg=svg, width=width, height=height, title=shown)


def without_directions(text: str) -> str:
    """A text without the invisible characters that change the writing direction."""
    return text.translate(_DIRECTIONS)


def model_told(source: Model | str | None) -> str:
    """``Model: sentiment.``, or nothing."""
    if source is None:
        return ""
    return f"Model: {model_name(source if isinstance(source, str) else source.source)}."


def model_name(source: str) -> str:
    """A model's name in a caption: of a folder the last part, which says nothing about the machine."""
    return Path(source).name if Path(source).is_absolute() else source
