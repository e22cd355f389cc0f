"""Maps of pairs of tokens: one map, all heads of a layer, or all heads at a glance."""

from __future__ import annotations

import numpy as np

from glassbert.errors import LayerError, OptionError
from glassbert.figures._figure import Figure, Sheet
from glassbert.maps import MEASURES
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.pictures.drawing import Drawing, beside, paragraph, stacked, titled
from glassbert.pictures.maps import colour_scale, heads_drawing, map_drawing
from glassbert.pictures.palette import Theme
from glassbert.results import Array

_ROWS = "Rows attend, columns are attended to."
_ROOT = "Colour follows the square root of the number."
#: Up to so many rows and columns a map among others has names.
_NAMED = 14
#: The side of a map without names among others, in pixels; of a longer text a pixel is a block of tokens.
_SMALL = 200


def _attention(
    result: AttentionMaps,
    on: Theme,
    *,
    layer: int | None = None,
    head: int | None = None,
    by_word: bool = False,
    special: bool = True,
    most: float | None = None,
) -> Sheet:
    """Without ``head`` all heads of a layer, without ``layer`` all heads; both are counted from 0. ``by_word``: words
    instead of tokens. ``special``: whether special tokens are shown. ``most``: the weight drawn in full colour, for
    several pictures on one scale."""
    return _maps(result.maps(), on, layer=layer, head=head, by_word=by_word, special=special, most=most)


def _maps(
    result: TokenMaps,
    on: Theme,
    *,
    layer: int | None = None,
    head: int | None = None,
    by_word: bool = False,
    special: bool = True,
    most: float | None = None,
) -> Sheet:
    """As those of AttentionMaps."""
    if most is not None and not (np.isfinite(most) and most > 0):
        raise OptionError(f"most must be a positive number; got {most!r}")
    result = chosen(result, by_word=by_word, special=special)
    measure = MEASURES.get(result.measure)
    name = measure.label if measure else result.measure
    row, column = _place(result, layer, head)
    values = result.values.astype(np.float64)
    settings = [f"{name} ({measure.paper})." if measure else f"{name}."]
    if target := result.options.get("target_label"):
        settings.append(f"For {target}.")
    if result.caption:
        settings.append(f"{result.caption[:1].upper()}{result.caption[1:]}.")
    if by_word or len(result.keys) != len(result.encoded):
        settings.append("By word." if by_word else "")
    sums = "Each row sums to 1." if result.rows_sum_to_one else ""
    if row is not None and (column is not None or not result.per_head):
        one = values[row] if column is None else values[row, column]
        where = _where(result, row, column)
        drawing = map_drawing(
            one,
            result.query_labels,
            result.key_labels,
            on=on,
            signed=bool((one < 0).any()),
            rooted=True,
            most=most,
            inside=result.inside(row) if len(result.reach) and result.reach[row] else None,
            legend=f"{name}; {_ROOT[0].lower()}{_ROOT[1:]}",
            width_px=_wide(len(result.keys)),
        )
        notes = [*settings, _ROWS, sums, _window(result, row), _in_python(result, row, column)]
        return Sheet(f"{name}{where}", drawing, result.encoded.texts, notes)
    full = most or float(np.abs(values if row is None else values[row]).max(initial=0.0)) or 1.0
    if row is not None:
        maps, names = values[row], [f"head {number + 1}" for number in result.heads]
        title = f"{name}{_where(result, row, None)}, all {len(names)} heads"
    elif not result.per_head:
        numbered = enumerate(result.layers.tolist())
        maps, names = values, [f"{_layer_name(number)}{_kind(result, row)}" for row, number in numbered]
        title = f"{name}, all {len(names)} layers"
    else:
        return _overview(result, values, full, name, on, [*settings, _ROWS, sums])
    drawing = stacked(
        [
            _beside_one_another(maps, names, result, full, on),
            colour_scale(
                full, on=on, signed=bool((values < 0).any()), rooted=True, legend=f"{name}; one scale for all"
            ),
        ],
        gap=14,
    )
    notes = [
        *settings,
        _ROWS,
        sums,
        _ROOT,
        _blocks(result, _SMALL),
        "" if row is None else _window(result, row).removesuffix(" Grey: outside it."),
        *([] if row is None else [_in_python(result, row, None)]),
    ]
    return Sheet(title, _with_tokens(drawing, result, on), result.encoded.texts, notes)


def chosen(result: TokenMaps, *, by_word: bool, special: bool) -> TokenMaps:
    """Words instead of tokens, without special tokens."""
    if by_word:
        result = result.by_word()
    return result if special else result.without_special()


