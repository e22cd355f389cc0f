"""Switching heads off: a view of the model without them, and which of them a prediction depends on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.decision import Runner, decide
from glassbert.errors import OptionError
from glassbert.heads.results import AblationSweep, SweepMode
from glassbert.maps.results import HeadIndex, check_head
from glassbert.network.batches import rows_that_join
from glassbert.network.blocks import blocks, change_input, scale_heads
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.targets import Output, Target
from glassbert.text.inputs import Text, encode

# Token rows per pass: bounds memory (about 200 MB of activations for a base-size model).
_TOKEN_ROWS = 4096


@checked
def ablate(model: Model, heads: Iterable[HeadIndex]) -> Model:
    """A view of the model in which these (layer, head) contribute nothing: ``ablate(model, [(0, 3), (2, 1)])``.

    ξ_h = 0 in the terms of Michel et al. 2019: the head's output is set to zero before the heads are mixed, so a layer
    without any head outputs only its bias. Every function of the library accepts the view in place of the model; its
    attention weights are still those that the heads compute. The view shares weights and lock with the model, which is
    not changed, also for other threads at the same time. Views of views add up; ``view.ablated_heads`` lists the heads
    that are off. Raises LayerError, UnsupportedModelError.
    """
    blocks(model.network)  # raises where the inside of the network is not known
    chosen = {(int(layer), int(head)) for layer, head in heads}
    for layer, head in sorted(chosen):
        check_head(layer, head, model.layers, model.attention_heads)
    return replace(model, ablated_heads=tuple(sorted(chosen | set(model.ablated_heads))))


@checked
def ablation_sweep(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    output: Output = "logit",
    heads: Sequence[HeadIndex] | None = None,
    mode: SweepMode = "one_at_a_time",
    steps: int = 8,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> AblationSweep:
    """The target's value F without each of ``heads`` (None: all that are on).

    Mode "one_at_a_time" switches each off alone, in the order given. Mode "greedy" looks for the heads that the
    prediction depends on: each step permanently switches off the head whose removal lowers F most, until the prediction
    flips or ``steps`` are done. Batched: the heads of a layer join one pass at that layer, so the layers below it run
    once, and the total cost is about a quarter of one forward pass per head.

    ``progress`` is called with (heads tried, heads to try at most); when ``cancelled()`` returns true, the steps done
    so far are returned with ``complete=False``. Targets are those of :func:`glassbert.attribute`. Raises OptionError,
    LayerError, TargetError, TaskHeadError, TextErrors, UnsupportedModelError.
    """
    start = time.perf_counter()
    if mode not in ("one_at_a_time", "greedy"):
        raise OptionError(f"mode must be one of one_at_a_time, greedy; got {mode!r}")
    if steps < 1:
        raise OptionError(f"steps must be at least 1; got {steps}")
    blocks(model.network)
    candidates = _candidates(model, heads)
    runner = decide(model, encode(model, text, pair), target, output)
    rounds = min(steps, len(candidates)) if mode == "greedy" else 1
    report = _Report(sum(len(candidates) - done for done in range(rounds)), progress, cancelled)

    def work() -> tuple[_Outcome, list[tuple[HeadIndex, _Outcome]]]:
        report.done = 0
        untouched = next(_outcomes(runner, []))
        if mode == "greedy":
            return untouched, _greedy(runner, candidates, untouched, rounds, report)
        return untouched, _each(runner, candidates, report)

    untouched, found = many_passes(model, work)
    return AblationSweep(
        encoded=runner.decision.encoded,
        mode=mode,
        target=runner.decision.target,
        target_label=runner.decision.target_label,
        output=output,
        value=untouched[0],
        prediction=runner.decision.class_name(untouched[1]),
        layers=np.asarray([layer for (layer, _), _ in found]),
        heads=np.asarray([head for (_, head), _ in found]),
        values=np.asarray([value for _, (value, _) in found]),
        predicted=tuple(runner.decision.class_name(index) for _, (_, index) in found),
        model_layers=model.layers,
        model_heads=model.attention_heads,
        complete=not report.stopped,
        forward_passes=runner.passes.count,
        seconds=time.perf_counter() - start,
    )


#: F, and the id of the class the model decides for.
_Outcome = tuple[float, int]


class _Report:
    """Reports the sweep's progress and whether to stop."""

    def __init__(
        self, total: int, progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
    ) -> None:
        self.done, self.stopped = 0, False
        self._total, self._progress, self._cancelled = total, progress, cancelled

    def advance(self) -> None:
        self.done += 1
        if self._progress is not None:
            self._progress(self.done, self._total)

    def stop(self) -> bool:
        self.stopped = self.stopped or (self._cancelled is not None and self._cancelled())
        return self.stopped


