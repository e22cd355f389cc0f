"""What a verdict says, with its evidence. Every sentence is made from the numbers beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from glassbert.attribution import METHODS
from glassbert.attribution.results import TokenScores
from glassbert.evaluation.results import BaselineGap, Grade, Receipt, ReceiptLine
from glassbert.pictures.formats import ordinal, percent, signed
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.results import Array, Encoded, Result, counted, quoted, tidy
from glassbert.targets import (
    AnswerTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    SimilarityTarget,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.verdicts import thresholds
from glassbert.verdicts.voters import voters
from glassbert.whatif.results import FlipSearch, Variants

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CarryingWords", "DecidedAnswer", "FlipFound", "TrustFound", "Verdict", "lead_of"]

#: Worst first.
_GRADES: tuple[Grade, ...] = ("fails", "doubtful", "holds")
_OPENINGS: Mapping[Grade, str] = {
    "fails": "Do not trust this explanation",
    "doubtful": "Treat this explanation with caution",
    "not_applicable": "Not checked",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DecidedAnswer(Result):
    """What the model answers, and how sure it is.

    ``answer`` is the prediction and ``probability`` its probability; ``target_label`` is what is explained, the answer
    itself unless another target was asked for, with ``target_probability``. A regression has a ``value``, its score,
    and no probability; ``score_name`` says which, such as "score for “stars”", and is "" where something is decided.
    ``next_answer`` is the runner-up, "" where there is none. ``needed`` is the probability from which on this class is
    the answer, where a threshold other than one half decides between two classes.
    """

    encoded: Encoded  # with the mask in place, for a masked word
    target: Target
    target_label: str
    value: float  # F, the target's logit
    answer: str
    probability: float | None
    target_probability: float | None
    next_answer: str
    next_probability: float | None
    needed: float | None
    explains_answer: bool  # whether the target is the answer
    score_name: str
    sentence: str
    forward_passes: int

    @property
    def lead(self) -> float | None:
        """By how much probability the answer is ahead of the next one; with a threshold, twice the distance from it,
        which is the same for one half."""
        if self.probability is None:
            return None
        return lead_of(self.probability, self.next_probability or 0.0, self.needed)

    @property
    def is_undecided(self) -> bool:
        """Whether the lead is below ``thresholds.UNDECIDED``."""
        return self.lead is not None and bool(self.next_answer) and self.lead < thresholds.UNDECIDED

    def _about(self) -> str:
        sure = f"{self.value:.4g}" if self.probability is None else percent(self.probability)
        return f"of {quoted(self.encoded.texts)} → {clipped(self.answer, 40)} ({sure})"

    def frame(self) -> pd.DataFrame:
        """One row: the answer, the next one, and what is explained."""
        names = ("answer", "probability", "next_answer", "next_probability", "target_label", "target_probability")
        return tidy({**{name: [getattr(self, name)] for name in names}, "value": [self.value]})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CarryingWords(Result):
    """The words that carry an answer, as far as several methods agree.

    Each method names at most ``top_k`` words: those with the highest scores, if they score at least half as much as its
    highest. Words are named as they were typed, also the ``unknown`` ones, whose characters the vocabulary does not
    contain. A word carries the answer if more than half of the methods name it. Special tokens and the gap of a masked
    word are not words and are left out; ``special_shares`` is the part of each method's magnitude that they hold.
    ``left_out`` are methods that do not support this model or target, and why. A regression has no answer: the same
    words raise its score, which ``score_name`` names.

    ``lead`` is how far the answer is ahead, in logits, and ``leads`` how far it is without each of the words ``tried``,
    one at a time; below 0, the answer has flipped. Nothing was tried where ``lead`` is None.
    """

    encoded: Encoded
    target: Target
    target_label: str
    scores: tuple[TokenScores, ...]  # (method,), the evidence
    words: tuple[str, ...]  # (word,), in the order of the text
    unknown: Array  # (unknown word,), indices
    positions: Array  # (word,), the first token of each
    shares: Array  # (method, word): the word's score over the sum of the magnitudes of all words
    votes: Array  # (word,): methods that name the word
    top_k: int
    special_shares: Array  # (method,), in [0, 1]
    lead: float | None
    tried: Array  # (tried,), indices of words, ascending
    leads: Array  # (tried,)
    left_out: dict[str, str]
    explains_answer: bool
    score_name: str
    forward_passes: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {
        "unknown": "int64",
        "positions": "int64",
        "shares": "float64",
        "votes": "int64",
        "special_shares": "float64",
        "tried": "int64",
        "leads": "float64",
    }

    @property
    def methods(self) -> tuple[str, ...]:
        """Ids of the methods, in the order of ``scores``."""
        return tuple(one.method for one in self.scores)

    @property
    def consensus(self) -> Array:
        """(word,): the mean over methods of ``shares``."""
        mean: Array = self.shares.mean(axis=0)
        return mean

    @property
    def order(self) -> Array:
        """(word,) indices: those that most methods name first, then by consensus, then in the order of the text."""
        order: Array = np.lexsort((np.arange(len(self.words)), -self.consensus, -self.votes))
        return order

    @property
    def carrying(self) -> tuple[int, ...]:
        """Indices of the words that carry the answer, at most ``top_k``, those that most methods name first."""
        needed = thresholds.AGREE_FAILS * len(self.scores)
        return tuple(int(word) for word in self.order[: self.top_k] if self.votes[word] > needed)

    @property
    def lost(self) -> Array:
        """(tried,): the share of the answer's lead that is lost when the word is deleted; from 1 on it flips."""
        if not self.lead or self.lead < 0:
            return np.zeros(len(self.leads))
        lost: Array = 1 - self.leads / self.lead
        return lost

    @property
    def overlooked(self) -> tuple[int, float] | None:
        """Of the words that do not carry the answer, the one whose deletion costs most of its lead, and the share."""
        named = {self.words[word].casefold() for word in self.carrying}
        others = [
            (float(lost), int(word))
            for word, lost in zip(self.tried, self.lost, strict=True)
            if self.words[word].casefold() not in named
        ]
        if not others:
            return None
        lost, word = max(others, key=lambda one: one[0])
        return word, lost

    @property
    def sentence(self) -> str:
        """``“dull” (5 of 5 quick methods) and “lifeless” (4 of 5) carry the answer NEGATIVE.``"""
        return self.told(certain=True)

    def told(self, *, certain: bool) -> str:
        """The sentence; unless ``certain``, the words only seem to carry the answer."""
        methods, called = len(self.scores), voters(self.methods)
        if not self.words:
            return "The text has no word besides the gap."
        if len(self.words) == 1:
            return f"{self.named(0)} is the only word.{self._not_known([[0]])}"
        if not self.carrying:
            return f"The {methods} {called} name different words: no word is named by more than half of them."
        named = [
            f"{self.named(*places)} ({self._vote(places)} of {methods}{f' {called}' if number == 0 else ''})"
            for number, places in enumerate(self._repeated())
        ]
        first = self._repeated()[0]  # “bad” ×3 is one word, the 1st and 3rd “bad” are two
        one = len(named) == 1 and (len(first) == 1 or not self.named(*first).startswith("the "))
        told = f"{_listed(named)} {self.role(certain=certain, one=one)}.{self._disputed()}"
        return told[:1].upper() + told[1:] + self._not_known(self._repeated())

    @property
    def disputed(self) -> tuple[tuple[int, str], ...]:
        """Of the words that carry the answer, those that a method counts against it, and the method: a negative score
        at least half as large as its largest. Methods without signs name words without saying which way they pull."""
        largest = np.abs(self.shares).max(axis=1)
        return tuple(
            (word, method)
            for word in self.carrying
            for method, share, most in zip(self.methods, self.shares[:, word], largest, strict=True)
            if share < -0.5 * most
        )

    def _disputed(self) -> str:
        by_method: dict[str, list[int]] = {}
        for word, method in self.disputed:
            by_method.setdefault(method, []).append(word)
        against = "as lowering it" if self.score_name else "against it"
        return "".join(
            f" {METHODS[method].label} counts {_listed([self.named(word) for word in words])} {against}."
            for method, words in by_method.items()
        )

    def named(self, *places: int) -> str:
        """One word, or places of the same one: ``“dull”``, ``the 2nd “is”`` of several, ``“is” ×2`` for all of them."""
        same = [word for word, other in enumerate(self.words) if other.casefold() == self.words[places[0]].casefold()]
        return _which(self.words[places[0]], [same.index(place) for place in places], len(same))

    def role(self, *, certain: bool, one: bool = False) -> str:
        """What the words do, as the end of a sentence: ``carry the answer NEGATIVE``, ``seems to raise the score``."""
        if self.score_name:
            verb, rest = "raise", f" the {self.score_name} most"
        elif self.explains_answer:
            verb, rest = "carry", f" {self._answer()}"
        else:
            verb, rest = "speak", f" most for “{clipped(self.target_label, 60)}”"
        if not certain:
            verb = f"{'seems' if one else 'seem'} to {verb}"
        elif one:
            verb = {"carry": "carries"}.get(verb, f"{verb}s")
        return f"{verb}{rest}"

    def _answer(self) -> str:
        """The answer by its name: several may be on screen."""
        label = clipped(self.target_label, 60)
        match self.target:
            case MaskTarget() | AnswerTarget() | SpanTarget():
                return f"the answer “{label.removeprefix('␣')}”"
            case EntityTarget():
                return f"the type {label}"
            case NextSentenceTarget():
                return f"the answer “{label}”"
            case SimilarityTarget():
                return "this answer"
            case TokenTarget():
                return "this answer" if label.startswith("“") else f"the label {label}"
            case _:
                return f"the answer {label}"

    def named_by(self, word: int) -> str:
        """Who names a word, to follow it after a comma: ``which only 1 of 5 quick methods names``."""
        votes, methods, called = int(self.votes[word]), len(self.scores), voters(self.methods)
        if votes == 0:
            return f"which none of the {methods} {called} names" if methods > 1 else f"which the {called} does not name"
        few = "only " if 2 * votes <= methods else ""
        return f"which {few}{votes} of {methods} {called} {'names' if votes == 1 else 'name'}"

    def _not_known(self, named: list[list[int]]) -> str:
        unknown = [f"“{_shown(self.words[one[0]])}”" for one in named if one[0] in self.unknown]
        if not unknown:
            return ""
        stands = "stands for it" if len(unknown) == 1 else "stands for each of them"
        return f" The model does not know {_listed(unknown)}: in its vocabulary, the unknown token {stands}."

    def _repeated(self) -> list[list[int]]:
        """The words that carry the answer; the places of one that occurs several times are together."""
        places: dict[str, list[int]] = {}
        for word in self.carrying:
            places.setdefault(self.words[word].casefold(), []).append(word)
        return list(places.values())

    def _vote(self, places: list[int]) -> str:
        fewest, most = int(self.votes[places].min()), int(self.votes[places].max())
        return f"{most}" if fewest == most else f"{fewest} to {most}"

    def _about(self) -> str:
        named = ", ".join(f"{self.words[word]} {self.votes[word]}/{len(self.scores)}" for word in self.carrying)
        return f"of {quoted(self.encoded.texts)} → {clipped(self.target_label, 30)}: {named or '0 words agreed on'}"

    def frame(self) -> pd.DataFrame:
        """One row per word: how many methods name it, the consensus, the lead lost without it, each method's share."""
        own = dict(zip(self.methods, self.shares, strict=True))
        lost = np.full(len(self.words), np.nan)
        lost[self.tried] = self.lost
        return tidy(
            {
                "word": self.words,
                "position": self.positions,
                "carries": np.isin(np.arange(len(self.words)), self.carrying),
                "votes": self.votes,
                "consensus": self.consensus,
                "lost": lost,
                **own,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrustFound(Result):
    """How far the words that carry an answer can be trusted, and why.

    ``lines`` are the checks, each with its number, sentence, verdict and threshold: "weights" (are they trained?),
    "baseline" (does the text make a difference?), "agreement" (do the methods name the same words?), "deletion" (does
    the answer hang on any other word?), "faithfulness" (do the words matter to the model?), "sanity" (do
    they depend on the trained weights?). ``gap`` and ``receipts`` are the evidence of the second and of the last two.
    The worst line decides, the first of equals.
    """

    encoded: Encoded
    target: Target
    target_label: str
    lines: tuple[ReceiptLine, ...]
    gap: BaselineGap
    receipts: tuple[Receipt, ...]
    forward_passes: int
    seconds: float

    @property
    def verdict(self) -> Grade:
        """The verdict of the line that decides."""
        return self.reason.verdict

    @property
    def reason(self) -> ReceiptLine:
        """The line that decides: the worst; of lines that hold, the one about faithfulness to the model."""
        for grade in _GRADES[:2]:
            for line in self.lines:
                if line.verdict == grade:
                    return line
        return self.line("faithfulness")

    def line(self, check: str) -> ReceiptLine:
        """The line of one check. Raises KeyError."""
        for line in self.lines:
            if line.check == check:
                return line
        raise KeyError(f"there is no check {check!r}; there are {', '.join(line.check for line in self.lines)}")

    @property
    def sentence(self) -> str:
        """``Do not trust this explanation. The methods disagree: …``

        Where all checks hold, it names the test that was passed, and what the methods do not agree on.
        """
        if self.verdict != "holds":
            return f"{_OPENINGS[self.verdict]}. {self.reason.sentence[:1].upper()}{self.reason.sentence[1:]}."
        said = f"The words pass the deletion test: {self.reason.sentence}."
        alike = self.line("agreement").details.get("rank_correlation")
        if alike is not None and alike < thresholds.ORDER_HOLDS:
            order = signed(round(alike, 2))
            said += f" However, the quick methods rank the words differently (mean rank correlation {order})."
        if self.gap.verdict != "holds":
            said += f" A text without words already gets {1 - self.gap.share:.0%} of this score."
        return said

    def _about(self) -> str:
        return f"of {quoted(self.encoded.texts)} → {self.verdict}: {counted(len(self.lines), 'check')}; {self.sentence}"

    def frame(self) -> pd.DataFrame:
        """One row per check."""
        names = ("check", "number", "verdict", "sentence", "threshold")
        return tidy({name: [getattr(line, name) for line in self.lines] for name in names})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FlipFound(Result):
    """The smallest change of the text that was found to flip the answer, or what was tried.

    ``search`` is the evidence; None where no change of the text can be searched for, and ``reason`` says why.
    ``words_tried`` of ``words`` may be replaced, and at least as many deleted. A larger ``budget`` of forward passes
    continues the search: it tries the same changes first.
    """

    encoded: Encoded
    target: Target
    target_label: str
    search: FlipSearch | None
    reason: str
    budget: int
    words: int
    words_tried: int

    @property
    def found(self) -> bool:
        """Whether a change that flips the answer was found, be it one that reads oddly."""
        return self.smallest is not None

    @property
    def smallest(self) -> Variants | None:
        """The flips that read well, the smallest first; where there is none, one that does not; None without a flip."""
        if self.search is None:
            return None
        found = self.search.flips if self.search.found else self.search.odd
        return found if found.edits else None

    @property
    def complete(self) -> bool:
        """Whether a larger budget would try nothing else."""
        return self.search is None or (self.search.complete and self.words_tried == self.words)

    @property
    def sentence(self) -> str:
        """``Replace “superb” with “awful” and the model says NEGATIVE.``"""
        search = self.search
        if search is None:
            return self.reason
        if (found := self.smallest) is not None:
            said = f"{_change(search, found.edits[0])} and {self._then(clipped(found.predictions[0], 60))}"
            if search.found:
                return f"{said}."
            if search.oddness is None:
                return f"{said}. Whether the text then still reads well was not checked."
            return f"{said}, though the text then reads oddly."
        tried = _tried(search.words_deleted, search.words_replaced, self.words)
        said = f"No change found that flips it: {tried} ({counted(search.tried, 'text')} tried)."
        if search.closest.edits and search.closest.probability is not None:
            after = percent(float(search.closest.probabilities[0]))
            closest = _change(search, search.closest.edits[0], start=False)
            said += f" Closest: {closest}, which leaves {after} for {clipped(search.target_label, 60)}."
        return said

    def _then(self, prediction: str) -> str:
        """What the model answers after the change, as the end of a sentence."""
        if isinstance(self.target, MaskTarget):
            return f"the first choice becomes “{prediction.removeprefix('␣')}”"
        if isinstance(self.target, SpanTarget):
            return f"the model answers “{prediction}”"
        says_that = isinstance(self.target, NextSentenceTarget)
        return f"the model says {'that ' if says_that else ''}{prediction}"

    def _about(self) -> str:
        found = (
            "no search" if self.search is None else f"{counted(self.search.found, 'flip')} of {self.search.tried} tried"
        )
        return f"of {quoted(self.encoded.texts)} → {clipped(self.target_label, 30)}: {found}, budget {self.budget}"

    def frame(self) -> pd.DataFrame:
        """One row per flip, the smallest first; no row without one."""
        return tidy({}) if self.search is None else self.search.frame()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Verdict(Result):
    """One answer of a model in plain sentences: how sure, which words carry it, how far to trust that, what flips it.

    Parts that are not computed yet are None. Each part holds its evidence and its own sentence.
    """

    answer: DecidedAnswer
    words: CarryingWords | None
    trust: TrustFound | None
    flip: FlipFound | None

    @property
    def encoded(self) -> Encoded:
        """The text, as the model reads it."""
        return self.answer.encoded

    @property
    def verdict(self) -> Grade | None:
        """ "holds", "doubtful", "fails" or "not_applicable"; None as long as trust is not computed."""
        return None if self.trust is None else self.trust.verdict

    @property
    def words_sentence(self) -> str:
        """Which words carry the answer, or only seem to: unless trust holds. "" as long as they are not computed."""
        return "" if self.words is None else self.words.told(certain=self.verdict == "holds")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer, the words, what flips it, and trust, as far as they are computed."""
        others = (self.flip, self.trust)
        said = (self.answer.sentence, self.words_sentence, *(part.sentence for part in others if part is not None))
        return tuple(sentence for sentence in said if sentence)

    def _about(self) -> str:
        answer = self.answer
        sure = f"{answer.value:.4g}" if answer.probability is None else percent(answer.probability)
        parts = [f"of {quoted(self.encoded.texts)} → {clipped(answer.answer, 30)} ({sure})"]
        if self.words is not None:
            parts.append(f"{len(self.words.carrying)} of {counted(len(self.words.words), 'word')} carry it")
        if self.flip is not None and self.flip.search is not None:
            parts.append("flips" if self.flip.found else "no flip found")
        if self.trust is not None:
            parts.append(f"trust {self.trust.verdict.replace('_', ' ')} ({self.trust.reason.check})")
        return "; ".join(parts)

    def _picture(self) -> str:
        return element("div", *(element("div", escaped(sentence), dir="auto") for sentence in self.sentences))

    def frame(self) -> pd.DataFrame:
        """One row per part that is computed: its name and its sentence."""
        parts = {"answer": self.answer, "words": self.words, "flip": self.flip, "trust": self.trust}
        found = {
            name: self.words_sentence if name == "words" else part.sentence
            for name, part in parts.items()
            if part is not None
        }
        return tidy({"part": list(found), "sentence": list(found.values())})


def lead_of(probability: float, next_probability: float, needed: float | None = None) -> float:
    """By how much probability an answer is ahead; with a threshold, twice the distance from what it ``needed``."""
    return probability - next_probability if needed is None else 2 * (probability - needed)


def _shown(word: str) -> str:
    return clipped(word, 40)


def _which(word: str, places: list[int], times: int) -> str:
    """A word that occurs so many times in the text, and which of them are meant, from 0."""
    if len(places) < times:
        return f"the {_listed([ordinal(place + 1) for place in sorted(places)])} “{_shown(word)}”"
    return f"“{_shown(word)}” ×{times}" if times > 1 else f"“{_shown(word)}”"


def _listed(parts: list[str]) -> str:
    """``["a", "b", "c"] → "a, b and c"``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _tried(deleted: int, replaced: int, words: int) -> str:
    """``each of the 14 words deleted, 8 replaced``, ``the only word replaced``."""
    if not deleted:
        return "the only word replaced" if words == 1 else f"{replaced} of {words} words replaced"
    if deleted < words:
        which = f"{deleted} of {words} words"
    else:
        which = "the only word" if words == 1 else f"each of the {words} words"
    if deleted == replaced:
        return f"{which} deleted and replaced"
    return f"{which} deleted, {replaced} replaced" if replaced else f"{which} deleted"


def _change(search: FlipSearch, edits: tuple[tuple[int, str, str], ...], *, start: bool = True) -> str:
    """``Remove “not” and replace “bad” with “good”``, or ``removing “not” …`` inside a sentence."""
    from glassbert.whatif.edits import Edit, edit_text

    edited = edit_text(search.encoded, [Edit(position, kind, new) for position, kind, new in edits])  # type: ignore[arg-type]
    said = []
    for position, _, _ in edits:
        word = edited.word(position)
        verb = ("remove" if start else "removing") if not word.new else "replace" if start else "replacing"
        same = [(one.text, one.start) for one in edited.words if one.old.casefold() == word.old.casefold()]
        which = _which(word.old, [same.index((word.text, word.start))], len(same))
        said.append(f"{verb} {which}" + (f" with “{_shown(word.new)}”" if word.new else ""))
    text = " and ".join(said)
    return text[0].upper() + text[1:] if start else text
