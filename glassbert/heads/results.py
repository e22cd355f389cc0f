"""Results about heads: one number, or one row, per head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from glassbert.maps.results import check_head
from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted
from glassbert.targets import Output, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AblationSweep", "HeadDistances", "HeadImportance", "HeadProfile", "HeadRanking", "SweepMode"]

SweepMode = Literal["one_at_a_time", "greedy"]


def _grid(layers: int, heads: int) -> dict[str, Any]:
    layer, head = (index.ravel() for index in np.indices((layers, heads)))
    return {"layer": layer, "head": head}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadProfile(Result):
    """Where each head attends in this text, on average over the tokens that are not special.

    ``shares`` are shares of a row's weight, 0 to 1; they overlap (the next token may be a [SEP]). ``chance`` is what
    the share would be with equal weight on every token. ``labels`` are ids of ``HEAD_LABELS``, given by the rules
    written there; ``evidence(layer, head)`` is the reason in a sentence.
    """

    encoded: Encoded
    targets: tuple[str, ...]  # cls, sep, punctuation, self, previous, next, same_word
    shares: Array  # (layer, head, target)
    chance: Array  # (target,)
    entropy: Array  # (layer, head), in bits
    distance: Array  # (layer, head), mean |query − key|, in tokens
    labels: tuple[tuple[str, ...], ...]  # [layer][head]
    reasons: tuple[tuple[str, ...], ...]  # [layer][head]

    _arrays: ClassVar[Mapping[str, str]] = {
        "shares": "float32",
        "chance": "float32",
        "entropy": "float32",
        "distance": "float32",
    }

    @property
    def max_entropy(self) -> float:
        """Bits of a row with equal weight on every token."""
        return float(np.log2(len(self.encoded)))

    def share(self, target: str) -> Array:
        """(layer, head): the share of weight on one target, such as "previous"."""
        column: Array = self.shares[:, :, self.targets.index(target)]
        return column

    def evidence(self, layer: int, head: int) -> str:
        """Why this head has its label, in a sentence. Raises LayerError."""
        check_head(layer, head, *self.entropy.shape)
        return self.reasons[layer][head]

    def _about(self) -> str:
        layers, heads = self.entropy.shape
        return f"of {quoted(self.encoded.texts)}: {counted(layers, 'layer')} × {counted(heads, 'head')}"

    def frame(self) -> pd.DataFrame:
        """One row per head: entropy, distance, one column per target, label, evidence."""
        import pandas as pd

        return pd.DataFrame(
            {
                **_grid(*self.entropy.shape),
                "label": [label for row in self.labels for label in row],
                "entropy": self.entropy.ravel(),
                "distance": self.distance.ravel(),
                **{target: self.shares[:, :, index].ravel() for index, target in enumerate(self.targets)},
                "evidence": [reason for row in self.reasons for reason in row],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadDistances(Result):
    """How differently heads attend: √ of the mean Jensen-Shannon divergence of their rows, in [0, 1].

    ``positions`` is the best picture of these distances in two dimensions (classical scaling); ``explained`` the share
    of the squared spread that the two dimensions hold. Heads are in order layer by layer.
    """

    encoded: Encoded
    layers: Array  # (head,), the layer of each
    heads: Array  # (head,), its number in the layer
    distances: Array  # (head, head)
    positions: Array  # (head, 2)
    explained: float
    rows_used: int

    _arrays: ClassVar[Mapping[str, str]] = {
        "layers": "int64",
        "heads": "int64",
        "distances": "float32",
        "positions": "float32",
    }

    def _about(self) -> str:
        return (
            f"of {quoted(self.encoded.texts)}: {counted(len(self.heads), 'head')}, "
            f"{self.explained:.0%} of the spread in two dimensions"
        )

    def frame(self) -> pd.DataFrame:
        """One row per head: its position, and the most similar head."""
        import pandas as pd

        others = self.distances + 2 * np.eye(len(self.distances), dtype=np.float32)
        nearest = others.argmin(axis=1)
        return pd.DataFrame(
            {
                "layer": self.layers,
                "head": self.heads,
                "x": self.positions[:, 0],
                "y": self.positions[:, 1],
                "nearest_layer": self.layers[nearest],
                "nearest_head": self.heads[nearest],
                "nearest_distance": self.distances[np.arange(len(nearest)), nearest],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadRanking(Result):
    """Every head's attention weight between two tokens, or two words, in both directions.

    ``queries`` and ``keys`` are the tokens that were chosen: one each, or the pieces of a word. ``weights`` is the
    share of the query's attention that goes to the key, ``reverse`` that of the key's that goes to the query.
    """

    encoded: Encoded
    queries: Array  # (piece,), token positions
    keys: Array  # (piece,), token positions
    weights: Array  # (layer, head), in [0, 1]
    reverse: Array  # (layer, head), in [0, 1]

    _arrays: ClassVar[Mapping[str, str]] = {
        "queries": "int64",
        "keys": "int64",
        "weights": "float32",
        "reverse": "float32",
    }

    @property
    def strongest(self) -> Array:
        """(layer, head): the larger of both directions."""
        larger: Array = np.maximum(self.weights, self.reverse)
        return larger

    @property
    def uniform(self) -> float:
        """The weight from query to key if every token got the same."""
        return len(self.keys) / len(self.encoded)

    def _about(self) -> str:
        layer, head = np.unravel_index(self.strongest.argmax(), self.strongest.shape)
        ends = (self._written(self.queries), self._written(self.keys))
        return (
            f"of {quoted(self.encoded.texts)}: {ends[0]!r} and {ends[1]!r}, most in head {head} of layer {layer} "
            f"({self.weights[layer, head]:.3f}, reverse {self.reverse[layer, head]:.3f})"
        )

    def _written(self, positions: Array) -> str:
        return clipped("".join(self.encoded.pieces[position] for position in positions), 20)

    def frame(self) -> pd.DataFrame:
        """One row per head, the strongest link first; heads that tie keep their order."""
        import pandas as pd

        order = np.argsort(-self.strongest.ravel(), kind="stable")
        columns = {**_grid(*self.weights.shape), "weight": self.weights.ravel(), "reverse": self.reverse.ravel()}
        ranked = {name: values[order] for name, values in columns.items()}
        return pd.DataFrame({"rank": np.arange(1, len(order) + 1), **ranked})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadImportance(Result):
    """How sensitive the target's value F is to each head (Michel et al. 2019), in units of ``output``.

    ``importance`` is the mean over texts of |∂F/∂ξ| at ξ = 1, where ξ scales the head's output. ``gradient`` is the
    mean of ∂F/∂ξ with its sign: positive heads favour the target. Inputs and targets are those used, masks in place.
    """

    importance: Array  # (layer, head)
    gradient: Array  # (layer, head)
    target_labels: tuple[str, ...]  # (text,)
    texts: tuple[tuple[str, ...], ...]  # (text,), each one text or a pair
    output: Output
    forward_passes: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"importance": "float32", "gradient": "float32"}

    def _about(self) -> str:
        layer, head = np.unravel_index(self.importance.argmax(), self.importance.shape)
        label = clipped(", ".join(dict.fromkeys(self.target_labels)), 40)
        return (
            f"of {counted(len(self.texts), 'text')} → {label}: {counted(self.importance.shape[0], 'layer')} × "
            f"{counted(self.importance.shape[1], 'head')}, most important head {head} of layer {layer} "
            f"({self.importance.max():.3g} {self.output})"
        )

    def frame(self) -> pd.DataFrame:
        """One row per head."""
        import pandas as pd

        return pd.DataFrame(
            {
                **_grid(*self.importance.shape),
                "importance": self.importance.ravel(),
                "gradient": self.gradient.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AblationSweep(Result):
    """The target's value F as heads are switched off, in units of ``output``.

    Mode "one_at_a_time": one step per head, each alone. Mode "greedy": step *n* switches off a head in addition to
    those of all previous steps. ``predicted`` is the prediction then. ``complete`` is False after a cancellation.
    """

    encoded: Encoded  # with the mask in place, for a masked word
    mode: SweepMode
    target: Target
    target_label: str
    output: Output
    value: float  # with every head of the model given
    prediction: str
    layers: Array  # (step,)
    heads: Array  # (step,)
    values: Array  # (step,)
    predicted: tuple[str, ...]  # (step,)
    model_layers: int
    model_heads: int
    complete: bool
    forward_passes: int  # inputs sent through the network, or through its upper layers
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"layers": "int64", "heads": "int64", "values": "float32"}

    @property
    def changes(self) -> Array:
        """(step,): F with the head (greedy: the heads up to here) off, minus F; negative: the target loses."""
        changes: Array = self.values - np.float32(self.value)
        return changes

    def matrix(self) -> Array:
        """(layer, head): the change of each head; NaN for heads that were not tried (greedy: not chosen)."""
        matrix = np.full((self.model_layers, self.model_heads), np.nan, dtype=np.float32)
        matrix[self.layers, self.heads] = self.changes
        return matrix

    def _about(self) -> str:
        stopped = "" if self.complete else ", stopped"
        return (
            f"{self.mode} of {quoted(self.encoded.texts)} → {clipped(self.target_label, 40)}: "
            f"{counted(len(self.values), 'step')}, F {signed(self.value)} ({self.output}){stopped}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per step."""
        import pandas as pd

        return pd.DataFrame(
            {
                "step": np.arange(1, len(self.values) + 1),
                "layer": self.layers,
                "head": self.heads,
                "value": self.values,
                "change": self.changes,
                "predicted": self.predicted,
            }
        )
