"""Maps, read back with independent parsers: the pixels are the weights, every label is data."""

from __future__ import annotations

import base64
import io
import math
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from glassbert.pictures import palette
from glassbert.pictures.drawing import document
from glassbert.pictures.maps import VECTOR_CELLS, heads_drawing, levels, map_drawing
from glassbert.pictures.png import encoded
from tests.glassbert.pictures.hostile import HOSTILE, UNWRITABLE, seen

SVG = "{http://www.w3.org/2000/svg}"
Array = npt.NDArray[np.float64]


def map_svg(*given: Any, dark: bool = False, **options: Any) -> str:
    on = palette.theme(dark)
    return document(map_drawing(*given, on=on, **options), on, margin=0)


def heads_svg(*given: Any, **options: Any) -> str:
    return document(heads_drawing(*given, on=palette.LIGHT, **options), palette.LIGHT)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert (image.format, image.mode) == ("PNG", "P")
    return image


def pictures(root: ElementTree.Element) -> list[npt.NDArray[np.uint8]]:
    """The palette numbers of the pixels of all embedded pictures, as Pillow decodes them."""
    addresses = [image.get("href") or "" for image in root.iter(SVG + "image")]
    start = "data:image/png;base64,"
    assert all(address.startswith(start) for address in addresses)
    return [np.array(opened(base64.b64decode(address.removeprefix(start)))) for address in addresses]


def cells(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [rect for rect in root.iter(SVG + "rect") if rect.find(SVG + "title") is not None]


def attention(count: int, columns: int | None = None) -> Array:
    weights = np.random.default_rng(7).gamma(0.3, size=(count, columns or count))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (129, 7)])
