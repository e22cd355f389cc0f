"""The one place where text becomes part of HTML, SVG or a Plotly label: as data, never as markup."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["attributes", "clipped", "element", "escaped", "label", "right_to_left"]

# Characters that XML 1.0 cannot represent, not even escaped, or that UTF-8 cannot encode: control characters, halves of
# surrogate pairs and two noncharacters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escaped(text: str) -> str:
    """Text for the content and the quoted attributes of HTML and XML: ``'"<a>"' → "&quot;&lt;a&gt;&quot;"``.

    Characters that XML cannot represent become U+FFFD, so that the result can always be written and parsed.
    """
    return html.escape(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)


def attributes(**values: str | float) -> str:
    """``attributes(x=1, fill_opacity=0.5) → ' x="1" fill-opacity="0.5"'``; a number has at most two decimals."""
    written = {name.replace("_", "-"): value for name, value in values.items()}
    return "".join(f' {name}="{escaped(_written(value))}"' for name, value in written.items())


def element(name: str, *content: str | Iterable[str], **values: str | float) -> str:
    """An element around content that is markup already: text goes through `escaped` first."""
    inside = "".join(part if isinstance(part, str) else "".join(part) for part in content)
    return f"<{name}{attributes(**values)}>{inside}</{name}>"


def clipped(text: str, characters: int) -> str:
    """The first characters of a text, the last one an ellipsis where it was cut."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def right_to_left(texts: Iterable[str]) -> bool:
    """Whether most letters are of a script that is written from right to left, as the strips of tokens have it."""
    kinds = [unicodedata.bidirectional(character) for text in texts for character in text if character.isalpha()]
    return 2 * sum(kind in ("R", "AL") for kind in kinds) > len(kinds)


def label(text: str, characters: int | None = None) -> str:
    """Text for a Plotly label, cut to ``characters``.

    Plotly interprets a few tags and entities in labels; without the opening bracket they are text. It draws a closing
    bracket and quotes literally, so those stay.
    """
    shown = text if characters is None else clipped(text, characters)
    return shown.replace("&", "&amp;").replace("<", "&lt;")


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"
