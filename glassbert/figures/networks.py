"""The network itself: its blocks from the input up to the output, with shapes and parameters."""

from __future__ import annotations

from glassbert.figures._figure import Figure, Sheet, model_name
from glassbert.figures._words import shown_label
from glassbert.network.results import Architecture
from glassbert.pictures.drawing import Drawing, rectangle, text
from glassbert.pictures.markup import element, escaped
from glassbert.pictures.palette import NEUTRAL, Theme
from glassbert.pictures.text_width import fitting

_BOX, _STEP, _WIDE = 34.0, 50.0, 250.0
_BAR = 200.0


def _architecture(result: Architecture, on: Theme) -> Sheet:
    blocks = list(result.block_frame().itertuples())
    parts_of: dict[str, dict[str, None]] = {}
    for block, part, kind in zip(result.blocks, result.parts, result.kinds, strict=True):
        parts_of.setdefault(block, {})[part or kind] = None
    most = max((int(block.parameters) for block in blocks), default=0) or 1
    drawn = []
    for number, block in enumerate(blocks):
        y = number * _STEP
        title = element("title", escaped(f"{block.block}: {block.parameters:,} parameters"))
        drawn.append(rectangle(0, y, _WIDE, _BOX, title, rx=5, fill=NEUTRAL, fill_opacity=0.16, stroke=NEUTRAL))
        drawn.append(text(str(block.block).capitalize(), 12, y + 15, on, bold=True))
        parts = ", ".join(parts_of[block.block])
        drawn.append(text(fitting(parts, _WIDE - 24, 10), 12, y + 28, on, font_size=10))
        told = "shared with an earlier block" if block.shared else f"{block.parameters:,} parameters"
        drawn.append(rectangle(_WIDE + 24, y + 6, max(1.0, _BAR * block.parameters / most), 9, fill=NEUTRAL))
        drawn.append(text(told, _WIDE + 24, y + 28, on, font_size=11))
        drawn.append(text(str(block.output), _WIDE + 24 + _BAR + 20, y + 20, on, font_size=11))
        if number + 1 < len(blocks):
            x = _WIDE / 2
            drawn.append(element("line", x1=x, y1=y + _BOX, x2=x, y2=y + _STEP - 5, stroke=NEUTRAL, stroke_width=1.5))
            tip = f"{x - 4:g},{y + _STEP - 6:g} {x + 4:g},{y + _STEP - 6:g} {x:g},{y + _STEP:g}"
            drawn.append(element("polygon", points=tip, fill=NEUTRAL))
    drawing = Drawing("".join(drawn), _WIDE + 24 + _BAR + 20 + 130, (len(blocks) - 1) * _STEP + _BOX)
    notes = [
        f"From the input, on top, to the output; right: the shape of each block’s output for {result.tokens} tokens.",
        f"{result.total:,} parameters in all.",
    ]
    return Sheet(f"Architecture of {shown_label(model_name(result.source))}", drawing, (), notes)


FIGURES = (Figure(Architecture, _architecture),)
