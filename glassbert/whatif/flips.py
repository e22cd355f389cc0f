"""The smallest change of a text that flips the prediction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, zip_longest
from typing import Literal, get_args

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Decision, Runner
from glassbert.errors import OptionError, TargetError, TextError
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.run import batch, run
from glassbert.results import Array, Encoded
from glassbert.targets import Target
from glassbert.text.inputs import Text, encode
from glassbert.text.words import same_place
from glassbert.whatif.edits import Edit, edit_text, stands_alone
from glassbert.whatif.proposals import Proposal, by_gradient, by_masked_model, most_effective_first
from glassbert.whatif.readability import Reader
from glassbert.whatif.results import FlipSearch
from glassbert.whatif.variant_predictions import (
    Variant,
    as_result,
    decide_edited,
    require_classes,
    variant,
    variant_lead,
    variant_logits,
    words_that_may_change,
)

__all__ = ["Proposals", "find_flip"]

Proposals = Literal["masked_model", "gradient"]
# Variants between two checks for cancellation: enough to fill a pass, few enough to stop quickly.
_AT_ONCE = 64
# Passes that a reader takes for one edit at most: five words, before and after.
_MOST_READ = 10


@checked
def find_flip(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    proposals: Proposals = "masked_model",
    proposer: Model | None = None,
    positions: Sequence[int] | None = None,
    words_to_replace: int | None = None,
    deletions: bool = True,
    readable: bool = False,
    max_edits: int = 2,
    top_k: int = 15,
    budget: int = 1000,
    results: int = 10,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FlipSearch:
    """The smallest changes of the text that flip the prediction.

    Each word is deleted in turn. Then each is replaced by its ``top_k`` ``proposals``: "masked_model", the top
    predictions of ``proposer`` (None: the model itself) for the masked word, which read fluently; "gradient", the words
    that lower the target's logit most to first order (HotFlip, Ebrahimi et al. 2018), which may not read well. Only
    whole words that are not in the text are proposed; those that should lower the prediction most, to first order, are
    tried first. If fewer than ``results`` single changes flip the prediction, pairs of changes are tried, starting with
    those that lowered the prediction's lead most on their own.

    ``readable`` keeps only flips that read well to the masked-word model. Its proposals are used like the words that
    they replace: their vectors are closer than those of 95 in 100 pairs of words. Predicted from the rest of the text,
    none of the two words on either side of a change may become more than five times less likely, all of them together
    more than ten times, and no word that replaces another may be more than twenty times less likely than that one.
    If no flip reads well, the one that reads best is kept apart, as ``odd``.
    ``positions`` are tokens of the words that may change, the most promising first (None: every word that stands
    alone, in the order of the text): a small budget reaches the first ones only. ``words_to_replace`` is how many of
    them are also replaced (None: all). ``budget`` bounds the forward passes, including those for proposals, reading and
    distances. The search is deterministic.

    The prediction is the class, word or answer with the highest logit or, of two classes, the one that the threshold of
    ``target`` gives; else ``target`` (None: the prediction) only selects which probability is reported. When cancelled,
    it returns the flips found so far. Raises OptionError, TaskHeadError
    if the proposer, or who is to read, has no masked-word head, TargetError, TextErrors.
    """
    start = time.perf_counter()
    _check(proposals, max_edits, top_k, budget, results, words_to_replace)
    runner = decide_edited(model, encode(model, text, pair), target)
    decision = runner.decision
    require_classes(decision)
    places = _places(decision, positions)
    measure = model if proposer is None else proposer
    if proposals == "masked_model" or readable:
        require_task_head(measure, "masked_words")
    reader = Reader(measure, decision.encoded.texts, runner.passes) if readable else None
    search = _Search(runner, budget, progress, cancelled, reader)
    complete = not deletions or search.run([Edit(place, "delete")] for place in places)
    replaced = places[:words_to_replace]
    if complete and replaced:
        complete = search.allows(len(replaced) if proposals == "masked_model" else 1)
    if complete and replaced:
        offers = _offers(runner, replaced, proposals, measure, top_k, alike=readable)
        words = [[Edit(one.position, replacement=one.word) for one in offered] for offered in offers]
        complete = search.run([edit] for edit in _in_turns(words))
    if max_edits > 1 and complete and len(search.flips) < results:
        complete = search.run(search.pairs())
    ranked, distances = _by_size(search.flips, decision.encoded, measure, runner)
    chosen = ranked[:results]
    best, (odd, oddness) = search.closest, search.odd
    return FlipSearch(
        encoded=decision.encoded,
        target=decision.target,
        target_label=decision.target_label,
        prediction=decision.answers(search.original[None])[0],
        probability=float(decision.probability(search.original[None])[0]),
        flips=as_result(runner, search.original, [one.variant for one in chosen], _rows(chosen), start),
        distances=distances[:results],
        closest=as_result(runner, search.original, [one.variant for one in best], _rows(best), start),
        odd=as_result(runner, search.original, [one.variant for one in odd], _rows(odd), start),
        oddness=oddness,
        measured_by=measure.source,
        proposals=proposals,
        deletions=deletions,
        readable=readable,
        unreadable=search.unreadable,
        max_edits=max_edits,
        budget=budget,
        tried=search.tried,
        words_deleted=search.words_changed("delete"),
        words_replaced=search.words_changed("replace"),
        found=len(search.flips),
        complete=complete,
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )


def _check(proposals: str, max_edits: int, top_k: int, budget: int, results: int, words_to_replace: int | None) -> None:
    if proposals not in get_args(Proposals):
        raise OptionError(f"proposals must be one of {', '.join(get_args(Proposals))}; got {proposals!r}")
    if max_edits not in (1, 2):
        raise OptionError(f"max_edits must be 1 or 2; got {max_edits}")
    if min(top_k, results) < 1 or budget < 10:
        raise OptionError("top_k and results must be at least 1, budget at least 10 forward passes")
    if words_to_replace is not None and words_to_replace < 0:
        raise OptionError(f"words_to_replace must be at least 0, or None for all; got {words_to_replace}")


def _places(decision: Decision, positions: Sequence[int] | None) -> list[int]:
    """The first token of every word that may change, in the order in which they are tried. Raises TargetError."""
    places = words_that_may_change(decision.encoded, decision.target)
    if not places:
        raise TargetError("this text has no word to change: type at least one")
    if positions is None:
        # "don" and "t" of "don't" are words of the tokenizer only; a text may have no others
        return [place for place in places if stands_alone(decision.encoded, place)] or places
    words = decision.encoded.word_ids
    of_word = {int(words[place]): place for place in places}
    chosen = []
    for position in positions:
        if not 0 <= position < len(words) or (place := of_word.get(int(words[position]))) is None:
            raise TargetError(f"token {position} is not part of a word that may change; these begin at tokens {places}")
        chosen.append(place)
    if not chosen:
        raise TargetError("positions must name at least one token whose word may change, or be None for all")
    return list(dict.fromkeys(chosen))


def _offers(
    runner: Runner, places: Sequence[int], proposals: str, proposer: Model, top_k: int, *, alike: bool
) -> list[list[Proposal]]:
    """Words for each place, in the order of the places; those that should lower the prediction most come first."""
    if proposals == "gradient":
        return by_gradient(runner, places, top_k)
    return most_effective_first(runner, _likely(runner, places, proposer, top_k, alike=alike))


def _likely(runner: Runner, places: Sequence[int], proposer: Model, top_k: int, *, alike: bool) -> list[list[Proposal]]:
    """The words that the proposer finds likeliest for each place."""
    decision, passes = runner.decision, runner.passes
    if proposer is decision.model:
        return by_masked_model(proposer, decision.encoded, places, top_k, passes, alike=alike)
    # another model splits the text into its own pieces: the same characters, different tokens
    own = encode(proposer, *decision.encoded.texts)
    theirs = [same_place(decision.encoded, place, own) for place in places]
    known = [place for place in theirs if place is not None]
    found = dict(zip(known, by_masked_model(proposer, own, known, top_k, passes, alike=alike), strict=True))
    return [
        [Proposal(place, one.word, one.score) for one in found.get(other, [])] if other is not None else []
        for place, other in zip(places, theirs, strict=True)
    ]


def _in_turns(by_place: Sequence[Sequence[Edit]]) -> Iterator[Edit]:
    """The first of every place, then the second of every place, …: even a small budget covers all places."""
    for row in zip_longest(*by_place):
        yield from (edit for edit in row if edit is not None)


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    variant: Variant
    logits: Array
    lead: float  # of the original decision, see Decision.leads


@dataclass(slots=True, eq=False)
class _Search:
    """Runs variants within the budget and records their effect on the original decision's lead."""

    runner: Runner
    budget: int
    progress: Callable[[int, int], None] | None
    cancelled: Callable[[], bool] | None
    reader: Reader | None
    original: Array = field(init=False)  # logits
    flips: list[_Tried] = field(default_factory=list)
    held: list[_Tried] = field(default_factory=list)
    tried: int = 0
    left_out: list[tuple[_Tried, float | None]] = field(default_factory=list)  # flips, and how oddly each reads
    _changed: set[tuple[str, int]] = field(default_factory=set)
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        unchanged = variant(self.runner.decision, [])
        self.original = variant_logits(self.runner, [unchanged])[0]
        self._seen.add(tuple(text.casefold() for text in unchanged.encoded.texts))

    @property
    def closest(self) -> list[_Tried]:
        """The variant that keeps the prediction with the smallest lead, if there is one."""
        return [min(self.held, key=lambda one: one.lead)] if self.held else []

    @property
    def odd(self) -> tuple[list[_Tried], float | None]:
        """Where every flip was left out, the one that reads best of those with the fewest changes, if there is one."""
        if self.flips or not self.left_out:
            return [], None
        best, oddness = min(
            self.left_out,
            key=lambda one: (len(one[0].variant.edits), float("inf") if one[1] is None else one[1]),
        )
        return [best], oddness if oddness is not None and np.isfinite(oddness) else None

    @property
    def unreadable(self) -> int:
        """How many flips were left out."""
        return len(self.left_out)

    def words_changed(self, kind: str) -> int:
        """How many different words were changed in this way, alone or together with others."""
        return sum(changed == kind for changed, _ in self._changed)

    def allows(self, passes: int) -> bool:
        """Whether the budget has these passes, and those to try one change more."""
        return self._left() >= passes + 2

    def run(self, changes: Iterable[Sequence[Edit]]) -> bool:
        """Try the changes in order; False if the budget ran out or the search was cancelled before the last one."""
        waiting: list[Variant] = []
        for edits in changes:
            made = self._variant(edits)
            if made is None:
                continue
            # one pass each, and one more to measure the distance if it flips
            if len(waiting) == _AT_ONCE or self._left() < 2 * (len(waiting) + 1):
                if self.cancelled is not None and self.cancelled():
                    return False
                self._evaluate(waiting)
                waiting = []
                if self._left() < 2:
                    return False
            waiting.append(made)
        self._evaluate(waiting)
        return True

    def pairs(self) -> Iterator[Sequence[Edit]]:
        """Pairs of changes of different words, in descending order of their summed drops in the lead."""
        lead = float(self.runner.decision.leads(self.original[None], self.original)[0])
        single = sorted(self.held, key=lambda one: one.lead)
        # k changes make k (k − 1) / 2 pairs: as many as the budget allows
        single = single[: 2 + int(np.sqrt(2 * max(self._left(), 0)))]
        falls = [lead - one.lead for one in single]
        order = sorted(combinations(range(len(single)), 2), key=lambda pair: -(falls[pair[0]] + falls[pair[1]]))
        for first, second in order:
            edits = (*single[first].variant.edits, *single[second].variant.edits)
            if edits[0].position != edits[1].position:
                yield edits

    def _left(self) -> int:
        """Remaining passes; measuring each flip found, and the original, costs one more pass."""
        return self.budget - self.runner.passes.count - len(self.flips) - 1

    def _variant(self, edits: Sequence[Edit]) -> Variant | None:
        try:
            made = variant(self.runner.decision, edits)
        except TextError:  # it would be empty or too long
            return None
        texts = tuple(text.casefold() for text in made.encoded.texts)
        if texts in self._seen:
            return None
        self._seen.add(texts)
        return made

    def _oddness(self, one: Variant) -> float | None:
        """How oddly it reads, up to 1 well; None where the budget does not allow to find out."""
        if self.reader is None:
            return 0.0
        if self._left() < _MOST_READ * len(one.edits) + 1:
            return None
        decision = self.runner.decision
        return self.reader.oddness(edit_text(decision.encoded, one.edits, decision.model.mask_token))

    def _evaluate(self, waiting: Sequence[Variant]) -> None:
        if not waiting:
            return
        logits = variant_logits(self.runner, waiting)
        for one, row in zip(waiting, logits, strict=True):
            lead = variant_lead(self.runner.decision, one, row, self.original)
            self._changed |= {(str(edit.kind), int(edit.position)) for edit in one.edits}
            found = _Tried(one, row, lead)
            if lead >= 0:
                self.held.append(found)
                continue
            oddness = self._oddness(one)
            if oddness is not None and oddness <= 1:
                self.flips.append(found)
            else:
                self.left_out.append((found, oddness))
        self.tried += len(waiting)
        if self.progress is not None:
            self.progress(min(self.runner.passes.count, self.budget), self.budget)


