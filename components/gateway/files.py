"""Results as files: a table, the result itself, its picture. Nothing is made before somebody asks for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from components.gateway.library import gb, import_library
from components.gateway.turns import admitted_by, turns
from components.gateway.visitors import unattended, visitor

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MOST_ROWS",
    "as_csv",
    "as_file",
    "as_parquet",
    "file_name",
    "has_picture",
    "made_later",
    "picture",
    "slug",
]

#: A longer table is not made: the file of the result has the same numbers in a tenth of the space.
MOST_ROWS = 500_000
_SLUG_CHARACTERS = 32


def as_csv(table: pd.DataFrame) -> bytes:
    """A table for spreadsheets: UTF-8 with a mark that says so, and no text in it that would be run as a formula."""
    import_library()
    from glassbert.tables import writing

    return writing.as_csv(table)


def as_parquet(table: pd.DataFrame) -> bytes:
    """The same as Parquet, with every text as it is."""
    import_library()
    from glassbert.tables import writing

    return writing.as_parquet(table)


def as_file(result: gb.Result) -> bytes:
    """What `gb.load_result` reads back to an equal result."""
    return result.to_bytes()


def has_picture(kind: str) -> bool:
    """Whether there is a picture of results of this type, by its name."""
    return kind in gb.figures.FIGURES


def picture(result: gb.Result, form: str, options: Mapping[str, Any], *, dark: bool, model: str) -> bytes:
    """Its picture, as "svg" or "png" at twice the size. ``model``: its name, for the caption."""
    drawn = gb.draw(result, dark=dark, source=model, **options)
    return drawn.png(2.0) if form == "png" else drawn.svg.encode("utf-8")


def made_later(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """For a download button, which calls this in a thread that belongs to no page: passes still take turns."""
    who = visitor()
    gone = unattended(who)

    def made() -> bytes:
        import_library()
        try:
            with admitted_by(lambda: turns.turn(who, gone, lambda ahead: None)):
                return make()
        except gb.GlassBERTError:
            # Streamlit logs what is raised here, and the message may have parts of the text
            raise RuntimeError("this file could not be made") from None

    return made


def file_name(view: str, text: str, ending: str) -> str:
    """``("saliency", "It was not bad!", "csv") → "glassbert-saliency-it-was-not-bad.csv"``."""
    kept = re.sub("[^a-z0-9]+", "-", view.casefold()).strip("-")
    said = slug(text)
    return f"glassbert-{kept}{f'-{said}' if said else ''}.{ending}"


def slug(text: str) -> str:
    """A short part of a file's name: ``"It was not bad!" → "it-was-not-bad"``; "" if no letter or digit is in it."""
    letters = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = re.findall("[a-z0-9]+", letters)
    said = ""
    for word in words:
        if len(said) + len(word) > _SLUG_CHARACTERS:
            break
        said = f"{said}-{word}"
    return said.removeprefix("-") or "".join(words)[:_SLUG_CHARACTERS]
