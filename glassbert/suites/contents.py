"""What a suite holds: lists of words, and tests made of cases; and its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from glassbert.errors import OptionError
from glassbert.results import counted

__all__ = [
    "CASES",
    "CHARACTERS",
    "EXAMPLES",
    "EXPECTED",
    "KINDS",
    "LISTS",
    "SCORINGS",
    "TESTS",
    "WORDS",
    "Case",
    "Expected",
    "Kind",
    "Scoring",
    "Suite",
    "SuiteTest",
    "WordList",
    "slots_of",
]

Kind = Literal["invariance", "direction", "minimum_ability", "minimal_pair"]
Expected = Literal["lower", "higher"]
#: Which tokens a pseudo-log-likelihood sums: all, or those that both sentences of a pair have.
Scoring = Literal["all", "unmodified"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EXPECTED: tuple[Expected, ...] = get_args(Expected)
SCORINGS: tuple[Scoring, ...] = get_args(Scoring)
#: The most tests of a suite, cases in all, lists, words of a list, and characters of a text.
TESTS, CASES, LISTS, WORDS, CHARACTERS = 200, 20_000, 100, 1_000, 10_000
#: The examples that are made of a test unless it or the caller says otherwise.
EXAMPLES = 200
_SLOT = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")


def slots_of(text: str) -> tuple[str, ...]:
    """``"{name} met {other}." → ("name", "other")``, each once, in order."""
    return tuple(dict.fromkeys(_SLOT.findall(text)))


@dataclass(frozen=True, slots=True)
class WordList:
    """Words that stand for each other, in groups; a list without groups has one, ""."""

    groups: Mapping[str, tuple[str, ...]]

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Each word with its group."""
        return tuple((word, group) for group, words in self.groups.items() for word in words)

    @property
    def is_grouped(self) -> bool:
        return len(self.groups) > 1


@dataclass(frozen=True, slots=True)
class Case:
    """One text of a test, or a template with slots; ``variant`` is its other side, ``label`` its right answer."""

    text: str
    variant: str = ""
    label: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """One test. What its fields mean is written in :func:`glassbert.read_suite`."""

    name: str
    kind: Kind
    cases: tuple[Case, ...]
    about: str = ""
    swap: str = ""
    by_position: bool = False
    typos: int = 0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    label: str = ""
    expect: Expected = "lower"
    tolerance: float = 0.1
    scoring: Scoring = "all"
    chance: float | None = None
    most: int = EXAMPLES

    def __post_init__(self) -> None:
        for name, valid in {"kind": KINDS, "expect": EXPECTED, "scoring": SCORINGS}.items():
            if getattr(self, name) not in valid:
                raise OptionError(f"{name} must be one of {', '.join(valid)}; got {getattr(self, name)!r}")
        if not self.cases:
            raise OptionError(f"the test {self.name!r} has no cases")
        if not 0 <= self.tolerance <= 1 or self.typos < 0 or self.most < 1:
            raise OptionError("tolerance must be from 0 to 1, typos 0 or more, most 1 or more")

    @property
    def changes_texts(self) -> bool:
        """Whether the test makes the other side of a text itself, so that it can do so with any text."""
        return bool(self.swap or self.typos or self.before or self.after)


@dataclass(frozen=True, slots=True, repr=False)
class Suite:
    """Tests of behaviour, as :func:`glassbert.read_suite` reads them. ``dataclasses.replace`` changes its parts.

    ``licence`` and ``flaws`` say where its texts come from, and what a result must not be taken for. ``labels`` has
    other names of a label: ``{"positive": ("pos", "LABEL_1")}``.
    """

    name: str
    tests: tuple[SuiteTest, ...]
    about: str = ""
    licence: str = ""
    flaws: str = ""
    lists: Mapping[str, WordList] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for test in self.tests:
            if test.swap and test.swap not in self.lists:
                raise OptionError(f"the test {test.name!r} swaps the words of a list {test.swap!r}, which is not there")

    def __repr__(self) -> str:
        cases = counted(sum(len(test.cases) for test in self.tests), "case")
        return f"<Suite {self.name[:60]!r}: {counted(len(self.tests), 'test')}, {cases}>"
