"""``behaviour``: a model answers the examples of a suite, and what fails is counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import TypeAlias

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError, StoppedError, TextError
from glassbert.language import classify_many
from glassbert.language.predictions import Classification
from glassbert.network.model import Model, require_task_head
from glassbert.results import Encoded
from glassbert.suites.contents import Suite, SuiteTest
from glassbert.suites.examples import Example, examples_of
from glassbert.suites.minimal_pairs import pair_scores
from glassbert.suites.rates import fisher, from_chance, holm, newcombe, paired, wilson
from glassbert.suites.reading import read_suite
from glassbert.suites.results import Behaviour, BehaviourFailure, GroupDifference, GroupRate, TestedBehaviour
from glassbert.tables import Table
from glassbert.text.inputs import encode

__all__ = ["behaviour"]

#: Texts between two checks for cancellation.
_AT_ONCE = 64
#: Fewer contexts than this give no interval of a mean difference.
_FEWEST_CONTEXTS = 5
_REST = "the others"

Progress: TypeAlias = Callable[[int, int], None]


@checked
def behaviour(
    model: Model,
    suite: Suite | str | os.PathLike[str],
    texts: Table | Sequence[str] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    most: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Behaviour:
    """Test what a model does, not only how often it is right: ``behaviour(model, "sentiment_names").frame()``.

    ``suite`` is a suite on board, a file, or what :func:`glassbert.read_suite` made of one; that function says what
    each kind of test asks, and when it fails. Of each test come the failure rate with Wilson's 95 % interval, the same
    by group (female and male names), the differences between groups with intervals and p-values, and every failure with
    both texts, the worst first. A rate is about the examples of the suite: they are no sample of what the model will
    read, and examples from one template are alike, so that the interval is rather too narrow than too wide.

    With ``texts``, a list or a table, the tests that make variants themselves (swaps, typos, phrases around a text)
    are made from these texts in place of the suite's own; texts without any word of the list are passed over.
    ``labels`` says what the suite's labels are called by the model: ``{"positive": "5 stars"}``; names that differ only
    in case are found. The answer is the label with the highest score, also of a model for several labels. At most
    ``most`` examples a test (None: what the test says, 200 if nothing), drawn with ``seed``. Texts that are longer than
    the model reads are not counted.

    One forward pass per text; for minimal pairs one per token. ``progress(passes done, passes)`` is called before each
    batch. Raises TaskHeadError, OptionError, TableError; StoppedError when ``cancelled()``.
    """
    start = time.perf_counter()
    if most is not None and most < 1:
        raise OptionError(f"most must be 1 or more; got {most}")
    if seed < 0:
        raise OptionError(f"seed must be 0 or more; got {seed}")
    chosen = read_suite(suite) if isinstance(suite, str | os.PathLike) else suite
    own = texts if texts is None or isinstance(texts, Sequence) else texts.texts
    if own is not None and not len(own):
        raise OptionError("there are no texts: pass at least one, or none to use those of the suite")
    tests = [test for test in chosen.tests if own is None or test.changes_texts]
    if not tests:
        raise OptionError(f"no test of {chosen.name!r} makes variants of texts: leave the texts out")
    classes = any(test.kind != "minimal_pair" for test in tests)
    if classes:
        require_task_head(model, "classification")
        if model.regression:
            raise OptionError("this model gives scores, not classes: tests of its decisions need classes")
    if any(test.kind == "minimal_pair" for test in tests):
        require_task_head(model, "masked_words")
    wanted = {label for test in tests for label in (test.label, *(case.label for case in test.cases)) if label}
    known = _labels(model, chosen, wanted, labels or {}) if classes else {}
    work = _Work(model, known, progress, cancelled)
    made = [(test, work.readable(examples_of(chosen, test, own, seed, most))) for test in tests]
    if not any(examples for _, (examples, _) in made):
        raise OptionError(
            "there are no examples: none of the texts has a word of the suite's lists that can be swapped"
        )
    judged = work.judge([(test, examples) for test, (examples, _) in made])
    results = [
        _result(test, rated, unread + unfailing, work.followed_label(test))
        for (test, (_, unread)), (rated, unfailing) in zip(made, judged, strict=True)
    ]
    return Behaviour(
        suite=chosen.name,
        about=chosen.about,
        licence=chosen.licence,
        flaws=chosen.flaws,
        model=model.source,
        tests=tuple(_adjusted(results)),
        failures=tuple(
            replace(one.failure, row=one.example.context if own is not None else None)
            for rated, _ in judged
            for one in sorted(rated, key=lambda one: -one.failure.severity)
            if one.failed
        ),
        left_out=tuple(test.name for test in chosen.tests if test not in tests),
        seed=seed,
        seconds=time.perf_counter() - start,
    )


def _labels(model: Model, suite: Suite, wanted: set[str], given: Mapping[str, str]) -> dict[str, int]:
    """The suite's labels → the model's numbers. Raises OptionError for one that the model does not have."""
    if unknown := sorted(set(given) - wanted):
        have = ", ".join(sorted(map(repr, wanted))) or "none"
        raise OptionError(f"the suite has no label {unknown[0]!r}; its labels are {have}")
    found = {}
    for label in sorted(wanted):
        names = [given[label]] if label in given else [label, *suite.labels.get(label, ())]
        place = _place(model, names)
        if place is None:
            have = ", ".join(map(repr, model.labels[:20]))
            raise OptionError(
                f"the model has no label {names[0]!r}; its labels are {have}. "
                f"Say which one is meant: labels={{{label!r}: {model.labels[0]!r}}}"
            )
        found[label] = place
    return found


def unknown_labels(model: Model, suite: Suite) -> tuple[str, ...]:
    """The labels of a suite that the model does not have, by any of their names: ``labels`` must say what they are."""
    wanted = {label for test in suite.tests for label in (test.label, *(case.label for case in test.cases)) if label}
    return tuple(label for label in sorted(wanted) if _place(model, [label, *suite.labels.get(label, ())]) is None)


def _place(model: Model, names: Sequence[str]) -> int | None:
    """The number of the model's first label with one of these names; their case is no matter."""
    numbers: dict[str, int] = {}
    for number, name in enumerate(model.labels):
        numbers.setdefault(name.casefold(), number)
    return next((numbers[name.casefold()] for name in names if name.casefold() in numbers), None)


