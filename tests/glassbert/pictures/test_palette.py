"""The colours: what they promise to a reader, and that the files that repeat them agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from glassbert.pictures import palette

ROOT = Path(__file__).resolve().parents[3]


def over(colour: str, opacity: float, page: str) -> tuple[int, ...]:
    """What a browser paints: the colour, partly clear, above an opaque page."""
    top, below = (np.array(list(bytes.fromhex(each[1:])), dtype=float) for each in (colour, page))
    return tuple(np.rint(opacity * top + (1 - opacity) * below).astype(int))


def ratio(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """WCAG 2.2's definition, written out."""

    def luminance(colour: tuple[int, ...]) -> float:
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = max(luminance(one), luminance(other)), min(luminance(one), luminance(other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("page", "ink"),
    [
        ("#ffffff", "#000000"),
        ("#f8f8f7", "#2f2d2b"),  # Streamlit, light
        ("#21201d", "#edebe8"),  # Streamlit, dark
        ("#111111", "#dedede"),  # JupyterLab, dark
        ("#000000", "#ffffff"),
    ],
)
def test_text_reads_on_every_tint(page: str, ink: str) -> None:
    for share in np.linspace(-1, 1, 21):
        colour, opacity = palette.tint_colour(float(share))
        assert ratio(over(colour, opacity, page), over(ink, 1, ink)) >= 4.5


def test_tints() -> None:
    assert palette.tint(0.0) == "rgba(224,122,31,0)"
    assert palette.tint(-0.5) == "rgba(61,139,217,0.3)"
    assert palette.tint(7.0) == palette.tint(1.0) == "rgba(224,122,31,0.6)"


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK])
def test_opaque_scales_begin_at_the_background_and_move_away_from_it(theme: palette.Theme) -> None:
    background = tuple(bytes.fromhex(theme.background[1:]))
    weights, differences = palette.weights_ramp(theme), palette.differences_ramp(theme)
    assert weights.shape == differences.shape == (256, 3)
    assert tuple(weights[0]) == tuple(differences[128]) == background
    away = [ratio(tuple(map(int, colour)), background) for colour in weights]
    assert np.all(np.diff(away[::5]) > 0)
    for side in (differences[128:], differences[128::-1]):
        assert np.all(np.diff([ratio(tuple(map(int, colour)), background) for colour in side[::8]]) > 0)
    for end in (differences[0], differences[255], weights[255]):
        assert ratio(tuple(map(int, end)), background) >= 4.5
    blue, orange = differences[0].astype(int), differences[255].astype(int)
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]


def test_oklab() -> None:
    """Ottosson's own example of the space: its white, and half way from black to white, has a lightness of 0.5, which
    is 0.5³ of the light, a grey of 99."""
    assert palette.blend((0, 0, 0), (255, 255, 255), 0.5) == (99, 99, 99)
    for colour in ((255, 0, 0), (12, 200, 99), (0, 0, 255)):
        assert palette.blend(colour, (1, 2, 3), 0) == colour
        assert palette.blend((1, 2, 3), colour, 1) == colour


def test_contrast() -> None:
    assert palette.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert palette.contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)  # WebAIM's checker


def test_the_selection_is_the_colour_of_the_apps_theme() -> None:
    themes = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
    assert palette.LIGHT.primary == themes["light"]["primaryColor"]
    assert palette.DARK.primary == themes["dark"]["primaryColor"]


def test_the_style_sheet_of_the_what_if_page_has_the_same_colours() -> None:
    source = (ROOT / "components/views/what_if/what_if.css").read_text(encoding="utf-8")
    named = set(re.findall(r"#[0-9a-f]{6}\b", source))
    named |= {"#" + bytes(map(int, found)).hex() for found in re.findall(r"rgb\((\d+) (\d+) (\d+)", source)}
    assert named == {palette.NEUTRAL, palette.POSITIVE, palette.NEGATIVE}


def test_lines_are_told_apart() -> None:
    assert len(set(palette.LINES)) == 8
