"""Results of patching states of one run into another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted
from glassbert.targets import Output, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SAME", "Trace"]

#: Values of F that differ by less are the same to a reader; restored shares would run to hundreds of per cent.
SAME: Mapping[Output, float] = {"logit": 0.05, "probability": 0.005}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace(Result):
    """F of the corrupted text with one state replaced by that of the clean run, in units of ``output``.

    ``kind`` "hidden": layer n is the state after n layers, 0 the embeddings. Otherwise layers count from 0. A span is
    the token positions [start, stop) that were patched together.
    """

    clean: Encoded  # with the mask in place, for a masked word
    corrupted: Encoded
    kind: Literal["hidden", "head", "mlp", "attention"]
    target: Target
    target_label: str
    output: Output
    clean_value: float
    corrupted_value: float
    layers: Array  # (layer,)
    spans: Array  # (span, 2)
    values: Array  # (layer, span); (layer, head, span) for heads
    forward_passes: int  # inputs sent through the network, or through its upper layers
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"layers": "int64", "spans": "int64", "values": "float32"}

    @property
    def restored(self) -> Array:
        """(F patched − F corrupted) / (F clean − F corrupted), shaped as ``values``: 0 is no effect, 1 is all of F."""
        share: Array = (self.values - self.corrupted_value) / (self.clean_value - self.corrupted_value)
        return share.astype(np.float32)

    @property
    def nothing_to_trace(self) -> str:
        """A sentence if both texts get practically the same answer (``SAME``), so that shares mean nothing; else ""."""
        if abs(self.clean_value - self.corrupted_value) >= SAME[self.output]:
            return ""
        return (
            f"The two texts get the same answer ({signed(self.clean_value)} and {signed(self.corrupted_value)} for "
            f"“{clipped(self.target_label, 40)}”): there is nothing to trace. Change another word."
        )

    def _about(self) -> str:
        sizes = " × ".join(
            counted(size, noun)
            for size, noun in zip(
                self.values.shape, ("layer", *(["head"] * (self.kind == "head")), "span"), strict=True
            )
        )
        return (
            f"{self.kind} of {quoted((*self.clean.texts[:1], *self.corrupted.texts[:1]))} → "
            f"{clipped(self.target_label, 30)}: {sizes}, F {signed(self.clean_value)} clean, "
            f"{signed(self.corrupted_value)} corrupted ({self.output})"
        )

    def frame(self) -> pd.DataFrame:
        """One row per place: layer, (head,) first and last token, their strings in both texts, F, restored share."""
        import pandas as pd

        index = [axis.ravel() for axis in np.indices(self.values.shape)]
        starts, stops = self.spans[index[-1]].T
        columns: dict[str, Any] = {"layer": self.layers[index[0]]}
        if self.kind == "head":
            columns["head"] = index[1]
        columns |= {
            "start": starts,
            "stop": stops,
            "clean": [" ".join(self.clean.tokens[a:b]) for a, b in zip(starts, stops, strict=True)],
            "corrupted": [" ".join(self.corrupted.tokens[a:b]) for a, b in zip(starts, stops, strict=True)],
            "value": self.values.ravel(),
            "restored": self.restored.ravel(),
        }
        return pd.DataFrame(columns)
