"""The variants this user has made of a text. They live in the session; the original text is part of the link."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from components import state
from components.gateway import inputs, what_if
from components.gateway.library import gb
from components.gateway.requests import version_of
from components.gateway.what_if import Change
from components.shared.charts import percent, readable
from components.shared.questions import Question
from components.text import plain

if TYPE_CHECKING:
    from glassbert.whatif.results import Variants

__all__ = ["ORIGINAL", "Outcome", "VariantList", "current_variants", "outcomes"]

ORIGINAL = 0
"""The number of the original text among its variants."""

_TEXTS_KEPT = 8
#: Of one text; each is a row on the page and, for every question, an input of its batch.
_MOST_VARIANTS = 40
_QUESTIONS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model predicts for a changed text and for the original; ``probability`` is that of ``target``.

    ``score``: the model is a regression, and its raw scores stand in the place of probabilities.
    """

    target: str
    prediction: str
    probability: float
    prediction_before: str
    probability_before: float
    score: bool = False

    @property
    def told(self) -> str:
        """The prediction and the target's probability, as Markdown."""
        if self.score:
            return f"**{plain(readable(self.target))}** {plain(f'{self.probability:.4g}')}"
        decided, share = plain(readable(self.prediction)), plain(percent(self.probability))
        name = f":violet-badge[{decided}]" if self.prediction != self.prediction_before else f"**{decided}**"
        same = self.prediction == self.target
        return f"{name} &nbsp; {share}" if same else f"{name} &nbsp; {plain(readable(self.target))} {share}"


@dataclass(slots=True, eq=False)
class VariantList:
    """``changes`` by the variant's number, in the order they were made; () is the original text."""

    changes: dict[int, tuple[Change, ...]] = field(default_factory=lambda: {ORIGINAL: ()})
    draft: int = ORIGINAL  # whose words the editor shows
    pins: dict[str, int] = field(default_factory=lambda: {"A": ORIGINAL})
    refusal: str = ""
    outcomes: dict[str, dict[tuple[Change, ...], Outcome]] = field(default_factory=dict)  # by question, by changes
    cost: str = ""  # of the last batch
    _made: int = 0

    def add(self, question: Question, changes: tuple[Change, ...]) -> None:
        """Add a new variant, unless it exists already; one that the model cannot read is refused with the reason."""
        self.refusal = ""
        try:
            after = what_if.edited(question.request, changes)
            inputs.encode(after)
        except gb.GlassBERTError as error:
            self.refusal = str(error)
            return
        if (after.text, after.pair) == (question.request.text, question.request.pair):
            self.refusal = "that leaves the text unchanged"
        elif changes not in self.changes.values():
            if len(self.changes) > _MOST_VARIANTS:
                self.refusal = f"the list has {_MOST_VARIANTS} variants, which is the most it holds; remove some first"
                return
            self._made += 1
            self.changes[self._made] = changes
            self.pins.setdefault("B", self._made)

    def edit(self, question: Question, change: Change) -> None:
        """Add a change to the draft; a second change of the same word replaces the first."""
        kept = [one for one in self.changes[self.draft] if one[0] != change[0]]
        self.add(question, (*kept, change))

    def predicted(self, question: Question) -> dict[tuple[Change, ...], Outcome]:
        """The outcomes by changes; variants that are new to this question are run in one batch.

        A variant that changed the gap being predicted has none.
        """
        key = version_of(question.request.model, question.target)
        earlier = {changes: known for changes, known in self.outcomes.pop(key, {}).items() if changes in self.wanted}
        self.outcomes = {**dict(list(self.outcomes.items())[1 - _QUESTIONS_KEPT :]), key: earlier}
        found = self.outcomes[key]
        possible = [
            changes
            for changes in self.changes.values()
            if changes and all(position != question.gap for position, _, _ in changes)
        ]
        new = [changes for changes in possible if changes not in found]
        if new or () not in found:
            result = what_if.variants(question.request, question.target, tuple(new) or ((),))
            found[()] = _original(result)
            found.update(zip(new, outcomes(result), strict=False))
            self.cost = f"{result.forward_passes} passes in one batch, {result.seconds:.2f} s."
        return found

    @property
    def wanted(self) -> set[tuple[Change, ...]]:
        """The changes whose outcomes are shown, () among them."""
        return {(), *self.changes.values()}

    def edit_further(self, number: int) -> None:
        """Show this variant's words in the editor: what is changed there is added to it."""
        self.draft = number

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


def outcomes(result: Variants) -> list[Outcome]:
    """For each variant, next to the outcome of the original text."""
    before = _original(result)
    numbers = result.values if before.score else result.probabilities
    return [
        replace(before, prediction=prediction, probability=float(number))
        for prediction, number in zip(result.predictions, numbers, strict=True)
    ]


def _original(result: Variants) -> Outcome:
    """The outcome of the unchanged text; the number of a regression is its score."""
    score = result.probability is None
    number = result.value if result.probability is None else result.probability
    return Outcome(result.target_label, result.prediction, number, result.prediction, number, score=score)


def current_variants(question: Question) -> VariantList:
    """This user's variants of this text, as long as it is tokenized the same way; a few earlier texts are kept too."""
    kept: dict[str, VariantList] = state.remembered("variants", {})
    key = version_of(question.encoded.texts, question.encoded.tokens)
    if key not in kept:
        kept = {**dict(list(kept.items())[1 - _TEXTS_KEPT :]), key: VariantList()}
        state.remember("variants", kept)
    return kept[key]
