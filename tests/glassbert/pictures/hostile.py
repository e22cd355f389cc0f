"""Texts that break out of markup that is put together carelessly, and what is seen of them."""

from __future__ import annotations

HOSTILE = (
    "<script>alert(1)</script>",
    "</span><img src=x onerror=alert(1)>",
    '"\' onmouseover="alert(1)',
    "a & b &amp; &lt;",
    "]]><!-- --><![CDATA[",
    "\u202eright-to-left override",
    "مرحبا بالعالم",
    "👩‍🔬",
    "e\u0301\u0301\u0301",
    "two\nlines\tand a tab",
    "",
    " ",
    "x" * 3000,
)

#: What neither UTF-8 nor XML can hold.
UNWRITABLE = ("\ud800", "\udfffend", "\x00", "bell\x07", "\ufffe", "\x1b[0m")


def seen(text: str) -> str:
    """A text as a parser gives it back: only the characters that cannot be written are replaced."""
    replaced = ("\ud800", "\udfff", "\x00", "\x07", "\ufffe", "\x1b")
    return "".join("\ufffd" if character in replaced else character for character in text)