def _candidates(model: Model, heads: Sequence[HeadIndex] | None) -> list[HeadIndex]:
    if heads is None:
        every = [(layer, head) for layer in range(model.layers) for head in range(model.attention_heads)]
        chosen = [head for head in every if head not in set(model.ablated_heads)]
    else:
        chosen = list(dict.fromkeys((int(layer), int(head)) for layer, head in heads))
    for layer, head in chosen:
        check_head(layer, head, model.layers, model.attention_heads)
    if not chosen:
        raise OptionError("there is no head to switch off: choose at least one that is on")
    return chosen


def _each(runner: Runner, heads: list[HeadIndex], report: _Report) -> list[tuple[HeadIndex, _Outcome]]:
    """Every head alone; fewer when stopped."""
    by_layer = sorted(heads)
    outcomes = dict(zip(by_layer, _until_stopped(runner, by_layer, report), strict=False))
    return [(head, outcomes[head]) for head in heads if head in outcomes]


def _greedy(
    runner: Runner, heads: list[HeadIndex], untouched: _Outcome, rounds: int, report: _Report
) -> list[tuple[HeadIndex, _Outcome]]:
    """The head that lowers F most, then the next one without it, until the decision changes."""
    found: list[tuple[HeadIndex, _Outcome]] = []
    left = sorted(heads)
    for _ in range(rounds):
        outcomes = list(_until_stopped(runner, left, report))
        if report.stopped:
            break
        best = min(range(len(left)), key=lambda index: outcomes[index][0])
        head = left.pop(best)
        found.append((head, outcomes[best]))
        if outcomes[best][1] != untouched[1]:
            break
        runner = runner.on(ablate(runner.decision.model, [head]))
    return found


def _until_stopped(runner: Runner, heads: list[HeadIndex], report: _Report) -> Iterator[_Outcome]:
    tokens = runner.decision.length
    size = rows_that_join(runner.decision.model, tokens, min(len(heads), _TOKEN_ROWS // tokens))
    for start in range(0, len(heads), size):
        if report.stop():
            return
        outcomes = _outcomes(runner, heads[start : start + size])
        next(outcomes)  # the model without a change
        for outcome in outcomes:
            report.advance()
            yield outcome


def _outcomes(runner: Runner, heads: list[HeadIndex]) -> Iterator[_Outcome]:
    """F and the decision of the unchanged model, then without each of these heads, by layer; one forward pass."""
    network = runner.decision.model.network
    runner.decision.require_last_layer_only("many heads in one pass")
    with torch.no_grad(), work_threads(runner.decision.length * (1 + len(heads))):
        logits = runner.logits(runner.decision.embeddings, lambda: _joining(network, heads))
    runner.passes.count += len(heads)
    decided = runner.decision.decided(logits.cpu().numpy())
    yield from zip(runner.decision.value(logits).tolist(), decided.tolist(), strict=True)


@contextmanager
def _joining(network: Any, heads: list[HeadIndex]) -> Iterator[None]:
    """One pass for all: row 0 is the input, and each head's row splits off from it at the head's layer."""
    count = network.config.num_attention_heads
    at: dict[int, list[int]] = {}
    for layer, head in heads:
        at.setdefault(layer, []).append(head)
    before = {layer: 1 + sum(len(at[lower]) for lower in at if lower < layer) for layer in at}

    def split(layer: int, states: Tensor) -> Tensor:
        joining = at.get(layer, [])
        return torch.cat((states, states[:1].expand(len(joining), -1, -1))) if joining else states

    def gates(layer: int) -> Tensor | None:
        if layer not in at:
            return None
        gates = torch.ones(before[layer] + len(at[layer]), count)
        gates[range(before[layer], len(gates)), at[layer]] = 0
        return gates

    with ExitStack() as stack:
        stack.enter_context(change_input(network, "layer", split))
        stack.enter_context(scale_heads(network, gates))
        yield
