"""Reads a picture back: where each text stands, and what colours and bars there are, by an independent parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from glassbert.pictures.text_width import text_width

SVG = "{http://www.w3.org/2000/svg}"
#: All that a picture is made of.
TAGS = {"svg", "g", "rect", "text", "title", "image", "line", "polyline", "polygon", "circle"}


@dataclass(frozen=True)
class Text:
    """A line of text and the box that it takes, in pixels of the picture."""

    content: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    def overlaps(self, other: Text, slack: float = 1.5) -> bool:
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode("utf-8"))


def texts(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter(SVG + "text")]


def told(root: ElementTree.Element, tag: str = "rect") -> list[tuple[str, ElementTree.Element]]:
    """What hovering says, with the element it says it of."""
    found = ((node.findtext(SVG + "title"), node) for node in root.iter(SVG + tag))
    return [(title, node) for title, node in found if title is not None]


def lines_of_text(root: ElementTree.Element) -> list[Text]:
    return list(_texts(root, 0.0, 0.0, turned=False))


def _texts(node: ElementTree.Element, x: float, y: float, *, turned: bool):
    for child in node:
        transform = child.get("transform") or ""
        moves = re.search(r"translate\(([-\d.e]+)[ ,]([-\d.e]+)\)", transform)
        dx, dy = (float(moves[1]), float(moves[2])) if moves else (0.0, 0.0)
        rotated = turned or "rotate(-90)" in transform
        assert not turned or not moves, "nothing moves inside what is turned"
        if child.tag == SVG + "text":
            yield _text(child, x, y, turned)
        yield from _texts(child, x + dx, y + dy, turned=rotated)


def _text(node: ElementTree.Element, x: float, y: float, turned: bool) -> Text:
    content, size = node.text or "", float(node.get("font-size") or 12)
    wide = text_width(content, size) * (1.13 if node.get("font-weight") else 1)
    along = float(node.get("x") or 0) - {"middle": 0.5, "end": 1.0}.get(node.get("text-anchor") or "", 0.0) * wide
    across = float(node.get("y") or 0)
    if turned:  # upwards
        return Text(content, x + across - 0.75 * size, y - along - wide, x + across + 0.2 * size, y - along, size)
    return Text(content, x + along, y + across - 0.75 * size, x + along + wide, y + across + 0.2 * size, size)
