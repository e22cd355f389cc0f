"""What an attribution method declares about itself, and how it explains a decision."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from glassbert.attribution._options import Option, options_table
from glassbert.attribution.results import TokenScores
from glassbert.decision import parts
from glassbert.errors import GlassBERTError, MethodError, OptionError
from glassbert.network.int8 import NO_GRADIENTS
from glassbert.network.run import many_passes
from glassbert.results import Array, Encoded

if TYPE_CHECKING:
    from glassbert.decision import Runner
    from glassbert.network.model import Model

MethodFamily = Literal["gradient", "perturbation", "attention", "decomposition"]


@dataclass(frozen=True, slots=True)
class Attribution:
    """A method's raw result. ``value`` is F(x) if the method computed it anyway; ``attribute`` does the rest."""

    scores: Array  # (token,)
    value: float | None = None
    baseline: str | None = None
    baseline_value: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Method:
    """One attribution method.

    ``signed``: negative scores mean evidence against the target. ``complete``: scores sum to F(x) − F(baseline), up
    to ``delta``: the error of the steps or of the samples.
    ``cost(tokens, options)``: forward passes of this input's length that it usually needs, without backward passes and
    without the one pass that finds the predicted class or word.
    ``parameters`` are its options, and nothing else is accepted; ``options`` maps their names to their defaults.
    ``in_words`` is a name for people who do not know the ``label``. ``meaning`` completes "a score measures …".
    ``help(gb.METHODS["lime"])`` shows all of it.
    ``first_order``: all it needs is the pass of :func:`glassbert.attribution._first_order.first_order`, which such
    methods share; ``reads_maps``: it reads attention weights there. ``compute_many``: the same as ``compute`` for
    several decisions of one model, faster; sets ``value``.
    """

    id: str
    label: str
    in_words: str
    paper: str
    family: MethodFamily
    signed: bool
    complete: bool
    meaning: str
    cost: Callable[[int, Mapping[str, Any]], int]
    compute: Callable[[Runner, Mapping[str, Any]], Attribution] = field(repr=False)
    parameters: tuple[Option, ...] = ()
    first_order: bool = False
    reads_maps: bool = False
    compute_many: Callable[[Sequence[Runner], Mapping[str, Any]], list[Attribution]] | None = field(
        default=None, repr=False
    )

    @property
    def options(self) -> Mapping[str, Any]:
        """Option name → default."""
        return {option.name: option.default for option in self.parameters}

    def settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options, those not given at their defaults. Raises OptionError before anything is computed."""
        unknown = set(options) - set(self.options)
        if unknown:
            valid = f"an option must be one of {', '.join(self.options)}" if self.options else "it has no options"
            raise OptionError(f"{self.label} has no option {', '.join(sorted(unknown))}; {valid}")
        return {
            option.name: option.accept(options[option.name]) if option.name in options else option.default
            for option in self.parameters
        }

    def __repr__(self) -> str:
        kinds = [self.family, "signed" if self.signed else "unsigned", *(["complete"] if self.complete else [])]
        options = ", ".join(f"{name}={default!r}" for name, default in self.options.items())
        return f"<Method {self.id}: {', '.join(kinds)}; options {options or 'none'}>"


def cost_of(method: Method, encoded: Encoded, settings: Mapping[str, Any]) -> int:
    """Passes that the method usually needs for this input: those for each window that may have a share."""
    if not len(encoded.windows):
        return method.cost(len(encoded), settings)
    lengths = [len(encoded.window_positions(number)) for number in np.flatnonzero(encoded.window_weights).tolist()]
    if not lengths:  # one of them will decide
        lengths = [len(encoded.window_positions(0))]
    return sum(method.cost(length, settings) for length in lengths)


def require_gradients(model: Model, method: Method) -> None:
    """Raise MethodError for a method that needs gradients, or the weights behind them, of a model without them."""
    if model.checkpoint.int8 and method.family != "perturbation" and method.id != "rollout":
        raise MethodError(f"{method.label} needs gradients or the exact weights, and {NO_GRADIENTS}")


def explain(runner: Runner, method: Method, settings: Mapping[str, Any]) -> TokenScores:
    """One method's scores for a decision, with its own passes and seconds even if the runner is shared.

    Scores of a text in windows are the sums of those in its windows, each times the window's share. What adds up to F
    in every window does so in the whole, because its F is the same weighted sum.
    """
    require_gradients(runner.decision.model, method)
    if runner.decision.in_windows:
        return _explain_windows(runner, method, settings)
    decision = runner.decision
    start, passes_before = time.perf_counter(), runner.passes.count

    def work() -> tuple[Attribution, float]:
        raw = method.compute(runner, settings)
        value = runner.memory.get("value") if raw.value is None else raw.value
        if value is None:
            with torch.no_grad():
                value = float(runner.value(decision.embeddings)[0])
        return raw, value

    raw, value = many_passes(decision.model, work, decision.length * method.cost(decision.length, settings))
    runner.memory["value"] = value
    passes, seconds = runner.passes.count - passes_before, time.perf_counter() - start
    return result_of(runner, method, replace(raw, value=value), passes, seconds)


def _explain_windows(runner: Runner, method: Method, settings: Mapping[str, Any]) -> TokenScores:
    start, passes_before = time.perf_counter(), runner.passes.count
    scores = np.zeros(runner.decision.length)
    value, baseline_value = 0.0, 0.0
    found: list[TokenScores] = []
    for part in parts(runner):
        own = explain(part.runner, method, settings)
        scores[part.positions] += part.weight * own.scores.astype(np.float64)
        value += part.weight * own.value
        baseline_value += part.weight * (own.baseline_value or 0.0)
        # what is kept of a window must not grow with the text
        found.append(replace(own, encoded=runner.decision.encoded, scores=np.empty(0)))
    options = {name: _most([each.options.get(name) for each in found]) for name in found[0].options}
    has_baseline = all(each.baseline_value is not None for each in found)
    raw = Attribution(scores, value, found[0].baseline, baseline_value if has_baseline else None, options)
    passes, seconds = runner.passes.count - passes_before, time.perf_counter() - start
    return result_of(runner, method, raw, passes, seconds)


def _most(values: Sequence[Any]) -> Any:
    """What an option was in all windows; of numbers that were chosen for each, the largest."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return max(numbers) if len(numbers) == len(values) else values[0]


