"""One set of colours, each with one meaning: orange for and blue against, teal for attention, grey for everything else,
light grey beside grey for two of a kind (first and second, others and the one that counts).

There are two kinds of scale, for two kinds of surface:

- *Translucent* (`tint`, and Plotly's colour scales in `matrices`): a colour over the page below it, so that one picture
  is readable on a white and on a dark page. Made from `POSITIVE` and `NEGATIVE`.
- *Opaque* (`weights_ramp`, `differences_ramp`): 256 colours starting at a page's background, uniform in OKLab, for maps
  of many cells. Made from a `Theme`.

Where other files must agree, which tests check: the custom components blend the same opaque scales in
``components/widgets/frontend/theme.js`` from the colours of Streamlit's theme, which `LIGHT` and `DARK` repeat, and
  from the same two teals;
``components/views/what_if/what_if.css`` repeats `NEUTRAL`, `POSITIVE` and `NEGATIVE`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "DARK",
    "INK",
    "LIGHT",
    "LINES",
    "NEGATIVE",
    "NEUTRAL",
    "PALE",
    "PALE_OPACITY",
    "POSITIVE",
    "SIGNED_ZERO",
    "TINT_OPACITY",
    "Theme",
    "blend",
    "contrast",
    "deepening",
    "differences_ramp",
    "diverging",
    "hexadecimal",
    "ink",
    "theme",
    "tint",
    "tint_colour",
    "translucent",
    "weights_ramp",
]

Rgb: TypeAlias = tuple[int, int, int]

# Mid-tones that are readable on white and on near-black, and distinguishable for colour-blind users.
NEUTRAL, POSITIVE, NEGATIVE = "#8a93a6", "#e07a1f", "#3d8bd9"
#: One curve over grey ones: the teal of attention would say too much.
INK = "#6f63b8"
#: The paler of two greys, on either page: `NEUTRAL` with this opacity.
PALE_OPACITY = 0.6
PALE = f"rgba(138,147,166,{PALE_OPACITY})"
#: Eight line colours, distinguishable for colour-blind users too (Okabe & Ito); mid-tones for white and near-black.
LINES = ("#e69f00", "#56b4e9", "#009e73", "#c8b400", "#0072b2", "#d55e00", "#cc79a7", NEUTRAL)
#: The opacity of the strongest `tint`, at which text keeps a contrast above 4.5 on white and on black.
TINT_OPACITY = 0.6
#: The level of no difference among the 256 of `differences_ramp`.
SIGNED_ZERO = 128


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of an opaque picture: background, text, selection, and the two ends of the scales."""

    background: str
    text: str
    primary: str
    blue: str
    orange: str
    #: The scale of attention weights.
    teal: str
    #: Numbers in the cells of a chart, in the strongest ink.
    ink: str


# Streamlit's own two themes with the primary colours of .streamlit/config.toml: what the app's components see.
LIGHT = Theme("#ffffff", "#2f2d2b", "#a3157f", "#3b82f6", "#e0682b", "#14808a", "#1d1f27")
DARK = Theme("#171614", "#edebe8", "#f06bc8", "#85b8f8", "#f2a56d", "#5cc6cf", "#f5f5f7")


def theme(dark: bool) -> Theme:
    return DARK if dark else LIGHT


def rgb(colour: str) -> Rgb:
    """``"#e07a1f" → (224, 122, 31)``."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def hexadecimal(colour: Rgb) -> str:
    return "#" + bytes(colour).hex()


def translucent(colour: str, opacity: float) -> str:
    """``("#e07a1f", 0.25) → "rgba(224,122,31,0.25)"``."""
    return f"rgba({','.join(map(str, rgb(colour)))},{opacity:g})"


def tint_colour(share: float) -> tuple[str, float]:
    """Colour and opacity of a share of the largest value, −1 to 1; values beyond are drawn as the largest."""
    return NEGATIVE if share < 0 else POSITIVE, round(TINT_OPACITY * min(1.0, abs(share)), 4)


def tint(share: float) -> str:
    """`tint_colour` in CSS: blue below zero, orange above, clear at zero."""
    return translucent(*tint_colour(share))


def diverging(shares: float, on: Theme) -> Rgb:
    """The opaque colour of a share, −1 to 1: blue below zero, orange above, the background at zero."""
    strongest = _standing_out(on.blue if shares < 0 else on.orange, on)
    return blend(rgb(on.background), strongest, min(1.0, abs(shares)))


def deepening(share: float, colour: str, on: Theme) -> Rgb:
    """The opaque colour of a share, 0 to 1: the background at zero, a colour of ours at one."""
    return blend(rgb(on.background), _standing_out(colour, on), min(1.0, max(0.0, share)))


def ink(on: Theme, cell: Rgb) -> str:
    """The page's text colour or its background, whichever is easier to read on a cell of this colour."""
    return max((on.text, on.background), key=lambda colour: contrast(rgb(colour), cell))


def weights_ramp(on: Theme) -> npt.NDArray[np.uint8]:
    """Colours (level, 3) of 256 levels from nothing to the largest weight: the background, then ever deeper teal."""
    background, text, teal = rgb(on.background), rgb(on.text), rgb(on.teal)
    stops = [background, blend(background, teal, 0.6), blend(teal, text, 0.15), blend(teal, text, 0.65)]
    return np.array([_between(stops, level / 255) for level in range(256)], dtype=np.uint8)


def differences_ramp(on: Theme) -> npt.NDArray[np.uint8]:
    """Colours (level, 3) of 256 levels around `SIGNED_ZERO`, which is the background."""
    shares = [(level - SIGNED_ZERO) / (255 - SIGNED_ZERO) for level in range(256)]
    return np.array([diverging(share, on) for share in shares], dtype=np.uint8)


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of WCAG 2, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def blend(start: Rgb, end: Rgb, share: float) -> Rgb:
    """The colour at a ``share`` between two, in OKLab (Ottosson 2020), where equal steps look equal."""
    a, b = _to_oklab(start), _to_oklab(end)
    return _from_oklab(a + share * (b - a))


def _standing_out(colour: str, on: Theme) -> Rgb:
    """The colour, moved towards the text's until it differs from the background in lightness, not in hue only."""
    start, background, text = rgb(colour), rgb(on.background), rgb(on.text)
    share = 0.0
    while share < 1 and contrast(blend(start, text, share), background) < 4.5:
        share += 0.05
    return blend(start, text, share)


def _between(stops: list[Rgb], share: float) -> Rgb:
    place = share * (len(stops) - 1)
    stop = min(len(stops) - 2, math.floor(place))
    return blend(stops[stop], stops[stop + 1], place - stop)


def _luminance(colour: Rgb) -> float:
    return float(np.array([0.2126, 0.7152, 0.0722]) @ _to_linear(colour))


_Floats: TypeAlias = npt.NDArray[np.floating[Any]]
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_FROM_CONES = np.array(
    [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
)
_TO_ROOTS = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.291485548],
    ]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


def _to_linear(colour: Rgb) -> _Floats:
    shares = np.array(colour) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _to_oklab(colour: Rgb) -> _Floats:
    return _FROM_CONES @ np.cbrt(_TO_CONES @ _to_linear(colour))


def _from_oklab(colour: _Floats) -> Rgb:
    linear = np.clip(_TO_RGB @ (_TO_ROOTS @ colour) ** 3, 0, 1)
    shares = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (math.floor(255 * share + 0.5) for share in shares)
    return red, green, blue
