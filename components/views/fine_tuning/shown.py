"""The finished run that a section shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.gateway import code
from components.gateway.expressions import Code
from components.gateway.requests import version_of
from components.gateway.runs import store
from components.gateway.runs.tables import trained_on

if TYPE_CHECKING:
    from glassbert.tables import Table
    from glassbert.tuning.results import FineTuning

__all__ = ["Shown"]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A run, what was chosen for it, and its result."""

    run: str
    request: store.RunRequest
    found: FineTuning

    @property
    def folder(self) -> str:
        """Of the model: its source in the app."""
        return str(store.model_folder(self.request))

    @property
    def file_name(self) -> str:
        return store.model_folder(self.request).name

    @property
    def code(self) -> Code:
        """The Python that reads the result."""
        return code.fine_tuning(self.folder)

    def table(self, part: str) -> Table | None:
        """The texts of a part of the data, "data" for those it was trained on."""
        return trained_on(self.run, part)

    def version(self, *parts: object) -> str:
        """What tells a chart of this run from another."""
        return version_of(self.run, *parts)
