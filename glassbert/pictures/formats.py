"""Numbers and vocabulary strings as a reader sees them."""

from __future__ import annotations

__all__ = ["percent", "points", "readable", "signed_number"]


def percent(share: float) -> str:
    """``0.9314 → "93.1%"``; below a tenth of a percent the share itself, ``0.00099 → "9.9e-04"``."""
    return f"{share:.1%}" if share >= 0.001 else f"{share:.1e}"


def points(difference: float) -> str:
    """A difference of two probabilities in percentage points: ``-0.25 → "−25.0 points"``."""
    size = 100 * difference
    return f"{size:+.1f} points".replace("-", "−") if abs(size) >= 0.05 else "± 0 points"


def signed_number(value: float) -> str:
    """Three digits and the sign: ``0.25 → "+0.250"``, ``-0.0004 → "−4.0e-04"``, ``0 → "0"``."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = f"{size:#.3g}".rstrip(".") if size >= 0.001 else f"{size:.1e}"
    return f"{'−' if value < 0 else '+'}{digits}"


def readable(token: str) -> str:
    """A vocabulary string as people read it; ``##`` stays, because it means "inside a word"."""
    return token.replace("Ġ", "").replace("▁", "") or token
