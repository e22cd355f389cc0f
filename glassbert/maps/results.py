"""Numbers for pairs of tokens: attention weights, and measures derived from them.

:class:`AttentionMaps` contains every weight of a text, :class:`TokenMaps` any measure, over all tokens or some of
them, by token or by word; its methods return new maps and record in ``caption`` what they excluded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from glassbert.errors import LayerError, OptionError
from glassbert.pictures.markup import clipped
from glassbert.pictures.overviews import overview_html
from glassbert.results import Array, Encoded, Result, counted, quoted, read_only
from glassbert.text.words import words_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BLOCKS",
    "SCORE_PARTS",
    "AttentionMaps",
    "HeadIndex",
    "How",
    "PairBlock",
    "ScorePart",
    "ScoreParts",
    "TokenMaps",
    "check_head",
]

#: (layer, head), both counted from 0.
HeadIndex = tuple[int, int]
How = Literal["mean", "max"]
PairBlock = Literal["A→A", "A→B", "B→A", "B→B"]

#: Part of a text pair → (the attending text, the attended text).
BLOCKS: dict[str, tuple[int, int]] = {"A→A": (0, 0), "A→B": (0, 1), "B→A": (1, 0), "B→B": (1, 1)}

ScorePart = Literal["content_to_content", "content_to_position", "position_to_content"]

#: Part of an attention score → its name.
SCORE_PARTS: dict[ScorePart, str] = {
    "content_to_content": "Content to content",
    "content_to_position": "Content to position",
    "position_to_content": "Position to content",
}

# Rounding errors of float32 rows of 512 numbers stay below this.
_SUM_TOLERANCE = 1e-4


def check_head(layer: int, head: int, layers: int, heads: int) -> None:
    """Raise LayerError unless a model of this size has the head."""
    if not 0 <= layer < layers:
        raise LayerError(f"layer {layer}: this model has layers 0 to {layers - 1}")
    if not 0 <= head < heads:
        raise LayerError(f"head {head}: each layer of this model has heads 0 to {heads - 1}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenMaps(Result):
    """One number for each pair of query (row: attends) and key (column: is attended to), layer by layer.

    ``values`` is (layer, query, key), or (layer, head, query, key) for a measure per head; ``measure``
    is an id of ``gb.MEASURES``. Rows and columns are tokens or words: ``queries`` and ``keys`` are the tokens of
    ``encoded`` that each covers, [start, stop). ``reach`` is how many tokens away a layer attends, 0: to all; it is
    empty where every layer attends to all. ``rows_sum_to_one``: whether every row does; ``renormalised``: whether
    rows were rescaled to achieve this.
    """

    encoded: Encoded
    measure: str
    values: Array  # (layer, query, key) or (layer, head, query, key)
    layers: Array  # (layer,), the model's layer numbers; −1 where several were combined
    heads: Array  # (head,), the model's head numbers; empty for (layer, query, key)
    queries: Array  # (query, 2), token positions [start, stop)
    keys: Array  # (key, 2), token positions [start, stop)
    query_labels: tuple[str, ...]
    key_labels: tuple[str, ...]
    rows_sum_to_one: bool
    renormalised: bool = False
    caption: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    reach: Array = field(default_factory=lambda: np.empty(0))  # (layer,), or empty

    _arrays: ClassVar[Mapping[str, str]] = {
        "values": "float32",
        "layers": "int64",
        "heads": "int64",
        "queries": "int64",
        "keys": "int64",
        "reach": "int64",
    }

    @classmethod
    def of(
        cls,
        encoded: Encoded,
        measure: str,
        values: Array,
        *,
        rows_sum_to_one: bool,
        layers: Sequence[int] | None = None,
        queries: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> TokenMaps:
        """Maps over the tokens of an input: all layers and all rows unless ``layers`` or ``queries`` select some."""
        tokens = np.arange(len(encoded))
        rows = tokens if queries is None else np.asarray(queries)
        return cls(
            encoded=encoded,
            measure=measure,
            values=values,
            layers=np.arange(values.shape[0]) if layers is None else np.asarray(layers),
            heads=np.arange(values.shape[1]) if values.ndim == 4 else np.empty(0),
            queries=np.stack((rows, rows + 1), axis=-1),
            keys=np.stack((tokens, tokens + 1), axis=-1),
            query_labels=tuple(encoded.pieces[row] for row in rows),
            key_labels=encoded.pieces,
            rows_sum_to_one=rows_sum_to_one,
            options=dict(options or {}),
        )

    @property
    def per_head(self) -> bool:
        return self.values.ndim == 4

    def inside(self, row: int = 0) -> Array:
        """The columns within the window of a layer, (query, 2): [start, stop) of each row; ``row`` counts the layers of
        these maps. Every column, unless the layer is local."""
        spans = np.empty((len(self.queries), 2), dtype=np.int64)
        reach = int(self.reach[row]) if len(self.reach) else 0
        if not reach:
            spans[:] = 0, len(self.keys)
            return spans
        spans[:, 0] = np.searchsorted(self.keys[:, 1] - 1, self.queries[:, 0] - reach, side="left")
        spans[:, 1] = np.searchsorted(self.keys[:, 0], self.queries[:, 1] - 1 + reach, side="right")
        return spans

    def by_word(self) -> TokenMaps:
        """Words instead of pieces: sum over the key pieces of a word, mean over its query pieces (Clark et al. 2019).

        Rows that sum to 1 still do. Each special token remains a word of its own.
        """
        words = words_of(self.encoded)
        row_words, column_words = words.group[self.queries[:, 0]], words.group[self.keys[:, 0]]
        row_starts, column_starts = _starts(row_words), _starts(column_words)
        summed = np.add.reduceat(self.values, column_starts, axis=-1)
        sizes = np.diff(row_starts, append=len(row_words)).astype(np.float32)
        return replace(
            self,
            values=np.add.reduceat(summed, row_starts, axis=-2) / sizes[:, None],
            queries=_spans(self.queries, row_starts),
            keys=_spans(self.keys, column_starts),
            query_labels=tuple(words.labels[word] for word in row_words[row_starts]),
            key_labels=tuple(words.labels[word] for word in column_words[column_starts]),
        )

    def block(self, block: PairBlock | str, *, renormalise: bool = False) -> TokenMaps:
        """One part of a text pair: "A→B" are the rows of text A and the columns of text B; no special tokens.

        ``renormalise`` rescales the remainder of each row to sum to 1; without it, the weight on everything else is
        missing. Raises OptionError for a single text or another name.
        """
        if block not in BLOCKS:
            raise OptionError(f"block must be one of {', '.join(BLOCKS)}; got {block!r}")
        if len(self.encoded.texts) != 2:
            raise OptionError(f"{block} needs two texts, but this input has one: add a second text")
        looking, looked_at = BLOCKS[block]
        text_of = self.encoded.sequence_ids
        return self._part(
            np.flatnonzero(text_of[self.queries[:, 0]] == looking),
            np.flatnonzero(text_of[self.keys[:, 0]] == looked_at),
            f"{block} only",
            renormalise,
        )

    def without_special(self, renormalise: bool = False) -> TokenMaps:
        """Without the rows and columns of special tokens; ``renormalise`` rescales the remainder to sum to 1."""
        ordinary = self.encoded.special_tokens_mask == 0
        return self._part(
            np.flatnonzero(ordinary[self.queries[:, 0]]),
            np.flatnonzero(ordinary[self.keys[:, 0]]),
            "special tokens left out",
            renormalise,
        )

    def over_heads(self, how: How = "mean") -> TokenMaps:
        """All heads of each layer combined: (layer, head, query, key) → (layer, query, key)."""
        if not self.per_head:
            raise OptionError(f"{self.measure} has one map per layer, not one per head: there is nothing to combine")
        values = _combined(self.values, 1, how)
        return replace(
            self,
            values=values,
            heads=np.empty(0),
            rows_sum_to_one=self.rows_sum_to_one and how == "mean",
            caption=_joined(self.caption, f"{how} of {self.values.shape[1]} heads"),
        )

    def combine(self, heads: Sequence[HeadIndex], how: How = "mean") -> TokenMaps:
        """The chosen heads, of one layer or several, as one map: (1, query, key).

        The mean of rows that sum to 1 sums to 1, their maximum does not. Raises OptionError, LayerError.
        """
        if not self.per_head:
            raise OptionError(f"{self.measure} has one map per layer, not one per head: there is nothing to combine")
        chosen = list(dict.fromkeys((int(layer), int(head)) for layer, head in heads))
        if not chosen:
            raise OptionError("choose at least one head to combine")
        layer_row = {int(layer): row for row, layer in enumerate(self.layers)}
        head_row = {int(head): row for row, head in enumerate(self.heads)}
        for layer, head in chosen:
            if layer not in layer_row or head not in head_row:
                raise LayerError(
                    f"head {head} of layer {layer}: these maps have layers {min(layer_row)} to {max(layer_row)} "
                    f"and heads {min(head_row)} to {max(head_row)}"
                )
        stacked = np.stack([self.values[layer_row[layer], head_row[head]] for layer, head in chosen])
        layers = {layer for layer, _ in chosen}
        reaches = {int(self.reach[layer_row[layer]]) for layer in layers} if len(self.reach) else set()
        return replace(
            self,
            values=_combined(stacked, 0, how)[None],
            reach=np.asarray([0 if 0 in reaches else max(reaches)] if reaches else []),
            layers=np.asarray([layers.pop() if len(layers) == 1 else -1]),
            heads=np.empty(0),
            rows_sum_to_one=self.rows_sum_to_one and how == "mean",
            caption=_joined(self.caption, f"{how} of {len(chosen)} heads"),
            options={**self.options, "heads": [list(head) for head in chosen], "how": how},
        )

    def normalised(self) -> TokenMaps:
        """Each row divided by its sum; a row of zeros is unchanged, and then not every row sums to 1."""
        return self._rescaled()

    def _about(self) -> str:
        *layers_heads, queries, keys = self.values.shape
        sizes = [counted(size, noun) for size, noun in zip(layers_heads, ("layer", "head"), strict=False)]
        rows = ", rows sum to 1" if self.rows_sum_to_one else ""
        caption = f"; {clipped(self.caption, 50)}" if self.caption else ""
        return (
            f"{self.measure} of {quoted(self.encoded.texts)}: {' × '.join(sizes)}, "
            f"{counted(queries, 'query')} × {counted(keys, 'key')}{rows}{caption}"
        )

    def _picture(self) -> str:
        if self.per_head:
            return overview_html(self.values, caption="a row for each layer, a map for each head; rows are queries")
        return overview_html(self.values[None], caption="a map for each layer; rows are queries, columns keys")

    def frame(self) -> pd.DataFrame:
        """One row per number: layer, (head,) query, key, their labels, value."""
        import pandas as pd

        index = [axis.ravel() for axis in np.indices(self.values.shape, dtype=np.int32)]
        query, key = index[-2], index[-1]
        columns: dict[str, Any] = {"layer": self.layers[index[0]]}
        if self.per_head:
            columns["head"] = self.heads[index[1]]
        columns |= {
            "query": self.queries[query, 0],
            "key": self.keys[key, 0],
            "query_label": np.asarray(self.query_labels, dtype=object)[query],
            "key_label": np.asarray(self.key_labels, dtype=object)[key],
            "value": self.values.ravel(),
        }
        return pd.DataFrame(columns)

    def _part(self, rows: Array, columns: Array, caption: str, renormalise: bool) -> TokenMaps:
        if not len(rows) or not len(columns):
            raise OptionError(f"{caption}: these maps would be empty")
        part = replace(
            self,
            values=self.values[..., rows, :][..., columns],
            queries=self.queries[rows],
            keys=self.keys[columns],
            query_labels=tuple(self.query_labels[row] for row in rows),
            key_labels=tuple(self.key_labels[column] for column in columns),
            rows_sum_to_one=self.rows_sum_to_one and len(columns) == len(self.keys),
            renormalised=False,
            caption=_joined(self.caption, caption),
        )
        return part._rescaled() if renormalise else part

    def _rescaled(self) -> TokenMaps:
        totals = self.values.sum(axis=-1, keepdims=True, dtype=np.float64)
        values = np.divide(self.values, totals, out=np.zeros_like(self.values), where=totals > 0, casting="same_kind")
        sums = bool(np.abs(values.sum(axis=-1) - 1).max() < _SUM_TOLERANCE)
        caption = _joined(self.caption, "rows rescaled to sum to 1" if sums else "rows rescaled to sum to 1, or zero")
        return replace(self, values=values, rows_sum_to_one=sums, renormalised=True, caption=caption)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AttentionMaps(Result):
    """Softmax attention weights (Vaswani et al. 2017); each row over ``key`` sums to 1, but those of removed heads.

    The methods of :class:`TokenMaps` are available here too, and return such maps.
    """

    encoded: Encoded
    weights: Array  # (layer, head, query, key)
    #: (layer,) how many tokens away each layer attends, 0: to all tokens; empty where every layer attends to all.
    reach: Array = field(default_factory=lambda: np.empty(0))

    _arrays: ClassVar[Mapping[str, str]] = {"weights": "float32", "reach": "int64"}

    @property
    def layers(self) -> int:
        return int(self.weights.shape[0])

    @property
    def heads(self) -> int:
        return int(self.weights.shape[1])

    def maps(self) -> TokenMaps:
        """The same weights with labelled rows and columns; nothing is copied."""
        sums = not self.removed
        return replace(TokenMaps.of(self.encoded, "attention", self.weights, rows_sum_to_one=sums), reach=self.reach)

    @property
    def removed(self) -> tuple[HeadIndex, ...]:
        """(layer, head) of the heads that were removed from the model: all their weights are 0."""
        return tuple((int(layer), int(head)) for layer, head in np.argwhere(~self.weights.any(axis=(2, 3))))

    def mean(self) -> Array:
        """The mean over the heads of each layer, without removed ones: (layer, query, key) in float64."""
        kept = self.weights.any(axis=(2, 3)).sum(axis=1)
        mean: Array = self.weights.sum(axis=1, dtype=np.float64) / np.maximum(kept, 1)[:, None, None]
        return mean

    def by_word(self) -> TokenMaps:
        """Words instead of pieces, see :meth:`TokenMaps.by_word`."""
        return self.maps().by_word()

    def block(self, block: PairBlock | str, *, renormalise: bool = False) -> TokenMaps:
        """One part of a text pair, see :meth:`TokenMaps.block`."""
        return self.maps().block(block, renormalise=renormalise)

    def without_special(self, renormalise: bool = False) -> TokenMaps:
        """Without [CLS], [SEP] and the like, see :meth:`TokenMaps.without_special`."""
        return self.maps().without_special(renormalise)

    def over_heads(self, how: How = "mean") -> TokenMaps:
        """All heads of each layer as one map, see :meth:`TokenMaps.over_heads`."""
        return self.maps().over_heads(how)

    def combine(self, heads: Sequence[HeadIndex], how: How = "mean") -> TokenMaps:
        """The chosen heads as one map, see :meth:`TokenMaps.combine`."""
        return self.maps().combine(heads, how)

    def _about(self) -> str:
        layers, heads, queries, _ = self.weights.shape
        return (
            f"of {quoted(self.encoded.texts)}: {counted(layers, 'layer')} × {counted(heads, 'head')}, "
            f"{counted(queries, 'token')}, rows sum to 1"
            + (f", {counted(len(self.removed), 'head')} removed" if self.removed else "")
        )

    def _picture(self) -> str:
        return overview_html(self.weights, caption="a row for each layer, a map for each head; rows are queries")

    def frame(self) -> pd.DataFrame:
        """One row per weight: layer, head, query, key, their tokens, weight."""
        import pandas as pd

        layers, heads, queries, keys = self.weights.shape
        tokens = np.asarray(self.encoded.tokens, dtype=object)
        layer, head, query, key = (
            index.ravel() for index in np.indices((layers, heads, queries, keys), dtype=np.int32)
        )
        return pd.DataFrame(
            {
                "layer": layer,
                "head": head,
                "query": query,
                "key": key,
                "query_token": tokens[query],
                "key_token": tokens[key],
                "weight": self.weights.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreParts(Result):
    """Attention scores before the softmax, as the sum of their parts (He et al. 2021, arXiv:2006.03654).

    In disentangled attention the score of a key for a query adds up what the two tokens' contents say about each other
    ("content_to_content"), what the query's content says about the key's distance ("content_to_position"), and what the
    distance says about the key's content ("position_to_content"). ``values.sum(axis=0)`` are the scores, and their
    softmax over keys are the weights of :func:`glassbert.attention`. A part that a network does not have is zero.

    A softmax does not see a number that is added to all keys of a query: compare a part within one row, not its sums.
    """

    encoded: Encoded
    parts: tuple[str, ...]
    layers: Array  # (layer,), the model's layer numbers
    values: Array  # (part, layer, head, query, key)

    _arrays: ClassVar[Mapping[str, str]] = {"layers": "int64", "values": "float32"}

    def weights(self) -> TokenMaps:
        """The attention weights: the softmax of the sum of all parts."""
        return self._softmax(self.values.sum(axis=0), "attention", "")

    def alone(self, part: ScorePart | str) -> TokenMaps:
        """The weights that one part alone would give: its softmax, so that rows sum to 1. Raises OptionError."""
        return self._softmax(self.values[self._place(part)], part, f"{SCORE_PARTS[part]} alone")  # type: ignore[index]

    def scores(self, part: ScorePart | str) -> TokenMaps:
        """One part of the scores as it is added, of either sign. Raises OptionError."""
        values = self.values[self._place(part)]
        return TokenMaps.of(self.encoded, part, values, rows_sum_to_one=False, layers=self.layers.tolist())

    def _place(self, part: str) -> int:
        if part not in self.parts:
            raise OptionError(f"part must be one of {', '.join(self.parts)}; got {part!r}")
        return self.parts.index(part)

    def _softmax(self, scores: Array, measure: str, caption: str) -> TokenMaps:
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        values = powers / powers.sum(axis=-1, keepdims=True)
        maps = TokenMaps.of(self.encoded, measure, values, rows_sum_to_one=True, layers=self.layers.tolist())
        return replace(maps, caption=caption)

    def _about(self) -> str:
        parts, layers, heads, queries, _ = self.values.shape
        return (
            f"of {quoted(self.encoded.texts)}: {counted(parts, 'part')} of the scores of {counted(layers, 'layer')} × "
            f"{counted(heads, 'head')}, {counted(queries, 'token')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per score: part, layer, head, query, key, their tokens, score."""
        import pandas as pd

        part, layer, head, query, key = (axis.ravel() for axis in np.indices(self.values.shape, dtype=np.int32))
        tokens = np.asarray(self.encoded.tokens, dtype=object)
        return pd.DataFrame(
            {
                "part": np.asarray(self.parts, dtype=object)[part],
                "layer": self.layers[layer],
                "head": head,
                "query": query,
                "key": key,
                "query_token": tokens[query],
                "key_token": tokens[key],
                "score": self.values.ravel(),
            }
        )


def _starts(groups: Array) -> Array:
    return np.flatnonzero(np.diff(groups, prepend=-1))


def _spans(spans: Array, starts: Array) -> Array:
    stops = np.append(starts[1:], len(spans)) - 1
    return read_only(np.stack((spans[starts, 0], spans[stops, 1]), axis=-1), "int64")


def _combined(values: Array, axis: int, how: str) -> Array:
    if how == "mean":
        mean: Array = values.mean(axis=axis)
        return mean
    if how == "max":
        largest: Array = values.max(axis=axis)
        return largest
    raise OptionError(f"how must be one of mean, max; got {how!r}")


def _joined(*captions: str) -> str:
    return "; ".join(caption for caption in captions if caption)
