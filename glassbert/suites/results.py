"""What tests of behaviour found: rates of failure with intervals, differences between groups, and the failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassbert.pictures.formats import percent
from glassbert.pictures.markup import clipped
from glassbert.results import Result, counted, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Behaviour", "BehaviourFailure", "GroupDifference", "GroupRate", "TestedBehaviour"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupRate(Result):
    """The failures of one group of a test. ``mean_probability``: of the label followed, over the group's variants."""

    group: str
    examples: int
    failures: int
    low: float  # Wilson's 95 % interval of the rate
    high: float
    mean_probability: float | None

    @property
    def rate(self) -> float:
        return self.failures / self.examples

    def _about(self) -> str:
        return f"{self.group!r}: {_rate_in_words(self)}"

    def frame(self) -> pd.DataFrame:
        """One row."""
        return tidy({name: [value] for name, value in _rate_columns(self).items()})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupDifference(Result):
    """What is between a group and another one, or all others: ``other`` is then "the others".

    ``measure`` "failure_rate": the difference of the rates, Newcombe's interval (1998) and Fisher's exact test.
    "probability": the mean difference of the probability of the label that is followed, between variants that differ
    in the words of the groups alone, with Student's paired t (as Kiritchenko & Mohammad 2018). ``p_adjusted`` is
    adjusted for all differences of all tests (Holm 1979).
    """

    group: str
    other: str
    measure: str
    difference: float  # group − other
    low: float
    high: float
    p_value: float
    p_adjusted: float

    def _about(self) -> str:
        return (
            f"of {self.group!r} and {self.other!r}, {self.measure}: {self.difference:+.3f} "
            f"({self.low:+.3f} to {self.high:+.3f}), p {self.p_adjusted:.2g}"
        )

    def frame(self) -> pd.DataFrame:
        """One row."""
        return tidy({name: [getattr(self, name)] for name in self.__dataclass_fields__})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestedBehaviour(Result):
    """One test of a suite. ``low`` and ``high`` are the 95 % interval of its failure rate (Wilson 1927).

    ``followed`` is the label whose probability is compared between groups, "" for none. ``chance`` is the failure rate
    of a model without a preference, where the suite names one, and ``p_value`` that of an exact binomial test against
    it. ``not_counted`` are examples that could not fail, that the model cannot read, or whose sentences share no token.
    """

    __test__ = False  # no test of pytest

    name: str
    kind: str
    about: str
    expect: str  # "lower" or "higher" for a direction, else ""
    tolerance: float | None
    scoring: str  # of a minimal pair, else ""
    chance: float | None
    p_value: float | None
    followed: str
    examples: int
    failures: int
    not_counted: int
    low: float
    high: float
    groups: tuple[GroupRate, ...]
    differences: tuple[GroupDifference, ...]

    @property
    def rate(self) -> float | None:
        """The share of examples that fail; None without examples."""
        return self.failures / self.examples if self.examples else None

    def _about(self) -> str:
        return f"{clipped(self.name, 60)!r} ({self.kind}): {_rate_in_words(self)}"

    def frame(self) -> pd.DataFrame:
        """One row for the test, and one per group."""
        rows = [_rate_columns(self), *(_rate_columns(one) for one in self.groups)]
        return tidy({name: [row[name] for row in rows] for name in rows[0]})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BehaviourFailure(Result):
    """One example that failed. ``variant`` is "" in a test of minimum ability.

    ``probability`` and ``variant_probability`` are those of ``label``: the right label, or what is followed (the answer
    to the text, or the label of a direction). In a minimal pair they are None, and ``score`` and ``variant_score`` are
    pseudo-log-likelihoods, in nats. ``severity`` orders the failures of a test, the worst first: by how much the
    probability moved (1 more where an invariance has another answer), by the answer's lead over the right label, or by
    the score's lead. ``row`` is the place of the text in the texts that were given, counted from 0.
    """

    test: str
    group: str
    text: str
    variant: str
    label: str
    answer: str
    variant_answer: str
    probability: float | None
    variant_probability: float | None
    score: float | None
    variant_score: float | None
    severity: float
    row: int | None

    def _about(self) -> str:
        sides = " → ".join(repr(clipped(text, 40)) for text in (self.text, self.variant) if text)
        numbers = (self.score, self.variant_score, self.probability, self.variant_probability)
        answers = " → ".join(clipped(one, 20) for one in (self.answer, self.variant_answer) if one)
        shown = [answers, " → ".join(f"{value:.3g}" for value in numbers if value is not None)]
        return f"of {clipped(self.test, 30)!r}: {sides}: {', '.join(filter(None, shown))}"

    def frame(self) -> pd.DataFrame:
        """One row."""
        return _failures((self,))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Behaviour(Result):
    """What :func:`glassbert.behaviour` found, test by test; ``failures`` has the worst of each test first."""

    suite: str
    about: str
    licence: str
    flaws: str
    model: str
    tests: tuple[TestedBehaviour, ...]
    failures: tuple[BehaviourFailure, ...]
    left_out: tuple[str, ...]  # tests that do not apply to the texts given
    seed: int
    seconds: float

    @property
    def examples(self) -> int:
        return sum(test.examples for test in self.tests)

    def _about(self) -> str:
        rates = ", ".join(
            f"{clipped(test.name, 30)} {percent(test.rate)}" for test in self.tests if test.rate is not None
        )
        return (
            f"of {clipped(self.model, 30)!r} in {clipped(self.suite, 30)!r} → fails {clipped(rates, 80)}: "
            f"{counted(len(self.tests), 'test')}, {counted(self.examples, 'example')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per test, ``group`` "", and one per group of it. ``p_value``: of the rate against ``chance``."""
        rows = [
            {"test": test.name, "kind": test.kind, **columns}
            for test in self.tests
            for columns in (_rate_columns(test), *(_rate_columns(group) for group in test.groups))
        ]
        return tidy({name: [row[name] for row in rows] for name in rows[0]})

    def difference_frame(self) -> pd.DataFrame:
        """One row per difference between groups."""
        rows = [(test.name, one) for test in self.tests for one in test.differences]
        names = ("group", "other", "measure", "difference", "low", "high", "p_value", "p_adjusted")
        return tidy(
            {"test": [name for name, _ in rows], **{name: [getattr(one, name) for _, one in rows] for name in names}}
        )

    def failure_frame(self) -> pd.DataFrame:
        """One row per failure, the worst of each test first."""
        return _failures(self.failures)


def _rate_columns(one: TestedBehaviour | GroupRate) -> Mapping[str, object]:
    nothing = float("nan")
    group, p_value, mean = (
        ("", one.p_value, None) if isinstance(one, TestedBehaviour) else (one.group, None, one.mean_probability)
    )
    return {
        "group": group,
        "examples": one.examples,
        "failures": one.failures,
        "rate": nothing if one.rate is None else one.rate,
        "low": one.low,
        "high": one.high,
        "p_value": nothing if p_value is None else p_value,
        "mean_probability": nothing if mean is None else mean,
    }


def _rate_in_words(one: TestedBehaviour | GroupRate) -> str:
    if one.rate is None:
        return "no examples"
    return f"{one.failures:,} of {counted(one.examples, 'example')} fail, {percent(one.low)} to {percent(one.high)}"


def _failures(failures: tuple[BehaviourFailure, ...]) -> pd.DataFrame:
    names = tuple(BehaviourFailure.__dataclass_fields__)
    return tidy({name: [getattr(one, name) for one in failures] for name in names})
