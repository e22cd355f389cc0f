"""How a prediction responds to changes of the text: the results of ``glassbert.whatif``.

An edit is stored as (token position, kind, replacement), the arguments of :class:`glassbert.Edit`; positions are those
of ``encoded``, the unchanged text. ``probability`` is always that of the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted
from glassbert.targets import Output, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FlipSearch", "InputReduction", "StoredEdit", "Variants"]

StoredEdit: TypeAlias = tuple[int, str, str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Variants(Result):
    """Edited texts compared with the original: the value F of the target, its probability, and the prediction."""

    encoded: Encoded
    target: Target
    target_label: str
    output: Output
    value: float
    probability: float | None  # None: a regression has none
    prediction: str
    edits: tuple[tuple[StoredEdit, ...], ...]  # [variant][edit]
    texts: tuple[tuple[str, ...], ...]  # [variant], one or two texts
    values: Array  # (variant,)
    probabilities: Array  # (variant,), empty for a regression
    predictions: tuple[str, ...]  # (variant,)
    forward_passes: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"values": "float64", "probabilities": "float64"}

    def _about(self) -> str:
        if self.probability is None:
            return (
                f"of {quoted(self.encoded.texts)} → {clipped(self.target_label, 40)} {self.value:.4g}: "
                f"{counted(len(self.texts), 'variant')}"
            )
        flipped = sum(prediction != self.prediction for prediction in self.predictions)
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(self.target_label, 40)} ({self.probability:.2f}): "
            f"{counted(len(self.texts), 'variant')}, {flipped} with another prediction"
        )

    def frame(self) -> pd.DataFrame:
        """One row per variant."""
        import pandas as pd

        texts = {
            "text": [texts[0] for texts in self.texts],
            "pair": [texts[1] if len(texts) > 1 else None for texts in self.texts],
        }
        if self.probability is None:
            return pd.DataFrame(texts | {"score": self.values, "change": self.values - self.value})
        return pd.DataFrame(
            texts
            | {
                "prediction": self.predictions,
                "probability": self.probabilities,
                "change": self.probabilities - self.probability,
                "value": self.values,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FlipSearch(Result):
    """The smallest changes that flip the prediction, the smallest first; there may be none.

    Fewer edits are smaller; with the same number of edits, the smaller ``distance`` is: 1 − cosine between the mean
    states (last layer, special tokens excluded) of the model ``measured_by`` for the original text and for the changed
    one. ``closest`` is the variant that comes closest to a flip without flipping, if any was tried. ``odd`` is, where
    ``readable`` leaves no flip, the one that reads best of those that do not read well; up to an ``oddness`` of 1 it
    would have been kept, None: how it reads was not checked, for want of budget. ``complete`` is False if the search
    was cancelled or the budget ran out before all candidates were tried.
    """

    encoded: Encoded
    target: Target
    target_label: str
    prediction: str
    probability: float
    flips: Variants
    distances: Array  # (flip,)
    closest: Variants  # one variant or none
    odd: Variants  # one flip or none
    oddness: float | None
    measured_by: str
    proposals: str  # "masked_model" or "gradient"
    deletions: bool
    readable: bool  # only flips that read well were kept
    unreadable: int  # flips that were left out because they do not
    max_edits: int
    budget: int
    tried: int  # variants that were run
    words_deleted: int  # different words that were deleted in one of them
    words_replaced: int
    found: int  # of them, those that flip and are kept; ``flips`` holds the smallest
    complete: bool
    forward_passes: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"distances": "float64"}

    def _about(self) -> str:
        stopped = "" if self.complete else ", search incomplete"
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(self.prediction, 40)} ({self.probability:.2f}): "
            f"{counted(self.found, 'flip')} among {self.tried} variants tried{stopped}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per flip."""
        return self.flips.frame().assign(edits=[len(one) for one in self.flips.edits], distance=self.distances)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InputReduction(Result):
    """Words removed one after another while the prediction stays the same (Feng et al. 2018).

    Row 0 is the whole text; row i has i words fewer. ``complete`` is False if it was cancelled before the end.
    """

    encoded: Encoded
    target: Target
    target_label: str
    prediction: str
    removed: Array  # (step,), first token of the word removed in the step
    removed_words: tuple[str, ...]  # (step,)
    present: Array  # (step + 1, token), 1 where the token is still there
    texts: tuple[tuple[str, ...], ...]  # (step + 1), the remaining text
    probabilities: Array  # (step + 1,)
    complete: bool
    forward_passes: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"removed": "int64", "present": "int64", "probabilities": "float64"}

    def _about(self) -> str:
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(self.prediction, 40)}: {counted(len(self.removed), 'word')} "
            f"removed, left {quoted(self.texts[-1], 30)}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per step, the whole text first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "removed": ["", *self.removed_words],
                "probability": self.probabilities,
                "left": [" / ".join(texts) for texts in self.texts],
            }
        )
