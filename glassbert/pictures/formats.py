"""Numbers and vocabulary strings as a reader sees them."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

__all__ = [
    "WORD_END",
    "is_byte",
    "ordinal",
    "percent",
    "points",
    "readable",
    "readable_number",
    "short",
    "signed",
    "signed_number",
    "three_digits",
    "two_decimals",
    "whole_percent",
]

#: What ends a word in the vocabularies of the first byte-pair encodings (Sennrich et al. 2016).
WORD_END = "</w>"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_SPECIAL = re.compile(r"<.+>|\[.+\]")


def percent(share: float) -> str:
    """``0.9314 → "93.1%"``; below a tenth of a percent two digits, ``0.00031 → "0.031%"``; at last ``"<0.0001%"``."""
    if share >= 0.001 or share == 0:
        return f"{share:.1%}"
    return f"{100 * share:.2g}%" if share >= 1e-6 else "<0.0001%"


def ordinal(number: int) -> str:
    """``1 → "1st"``, ``12 → "12th"``, ``1003 → "1,003rd"``."""
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else last}"


def whole_percent(share: float) -> str:
    """``0.234 → "23%"``, ``-0.06 → "−6%"``; a rounded zero has no sign."""
    return f"{round(100 * share):d}%".replace("-", "−")


def points(before: float, after: float) -> str:
    """How far a probability moves, in percentage points: ``0.5, 0.25 → "−25.0 points"``.

    The difference of both as `percent` writes them, so that a reader who subtracts finds the same number.
    """
    shown = [Decimal(percent(share).removeprefix("<").removesuffix("%")) for share in (before, after)]
    difference = shown[1] - shown[0]
    if not difference:
        return "± 0 points"
    size = f"{difference:+.1f}" if abs(difference) >= Decimal("0.1") else f"{float(difference):+.2g}"
    return f"{size} points".replace("-", "−")


def short(value: float) -> str:
    """At most three digits: ``2.3456 → "2.35"``, ``-0.5 → "−0.5"``, ``0.00002 → "below 0.0001"``."""
    return _tiny(value) or f"{value:.3g}".replace("-", "−")


def readable_number(value: float) -> str:
    """``0.314 → "0.31"``, ``-0.25 → "−0.25"``; below a hundredth more, ``0.0042 → "0.0042"``."""
    return _tiny(value) or (f"{value:.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}").replace("-", "−")


def three_digits(value: float) -> str:
    """Of a positive number, and more of a large one rather than a power of ten: ``3.14159 → "3.14"``, ``2183.4 →
    "2,183"``."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def two_decimals(value: float) -> str:
    """``-0.412 → "−0.41"``; a rounded zero has no sign."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def signed(value: float) -> str:
    """At most three digits, and a plus or a minus sign: ``2.3456 → "+2.35"``, ``-0.5 → "−0.5"``."""
    return _tiny(value) or f"{value:+.3g}".replace("-", "−")


def signed_number(value: float) -> str:
    """Three digits and the sign: ``0.25 → "+0.250"``, ``-0.0004 → "−0.0004"``, ``0 → "0"``."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = f"{size:#.3g}".rstrip(".") if size >= 0.001 else f"{size:.2g}"
    return _tiny(value) or f"{'−' if value < 0 else '+'}{digits}"


def _tiny(value: float) -> str:
    """What is too small to be written without an exponent; "" for any other number."""
    if value == 0 or abs(value) >= 0.0001:
        return ""
    return "below 0.0001" if value > 0 else "above −0.0001"


def readable(token: str, spelling: str = "") -> str:
    """A vocabulary string as people read it: ``"cafÃ©" → "café"``, ``"ĠThe" → "␣The"``, ``"▁the" → "␣the"``.

    ``spelling`` is that of the text (:class:`glassbert.Encoded`): only "ByteLevel" strings spell bytes, and only there
    and in "Metaspace" is a sign a space. The space stays visible, since "The" is another entry than "␣The"; ``##``
    stays, because it says "inside a word"; in vocabularies that mark the end of words instead, it is written where a
    word goes on: ``"the</w>" → "the"``, ``"the" → "the##"``. The bytes of an incomplete character are written in
    hexadecimal.
    """
    if is_byte(token):
        return f"‹{token[3:5]}›"
    if spelling == "ByteLevel":
        token = _from_bytes(token)
    elif spelling == "Metaspace" and token.startswith("▁"):
        token = " " + token[1:].replace("▁", " ")
    elif spelling == "BPEDecoder" and token != WORD_END and not _SPECIAL.fullmatch(token):
        return token.removesuffix(WORD_END) if token.endswith(WORD_END) else f"{token}##"
    else:
        return token
    return "␣" + token[1:] if token.startswith(" ") else token


def is_byte(token: str) -> bool:
    """Whether a vocabulary string stands for one byte of a character that is not in the vocabulary: ``<0xE6>``."""
    return _BYTE.fullmatch(token) is not None


def _from_bytes(token: str) -> str:
    letters = _byte_letters()
    if not all(letter in letters for letter in token):
        return token  # an added token, which is stored as it is
    spelt = bytes(letters[letter] for letter in token)
    try:
        return spelt.decode()
    except UnicodeDecodeError:
        if max(spelt) < 128 or any(byte < 128 and byte != 32 for byte in spelt):
            return token
        return (" " if spelt[:1] == b" " else "") + "‹" + spelt.lstrip(b" ").hex(" ").upper() + "›"


@cache
def _byte_letters() -> dict[str, int]:
    """The letter that GPT-2's vocabulary (Radford et al. 2019) writes for each byte: itself where it is printable."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}
