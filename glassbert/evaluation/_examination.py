"""What receipts of one input and one target share: how scores order its tokens, and F of every part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from glassbert.attribution import METHODS, Method
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, Runner, decide
from glassbert.errors import OptionError
from glassbert.evaluation._copies import Noise
from glassbert.network.model import Model
from glassbert.results import Array

__all__ = [
    "BROKEN",
    "SHARES",
    "Examination",
    "Subject",
    "evidence",
    "is_signed",
    "kendall",
    "order",
    "sizes",
    "spearman",
]

# Token rows that the default number of random orderings may take: 100 orderings up to about 128 tokens (4,500 passes
# of 1 to 128 tokens, 20 s of one core with the embedded models), 25 of 512.
_ORDERING_ROWS = 66_000
_MOST_ORDERINGS, _LEAST_ORDERINGS = 100, 20
#: Shares of the tokens that are left out or kept, of those that can be (DeYoung et al. 2020).
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
#: What ``broken`` writes into ``TokenScores.options``.
BROKEN = "broken"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One explanation under examination."""

    scores: TokenScores
    method: Method | None  # None where no method of this version made the scores
    evidence: Array  # (removable,), what its tokens are ordered by
    order: Array  # (removable,), indices into the removable tokens, most important first

    @property
    def can_run_again(self) -> bool:
        return self.method is not None and BROKEN not in self.scores.options

    @property
    def label(self) -> str:
        return self.scores.method if self.method is None else self.method.label


class Examination:
    """One input and target, F of every part of it that a check asked for, and the random orderings.

    F is kept in the scores' own units and as a probability: faithfulness is measured in the latter, whatever the scores
    explain. All receipts of the input draw on the same numbers, each part is computed once.
    """

    def __init__(
        self,
        model: Model,
        scores: TokenScores,
        *,
        n_orderings: int | None,
        seed: int,
        thorough: bool,
        passes: Passes,
    ) -> None:
        self.runner = decide(model, scores.encoded, scores.target, scores.output, passes=passes)
        self.seed, self.thorough = seed, thorough
        #: Positions of the tokens that can be left out, (removable,).
        self.removable: Array = np.flatnonzero(self.runner.decision.removable)
        #: How many tokens are left out or kept at each share, (share,).
        self.sizes = sizes(len(self.removable)) if len(self.removable) else ()
        count = _orderings_for(self.runner.decision.length, self.sizes) if n_orderings is None else n_orderings
        #: Random orders of the removable tokens, (ordering, removable): half of them, and the same read backwards.
        self.orderings = _random_orders(len(self.removable), count, seed)
        self._known: dict[bytes, tuple[float, float]] = {}
        self._of_copies: dict[tuple[str, int], Runner] = {}

    def subject(self, scores: TokenScores) -> Subject:
        """One of the explanations, checked to be about this input. Raises OptionError."""
        decision = self.runner.decision
        if (
            scores.encoded.tokens != decision.encoded.tokens
            or scores.target != decision.target
            or scores.output != decision.output
        ):
            raise OptionError(
                f"the scores of {scores.method} explain {scores.target_label!r} ({scores.output}), the first ones "
                f"{decision.target_label!r} ({decision.output}), or the texts differ; receipts of one call share "
                "their work, so pass scores of one text, one target and one output"
            )
        values = evidence(scores)[self.removable]
        return Subject(scores, METHODS.get(scores.method), values, order(values))

    @cached_property
    def noise(self) -> Noise:
        """Noise on the words that can be left out, one copy of the model for all methods."""
        return Noise(self.runner.decision.model, self.runner.decision.encoded.input_ids[self.removable])

    def runner_of(self, model: Model, name: tuple[str, int]) -> Runner:
        """The same question to a copy of the model that bears this name."""
        if name not in self._of_copies:
            self._of_copies[name] = self.runner.on(model)
        return self._of_copies[name]

    # --- F without some tokens ----------------------------------------------------------------------------------

    def without(self, orders: Array) -> Array:
        """(order, share, token) of bool: the input without the first tokens of each order, a row a share."""
        return self._prefixes(orders, inside=False)

    def only(self, orders: Array) -> Array:
        """(order, share, token) of bool: the input with only the first tokens of each order, a row a share."""
        return self._prefixes(orders, inside=True)

    def _prefixes(self, orders: Array, *, inside: bool) -> Array:
        present = np.empty((len(orders), len(self.sizes), self.runner.decision.length), dtype=bool)
        present[:] = ~self.runner.decision.removable if inside else True
        for index, size in enumerate(self.sizes):
            np.put_along_axis(present[:, index], self.removable[orders[:, :size]], inside, axis=1)
        return present

    @property
    def one_left_out(self) -> Array:
        """(removable, token) of bool: the input without each token in turn."""
        present = np.ones((len(self.removable), self.runner.decision.length), dtype=bool)
        present[np.arange(len(self.removable)), self.removable] = False
        return present

    def compute(self, variants: Sequence[Array]) -> None:
        """F of these parts of the input, (…, token) of bool each: those not known yet, in batches of similar length."""
        whole = np.ones((1, self.runner.decision.length), dtype=bool)
        rows = np.unique(np.concatenate([whole, *(part.reshape(-1, part.shape[-1]) for part in variants)]), axis=0)
        new = rows[[row.tobytes() not in self._known for row in rows]]
        own = self.runner.decision
        # a regression has no probability: its score itself is examined
        as_probability = own if own.is_regression else replace(own, output="probability")
        for chosen, logits in self.runner.logits_without(new):
            pairs = zip(own.value(logits).tolist(), as_probability.value(logits).tolist(), strict=True)
            self._known.update((new[index].tobytes(), pair) for index, pair in zip(chosen, pairs, strict=True))

    def values(self, present: Array) -> Array:
        """F in the scores' own units: (…, token) of bool → (…) float64."""
        return self._look_up(present, 0)

    def probabilities(self, present: Array) -> Array:
        """p, or the difference of two: (…, token) of bool → (…) float64."""
        return self._look_up(present, 1)

    def _look_up(self, present: Array, column: int) -> Array:
        rows = present.reshape(-1, present.shape[-1])
        found = np.array([self._known[row.tobytes()][column] for row in rows])
        return found.reshape(present.shape[:-1])

    @property
    def value(self) -> float:
        """F(x) in the scores' own units."""
        return float(self.values(np.ones(self.runner.decision.length, dtype=bool)))

    @property
    def probability(self) -> float:
        """p(x)."""
        return float(self.probabilities(np.ones(self.runner.decision.length, dtype=bool)))


