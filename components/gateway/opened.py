"""A model that is ready, and how to ask it something."""

from __future__ import annotations

from dataclasses import dataclass

from components.gateway.library import gb
from components.gateway.requests import ModelRequest, TextRequest
from components.state import View

__all__ = ["Opened"]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A model that is ready, and how to ask it something. ``role`` is "model" or "beside"."""

    role: str
    request: ModelRequest
    model: gb.Model
    name: str

    def text(self, view: View) -> TextRequest:
        """This view's text for this model."""
        return TextRequest(self.request, view.text, view.pair or None)
