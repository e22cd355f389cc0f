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
    """A set of labelled texts; ``rows`` of its train, dev and test part, 0 where it has no such part."""

    id: str
    label: str
    meaning: str
    licence: str
    rows: tuple[int, int, int]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts that it has."""
        return tuple(part for part, count in zip(SPLITS, self.rows, strict=True) if count)

    def path(self, split: str | None) -> Path:
        """The file of a part. Raises OptionError."""
        if split not in self.parts:
            raise OptionError(f"{self.id!r} has the parts {', '.join(self.parts)}: name one with split=; got {split!r}")
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
            SetOnBoard(
                id="reviews",
                label="Film reviews and their rewrites",
                meaning="107 reviews of films, and each rewritten by people, with few changes, into its opposite",
                licence="Apache 2.0",
                rows=(0, 0, 214),
            ),
        )
    }
)