def _overview(result: TokenMaps, values: Array, full: float, name: str, on: Theme, notes: list[str]) -> Sheet:
    signed = bool((values < 0).any())
    thumbnails = heads_drawing(
        values / full,
        on=on,
        rows=[str(number + 1) for number in result.layers],
        columns=[str(number + 1) for number in result.heads],
        signed=signed,
    )
    scale = colour_scale(full, on=on, signed=signed, rooted=True, legend=f"{name}; one scale for all heads")
    blocks = _blocks(result, 32)
    return Sheet(
        f"{name}, every head",
        stacked([thumbnails, scale], gap=12),
        result.encoded.texts,
        [*notes, "Layers are rows of maps, heads columns, both counted from 1.", _ROOT, blocks],
    )


def _blocks(result: TokenMaps, side: int) -> str:
    longest = max(len(result.queries), len(result.keys))
    return f"Beyond {side} tokens a pixel is the largest number of a block." if longest > side else ""


def _beside_one_another(maps: Array, names: list[str], result: TokenMaps, full: float, on: Theme) -> Drawing:
    named = max(len(result.queries), len(result.keys)) <= _NAMED
    drawn = []
    for values, name in zip(maps, names, strict=True):
        if named:
            one = map_drawing(
                values,
                result.query_labels,
                result.key_labels,
                on=on,
                signed=bool((maps < 0).any()),
                rooted=True,
                most=full,
                scale=False,
                width_px=270,
            )
        else:
            one = heads_drawing(
                (values / full)[None, None],
                on=on,
                rows=[""],
                columns=[""],
                signed=bool((maps < 0).any()),
                side=_SMALL,
                thumbnail_px=_SMALL,
            )
        drawn.append(titled(one, name[:1].upper() + name[1:], on))
    return beside(drawn, 18, width_px=900)


def _with_tokens(drawing: Drawing, result: TokenMaps, on: Theme) -> Drawing:
    """With the names of rows and columns below, where the maps have no room for them."""
    if max(len(result.queries), len(result.keys)) <= _NAMED:
        return drawing
    same = result.query_labels == result.key_labels
    lines = (
        [("Rows and columns", result.key_labels)]
        if same
        else [("Rows", result.query_labels), ("Columns", result.key_labels)]
    )
    width = max(drawing.width, 480)
    told = [paragraph(f"{name}: {' '.join(labels)}", width, on, font_px=11, most_lines=4) for name, labels in lines]
    return stacked([drawing, *told], gap=8)


def _place(result: TokenMaps, layer: int | None, head: int | None) -> tuple[int | None, int | None]:
    """The row and the column of what was asked for; a single map needs no asking."""
    layers, heads = result.layers.tolist(), result.heads.tolist()
    if head is not None and not heads:
        raise LayerError(f"head {head}: these maps have no heads; leave head out")
    if layer is None and len(layers) == 1:
        layer = layers[0]
    if head is None and len(heads) == 1 and layer is not None:
        head = heads[0]
    if layer is None and head is not None:
        raise OptionError(f"head {head} of which layer? Pass layer as well, {min(layers)} to {max(layers)}")
    if layer is not None and layer not in layers:
        raise LayerError(f"layer {layer}: these maps have layers {', '.join(map(str, layers))}")
    if head is not None and head not in heads:
        raise LayerError(f"head {head}: these maps have heads {', '.join(map(str, heads))}")
    return None if layer is None else layers.index(layer), None if head is None else heads.index(head)


def _layer_name(layer: int) -> str:
    return "several layers" if layer < 0 else f"layer {layer + 1}"


def _kind(result: TokenMaps, row: int) -> str:
    """ " (local)" or " (global)", in networks that have layers of both kinds."""
    return "" if not len(result.reach) else " (local)" if result.reach[row] else " (global)"


def _window(result: TokenMaps, row: int) -> str:
    reach = int(result.reach[row]) if len(result.reach) else 0
    return f"Local layer: window of {2 * reach} tokens. Grey: outside it." if reach else ""


def _where(result: TokenMaps, row: int, column: int | None) -> str:
    layer = int(result.layers[row])
    parts = [] if layer < 0 else [f"layer {layer + 1}{_kind(result, row)}"]
    parts += [] if column is None else [f"head {int(result.heads[column]) + 1}"]
    return "".join(f", {part}" for part in parts)


def _in_python(result: TokenMaps, row: int, column: int | None) -> str:
    layer = int(result.layers[row])
    if layer < 0:
        return ""
    told = f"layer={layer}" if column is None else f"layer={layer}, head={int(result.heads[column])}"
    return f"Counted from 1; in Python {told}."


def _wide(columns: int) -> float:
    """Room for letters that can be read, up to a page."""
    return min(1100.0, max(640.0, 120 + 14.0 * columns))


FIGURES = (Figure(AttentionMaps, _attention), Figure(TokenMaps, _maps))