def test_a_png_holds_its_levels_and_colours(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    drawn = random.integers(0, 256, shape).astype(np.uint8)
    colours = random.integers(0, 256, (256, 3)).astype(np.uint8)
    image = opened(encoded(drawn, colours))
    assert np.array_equal(np.array(image), drawn)
    assert np.array_equal(np.array(image.convert("RGB")), colours[drawn])


def test_a_level_without_a_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="level 3: there are 2 colours"):
        encoded(np.array([[3]], dtype=np.uint8), np.zeros((2, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="pass uint8"):
        encoded(np.array([[3.0]]), np.zeros((2, 3), dtype=np.uint8))  # type: ignore[arg-type]


def test_levels_in_closed_form() -> None:
    found, full = levels(np.array([0.0, 0.25, 0.5]))
    assert (found.tolist(), full) == ([0, 128, 255], 0.5)  # 127.5 rounds to the even 128
    found, full = levels(np.array([0.0, 0.25, 0.5, 2.0]), 1.0)
    assert (found.tolist(), full) == ([0, 64, 128, 255], 1.0)
    found, full = levels(np.array([-2.0, -1.0, 0.0, 1.0]), signed=True)
    assert (found.tolist(), full) == ([1, 64, 128, 192], 2.0)
    found, full = levels(np.array([0.0, 0.02, -0.5]), signed=True, rooted=True)
    assert (found.tolist(), full) == ([128, 153, 1], 0.5)  # 128 + 127·√0.04
    assert levels(np.zeros(3))[0].tolist() == [0, 0, 0]
    assert levels(np.zeros(3), signed=True)[0].tolist() == [128] * 3


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_a_small_map_is_a_rectangle_a_cell_in_the_palettes_colour(dark: bool, signed: bool) -> None:
    weights = attention(5, 3) - (0.3 if signed else 0)
    names = list("vwxyz")
    root = ElementTree.fromstring(map_svg(weights, names, ["a", "b", "c"], signed=signed, dark=dark))
    theme = palette.DARK if dark else palette.LIGHT
    ramp = palette.differences_ramp(theme) if signed else palette.weights_ramp(theme)
    largest = max(abs(float(weight)) for weight in weights.ravel())
    wanted = []
    for row in range(5):
        for column in range(3):
            share = float(weights[row, column]) / largest
            level = round(128 + 127 * share) if signed else round(255 * share)
            told = f"{names[row]} → {'abc'[column]}: {weights[row, column]:.4f}"
            wanted.append(("#" + bytes(ramp[level]).hex(), told))
    assert [(cell.get("fill"), cell.findtext(SVG + "title")) for cell in cells(root)] == wanted
    places = {(float(cell.get("x") or 0), float(cell.get("y") or 0)) for cell in cells(root)}
    assert len(places) == 15
    assert (root.find(SVG + "rect").get("fill")) == theme.background  # type: ignore[union-attr]


def test_the_pixels_of_a_large_map_are_the_eight_bit_weights() -> None:
    weights = attention(97)
    root = ElementTree.fromstring(map_svg(weights, [str(number) for number in range(97)]))
    assert cells(root) == []
    picture, scale = pictures(root)
    assert np.array_equal(picture, [[round(255 * float(w) / weights.max()) for w in row] for row in weights])
    assert scale.tolist() == [list(range(256))]


def test_where_rectangles_end() -> None:
    side = math.isqrt(VECTOR_CELLS)
    names = ["x"] * (side + 1)
    assert len(cells(ElementTree.fromstring(map_svg(attention(side), names[:side])))) == VECTOR_CELLS
    assert cells(ElementTree.fromstring(map_svg(attention(side + 1), names))) == []


def test_the_scale_says_its_ends() -> None:
    def numbers(**options: bool) -> list[str]:
        source = map_svg(np.array([[0.5, 0.25]]), ["row"], ["a", "b"], **options)  # type: ignore[arg-type]
        return [node.text or "" for node in ElementTree.fromstring(source).iter(SVG + "text")][3:]

    assert numbers() == ["0", "0.500"]
    assert numbers(signed=True) == ["−0.500", "0", "+0.500"]


def test_hostile_labels_are_labels() -> None:
    names = [*HOSTILE, *UNWRITABLE]
    source = map_svg(attention(len(names)), names, legend=HOSTILE[0])
    root = ElementTree.fromstring(source.encode("utf-8"))
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {"svg", "g", "rect", "text", "title", "image"}
    told = [cell.findtext(SVG + "title") or "" for cell in cells(root)]
    assert [text.rpartition(": ")[0] for text in told[: len(names)]] == [
        f"{seen(names[0])} → {seen(name)}" for name in names
    ]
    shown = [node.text or "" for node in root.iter(SVG + "text")]
    assert HOSTILE[0] in shown
    short = [seen(name) for name in names if len(name) < 8]
    assert all(shown.count(name) >= 2 for name in short), "once for its row, once for its column"


@pytest.mark.parametrize(("count", "every"), [(12, 1), (200, 9)])
def test_a_map_is_never_wider_than_asked_and_some_labels_go_first(count: int, every: int) -> None:
    """Of 200 tokens in 300 pixels, less some for the labels, each has 1.3 pixels, and a label needs 11."""
    names = [f"t{number}" for number in range(count)]
    root = ElementTree.fromstring(map_svg(attention(count), names, width_px=300))
    assert float(root.get("width") or 0) <= 300
    shown = [node.text for node in root.iter(SVG + "text") if (node.text or "").startswith("t")]
    assert shown == names[::every] * 2


def test_maps_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 rows and 2 columns need \(2, 2\)"):
        map_svg(np.ones((2, 3)), ["a", "b"])
    with pytest.raises(ValueError, match="signed=True"):
        map_svg(np.array([[-1.0]]), ["a"])
    with pytest.raises(ValueError, match="finite"):
        map_svg(np.array([[np.nan]]), ["a"])
    with pytest.raises(ValueError, match="most 0"):
        map_svg(np.array([[1.0]]), ["a"], most=0)
    with pytest.raises(ValueError, match="pass \\(layer, head, query, key\\)"):
        heads_svg(np.ones((2, 2)))
    for value in (np.nan, 1.5, np.inf):
        with pytest.raises(ValueError, match="between 0 and 1"):
            heads_svg(np.full((1, 1, 2, 2), value))


def test_every_head_is_a_thumbnail_of_the_roots_of_its_weights() -> None:
    weights = np.stack([np.stack([attention(6) ** power for power in (1, 2, 3)]) for _ in range(2)])
    weights[1] = weights[1, :, ::-1]
    root = ElementTree.fromstring(heads_svg(weights))
    titles = [title.text for title in root.iter(SVG + "title")]
    assert titles == [f"layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2, 3)]
    for picture, head in zip(pictures(root), weights.reshape(6, 6, 6), strict=True):
        assert np.array_equal(picture, [[round(255 * math.sqrt(float(w))) for w in row] for row in head])


def test_differences_of_heads_have_zero_in_the_middle() -> None:
    differences = np.array([[[[0.0, -1.0], [0.25, -0.25]]]])
    (picture,) = pictures(ElementTree.fromstring(heads_svg(differences, signed=True)))
    # 128 ± 127·√0.25, of which numpy and Python round the half to the even side
    assert picture.tolist() == [[128, 1], [192, 64]]


def test_long_texts_keep_the_largest_of_a_block() -> None:
    weights = np.zeros((1, 1, 10, 10))
    weights[0, 0, 3, 8] = -0.25
    weights[0, 0, 2, 9] = 0.01
    (picture,) = pictures(ElementTree.fromstring(heads_svg(weights, signed=True, side=5)))
    expected = np.full((5, 5), 128)
    expected[1, 4] = 64  # 128 − 127·√0.25 = 64.5, to the even side
    assert np.array_equal(picture, expected)
