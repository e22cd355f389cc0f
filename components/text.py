"""Text for display: what users and the hub wrote, always as data, never Markdown or HTML; and counts in words."""

from __future__ import annotations

import re
import string

__all__ = ["passes", "plain", "shortened", "well_formed"]

_PUNCTUATION = {ord(character): f"\\{character}" for character in string.punctuation}
# Streamlit rewrites these after resolving escapes: -- and -> to typographic characters, :streamlit: to an image,
# addresses to links. A word joiner in between has no width and allows no line break.
_REWRITTEN = re.compile(r"(?<=[-<>~])(?=[-=<>])|(?<=:)(?=//|streamlit:)|(?<=www)(?=\.)|(?<=\S)(?=@)", re.IGNORECASE)
_JOINER = "\u2060"
_CONTROL = dict.fromkeys((*range(32), 127), " ")


def plain(text: str) -> str:
    """Escape text for any Streamlit label, caption or message, all of which are Markdown.

    Every ASCII punctuation character gets a backslash, which CommonMark allows for all of them: no image is loaded, no
    tag opened, no colour or icon directive applied, no address linked. ``plain("*a* <b>") → "\\*a\\* \\<b\\>"``.
    """
    return _REWRITTEN.sub(_JOINER, text.translate(_CONTROL)).translate(_PUNCTUATION)


def well_formed(text: str) -> str:
    """The text with every lone surrogate, half of a character that UTF-8 cannot hold, replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def shortened(text: str, characters: int = 60) -> str:
    """The beginning of a text, with an ellipsis if it was cut."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def passes(count: int) -> str:
    """``1 → "1 pass"``; a method that reuses another's computation has none of its own."""
    return {0: "no pass of its own", 1: "1 pass"}.get(count, f"{count:,} passes")
