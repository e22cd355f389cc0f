"""A loaded model, and the requests to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.gateway.library import gb
from components.gateway.requests import ModelRequest, TextRequest
from components.state import View

__all__ = ["Opened", "Role"]

#: The main model, or the second one.
Role = Literal["model", "beside"]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A loaded model, and the requests to it. ``role`` is "model" or "beside"."""

    role: Role
    request: ModelRequest
    model: gb.Model
    name: str

    def text(self, view: View) -> TextRequest:
        """This view's text for this model."""
        return TextRequest(self.request, view.text, view.pair or None)