def _by_size(flips: Sequence[_Tried], original: Encoded, measure: Model, runner: Runner) -> tuple[list[_Tried], Array]:
    """The flips, the smallest change first, and the distance by which each moved the mean state of the text."""
    if not flips:
        return [], np.empty(0)
    texts = [original.texts, *(one.variant.encoded.texts for one in flips)]
    states = _mean_states(measure, [encode(measure, *one) for one in texts])
    runner.passes.add(len(texts))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    distances = 1 - states[1:] @ states[0]
    order = sorted(range(len(flips)), key=lambda number: (len(flips[number].variant.edits), distances[number], number))
    return [flips[number] for number in order], distances[order]


def _mean_states(model: Model, inputs: Sequence[Encoded]) -> Array:
    """(input, hidden) float64: the mean of the last layer's states over the non-special tokens."""
    means = np.empty((len(inputs), model.hidden_size))
    for chosen in batches(model, [len(one) for one in inputs]):
        padded = batch(model, [inputs[number] for number in chosen])
        states = run(model, padded, lambda forward: forward.encoder().last_hidden_state.double().cpu()).numpy()
        for number, own in zip(chosen, states, strict=True):
            words = inputs[number].special_tokens_mask == 0
            means[number] = own[: len(words)][words].mean(axis=0)
    return means


def _rows(tried: Sequence[_Tried]) -> list[Array]:
    return [one.logits for one in tried]
