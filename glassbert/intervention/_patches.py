"""States copied from one run into another: their places, and many patches in one forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from glassbert.decision import Decision, Runner
from glassbert.network.blocks import Part, change_input, change_output, see_input, see_output
from glassbert.network.device import work_threads
from glassbert.network.run import Forward, batch, forward_pass
from glassbert.results import Array
from glassbert.targets import AnswerTarget, EntityTarget, SpanTarget

__all__ = ["Kind", "Place", "changed", "patched_values", "run_and_keep"]

Kind = Literal["hidden", "head", "mlp", "attention"]


@dataclass(frozen=True, slots=True)
class Place:
    """One patch: the states of tokens [start, stop) at a layer; of one head, or of the whole width (``head`` 0)."""

    layer: int
    head: int
    start: int
    stop: int


def run_and_keep(runner: Runner, kind: Kind) -> tuple[float, Tensor]:
    """F of the input, and its states of this kind: (layer, token, head, width of a head); one head unless "head".

    Layers of "hidden" count from the embeddings, so there is one more of them.
    """
    model = runner.decision.model
    kept: dict[int, Tensor] = {}

    def given(part: Part) -> Any:
        return see_input(model.network, part, lambda layer, states, _: kept.update({layer: states[0]}))

    def result(part: Part, later: int = 0) -> Any:
        return see_output(model.network, part, lambda layer, states: kept.update({layer + later: states}))

    @contextmanager
    def hooks() -> Iterator[None]:
        with ExitStack() as stack:
            match kind:
                case "hidden":
                    stack.enter_context(given("layer"))
                    stack.enter_context(result("layer", later=1))
                case "head":
                    stack.enter_context(given("output"))
                case "attention":
                    stack.enter_context(result("output"))
                case "mlp":
                    stack.enter_context(result("feed_forward"))
            yield

    with torch.no_grad(), work_threads(runner.decision.length):
        value = float(runner.decision.value(runner.logits(runner.decision.embeddings, hooks))[0])
    states = torch.stack([kept[layer][0] for layer in sorted(kept)])
    return value, _by_head(states, model.attention_heads if kind == "head" else 1)


def changed(runner: Runner, kind: Kind, clean: Tensor, corrupted: Tensor, place: Place) -> bool:
    """Whether this patch can change F: its states differ, and the decision's head can read them."""
    last = runner.decision.model.layers - (kind != "hidden")
    reader = _reader(runner.decision)
    if place.layer == last and reader is not None and not place.start <= reader < place.stop:
        return False  # after the last layer tokens do not mix, and the decision is read at another one
    where = (place.layer, slice(place.start, place.stop), place.head)
    return not torch.equal(clean[where], corrupted[where])


def patched_values(runner: Runner, kind: Kind, places: Sequence[Place], clean: Tensor) -> Array:
    """F of the input with each of these places, sorted by layer, patched alone; one forward pass.

    Row 0 of the pass is the unmodified input. The row of a patch splits off from it at the patch's layer, so the layers
    below are not computed again.
    """
    decision, rows = runner.decision, 1 + len(places)
    decision.require_last_layer_only("patching")
    model, embeddings, inputs = decision.model, decision.embeddings, batch(decision.model, [decision.encoded])
    runner.passes.add(rows)

    def read(forward: Forward) -> Tensor:
        with _Patching(decision, kind, places, clean.to(forward.device)).hooks():
            # not runner.logits(), which expects as many output rows as input rows
            return runner.read(forward, decision.read_at)[0]

    with torch.no_grad(), work_threads(decision.length * rows):
        values: Array = (
            decision.value(forward_pass(model, inputs, read, embeddings=embeddings))[1:].double().cpu().numpy()
        )
    return values


class _Patching:
    """The hooks of one pass in which rows join at their layer and get their patch.

    After the attention of the last layer, only the token that the decision is read at is kept, if there is one;
    :attr:`narrowed` is true once the states of this pass are reduced to it.
    """

    def __init__(self, decision: Decision, kind: Kind, places: Sequence[Place], clean: Tensor) -> None:
        self.decision, self.kind, self.clean = decision, kind, clean
        self.last = decision.model.layers - 1
        self.reader = _reader(decision)
        self.narrowed = False
        self.at: dict[int, list[Place]] = {}
        for place in places:
            self.at.setdefault(place.layer, []).append(place)

    @contextmanager
    def hooks(self) -> Iterator[None]:
        network = self.decision.model.network
        with ExitStack() as stack:
            stack.enter_context(change_input(network, "layer", self.join))
            if self.decision.model.checkpoint.family.post_norm:  # the output of LayerNorm is the next state
                stack.enter_context(change_output(network, "norm", self.narrow))
            stack.enter_context(change_output(network, "layer", self.widen))
            if self.kind == "head":
                stack.enter_context(change_input(network, "output", self.patch))
            elif self.kind == "attention":
                stack.enter_context(change_output(network, "output", self.patch))
            elif self.kind == "mlp":
                stack.enter_context(change_output(network, "feed_forward", self.patch))
            yield

    def join(self, layer: int, states: Tensor) -> Tensor:
        """The rows whose patch is at this layer split off from row 0."""
        joining = self.at.get(layer, [])
        if joining:
            states = torch.cat((states, states[:1].expand(len(joining), -1, -1)))
        return self.patch(layer, states) if self.kind == "hidden" else states

    def narrow(self, layer: int, states: Tensor) -> Tensor:
        """After its attention, the last layer continues with only the token that the decision is read at."""
        if layer != self.last or self.reader is None:
            return states
        self.narrowed = True
        return states[:, self.reader : self.reader + 1]

    def widen(self, layer: int, states: Tensor) -> Tensor:
        """Back to the width that the head expects, and the patches of the network's output."""
        if layer != self.last:
            return states
        if self.narrowed:
            states = states.expand(-1, self.decision.length, -1)
            self.narrowed = False
        return self.join(self.last + 1, states) if self.kind == "hidden" else states

    def patch(self, layer: int, states: Tensor) -> Tensor:
        """Write into the rows that joined last, in place: nothing else has used these states yet."""
        mine = self.at.get(layer, [])
        if not mine:
            return states
        spans = [(place.start, place.stop) for place in mine]
        if self.narrowed:
            assert self.reader is not None
            spans = [(self.reader, self.reader + 1)] * len(mine)
        widths = torch.tensor([stop - start for start, stop in spans])
        rows = torch.arange(len(states) - len(mine), len(states)).repeat_interleave(widths)
        heads = torch.tensor([place.head for place in mine]).repeat_interleave(widths)
        tokens = torch.cat([torch.arange(*span) for span in spans])
        here = torch.zeros_like(tokens) if self.narrowed else tokens
        clean = self.clean
        _by_head(states, clean.shape[2])[rows, here, heads] = clean[layer, tokens, heads].to(states.dtype)
        return states


def _reader(decision: Decision) -> int | None:
    """The one token whose last state decides; None for an answer, which is chosen among tokens, for an entity, and for
    a head that reads the mean of all."""
    several = isinstance(decision.target, AnswerTarget | EntityTarget | SpanTarget)
    return None if several or decision.reads_all else decision.position


def _by_head(states: Tensor, heads: int) -> Tensor:
    """(…, token, heads side by side) → (…, token, head, width of a head); a view."""
    return states.view(*states.shape[:-1], heads, states.shape[-1] // heads)