def _random_orders(tokens: int, count: int, seed: int) -> Array:
    """(ordering, token). Half of them are the other half backwards: the first half of the one is what the other leaves,
    so fewer parts have to be computed, and the mean over the pair is steadier than over two that know nothing of each
    other (antithetic sampling)."""
    generator = np.random.default_rng(seed)
    half = np.array([generator.permutation(tokens) for _ in range((count + 1) // 2)], dtype=np.int64)
    return np.concatenate([half, half[:, ::-1]])[:count] if tokens else np.empty((0, 0), dtype=np.int64)


def _orderings_for(length: int, counts: tuple[int, ...]) -> int:
    distinct = set(counts)
    rows_each = sum(length - count for count in distinct) + sum(2 + count for count in distinct)
    return max(_LEAST_ORDERINGS, min(_MOST_ORDERINGS, _ORDERING_ROWS // max(rows_each, 1)))


# --- how scores order tokens, and how similar two orders are ----------------------------------------------------


def is_signed(scores: TokenScores) -> bool:
    """Whether a negative score means evidence against; of an unknown method, whether there is one."""
    method = METHODS.get(scores.method)
    return method.signed if method is not None else bool((scores.scores < 0).any())


def evidence(scores: TokenScores) -> Array:
    """What tokens are ordered by, (token,) in float64: the score itself where it has a sign, else its magnitude."""
    values = scores.scores.astype(np.float64)
    return values if is_signed(scores) else np.abs(values)


def order(values: Array) -> Array:
    """Indices from the largest value down; equal values keep the order of the text."""
    ranked: Array = np.argsort(-values, kind="stable")
    return ranked


def sizes(tokens: int) -> tuple[int, ...]:
    """How many of ``tokens`` tokens each share is: rounded to the nearest integer (halves up), at least one."""
    return tuple(max(1, int(share * tokens + 0.5)) for share in SHARES)


def kendall(first: Array, second: Array) -> float:
    """Kendall's τ-b: concordant less discordant pairs, over √ of the pairs not tied in each. 0 if all are tied."""
    upper = np.triu_indices(len(first), 1)
    one = np.sign(np.subtract.outer(first, first))[upper]
    two = np.sign(np.subtract.outer(second, second))[upper]
    untied = float(np.sqrt(np.count_nonzero(one) * np.count_nonzero(two)))
    return float((one * two).sum()) / untied if untied else 0.0


def spearman(first: Array, second: Array) -> float:
    """Spearman's ρ: Pearson's correlation of the ranks, equal values sharing their mean rank. 0 if all are equal."""
    one, two = (ranks - ranks.mean() for ranks in (_mean_ranks(first), _mean_ranks(second)))
    length = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / length if length else 0.0


def _mean_ranks(values: Array) -> Array:
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = ((ends - counts + ends - 1) / 2)[groups]
    return ranks
