"""The variants this user has made of a text. They are part of the link; those of earlier texts stay in the session."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from components import state
from components.gateway import inputs, what_if
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import TextRequest, version_of
from components.gateway.what_if import Change
from components.shared.charts import percent, readable
from components.shared.questions import Question
from components.text import plain, well_formed
from components.views.what_if.fields import WhatIfFields

if TYPE_CHECKING:
    from glassbert.whatif.results import Variants

__all__ = ["ORIGINAL", "Outcome", "VariantList", "current_variants", "outcomes"]

ORIGINAL = 0
"""The number of the original text among its variants."""

_TEXTS_KEPT = 8
#: Of one text; each is a row on the page and, for every question, an input of its batch.
_MOST_VARIANTS = 40
_QUESTIONS_KEPT = 8
#: What a link may hold at most.
_MOST_CHANGES, _MOST_CHARACTERS, _HIGHEST = 40, 200, 9_999


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
    """``changes`` by the variant's number, in the order they were made; () is the original text.

    ``of`` names the text and its tokens. Every change of the list is written into the page's fields, and so the
    address.
    """

    of: str = ""
    changes: dict[int, tuple[Change, ...]] = field(default_factory=lambda: {ORIGINAL: ()})
    draft: int = ORIGINAL  # whose words the editor shows
    pins: dict[str, int] = field(default_factory=lambda: {"A": ORIGINAL})
    refusal: str = ""
    outcomes: dict[str, dict[tuple[Change, ...], Outcome]] = field(default_factory=dict)  # by question, by changes
    cost: str = ""  # of the last batch
    pending: tuple[tuple[Change, ...], ...] = ()  # more than is computed without being asked
    _asked: bool = False
    _made: int = 0

    def written(self) -> str:
        """The list as a field of the page: JSON, or "" if there are no variants."""
        if len(self.changes) == 1:
            return ""
        made = {number: changes for number, changes in self.changes.items() if number != ORIGINAL}
        said = {"of": self.of, "made": made, "pins": self.pins, "draft": self.draft}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))

    def read(self, written: str, request: TextRequest) -> None:
        """Take over what a link says, as far as it can be said of this text; never fails."""
        said = _json(written)
        made, self.changes = said.get("made"), {ORIGINAL: ()}
        for number, changes in list(made.items() if isinstance(made, dict) else ())[:_MOST_VARIANTS]:
            found = _changes_of(changes, request)
            if number.isdecimal() and 0 < int(number[:9]) <= _HIGHEST and found and found not in self.changes.values():
                self.changes[int(number[:9])] = found
        self._made = max(self._made, *self.changes)
        pins, draft = said.get("pins"), said.get("draft")
        known = pins if isinstance(pins, dict) else {}
        self.pins = {pin: known[pin] for pin in ("A", "B") if _is_number(known.get(pin)) and known[pin] in self.changes}
        self.draft = draft if _is_number(draft) and draft in self.changes else ORIGINAL
        self.refusal, self._asked = "", False

    def keep(self) -> None:
        """Write the list into the page's fields."""
        state.change(WhatIfFields, variants=self.written())

    def ask(self) -> None:
        """Compute all of them, however many there are."""
        self._asked = True

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
            self.keep()

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
        quick = [place for place in range(len(new)) if self._asked or _is_quick(question, place + 2)]
        self.pending, new = tuple(new[len(quick) :]), new[: len(quick)]
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
        self.keep()

    def undo(self, number: int) -> None:
        """Undo the last change; a variant without changes equals the original text and is removed."""
        rest = self.changes[number][:-1]
        if not rest or rest in self.changes.values():
            self.remove(number)
        else:
            self.changes[number] = rest
            self.keep()

    def remove(self, number: int) -> None:
        del self.changes[number]
        self.draft = ORIGINAL if self.draft == number else self.draft
        self.pins = {pin: pinned for pin, pinned in self.pins.items() if pinned != number}
        self.keep()

    def clear(self) -> None:
        self.changes, self.draft, self.pins, self.refusal = {ORIGINAL: ()}, ORIGINAL, {"A": ORIGINAL}, ""
        self.keep()

    def pin(self, pin: str, number: int) -> None:
        self.pins[pin] = number
        self.keep()


def _is_number(said: Any) -> bool:
    return isinstance(said, int) and not isinstance(said, bool)


def _is_quick(question: Question, inputs_run: int) -> bool:
    # half of what is quick: the rest of the page takes passes too
    return is_quick(question.one.model, 2 * inputs_run, len(question.encoded))


def _json(written: str) -> dict[str, Any]:
    try:
        said = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _changes_of(said: Any, request: TextRequest) -> tuple[Change, ...]:
    """The changes of one variant in a link; () for whatever cannot be done to this text."""
    if not isinstance(said, list) or not 0 < len(said) <= _MOST_CHANGES:
        return ()
    found: list[Change] = []
    for one in said:
        if not (isinstance(one, list) and len(one) == 3 and _is_number(one[0])):
            return ()
        position, kind, replacement = one
        if kind not in ("replace", "delete", "mask") or not isinstance(replacement, str):
            return ()
        found.append((position, kind, well_formed(replacement[:_MOST_CHARACTERS])))
    try:
        inputs.encode(what_if.edited(request, tuple(found)))
    except (gb.GlassBERTError, ValueError, IndexError, OverflowError):
        return ()
    return tuple(found)


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
        kept = {**dict(list(kept.items())[1 - _TEXTS_KEPT :]), key: VariantList(of=key)}
        state.remember("variants", kept)
    found = kept[key]
    _follow_the_fields(found, question)
    return found


def _follow_the_fields(found: VariantList, question: Question) -> None:
    """A link, or the way back, may say something else than the list does. After a change of text or model, which empty
    the field, the list of that text comes back."""
    view = state.view()
    now, before = (view.text, view.pair, view.model, found.of), state.remembered("variants_of")
    state.remember("variants_of", now)
    written = state.fields(WhatIfFields).variants
    if written == found.written():
        return
    if _json(written).get("of") == found.of or (not written and now == before):
        found.read(written, question.request)
    found.keep()
