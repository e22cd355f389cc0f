"""Token strips, read back with independent parsers: every text is data, every colour means its value."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from glassbert.pictures import palette
from glassbert.pictures.drawing import document
from glassbert.pictures.text_width import fitting, text_width, wrapped
from glassbert.pictures.tokens import tokens_drawing, tokens_html
from tests.glassbert.pictures.hostile import HOSTILE, UNWRITABLE, seen

SVG = "{http://www.w3.org/2000/svg}"
PIECES = ("[CLS]", "not", "bad", "at", "all")
VALUES = (0.0, -0.5, 1.0, 0.25, -2.0)


def tokens_svg(*given: Any, dark: bool = False, **options: Any) -> str:
    on = palette.theme(dark)
    return document(tokens_drawing(*given, on=on, **options), on, margin=0)


class Page(HTMLParser):
    """What a browser sees: the tags, each with its attributes, the text of each token, and all text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tokens: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag == "bdi":
            self.tokens.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "bdi" in self.open:
            self.tokens[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def boxes(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == "span" and "title" in attributes]


def texts(root: ElementTree.Element, name: str) -> list[str]:
    return [node.text or "" for node in root.iter(SVG + name)]


def background(box: dict[str, str | None]) -> tuple[int, int, int, float]:
    found = re.search(r"background-color:rgba\((\d+),(\d+),(\d+),([\d.e-]+)\)", box["style"] or "")
    assert found
    red, green, blue, alpha = found.groups()
    return int(red), int(green), int(blue), float(alpha)


def test_hostile_texts_are_texts_in_html() -> None:
    page = Page(tokens_html(HOSTILE, np.linspace(-1, 1, len(HOSTILE)), legend=HOSTILE[0], caption=HOSTILE[1]))
    assert page.tokens == list(HOSTILE)
    assert {tag for tag, _ in page.tags} == {"div", "span", "bdi"}
    assert {name for _, attributes in page.tags for name in attributes} <= {"style", "title", "dir"}
    assert [(box["title"] or "").rpartition(": ")[0] for box in page.boxes()] == list(HOSTILE)
    assert HOSTILE[0] in page.text
    assert HOSTILE[1] in page.text


def test_hostile_texts_are_texts_in_svg() -> None:
    source = tokens_svg(HOSTILE, np.linspace(-1, 1, len(HOSTILE)), legend="<b>& </svg>")
    root = ElementTree.fromstring(source)
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {"svg", "g", "rect", "text", "title"}
    titles = [title.rpartition(": ")[0] for title in texts(root, "title")]
    # a parser gives line ends and tabs of content back as they are
    assert titles == list(HOSTILE)
    assert "<b>& </svg>" in texts(root, "text")


@pytest.mark.parametrize("piece", UNWRITABLE)
def test_what_cannot_be_written_is_replaced(piece: str) -> None:
    html, svg = tokens_html([piece], caption=piece), tokens_svg([piece], legend=piece)
    html.encode("utf-8")
    assert Page(html).tokens == [seen(piece)] != [piece]
    assert texts(ElementTree.fromstring(svg.encode("utf-8")), "title") == [seen(piece)]


def test_no_script_no_address_no_style_sheet() -> None:
    source = tokens_html(PIECES, VALUES, selected=1, legend="logit", caption="Saliency")
    drawing = tokens_svg(PIECES, VALUES, selected=1, legend="logit")
    for markup in (source, drawing.replace("http://www.w3.org/2000/svg", "")):
        assert not re.search(r"<(script|style|link|img|a|image)\b|href|src=|url\(|https?:|\bon\w+=", markup)


def test_colours_are_shares_of_the_largest_value() -> None:
    boxes = Page(tokens_html(PIECES, VALUES)).boxes()
    orange, blue = (224, 122, 31), (61, 139, 217)  # as written in the palette, in decimal
    assert [background(box) for box in boxes] == [
        (*orange, 0),
        (*blue, 0.15),
        (*orange, 0.3),
        (*orange, 0.075),
        (*blue, 0.6),
    ]
    root = ElementTree.fromstring(tokens_svg(PIECES, VALUES))
    drawn = [group.find(SVG + "rect") for group in root.iter(SVG + "g") if group.find(SVG + "title") is not None]
    found = [(rect.get("fill"), float(rect.get("fill-opacity") or "nan")) for rect in drawn if rect is not None]
    assert found == [("#" + bytes(background(box)[:3]).hex(), background(box)[3]) for box in boxes]


def test_tokens_without_a_value_have_no_colour() -> None:
    boxes = Page(tokens_html(["a", "b", "c"], [None, float("nan"), 1.0])).boxes()
    assert ["background-color" in (box["style"] or "") for box in boxes] == [False, False, True]
    assert [box["title"] for box in boxes] == ["a", "b", "c: +1.00"]
    plain = Page(tokens_html(["a", "b"]))
    assert plain.text == "ab", "no scale without values"


def test_values_that_are_all_zero_are_clear() -> None:
    assert {background(box)[3] for box in Page(tokens_html(["a", "b"], [0.0, 0.0])).boxes()} == {0}


@pytest.mark.parametrize(("signed", "numbers"), [(True, "−2.000+2.00"), (False, "0+2.00")])
def test_the_scale_says_its_ends(signed: bool, numbers: str) -> None:
    page = Page(tokens_html(PIECES, np.abs(VALUES), signed=signed, legend="probability"))
    assert page.text == "".join(PIECES) + "probability" + numbers
    root = ElementTree.fromstring(tokens_svg(PIECES, np.abs(VALUES), signed=signed))
    assert "".join(texts(root, "text")[len(PIECES) :]) == numbers


def test_the_selected_token_alone_is_outlined() -> None:
    boxes = Page(tokens_html(PIECES, VALUES, selected=3)).boxes()
    assert ["outline" in (box["style"] or "") for box in boxes] == [False, False, False, True, False]
    assert [box.get("aria-current") for box in boxes] == [None, None, None, "true", None]
    root = ElementTree.fromstring(tokens_svg(PIECES, VALUES, selected=3, dark=True))
    strokes = [rect.get("stroke") for rect in root.iter(SVG + "rect") if rect.get("rx")]
    assert [stroke == palette.DARK.primary for stroke in strokes] == [False, False, False, True, False]


@pytest.mark.parametrize("draw", [tokens_html, tokens_svg])
def test_what_does_not_fit_is_refused(draw) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"shape \(1,\): pass one for each of the 2 tokens"):
        draw(["a", "b"], [1.0])
    with pytest.raises(ValueError, match="infinite"):
        draw(["a"], [float("inf")])
    for selected in (-1, 2):
        with pytest.raises(ValueError, match="there are 2 tokens"):
            draw(["a", "b"], selected=selected)