@dataclass(frozen=True, slots=True)
class _Judged:
    """An example and how it went. ``probability``: of the label followed, for the variant."""

    example: Example
    failed: bool
    failure: BehaviourFailure
    probability: float | None


class _Work:
    """One model on the examples of all tests; each text goes through it once."""

    def __init__(
        self, model: Model, labels: Mapping[str, int], progress: Progress | None, cancelled: Callable[[], bool] | None
    ) -> None:
        self.model, self.labels, self.progress, self.cancelled = model, labels, progress, cancelled
        self._encoded: dict[str, Encoded | None] = {}
        self._classified: dict[str, Classification] = {}

    def followed(self, test: SuiteTest) -> int | None:
        """The class whose probability is compared between groups: the test's, else the second of two."""
        if test.kind == "minimal_pair":
            return None
        return self.labels[test.label] if test.label else 1 if len(self.model.labels) == 2 else None

    def followed_label(self, test: SuiteTest) -> str:
        """Its name; "" for none."""
        number = self.followed(test)
        return "" if number is None else self.model.labels[number]

    def readable(self, examples: Sequence[Example]) -> tuple[list[Example], int]:
        """The examples that the model can read, and how many it cannot."""
        kept = [one for one in examples if all(self._read(text) for text in (one.text, one.variant) if text)]
        return kept, len(examples) - len(kept)

    def _read(self, text: str) -> Encoded | None:
        if text not in self._encoded:
            try:
                self._encoded[text] = encode(self.model, text)
            except TextError:
                self._encoded[text] = None
        return self._encoded[text]

    def _of(self, text: str) -> Encoded:
        encoded = self._encoded[text]
        assert encoded is not None
        return encoded

    def judge(self, tests: Sequence[tuple[SuiteTest, Sequence[Example]]]) -> list[tuple[list[_Judged], int]]:
        """Each test's examples, judged, and how many of them cannot fail."""
        pairs = [(test, one) for test, examples in tests for one in examples if test.kind == "minimal_pair"]
        self._classify([one for test, examples in tests for one in examples if test.kind != "minimal_pair"])
        scores = iter(
            pair_scores(
                self.model,
                [(self._of(one.text), self._of(one.variant)) for _, one in pairs],
                [test.scoring for test, _ in pairs],
                self.progress,
                self.cancelled,
            )
            if pairs
            else ()
        )
        judged = []
        for test, examples in tests:
            found = [
                self._pair(test, one, next(scores)) if test.kind == "minimal_pair" else self._answer(test, one)
                for one in examples
            ]
            rated = [one for one in found if one is not None]
            judged.append((rated, len(found) - len(rated)))
        return judged

    def _classify(self, examples: Sequence[Example]) -> None:
        texts = dict.fromkeys(text for one in examples for text in (one.text, one.variant) if text)
        by_length = sorted(texts, key=lambda text: len(self._of(text)))
        for start in range(0, len(by_length), _AT_ONCE):
            if self.cancelled is not None and self.cancelled():
                raise StoppedError("the computation was cancelled, so there is no result; start it again to get one")
            if self.progress is not None:
                self.progress(start, len(by_length))
            some = by_length[start : start + _AT_ONCE]
            self._classified.update(
                zip(some, classify_many(self.model, [self._of(text) for text in some]), strict=True)
            )

    def _answer(self, test: SuiteTest, one: Example) -> _Judged | None:
        """How an example with classes went; None for one that cannot fail."""
        first = self._classified[one.text]
        last = self._classified[one.variant] if one.variant else first
        label = one.label or test.label
        watched = self.labels[label] if label and test.kind != "invariance" else first.predicted
        before, after = float(first.probabilities[watched]), float(last.probabilities[watched])
        if test.kind == "minimum_ability":
            failed = first.predicted != watched
            severity = float(first.probabilities[first.predicted]) - before
        elif test.kind == "invariance":
            changed = last.predicted != first.predicted
            failed = changed or abs(after - before) > test.tolerance
            severity = abs(after - before) + changed
        else:
            sign = 1 if test.expect == "lower" else -1
            if (1 - before if sign == 1 else before) <= test.tolerance:
                return None
            failed = sign * (after - before) > test.tolerance
            severity = sign * (after - before)
        followed = self.followed(test)
        names = self.model.labels
        failure = BehaviourFailure(
            test=test.name,
            group=one.group,
            text=one.text,
            variant=one.variant,
            label=names[watched],
            answer=names[first.predicted],
            variant_answer=names[last.predicted] if one.variant else "",
            probability=before,
            variant_probability=after if one.variant else None,
            score=None,
            variant_score=None,
            severity=severity,
            row=None,
        )
        return _Judged(one, failed, failure, None if followed is None else float(last.probabilities[followed]))

    def _pair(self, test: SuiteTest, one: Example, scores: Sequence[float]) -> _Judged | None:
        """How a pair went; None for one without a token that counts."""
        own, other = float(scores[0]), float(scores[1])
        if isnan(own) or isnan(other):
            return None
        failure = BehaviourFailure(
            test=test.name,
            group=one.group,
            text=one.text,
            variant=one.variant,
            label="",
            answer="",
            variant_answer="",
            probability=None,
            variant_probability=None,
            score=own,
            variant_score=other,
            severity=other - own,
            row=None,
        )
        return _Judged(one, other > own, failure, None)


