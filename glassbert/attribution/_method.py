"""What an attribution method declares about itself, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from glassbert.results import Array

if TYPE_CHECKING:
    from glassbert.decision import Runner

MethodFamily = Literal["gradient", "perturbation", "attention", "decomposition"]


@dataclass(frozen=True, slots=True)
class Attribution:
    """A method's raw answer. ``value`` is F(x) where the method computed it anyway; ``attribute`` does the rest."""

    scores: Array  # (token,)
    value: float | None = None
    baseline: str | None = None
    baseline_value: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Method:
    """One attribution method.

    ``signed``: negative scores mean evidence against the target. ``complete``: scores sum to F(x) − F(baseline), but
    for what ``delta`` states: the error of the steps or of the draws.
    ``cost(tokens, options)``: forward passes of this input's length that it usually needs; neither backward passes nor
    the one pass that finds the predicted class or word are counted.
    ``options``: option name → default; nothing else is accepted; ``check(options)`` raises OptionError for a value that
    makes no sense, before anything is computed. ``meaning`` completes "a score says …".
    ``first_order``: all it needs is the pass of :func:`glassbert.attribution._first_order.first_order`, which such
    methods share. ``compute_many``: the same as ``compute`` for several decisions of one model, faster; says ``value``.
    """

    id: str
    label: str
    paper: str
    family: MethodFamily
    signed: bool
    complete: bool
    meaning: str
    cost: Callable[[int, Mapping[str, Any]], int]
    compute: Callable[[Runner, Mapping[str, Any]], Attribution] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], None] = field(default=lambda options: None, repr=False)
    first_order: bool = False
    compute_many: Callable[[Sequence[Runner], Mapping[str, Any]], list[Attribution]] | None = field(
        default=None, repr=False
    )
