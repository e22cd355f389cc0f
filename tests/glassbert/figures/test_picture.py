"""What comes out of ``gb.draw``: the same document every time, and the same picture as PNG and in files."""

from __future__ import annotations

import dataclasses
import io
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

import glassbert as gb
from glassbert.figures import _picture
from tests.glassbert.figures.reading import SVG, parsed


@pytest.fixture(scope="module")
def picture(tiny_model: Any) -> gb.Picture:
    return gb.draw(gb.attention(tiny_model("bert", "encoder"), "He was not here."), layer=1, head=2)


def test_a_picture_is_frozen_and_says_what_it_is(picture: gb.Picture) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.svg = ""  # type: ignore[misc]
    assert repr(picture).startswith(
        f"<Picture 'Attention weights, layer 2, head 3': {picture.width} × {picture.height}"
    )
    assert len(repr(picture)) < 400


def test_its_size_is_that_of_the_document(picture: gb.Picture) -> None:
    root = parsed(picture.svg)
    assert (root.get("width"), root.get("height")) == (str(picture.width), str(picture.height))
    assert root.get("viewBox") == f"0 0 {picture.width} {picture.height}"


@pytest.mark.parametrize("scale", [1, 2.0, 0.5, 2.37])
def test_a_png_is_a_multiple_and_shows_the_cells(picture: gb.Picture, scale: float) -> None:
    image = Image.open(io.BytesIO(picture.png(scale)))
    assert image.format == "PNG"
    assert image.size == (round(scale * picture.width), round(scale * picture.height))
    pixels = np.asarray(image.convert("RGB"))
    assert (pixels[0, 0] == 255).all()
    colours = {tuple(bytes.fromhex((cell.get("fill") or "")[1:])) for cell in _cells(picture)}
    assert len(colours) > 5
    assert colours <= {tuple(map(int, pixel)) for pixel in pixels.reshape(-1, 3)}


def _cells(picture: gb.Picture) -> list[Any]:
    return [rect for rect in parsed(picture.svg).iter(SVG + "rect") if rect.find(SVG + "title") is not None]


def test_letters_are_there_without_the_fonts_of_the_system(picture: gb.Picture) -> None:
    import resvg_py

    assert len(_picture._fonts()) == 2
    drawn = [
        resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=_picture._fonts())
        for svg in (picture.svg, picture.svg.replace(">not<", "><"))
    ]
    one, other = (np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int) for data in drawn)
    assert (one != other).sum() > 40, "the letters of a label, once at its row and once at its column"


def test_a_scale_that_makes_no_picture_is_refused(picture: gb.Picture) -> None:
    for scale in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(gb.OptionError, match="positive"):
            picture.png(scale)
    with pytest.raises(gb.OptionError, match=r"would give .* pixels: pass at most \d+"):
        picture.png(1000)
    with pytest.raises(gb.OptionError, match="scale must be a number, not str"):
        picture.png("2")  # type: ignore[arg-type]


def test_without_the_package_a_sentence_says_what_to_install(
    picture: gb.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(gb.GlassBERTError, match="pip install resvg-py"):
        picture.png()


def test_the_suffix_decides_what_is_saved(picture: gb.Picture, tmp_path: Any) -> None:
    drawn = picture.save(tmp_path / "a.SVG")
    assert drawn.read_text(encoding="utf-8") == picture.svg
    image = picture.save(str(tmp_path / "a.png"))
    assert struct.unpack(">II", image.read_bytes()[16:24]) == (2 * picture.width, 2 * picture.height)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.SVG", "a.png"], "nothing unfinished"


def test_other_suffixes_and_folders_that_do_not_exist_are_refused(picture: gb.Picture, tmp_path: Any) -> None:
    for name in ("a.jpg", "a", "svg", ".png"):
        with pytest.raises(gb.OptionError, match=r"saved as \.svg or \.png; got"):
            picture.save(tmp_path / name)
    with pytest.raises(gb.GlassBERTError, match="cannot be written: No such file"):
        picture.save(tmp_path / "nowhere" / "a.svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.smoke
def test_equal_results_give_equal_bytes_in_another_process_too(tiny_model: Any, tmp_path: Any) -> None:
    scores = gb.attribute(tiny_model("bert", "classification"), "He was <b>not</b> here 😀.", method="saliency")
    path = scores.save(tmp_path / "scores.json")
    code = """
import sys
import glassbert as gb
sys.stdout.write(gb.draw(gb.load_result(sys.argv[1]), dark=True).svg)
assert not {"resvg_py", "IPython", "matplotlib", "plotly"} & set(sys.modules), "imported before they are needed"
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code, str(path)],
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.decode("utf-8") == gb.draw(scores, dark=True).svg != gb.draw(scores).svg
