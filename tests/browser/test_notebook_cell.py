"""What ``gb.show`` puts into a notebook's cell, in a browser: a click and the keyboard choose a head."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from PIL import Image
from playwright.sync_api import expect

import glassbert as gb
from glassbert.figures._notebook import all_heads
from glassbert.pictures import palette
from tests.browser.conftest import NewContext

TEXT = "The <img src=x onerror=alert(1)> was </script> unbelievably good."


def test_a_head_is_chosen_in_a_cell_without_rights(new_context: NewContext, pretrained: gb.Model) -> None:
    maps = gb.attention(pretrained, TEXT)
    cell = all_heads(maps, dark=False, title="Every head", source=pretrained)
    assert cell is not None
    page = new_context().new_page()
    page.set_content(f"<h1>A notebook</h1>{cell._repr_html_()}")
    frame = page.frame_locator("iframe")
    heading = frame.locator("#heading")
    expect(heading).to_have_text("Layer 1, head 1")

    frame.get_by_role("button", name="Layer 3, head 5", exact=True).click()
    expect(heading).to_have_text("Layer 3, head 5")
    drawn = np.asarray(_image(frame.locator("#map image").first.get_attribute("href") or ""))
    weights = maps.weights[2, 4].astype(float)
    ramp = palette.weights_ramp(palette.LIGHT)
    assert np.array_equal(drawn, ramp[np.rint(255 * np.sqrt(weights / maps.weights.max())).astype(int)])

    map_ = frame.locator("#map image").first
    box = map_.bounding_box()
    assert box is not None
    count = len(maps.encoded)
    row, column = 3, 1
    map_.hover(position={"x": box["width"] * (column + 0.5) / count, "y": box["height"] * (row + 0.5) / count})
    told = frame.locator("#readout").inner_text()
    pieces = maps.encoded.pieces
    assert told.startswith(f"from {pieces[row]} to {pieces[column]}: about ")
    assert math.isclose(float(told.rpartition(" ")[2]), weights[row, column], rel_tol=0.1, abs_tol=0.005)

    for key, name in (("ArrowRight", "3, head 6"), ("ArrowDown", "4, head 6"), ("ArrowUp", "3, head 6")):
        page.keyboard.press(key)
        expect(heading).to_have_text(f"Layer {name}")
    inside = page.frames[1]
    assert inside.evaluate("() => { try { return parent.document.title } catch { return 'refused' } }") == "refused"
    assert inside.evaluate("() => document.querySelectorAll('img').length") == 0


def _image(address: str) -> Image.Image:
    assert address.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")
