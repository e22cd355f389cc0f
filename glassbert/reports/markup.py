"""Parts of the document that its sections share. Text is escaped here and nowhere else in this folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from glassbert.pictures.drawing import Drawing, document
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import LIGHT
from glassbert.pictures.passages import Part, passage_html
from glassbert.results import Array, Encoded
from glassbert.targets import MaskTarget, Target
from glassbert.whatif.edits import span_at

__all__ = [
    "GRADES",
    "MOST_WORDS",
    "aside",
    "bar",
    "figure",
    "folded",
    "heading",
    "isolated",
    "listed",
    "mark",
    "node",
    "passages",
    "said",
    "section",
    "table",
]

#: Grade → a sign and a word for it; never a colour alone.
GRADES = {
    "holds": ("✓", "holds"),
    "doubtful": ("?", "doubtful"),
    "fails": ("✗", "fails"),
    "not_applicable": ("–", "does not apply"),
}
#: Rows of a table of words; a longer text shows those with the largest numbers.
MOST_WORDS = 40
_TEXTS = ("Text A", "Text B")
_MOST_COLUMNS = 6
_LABEL_CHARACTERS = 40


def node(name: str, *content: str | Iterable[str], kind: str = "", **values: str | float) -> str:
    """An element with a class around content that is markup already."""
    return element(name, *content, **({"class": kind} if kind else {}), **values)


def said(text: str, name: str = "p", kind: str = "") -> str:
    """A sentence that may quote a text or a label."""
    return node(name, escaped(text), kind=kind, dir="auto")


def aside(text: str) -> str:
    """A sentence that explains a picture."""
    return said(text, kind="aside")


def isolated(text: str) -> str:
    """A word or the name of a class in a table, clipped; its direction does not reach what stands beside it."""
    return element("bdi", escaped(clipped(text, _LABEL_CHARACTERS)))


def heading(level: int, text: str) -> str:
    return node(f"h{level}", escaped(text), dir="auto")


def section(id: str, title: str, *content: str) -> str:
    """A section of the evidence, with an anchor."""
    return element("section", heading(2, title), *content, id=id)


def mark(grade: str) -> str:
    """A grade as a sign and a word."""
    sign, word = GRADES[grade]
    return node("span", node("span", sign, aria_hidden="true"), f" {word}", kind=f"grade {grade}")


def bar(share: float, told: str, *, strong: bool = False) -> str:
    """A probability from 0 to 100%, with its number."""
    width = f"{100 * min(max(share, 0.0), 1.0):.2f}%"
    filled = node("span", kind="strong" if strong else "", style=f"width:{width}")
    return node("span", node("span", filled, kind="track", aria_hidden="true"), node("b", escaped(told)), kind="bar")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", numbers: Iterable[int] = ()
) -> str:
    """A table of cells that are markup already; ``numbers`` are the columns that are aligned at the right.

    The first cell of a row is its head.
    """
    right = set(numbers)
    kinds = ["number" if column in right else "" for column in range(len(columns))]
    head = node(
        "tr", *(node("th", escaped(name), kind=kind, scope="col") for name, kind in zip(columns, kinds, strict=True))
    )
    body = []
    for row in rows:
        first, *others = zip(row, kinds, strict=True)
        cells = [
            node("th", first[0], kind=first[1], scope="row"),
            *(node("td", cell, kind=kind) for cell, kind in others),
        ]
        body.append(node("tr", *cells))
    title = node("caption", escaped(caption)) if caption else ""
    return node(
        "div", node("table", title, node("thead", head), node("tbody", *body)), kind="wide", tabindex="0", role="group"
    )


def folded(columns: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", number: bool = False) -> str:
    """A table with a column for each method; what paper is too narrow for goes into further tables below."""
    tables = []
    for start in range(1, len(columns), _MOST_COLUMNS):
        chosen = [0, *range(start, min(start + _MOST_COLUMNS, len(columns)))]
        tables.append(
            table(
                [columns[at] for at in chosen],
                [[row[at] for at in chosen] for row in rows],
                caption=caption,
                numbers=range(1, len(chosen)) if number else (),
            )
        )
    return "".join(tables)


def figure(drawing: Drawing, told: str, caption: str = "") -> str:
    """A drawing, and what it shows in words for those who do not see it. It has the colours of a light page."""
    shown = node("div", document(drawing, LIGHT, title=told, margin=2), kind="picture")
    return node("figure", shown, node("figcaption", escaped(caption), dir="auto") if caption else "")


def listed(items: Iterable[str]) -> str:
    return node("ul", *(node("li", escaped(item), dir="auto") for item in items))


def passages(
    encoded: Encoded,
    target: Target,
    positions: Sequence[int],
    values: Sequence[float | None] | Array,
    notes: Sequence[str] | None = None,
    *,
    most: float | None = None,
) -> str:
    """The texts as they were written, the words that begin at ``positions`` marked by their values."""
    parts: list[list[Part]] = [[] for _ in encoded.texts]
    gap = target.position if isinstance(target, MaskTarget) else None
    for place, position in enumerate(positions):
        if encoded.sequence_ids[position] < 0:
            continue
        span = span_at(encoded, int(position))
        value = values[place]
        hidden = encoded.pieces[position] if gap == position else None
        note = notes[place] if notes is not None else ""
        parts[span.text].append(Part(span.start, span.end, None if value is None else float(value), note, hidden))
    if gap is not None and gap not in [int(position) for position in positions]:
        start, end = (int(edge) for edge in encoded.offsets[gap])
        parts[int(encoded.sequence_ids[gap])].append(Part(start, end, shown=encoded.pieces[gap]))
    if most is None:
        most = max((abs(float(value)) for value in values if value is not None and np.isfinite(value)), default=0.0)
    drawn = [passage_html(text, own, most=most) for text, own in zip(encoded.texts, parts, strict=True)]
    if len(drawn) == 1:
        return node("div", drawn[0], kind="passage")
    return "".join(node("div", heading(4, name), one, kind="passage") for name, one in zip(_TEXTS, drawn, strict=True))
