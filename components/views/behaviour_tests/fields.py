"""The user's choices that belong to the Behaviour page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["BehaviourFields"]


@dataclass(frozen=True, slots=True)
class BehaviourFields(PageFields):
    """Which suite is asked, of which model, and how much of it."""

    page: ClassVar[str] = "behaviour_tests"

    suite: str = "sentiment_names"  # on board, or "own-…", a visitor's own
    tester: str = ""  # the source of the model; "": the first open one that can be asked, else the one on board
    most: Literal["50", "200", "1000"] = "200"  # examples a test
    texts: str = ""  # texts of the visitor, one a line, in place of the suite's
    test: str = ""  # the test whose failures are shown; "": the first that has some
