"""The encoder that the page compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.gateway.requests import ModelRequest, Opened, TextRequest

if TYPE_CHECKING:
    from glassbert.models.pooling import Pooling

__all__ = ["Encoder"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """An open model, and the pooling that the visitor chose where its files do not say one."""

    one: Opened
    pooling: Pooling | None

    @property
    def request(self) -> ModelRequest:
        return self.one.request

    def text(self, text: str) -> TextRequest:
        """One text alone: an encoder reads each by itself."""
        return TextRequest(self.request, text)
