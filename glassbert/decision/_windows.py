"""F of a text that is read in windows: that of every window, each weighted by its share in the decision.

The logits of the whole are the weighted mean of those of its windows, so F, a difference of logits, is the weighted
mean of theirs. Whatever is linear in F (an attribution, F without some tokens) is computed window by window, in the
memory of one, and added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from glassbert.decision.spans import LONGEST_ANSWER, span_scores
from glassbert.families import Task
from glassbert.network.model import Model
from glassbert.network.task_heads import task_logits
from glassbert.results import Array, Encoded
from glassbert.targets import AnswerTarget, EntityTarget, MaskTarget, SpanTarget, Target, TokenTarget
from glassbert.text.windows import windows_of_tokens

if TYPE_CHECKING:
    from glassbert.decision.decision import Decision
    from glassbert.decision.runner import Hooks, Runner

__all__ = [
    "Part",
    "central_logits",
    "central_rows",
    "logits",
    "logits_without",
    "parts",
    "span_scores_in_windows",
    "strongest",
    "token_logits",
    "values_replaced",
]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One window: how its F is evaluated, where its tokens are in the whole input, and its share in the decision."""

    runner: Runner
    positions: Array  # (token,)
    weight: float


def parts(runner: Runner, *, every: bool = False) -> Iterator[Part]:
    """The windows that have a share in the decision, or ``every`` one; passes are counted by the whole's runner."""
    encoded = runner.decision.encoded
    for number, weight in enumerate(encoded.window_weights.tolist()):
        if weight or every:
            positions = encoded.window_positions(number)
            own = _decision_of(runner.decision, number, positions)
            yield Part(replace(runner, decision=own, memory={}), positions, weight)


def _decision_of(decision: Decision, number: int, positions: Array) -> Decision:
    """The same decision about one window: positions of its target and classes are counted within it."""
    target: Target = decision.target
    class_ids = decision.class_ids
    if isinstance(target, MaskTarget | TokenTarget):
        target = replace(target, position=int(np.searchsorted(positions, target.position)))
    if isinstance(target, AnswerTarget):
        edges = [None if at is None else int(np.searchsorted(positions, at)) for at in (target.position, target.foil)]
        target = replace(target, position=edges[0], foil=edges[1])
        class_ids = tuple(int(np.searchsorted(positions, at)) for at in class_ids)
    if isinstance(target, EntityTarget):
        start = int(np.searchsorted(positions, target.start))
        target = replace(target, start=start, end=start + target.end - target.start)
    own = replace(decision, encoded=decision.encoded.window(number), target=target, class_ids=class_ids)
    if isinstance(target, SpanTarget) and class_ids:
        spans = [np.searchsorted(positions, decision.span(one)).tolist() for one in class_ids]
        foil = (spans[1][0], spans[1][1]) if len(spans) > 1 else None
        own = replace(own, target=SpanTarget(spans[0][0], spans[0][1], foil, target.no_answer))
        own = replace(own, class_ids=tuple(own.class_of_span(*span) for span in spans))
    return own


def logits(runner: Runner, embeddings: Tensor, hooks: Hooks) -> Tensor:
    """(input, class) logits of the whole, from word embeddings of all its tokens. Differentiable."""
    total = None
    for part in parts(runner):
        own = _of_whole(runner, part, part.runner.logits(embeddings[:, part.positions], hooks)) * part.weight
        total = own if total is None else total + own
    assert total is not None
    return total


def central_logits(runner: Runner, embeddings: Tensor) -> Tensor:
    """(input, …, token) logits of an answer or of one end: each token's from the window in which it is most central."""
    own = (part.runner.logits(embeddings[:, part.positions])[0].cpu().T for part in parts(runner, every=True))
    return central_rows(runner.decision.encoded, own).T[None]


def central_rows(encoded: Encoded, of_windows: Iterable[Tensor]) -> Tensor:
    """(token, …) of each window → (token, …) of the whole: each token's from the window where it is most central."""
    read_in = windows_of_tokens(encoded)
    whole = None
    for number, rows in enumerate(of_windows):
        positions = encoded.window_positions(number)
        chosen = read_in[positions] == number
        if whole is None:
            whole = rows.new_empty((len(encoded), *rows.shape[1:]))
        whole[positions[chosen]] = rows[chosen]
    assert whole is not None
    return whole


def span_scores_in_windows(
    encoded: Encoded, of_windows: Iterable[Array], possible: Array, longest: int = LONGEST_ANSWER
) -> Array:
    """:func:`span_scores` of the whole from the (2, token) logits of each window: each span's from the window in which
    its middle is most central, −∞ if that does not show all of it."""
    read_in = windows_of_tokens(encoded)
    scores = np.full((len(encoded), min(longest, len(encoded))), -np.inf)
    for number, (start, end) in enumerate(of_windows):
        positions = encoded.window_positions(number)
        own = span_scores(start, end, possible[positions], longest)
        first, length = np.nonzero(np.isfinite(own))
        middle = (positions[first] + positions[first + length]) // 2
        chosen = (read_in[middle] == number) & (positions[first + length] - positions[first] == length)
        scores[positions[first[chosen]], length[chosen]] = own[first[chosen], length[chosen]]
    return scores


def token_logits(model: Model, encoded: Encoded, head: Task) -> Tensor:
    """(token, label) of a head that reads every token, on the CPU. One forward pass per window."""
    if not len(encoded.windows):
        return task_logits(model, [encoded], head)[0]
    each = (encoded.window(number) for number in range(len(encoded.windows)))
    return central_rows(encoded, (task_logits(model, [one], head)[0] for one in each))


def strongest(logits: Sequence[Tensor], *, independent: bool) -> int:
    """The window that the model is most certain about: that with the highest probability of a class, from (class,)
    logits each; with ``independent`` classes, the one furthest from undecided."""
    certain = [float(one.abs().max() if independent else one.softmax(dim=-1).max()) for one in logits]
    return int(np.argmax(certain))


def _of_whole(runner: Runner, part: Part, found: Tensor) -> Tensor:
    """The classes of an answer are tokens: those of the window at their places in the whole input."""
    if not isinstance(runner.decision.target, AnswerTarget | SpanTarget):
        return found
    whole = found.new_full((*found.shape[:-1], runner.decision.length), -torch.inf)
    whole[..., torch.from_numpy(part.positions)] = found
    return whole


def values_replaced(runner: Runner, present: Array, baseline: str) -> Array:
    """As :meth:`Runner.values_replaced`. A window that two variants leave alike is run once."""
    return sum(
        (part.weight * part.runner.values_replaced(present[:, part.positions], baseline) for part in parts(runner)),
        start=np.zeros(len(present)),
    )


def logits_without(runner: Runner, present: Array) -> Tensor:
    """(variant, class) logits on the CPU, as :meth:`Runner.logits_without`. Windows stay the same: what is left out of
    one is not replaced by what follows. A window that two variants leave alike is run once."""
    total = None
    for part in parts(runner):
        rows, back = np.unique(present[:, part.positions], axis=0, return_inverse=True)
        found = None
        for chosen, some in part.runner.logits_without(rows):
            own = _of_whole(runner, part, some.cpu())
            if found is None:
                found = own.new_empty((len(rows), *own.shape[1:]))
            found[chosen] = own
        assert found is not None
        weighted = found[back.ravel()] * part.weight
        total = weighted if total is None else total + weighted
    assert total is not None
    return total
