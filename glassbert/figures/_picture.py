"""A picture: an SVG document, and the same as PNG, in a notebook or in a file."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from glassbert.arguments import checked
from glassbert.errors import GlassBERTError, OptionError
from glassbert.saving import write_bytes

__all__ = ["Picture"]

_SUFFIXES = (".svg", ".png")
#: Larger pictures need gigabytes while they are drawn, and few programs open them.
_MOST_PIXELS = 100_000_000
_FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A drawn result, made by :func:`glassbert.draw`.

    ``svg`` is a complete document: it loads nothing and runs nothing, and all text in it is text. ``width`` and
    ``height`` are in pixels. A notebook shows the picture.
    """

    svg: str = field(repr=False)
    width: int
    height: int
    title: str

    def __repr__(self) -> str:
        return f"<Picture {self.title!r}: {self.width} × {self.height} pixels, {len(self.svg):,} characters of SVG>"

    def _repr_html_(self) -> str:
        return self.svg

    @checked
    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, ``scale`` times as wide and as high.

        Drawn by resvg, without a browser or a system library. Latin, Greek, Cyrillic and Arabic letters are always
        there: matplotlib, which Captum requires, brings DejaVu Sans. Chinese, Japanese and Korean characters, emoji and
        everything else are drawn with the fonts of the system, and as empty boxes where none has them.
        Raises OptionError for a scale that is not positive or would give more than 100 million pixels.
        """
        if not (math.isfinite(scale) and scale > 0):
            raise OptionError(f"scale must be a positive number; got {scale!r}")
        size = [max(1, round(scale * side)) for side in (self.width, self.height)]
        if size[0] * size[1] > _MOST_PIXELS:
            most = math.sqrt(_MOST_PIXELS / (self.width * self.height))
            raise OptionError(
                f"scale {scale:g} would give {size[0]:,} × {size[1]:,} pixels: pass at most {most:.2g}, or save an SVG"
            )
        try:
            import resvg_py
        except ImportError as error:
            raise GlassBERTError(
                'PNG pictures need the package resvg_py: run "pip install resvg-py", or save the picture as .svg'
            ) from error
        return bytes(resvg_py.svg_to_bytes(svg_string=self.svg, width=size[0], height=size[1], font_files=_fonts()))

    @checked
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the picture as ``.svg`` or ``.png`` (twice as wide and as high); the suffix decides.

        The file appears only once it is complete. Returns the path. Raises OptionError for another suffix, and
        SavedResultError if the file cannot be written.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in _SUFFIXES:
            raise OptionError(
                f"a picture is saved as {' or '.join(_SUFFIXES)}; got {target.name!r}. A result's own save() keeps its "
                "numbers"
            )
        content = self.png() if suffix == ".png" else self.svg.encode("utf-8")
        return write_bytes(target, content)


def _fonts() -> list[str]:
    """DejaVu Sans, regular and bold, which matplotlib brings; it is found, not imported."""
    found: Any = find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        return []
    folder = Path(found.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
    return [str(folder / face) for face in _FACES if (folder / face).is_file()]