def test_no_tokens() -> None:
    assert Page(tokens_html([], [])).text == ""
    assert texts(ElementTree.fromstring(tokens_svg([])), "text") == []


def test_lines_break_before_the_edge_and_boxes_do_not_overlap() -> None:
    pieces = [f"token{number}" for number in range(60)] + ["y" * 500]
    root = ElementTree.fromstring(tokens_svg(pieces, width_px=300))
    height = float(root.get("height") or 0)
    last = (-1.0, 0.0)  # row, right edge
    for group in root.iter(SVG + "g"):
        if group.find(SVG + "title") is None:
            continue
        x, y = map(float, re.findall(r"[\d.]+", group.get("transform") or ""))
        rect = group.find(SVG + "rect")
        assert rect is not None
        right = x + float(rect.get("width") or 0)
        assert right <= 300
        assert y + 24 <= height
        assert (y, x) > last
        last = (y, right)
    shown = texts(root, "text")
    assert shown[:60] == pieces[:60]
    assert shown[60].endswith("y…"), "too long for a line"
    assert texts(root, "title")[60] == "y" * 500


def test_widths_of_texts() -> None:
    """Sums of what DejaVu Sans's own table says, in units of 2048: T 1251, h 1298, e 1260, M 1767, W 2025, i 569."""
    for text, units in (("The", 1251 + 1298 + 1260), ("MMMM", 4 * 1767), ("Wi", 2025 + 569)):
        assert text_width(text, 2048) == pytest.approx(units, rel=0.05)
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("語", 10) > text_width("W", 10)


def test_texts_are_cut_and_broken_to_a_width() -> None:
    assert fitting("short", 100, 10) == "short"
    cut = fitting("a long word", 40, 10)
    assert cut.endswith("…")
    assert text_width(cut[:-1], 10) + 10 <= 40
    words = ["some", "words", "that", "need", "more", "than", "a", "line"]
    lines = wrapped(" ".join(words), 90, 10)
    assert len(lines) > 1
    assert " ".join(lines).split() == words
    assert all(text_width(line, 10) <= 90 for line in lines)
