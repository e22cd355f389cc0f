"""Does an edited text still read like a text? What a masked-word model makes of the place that was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from glassbert.decision import Passes
from glassbert.language.masked_copies import MaskedCopy, look_up, states
from glassbert.network.model import Model
from glassbert.results import Array, Encoded
from glassbert.text.inputs import encode
from glassbert.text.words import tokens_at
from glassbert.whatif.edits import EditedText, EditedWord

__all__ = ["Reader"]

# A word beside a change may become five times less likely, and all of them together ten times; a word that replaces
# another, twenty times less likely than that one: "hated" is rarer than "loved" and no worse a word.
_MOST_FALL_BESIDE, _MOST_FALL_TOGETHER, _MOST_FALL = float(np.log(5)), float(np.log(10)), float(np.log(20))
# Words on either side of a change that are looked at: "did" calls for no "at all" two words later.
_BESIDE = 2


# Characters of a word: which text, start, end.
_Place = tuple[int, int, int]


@dataclass(slots=True, eq=False)
class Reader:
    """A masked-word model that compares changes of one text with the text itself."""

    proposer: Model
    texts: Sequence[str]
    passes: Passes
    _original: Encoded = field(init=False)
    _known: dict[_Place, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._original = encode(self.proposer, *self.texts)

    def reads_well(self, edited: EditedText) -> bool:
        """Whether the changed words fit their place, and the words beside them still fit theirs."""
        return self.oddness(edited) <= 1

    def oddness(self, edited: EditedText) -> float:
        """How oddly the edited text reads: up to 1 it reads well, infinite where there is no word to judge by.

        The largest of three falls of log probability, each as a share of its limit: of a word that replaces another, of
        a word beside a change, and of all words beside it together. At most ten passes for a change of one word, five
        of them only once for each word.
        """
        changed, beside = self.falls(edited)
        if not len(changed) + len(beside):
            return float("inf")
        shares = (*changed / _MOST_FALL, *beside / _MOST_FALL_BESIDE, beside.sum() / _MOST_FALL_TOGETHER)
        return max(0.0, *map(float, shares))

    def falls(self, edited: EditedText) -> tuple[Array, Array]:
        """How much less likely the words of the edited text are than what stood in their places.

        Differences of log probabilities, each of a word predicted from the rest of its text: of the words that replace
        others, and of the words beside those that were replaced or deleted.
        """
        after = encode(self.proposer, *edited.texts)
        # a sign that only the other model reads has no token here
        compared = [
            (word, old, new)
            for word, old, new in _places(edited)
            if len(tokens_at(self._original, *old)) and len(tokens_at(after, *new))
        ]
        if not compared:
            return np.empty(0), np.empty(0)
        words, before, now = zip(*compared, strict=True)
        lacking = [place for place in before if place not in self._known]
        if lacking:
            found = self._log_probabilities(self._original, lacking)
            self._known.update(zip(lacking, found.tolist(), strict=True))
        falls = np.asarray([self._known[place] for place in before]) - self._log_probabilities(after, now)
        replaced = np.asarray([word.changed for word in words])
        return falls[replaced], falls[~replaced]

    def _log_probabilities(self, encoded: Encoded, places: Sequence[_Place]) -> Array:
        """(place,): of the word there, by its first token, given all other words."""
        copies, ids = [], []
        for place in places:
            chosen, *others = tokens_at(encoded, *place).tolist()
            keep = np.ones(len(encoded), dtype=bool)
            keep[others] = False
            masked = encoded.input_ids.copy()
            masked[chosen] = self.proposer.tokenizer.mask_token_id
            copies.append(MaskedCopy(masked[keep], encoded.token_type_ids[keep], chosen))
            ids.append(int(encoded.input_ids[chosen]))
        rows = states(self.proposer, copies, self.passes)
        found: Array = look_up(self.proposer, rows, range(len(ids)), ids).log_probabilities.double().numpy()
        return found


def _places(edited: EditedText) -> list[tuple[EditedWord, _Place, _Place]]:
    """The words that replace others and those beside a change; where each stands in the original and in the edited
    text."""
    words = edited.words
    compared: dict[EditedWord, None] = {}
    for number, word in enumerate(words):
        if not word.changed:
            continue
        beside = (*_next(words[:number][::-1], word.text, edited), *_next(words[number + 1 :], word.text, edited))
        compared |= dict.fromkeys((*((word,) if word.new else ()), *beside))
    return [(word, (word.text, word.start, word.end), (word.text, word.new_start, word.new_end)) for word in compared]


def _next(words: Sequence[EditedWord], text: int, edited: EditedText) -> list[EditedWord]:
    """The first of these words that remain, up to one that is changed itself, a gap, or of the other text."""
    found: list[EditedWord] = []
    for word in (one for one in words if one.new or not one.changed):
        if len(found) == _BESIDE or word.text != text or word.changed or word.new == edited.mask_token:
            break
        found.append(word)
    return found
