"""The variants this user has made of a text. They live in the session; the original text is part of the link."""

from __future__ import annotations

from dataclasses import dataclass, field

from components import state
from components.gateway import inputs, what_if
from components.gateway.library import gb
from components.gateway.requests import version_of
from components.gateway.what_if import Change
from components.shared.questions import Question
from components.views.what_if.rows import Outcome

__all__ = ["ORIGINAL", "Tries", "current_tries"]

ORIGINAL = 0
"""The number of the original text among its variants."""

_TEXTS_KEPT = 8


@dataclass(slots=True, eq=False)
class Tries:
    """``changes`` by the variant's number, in the order they were made; () is the original text."""

    changes: dict[int, tuple[Change, ...]] = field(default_factory=lambda: {ORIGINAL: ()})
    draft: int = ORIGINAL  # whose words the editor shows
    pins: dict[str, int] = field(default_factory=lambda: {"A": ORIGINAL})
    refusal: str = ""
    outcomes: dict[str, dict[tuple[Change, ...], Outcome]] = field(default_factory=dict)  # by question, by changes
    cost: str = ""  # of the last batch
    _made: int = 0

    def add(self, asked: Question, changes: tuple[Change, ...]) -> None:
        """Add a new variant, unless it exists already; one that the model cannot read is refused with the reason."""
        self.refusal = ""
        try:
            after = what_if.edited(asked.request, changes)
            inputs.encode(after)
        except gb.GlassBERTError as error:
            self.refusal = str(error)
            return
        if (after.text, after.pair) == (asked.request.text, asked.request.pair):
            self.refusal = "that leaves the text unchanged"
        elif changes not in self.changes.values():
            self._made += 1
            self.changes[self._made] = changes
            self.pins.setdefault("B", self._made)

    def edit(self, asked: Question, change: Change) -> None:
        """Add a change to the draft; a second change of the same word replaces the first."""
        kept = [one for one in self.changes[self.draft] if one[0] != change[0]]
        self.add(asked, (*kept, change))

    def undo(self, number: int) -> None:
        """Undo the last change; a variant without changes equals the original text and is removed."""
        rest = self.changes[number][:-1]
        if not rest or rest in self.changes.values():
            self.remove(number)
        else:
            self.changes[number] = rest

    def remove(self, number: int) -> None:
        del self.changes[number]
        self.draft = ORIGINAL if self.draft == number else self.draft
        self.pins = {pin: pinned for pin, pinned in self.pins.items() if pinned != number}

    def clear(self) -> None:
        self.changes, self.draft, self.pins, self.refusal = {ORIGINAL: ()}, ORIGINAL, {"A": ORIGINAL}, ""

    def pin(self, pin: str, number: int) -> None:
        self.pins[pin] = number


def current_tries(asked: Question) -> Tries:
    """This user's variants of this text, as long as it is tokenized the same way; a few earlier texts are kept too."""
    kept: dict[str, Tries] = state.remembered("tries", {})
    key = version_of(asked.encoded.texts, asked.encoded.tokens)
    if key not in kept:
        kept = {**dict(list(kept.items())[1 - _TEXTS_KEPT :]), key: Tries()}
        state.remember("tries", kept)
    return kept[key]
