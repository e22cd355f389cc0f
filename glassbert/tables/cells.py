"""One cell: a text, a number, a list; and what is wrong with it if it is none."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from numbers import Integral, Real
from typing import Any

from glassbert.arguments import lone_surrogate

__all__ = ["DamageError", "is_missing", "label_of", "list_of", "number_of", "text_of"]

#: Longer ones are no texts for an encoder, but a mistake in the file.
_MOST_CHARACTERS = 1_000_000
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: Letters, marks, numbers, punctuation and symbols are visible; controls and separators are not.
_VISIBLE = frozenset("LMNPS")


class DamageError(Exception):
    """Why a cell cannot be used, in words; never leaves this folder."""


def is_missing(value: Any) -> bool:
    """None, NaN, pandas' missing value, or a string without a visible character."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Real):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")


def text_of(value: Any, *, whole: bool = False) -> str:
    """A cell as the text that a model reads, without white space around it unless ``whole``."""
    if is_missing(value):
        raise DamageError("the text is empty")
    if not isinstance(value, str):
        raise DamageError(f"not a text but {_named(value)}")
    text = value if whole else value.strip()
    if len(text) > _MOST_CHARACTERS:
        raise DamageError(f"the text has more than {_MOST_CHARACTERS:,} characters")
    if lone_surrogate(text):
        raise DamageError(f"the text has bytes that are not in the file's encoding, at character {_surrogate(text)}")
    if "\0" in text:
        raise DamageError(f"the text has a NUL character, at character {text.index(chr(0)) + 1}")
    if not any(unicodedata.category(character)[0] in _VISIBLE for character in text):
        raise DamageError("the text has no visible character")
    return text


def _surrogate(text: str) -> int:
    return next(place for place, character in enumerate(text, start=1) if 0xD800 <= ord(character) <= 0xDFFF)


def label_of(value: Any) -> str:
    """A cell as the name of a class: ``" spam " → "spam"``, ``2.0 → "2"``, ``True → "True"``."""
    if is_missing(value):
        raise DamageError("the label is missing")
    if isinstance(value, str):
        if lone_surrogate(value) or "\0" in value:
            raise DamageError("the label has bytes that are not in the file's encoding")
        return value.strip()
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return str(bool(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real) and math.isfinite(number := float(value)):
        return str(int(number)) if number.is_integer() else repr(number)
    raise DamageError(f"not a label but {_named(value)}")


def number_of(value: Any) -> float:
    """A cell as a finite number; a decimal comma is one."""
    if is_missing(value):
        raise DamageError("the label is missing")
    if isinstance(value, str):
        plain = value.strip()
        try:
            number = float(plain.replace(",", ".") if _DECIMAL_COMMA.fullmatch(plain) else plain)
        except ValueError:
            raise DamageError(f"{plain[:40]!r} is not a number") from None
    elif isinstance(value, Real):
        number = float(value)
    else:
        raise DamageError(f"not a number but {_named(value)}")
    if not math.isfinite(number):
        raise DamageError(f"{number} is not a finite number")
    return number


def list_of(value: Any) -> list[Any]:
    """A cell as a list: one already, or one written as JSON."""
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise DamageError(f"{value.strip()[:40]!r} is not a list as JSON writes it") from None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, tuple | set | frozenset):
        value = sorted(value) if isinstance(value, set | frozenset) else list(value)
    if not isinstance(value, list):
        raise DamageError(f"not a list but {_named(value)}")
    return value


def _named(value: Any) -> str:
    if isinstance(value, str):
        return f"the string {value.strip()[:40]!r}"
    if isinstance(value, bool):
        return f"{value}"
    if isinstance(value, Real):
        return f"the number {value}"
    if isinstance(value, bytes | bytearray):
        return "bytes"
    if isinstance(value, dict):
        return "a dictionary"
    return "a list" if isinstance(value, list | tuple) or hasattr(value, "tolist") else f"a {type(value).__name__}"