def _result(test: SuiteTest, judged: Sequence[_Judged], not_counted: int, followed: str) -> TestedBehaviour:
    failures = sum(one.failed for one in judged)
    names = list(dict.fromkeys(one.example.group for one in judged if one.example.group))
    by_group = {name: [one for one in judged if one.example.group == name] for name in sorted(names)}
    if len(by_group) < 2:
        by_group = {}
    low, high = wilson(failures, len(judged))
    compares = test.kind in ("invariance", "direction")
    is_chance = test.chance is not None and len(judged) > 0
    return TestedBehaviour(
        name=test.name,
        kind=test.kind,
        about=test.about,
        expect=test.expect if test.kind == "direction" else "",
        tolerance=test.tolerance if compares else None,
        scoring=test.scoring if test.kind == "minimal_pair" else "",
        chance=test.chance,
        p_value=from_chance(failures, len(judged), float(test.chance or 0)) if is_chance else None,
        followed=followed if by_group else "",
        examples=len(judged),
        failures=failures,
        not_counted=not_counted,
        low=low,
        high=high,
        groups=tuple(_group(name, own) for name, own in by_group.items()),
        differences=tuple(_differences(by_group, paired_contexts=test.kind == "invariance")),
    )


def _group(name: str, judged: Sequence[_Judged]) -> GroupRate:
    failures = sum(one.failed for one in judged)
    known = [one.probability for one in judged if one.probability is not None]
    return GroupRate(
        name, len(judged), failures, *wilson(failures, len(judged)), float(np.mean(known)) if known else None
    )


def _differences(by_group: Mapping[str, Sequence[_Judged]], *, paired_contexts: bool) -> list[GroupDifference]:
    """Of two groups, the first from the second; of more, each from all others."""
    found = []
    names = list(by_group)
    for name in names[:1] if len(names) == 2 else names if len(names) > 2 else ():
        own = by_group[name]
        rest = [one for other in names if other != name for one in by_group[other]]
        other = names[1] if len(names) == 2 else _REST
        counts = [(sum(one.failed for one in some), len(some)) for some in (own, rest)]
        difference = counts[0][0] / counts[0][1] - counts[1][0] / counts[1][1]
        p_value = fisher(*counts)
        found.append(GroupDifference(name, other, "failure_rate", difference, *newcombe(*counts), p_value, p_value))
        gaps = _gaps(own, rest) if paired_contexts else []
        if len(gaps) >= _FEWEST_CONTEXTS:
            mean, low, high, p_value = paired(gaps)
            found.append(GroupDifference(name, other, "probability", mean, low, high, p_value, p_value))
    return found


def _gaps(own: Sequence[_Judged], rest: Sequence[_Judged]) -> list[float]:
    """In each context that has both: the probability with a word of the group, minus the mean with the others."""
    sides: list[dict[int, list[float]]] = [{}, {}]
    for side, some in zip(sides, (own, rest), strict=True):
        for one in some:
            if one.probability is not None:
                side.setdefault(one.example.context, []).append(one.probability)
    return [
        float(np.mean(sides[0][context]) - np.mean(sides[1][context])) for context in sides[0] if context in sides[1]
    ]


def _adjusted(results: Sequence[TestedBehaviour]) -> list[TestedBehaviour]:
    """The same with p-values that are adjusted for all differences of all tests."""
    adjusted = iter(holm([one.p_value for result in results for one in result.differences]))
    return [
        replace(result, differences=tuple(replace(one, p_adjusted=next(adjusted)) for one in result.differences))
        for result in results
    ]
