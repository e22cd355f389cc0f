"""The two embedded models that the tour shows, whichever the visitor has open elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from components import state
from components.gateway import inputs, models
from components.gateway.library import gb
from components.gateway.requests import Opened, Role, TextRequest
from components.shell.opening import model_name
from components.views.tour.sentence import SENTENCE

__all__ = ["Cast", "open_cast"]

_DECIDES, _GUESSES = "sentiment", "pretrained"


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The model that decides, and one of the same origin, which guesses words. They read the same pieces."""

    decides: Opened
    guesses: Opened

    @property
    def decision(self) -> TextRequest:
        """The sentence, for the model that decides."""
        return TextRequest(self.decides.request, SENTENCE)

    @property
    def guess(self) -> TextRequest:
        """The sentence, for the model that guesses."""
        return TextRequest(self.guesses.request, SENTENCE)

    @property
    def encoded(self) -> gb.Encoded:
        return inputs.encode(self.decision)

    def place(self, word: str) -> int:
        """The first token that is this word."""
        return list(self.encoded.pieces).index(word)


def open_cast() -> Cast:
    """Open both: at once where the app has them open, as it has by default. Raises a ModelError."""
    device = state.view().device
    device = device if device in models.devices() else "auto"

    def opened(role: Role, source: str) -> Opened:
        request = models.request_of(source, device)
        return Opened(role, request, models.load(request), model_name(source))

    guesses, decides = opened("model", _GUESSES), opened("beside", _DECIDES)  # in the order of all pages
    return Cast(decides, guesses)
