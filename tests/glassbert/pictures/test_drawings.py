"""Charts as drawings, read back with an independent parser: lengths, places and colours are the numbers."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassbert.pictures import palette
from glassbert.pictures.bar_drawings import pair_rows, score_columns, score_rows, share_rows
from glassbert.pictures.dot_drawings import dots_drawing
from glassbert.pictures.drawing import Drawing, beside, document, paragraph, stacked
from glassbert.pictures.formats import short, whole_percent
from glassbert.pictures.grid_drawings import Hue, grid_drawing
from glassbert.pictures.line_drawings import line_drawing
from glassbert.pictures.maps import VECTOR_CELLS, map_drawing
from glassbert.pictures.table_drawings import table_drawing
from glassbert.pictures.text_width import text_width, wrapped
from glassbert.pictures.tokens import tokens_drawing
from tests.glassbert.figures.reading import SVG, lines_of_text, parsed, texts, told
from tests.glassbert.pictures.hostile import HOSTILE, UNWRITABLE, seen

LIGHT = palette.LIGHT


def root_of(drawing: Drawing, on: palette.Theme = LIGHT) -> ElementTree.Element:
    return parsed(document(drawing, on, margin=0))


def number(node: ElementTree.Element, name: str) -> float:
    return float(node.get(name) or "nan")


def points(node: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in (node.get("points") or "").split())]


# --- putting together --------------------------------------------------------------------------------------------


def box(width: float, height: float) -> Drawing:
    return Drawing(f'<rect width="{width}" height="{height}"/>', width, height)


def places(drawing: Drawing) -> list[tuple[float, float]]:
    found = re.findall(r"translate\(([\d.]+) ([\d.]+)\)", drawing.markup)
    return [(float(x), float(y)) for x, y in found]


def test_drawings_stand_below_one_another() -> None:
    drawn = stacked([box(30, 10), Drawing("", 0, 0), box(50, 20)], gap=5)
    assert (drawn.width, drawn.height) == (50, 35)
    assert places(drawn) == [(0, 0), (0, 15)]
    assert stacked([]) == Drawing("", 0, 0)


def test_drawings_stand_beside_one_another_and_rows_break() -> None:
    drawn = beside([box(30, 10), box(30, 20), box(40, 5)], gap=5, width_px=70)
    assert places(drawn) == [(0, 0), (35, 0), (0, 25)]
    assert (drawn.width, drawn.height) == (65, 30)
    assert places(beside([box(300, 1), box(300, 1)], gap=5, width_px=70)) == [(0, 0), (0, 6)], "each too wide by itself"


def test_a_paragraph_is_as_many_lines_as_it_is_long() -> None:
    words = " ".join(["word"] * 40)
    whole, cut = (paragraph(words, 200, LIGHT, most_lines=most) for most in (None, 2))
    lines = texts(root_of(whole))
    assert " ".join(lines) == words
    assert whole.height == pytest.approx(18 * len(lines))
    assert all(text_width(line, 12) <= 200 for line in lines)
    first, last = texts(root_of(cut))
    assert first == lines[0]
    assert last.endswith("…")
    assert text_width(last, 12) <= 200
    assert cut.height == 36


def test_words_without_spaces_break_where_the_line_ends() -> None:
    text = "这是一个没有空格的很长的句子" * 5
    lines = wrapped(text, 200, 12)
    assert len(lines) == math.ceil(len(text) / 13), "13 of 1.2 em fit"
    assert "".join(lines) == text
    assert all(text_width(line, 12) <= 200 for line in lines)
    assert wrapped("e\u0301" * 40, 100, 12)[1].startswith("e"), "an accent stays with its letter"


# --- bars --------------------------------------------------------------------------------------------------------


def test_bars_of_probabilities_are_as_long_as_they_are_likely() -> None:
    shares = [0.5, 0.25, 0.0004, 1.0]
    root = root_of(share_rows(["a", "b", "b", "<d>"], shares, [1], on=LIGHT))
    bars = told(root)
    assert [title for title, _ in bars] == ["a: 0.5000", "b: 0.2500", "b: 0.0004", "<d>: 1.0000"]
    full = number(bars[3][1], "width")
    assert full > 200
    assert [number(bar, "width") for _, bar in bars[:2]] == pytest.approx([full / 2, full / 4], abs=0.02)
    assert 0 < number(bars[2][1], "width") < 1, "too small to see, and there"
    assert [bar.get("fill-opacity") for _, bar in bars] == ["0.6", "1", "0.6", "0.6"]
    assert {bar.get("fill") for _, bar in bars} == {palette.NEUTRAL}
    starts = {number(bar, "x") for _, bar in bars}
    assert len(starts) == 1
    axis = list(root.iter(SVG + "line"))
    start, half, end = (number(line, "x1") for line in axis)
    assert start == starts.pop()
    assert (half - start, end - start) == pytest.approx((full / 2, full), abs=0.02)
    assert {"50.0%", "25.0%", "0.04%", "100.0%", "0%", "50%", "100%"} <= set(texts(root))


def test_pairs_of_bars_say_their_difference() -> None:
    root = root_of(pair_rows(["yes"], [0.25], [0.75], on=LIGHT, sides=("A", "B")))
    (one, first), (other, second) = told(root)
    assert (one, other) == ("yes, A: 0.2500", "yes, B: 0.7500")
    assert number(second, "width") == pytest.approx(3 * number(first, "width"), abs=0.05)
    assert (first.get("fill-opacity"), second.get("fill-opacity")) == ("0.6", "1")
    assert "+50.0 points" in texts(root)


def test_scores_stand_on_both_sides_of_zero() -> None:
    values = [2.0, -1.0, 0.0, 0.5]
    root = root_of(score_rows(list("abcd"), values, on=LIGHT))
    bars = [bar for _, bar in told(root)]
    (zero,) = {number(line, "x1") for line in root.iter(SVG + "line")}
    unit = number(bars[0], "width") / 2
    for bar, value in zip(bars, values, strict=True):
        assert number(bar, "width") == pytest.approx(abs(value) * unit, abs=0.02)
        edge = number(bar, "x") if value >= 0 else number(bar, "x") + number(bar, "width")
        assert edge == pytest.approx(zero, abs=0.02)
        assert bar.get("fill") == (palette.NEGATIVE if value < 0 else palette.POSITIVE)
    assert {"+2.00", "−1.00", "0", "+0.500"} <= set(texts(root))
    assert "+2.00" not in texts(root_of(score_rows(["a"], [2.0], on=LIGHT, signed=False)))


def test_scores_on_one_scale_and_error_bars() -> None:
    limits = (-1.0, 4.0)
    widths = [
        number(told(root_of(score_rows(["a"], [value], on=LIGHT, limits=limits)))[0][1], "width")
        for value in (1.0, 4.0, 9.0)
    ]
    assert widths == pytest.approx([widths[1] / 4, widths[1], widths[1]], abs=0.02), "larger ones end at the edge"
    root = root_of(score_rows(["a"], [1.0], on=LIGHT, spreads=[0.5]))
    bar = told(root)[0][1]
    whole = next(line for line in root.iter(SVG + "line") if number(line, "y1") == number(line, "y2"))
    assert number(whole, "x2") - number(whole, "x1") == pytest.approx(number(bar, "width"), abs=0.02)


def test_columns_of_scores_rise_and_fall() -> None:
    values = np.sin(np.arange(100.0)).tolist()
    drawing = score_columns([f"t{n}" for n in range(100)], values, on=LIGHT)
    root = root_of(drawing)
    bars = [bar for _, bar in told(root)]
    unit = number(bars[int(np.argmax(values))], "height") / max(values)
    for bar, value in zip(bars, values, strict=True):
        assert number(bar, "height") == pytest.approx(abs(value) * unit, abs=0.02)
        assert bar.get("fill") == (palette.NEGATIVE if value < 0 else palette.POSITIVE)
    xs = [number(bar, "x") for bar in bars]
    assert xs == sorted(set(xs))
    written = [text for text in texts(root) if text.startswith("t")]
    step = int(written[1][1:])
    assert written == [f"t{n}" for n in range(0, 100, step)]


# --- grids -------------------------------------------------------------------------------------------------------


def colour_of(node: ElementTree.Element) -> tuple[int, ...]:
    return tuple(bytes.fromhex((node.get("fill") or "")[1:]))


@pytest.mark.parametrize("on", [palette.LIGHT, palette.DARK])
@pytest.mark.parametrize("hue", ["teal", "blue", "orange", "grey"])
def test_a_cell_deepens_with_its_number(hue: Hue, on: palette.Theme) -> None:
    values = np.array([[0.0, 0.25], [0.5, 1.0], [2.0, np.nan]])
    root = root_of(grid_drawing(values, ["a", "b", "c"], ["x", "y"], on=on, hue=hue, most=1.0), on)
    cells = dict(told(root))
    assert set(cells) == {"a, x: 0", "a, y: 0.25", "b, x: 0.5", "b, y: 1", "c, x: 2"}, "none where there is no number"
    background = tuple(bytes.fromhex(on.background[1:]))
    assert colour_of(cells["a, x: 0"]) == background
    distances = [
        sum(abs(a - b) for a, b in zip(colour_of(cells[name]), background, strict=True))
        for name in ("a, x: 0", "a, y: 0.25", "b, x: 0.5", "b, y: 1")
    ]
    assert distances == sorted(set(distances))
    assert colour_of(cells["c, x: 2"]) == colour_of(cells["b, y: 1"]), "larger than the scale"
    assert palette.contrast(colour_of(cells["b, y: 1"]), background) >= 3  # type: ignore[arg-type]


def test_signed_cells_are_blue_below_zero_and_orange_above() -> None:
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    root = root_of(grid_drawing(values, ["r"], list("abcde"), on=LIGHT, hue="signed"))
    drawn = [colour_of(cell) for _, cell in told(root)]
    assert drawn == [palette.diverging(share, LIGHT) for share in (-1, -0.5, 0, 0.5, 1)]
    assert drawn[0][2] > drawn[0][0]
    assert drawn[4][0] > drawn[4][2]
    assert [text for text in texts(root) if text[-1].isdigit()] == ["−2.00", "0", "+2.00"]


def test_numbers_in_cells_can_be_read_on_every_colour() -> None:
    shares = np.linspace(0, 1, 20)[None, :]
    for on in (palette.LIGHT, palette.DARK):
        grid = grid_drawing(shares, ["r"], [str(n) for n in range(20)], on=on, texts=[["0.5"] * 20], scale=False)
        root = root_of(grid, on)
        inks = [node.get("fill") or "" for node in root.iter(SVG + "text") if node.text == "0.5"]
        cells = [colour_of(cell) for _, cell in told(root)]
        assert len(inks) == 20
        for ink, cell in zip(inks, cells, strict=True):
            assert palette.contrast(palette.rgb(ink), cell) >= 3.5  # type: ignore[arg-type]


def test_a_large_grid_is_an_image_of_its_values() -> None:
    from tests.glassbert.pictures.test_maps import pictures

    values = np.arange(2000.0).reshape(10, 200) / 1999
    assert values.size > VECTOR_CELLS
    root = root_of(
        grid_drawing(values, [str(n) for n in range(10)], [str(n) for n in range(200)], on=LIGHT, hue="grey")
    )
    assert told(root) == []
    (levels,) = pictures(root)
    assert np.array_equal(levels, np.rint(values * 255))


def test_grids_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pass \(1, 1\), none empty"):
        grid_drawing(np.ones((1, 2)), ["a"], ["b"], on=LIGHT)
    with pytest.raises(ValueError, match="infinite"):
        grid_drawing(np.array([[np.inf]]), ["a"], ["b"], on=LIGHT)
    all_missing = root_of(grid_drawing(np.full((1, 1), np.nan), ["a"], ["b"], on=LIGHT, texts=[["x"]]))
    assert told(all_missing) == []
    assert "x" not in texts(all_missing)


# --- lines -------------------------------------------------------------------------------------------------------


def heights(root: ElementTree.Element) -> list[list[float]]:
    """The heights of the points of each line that is not part of the axes or a band."""
    return [
        [y for _, y in points(line)] for line in root.iter(SVG + "polyline") if line.get("stroke") != palette.NEUTRAL
    ]


def test_a_line_is_its_numbers() -> None:
    values = [0.0, 0.5, 1.0, 0.25]
    root = root_of(line_drawing({"p": values}, on=LIGHT, limits=(0.0, 1.0), height_px=200))
    (line,) = heights(root)
    assert [(line[0] - y) / 200 for y in line] == pytest.approx(values, abs=1e-4)
    dots = [(title, number(dot, "cy")) for title, dot in told(root, "circle")]
    assert dots == [
        (f"p, {place}: {short(value)}", pytest.approx(y, abs=0.02))
        for place, (value, y) in enumerate(zip(values, line, strict=True))
    ]
    xs = [x for x, _ in points(next(p for p in root.iter(SVG + "polyline") if p.get("stroke") == palette.INK))]
    assert np.diff(xs) == pytest.approx([np.diff(xs)[0]] * 3, abs=0.02)


def test_the_ticks_are_round_and_where_their_numbers_are() -> None:
    root = root_of(line_drawing({"F": [-1.3, 2.6]}, on=LIGHT, height_px=100))
    (line,) = heights(root)
    unit = (line[0] - line[1]) / 3.9
    ticks = {
        float(line_.content.replace("−", "-")): (line_.top + line_.bottom) / 2
        for line_ in lines_of_text(root)
        if re.fullmatch(r"−?\d+(\.\d+)?", line_.content) and line_.right < 56
    }
    assert sorted(ticks) == [-2, -1, 0, 1, 2, 3]
    for value, place in ticks.items():
        assert line[0] - (value + 1.3) * unit == pytest.approx(place, abs=3)


def test_decades_have_equal_steps() -> None:
    root = root_of(line_drawing({"a": [1e-4, 1e-2, 1.0], "b": [1e-3, 1e-3, 1e-3]}, on=LIGHT, log=True))
    first, second = heights(root)
    assert first[0] - first[1] == pytest.approx(first[1] - first[2], abs=0.03)
    assert second[0] == pytest.approx((first[0] + first[1]) / 2, abs=0.03)
    assert {"a", "b"} <= set(texts(root)), "two lines need a key"


def test_a_band_lies_between_its_ends() -> None:
    band = ([0.1, 0.1], [0.2, 0.2], [0.4, 0.4])
    root = root_of(line_drawing({"x": [0.3, 0.3]}, on=LIGHT, band=band, limits=(0, 1), height_px=100))
    (area,) = root.iter(SVG + "polygon")
    (line,) = heights(root)
    zero = line[0] + 30
    assert [round((zero - y) / 100, 3) for _, y in points(area)] == [0.4, 0.4, 0.1, 0.1]


def test_lines_that_cannot_be_drawn_are_refused() -> None:
    for lines in ({}, {"a": [1.0], "b": [1.0, 2.0]}, {"a": [math.nan]}, {"a": [math.inf]}):
        with pytest.raises(ValueError, match="all of one length and finite"):
            line_drawing(lines, on=LIGHT)
    one = root_of(line_drawing({"a": [3.0]}, on=LIGHT))
    assert heights(one)[0]


# --- tables and dots ---------------------------------------------------------------------------------------------


def test_a_table_holds_every_cell_and_breaks_long_ones() -> None:
    sentence = "A sentence that is much longer than the room of its column, so that it goes on below."
    drawing = table_drawing(
        ["Name", "Number", "Says"], [["a", "1.5", sentence], ["b", "20", "short"]], on=LIGHT, right=[1], width_px=320
    )
    root = root_of(drawing)
    lines = lines_of_text(root)
    assert drawing.width <= 321
    assert (
        " ".join(line.content for line in lines if line.left > 100 and line.top > 20).replace(" short", "") == sentence
    )
    numbers = [line for line in lines if line.content in ("Number", "1.5", "20")]
    assert max(line.right for line in numbers) - min(line.right for line in numbers) < 2
    assert [line.content for line in lines if line.left < 1] == ["Name", "a", "b"]
    long = root_of(table_drawing(["x"], [["word " * 100]], on=LIGHT, width_px=100))
    assert len(texts(long)) == 7, "its name and six lines"
    assert [title.split()[0] for title, _ in told(long, "g")] == ["word"]


def test_dots_keep_their_distances() -> None:
    positions = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    root = root_of(dots_drawing(positions, ["one", "two", "one"], ["a", "b", "<c>"], on=LIGHT))
    dots = dict(told(root, "circle"))
    assert set(dots) == {"a", "b", "<c>"}
    place = {name: np.array([number(dot, "cx"), number(dot, "cy")]) for name, dot in dots.items()}
    lengths = [float(np.linalg.norm(place["a"] - place[other])) for other in ("b", "<c>")]
    assert lengths[0] / lengths[1] == pytest.approx(3 / 4, abs=0.001)
    assert place["<c>"][1] < place["a"][1], "up is up"
    assert dots["a"].get("fill") == dots["<c>"].get("fill") != dots["b"].get("fill")
    with pytest.raises(ValueError, match="finite"):
        dots_drawing(np.array([[0.0, np.nan]]), ["one"], ["a"], on=LIGHT)


def charts(names: list[str]) -> dict[str, Any]:
    count = len(names)
    values = np.linspace(-1, 1, count)
    return {
        "shares": share_rows(names, np.abs(values).tolist(), on=LIGHT, notes=names),
        "pairs": pair_rows(
            names, np.abs(values).tolist(), np.abs(values).tolist(), on=LIGHT, sides=(names[0], names[1])
        ),
        "scores": score_rows(names, values.tolist(), on=LIGHT),
        "columns": score_columns(names, values.tolist(), on=LIGHT),
        "grid": grid_drawing(np.ones((count, 1)), names, [names[0]], on=LIGHT, texts=[[name] for name in names]),
        "lines": line_drawing(
            {name: [0.0, 1.0] for name in names}, on=LIGHT, place_names=names[:2], across=names[0], up=names[1]
        ),
        "table": table_drawing(names[:3], [names[:3], names[3:6]], on=LIGHT),
        "dots": dots_drawing(np.stack([values, values**2], axis=-1), names, names, on=LIGHT),
    }


@pytest.mark.parametrize("kind", charts(["a"] * 6))
def test_hostile_names_are_names(kind: str) -> None:
    names = [*HOSTILE, *UNWRITABLE]
    root = root_of(charts(names)[kind])
    allowed = {"svg", "g", "rect", "text", "title", "line", "polyline", "polygon", "circle", "image"}
    assert {node.tag.removeprefix(SVG) for node in root.iter()} <= allowed
    everything = " ".join(node.text or "" for node in root.iter())
    assert "<script>" in everything
    for name in names if kind not in ("lines", "table") else []:
        assert seen(name)[:3].strip() in everything


def test_numbers_have_one_style() -> None:
    assert [short(value) for value in (2.3456, -0.5, 0.0)] == ["2.35", "−0.5", "0"]
    assert [whole_percent(share) for share in (0.234, -0.06, -0.001, 1.0)] == ["23%", "−6%", "0%", "100%"]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
@settings(max_examples=60)
def test_any_text_is_a_document_that_can_be_read(names: list[str]) -> None:
    count = len(names)
    drawn = [
        tokens_drawing(names, [0.5] * count, on=LIGHT, legend=names[0]),
        share_rows(names, [0.5] * count, on=LIGHT),
        grid_drawing(np.ones((count, count)), names, names, on=LIGHT, texts=[names] * count),
        map_drawing(np.ones((count, count)), names, on=LIGHT, legend=names[0]),
        table_drawing(names, [names], on=LIGHT),
        paragraph(" ".join(names), 120, LIGHT, most_lines=2),
    ]
    root = root_of(stacked(drawn))
    shown = {node.text or "" for node in root.iter(SVG + "title")}
    assert {f"{seen(name)}: 0.5000" for name in names if seen(name) == name and name.isprintable()} <= shown
