"""The small sets of labelled texts that ship with the library; `datasets/DATA_CARDS.md` has their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from glassbert.errors import OptionError

__all__ = ["SETS", "SPLITS", "SetOnBoard"]

SPLITS = ("train", "dev", "test")
_FOLDER = Path(__file__).parents[1] / "datasets"


@dataclass(frozen=True, slots=True)
class SetOnBoard:
    """A set of labelled texts; ``rows`` of its train, dev and test part."""

    id: str
    label: str
    meaning: str
    licence: str
    rows: tuple[int, int, int]

    def path(self, split: str | None) -> Path:
        """The file of a part. Raises OptionError."""
        if split not in SPLITS:
            raise OptionError(f"{self.id!r} has the parts {', '.join(SPLITS)}: name one with split=; got {split!r}")
        return _FOLDER / self.id / f"{split}.csv.gz"


#: Id → what it is.
SETS: Mapping[str, SetOnBoard] = MappingProxyType(
    {
        one.id: one
        for one in (
            SetOnBoard(
                id="banking",
                label="Questions to a bank",
                meaning="what a bank's customer asks for: 77 intents",
                licence="CC BY 4.0",
                rows=(8_950, 997, 3_080),
            ),
            SetOnBoard(
                id="contracts",
                label="Unfair clauses",
                meaning="whether a sentence of terms of service is potentially unfair to consumers",
                licence="CC BY 4.0",
                rows=(8_879, 2_486, 3_030),
            ),
            SetOnBoard(
                id="medicine",
                label="Medical abstracts",
                meaning="which of five groups of diseases an abstract is about",
                licence="CC BY-SA 3.0",
                rows=(1_594, 265, 798),
            ),
        )
    }
)