def result_of(
    runner: Runner, method: Method, raw: Attribution, forward_passes: int = 0, seconds: float = 0.0
) -> TokenScores:
    """A method's raw answer, with its value, as a result. Raises GlassBERTError for numbers that are not finite."""
    value = raw.value
    if value is None:
        raise ValueError(f"{method.id} did not say F(x)")
    scores = np.asarray(raw.scores, dtype=np.float32)
    if not np.isfinite(scores).all():
        raise GlassBERTError(
            f"{method.label} produced scores that are not finite for this text, so there is nothing to show; "
            "try another method, or float32 precision"
        )
    delta = None
    if method.complete and raw.baseline_value is not None:
        delta = float(scores.sum(dtype=np.float64)) - (value - raw.baseline_value)
    return TokenScores(
        encoded=runner.decision.encoded,
        scores=scores,
        method=method.id,
        target=runner.decision.target,
        target_label=runner.decision.target_label,
        output=runner.decision.output,
        value=value,
        baseline=raw.baseline,
        baseline_value=raw.baseline_value,
        delta=delta,
        forward_passes=forward_passes,
        seconds=seconds,
        options=dict(raw.options),
    )


class _Documentation:
    """``Method.__doc__`` is the docstring of the class, ``METHODS["lime"].__doc__`` one about this method."""

    def __init__(self, of_the_class: str) -> None:
        self._of_the_class = of_the_class

    def __get__(self, method: Method | None, owner: type[Method]) -> str:
        if method is None:
            return self._of_the_class
        idea = inspect.getdoc(method.compute) or ""
        return (
            f"{method.label} ({method.paper}).\n\nA score measures {method.meaning}.\n\n{idea}\n\n"
            f"{options_table(method.parameters)}"
        )


Method.__doc__ = _Documentation(inspect.cleandoc(Method.__doc__ or ""))  # type: ignore[assignment]
