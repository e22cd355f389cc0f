"""States taken from one run and put into another: where they are, and many patches in one forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from glassbert.decision.problem import Problem
from glassbert.network.blocks import Part, change_input, change_output, see_input, see_output
from glassbert.network.device import work_threads
from glassbert.network.model import batch, network_inputs
from glassbert.results import Array
from glassbert.targets import AnswerTarget

__all__ = ["Kind", "Place", "changed", "patched_values", "run_and_keep"]

Kind = Literal["hidden", "head", "mlp", "attention"]


@dataclass(frozen=True, slots=True)
class Place:
    """One patch: the states of tokens [start, stop) at a layer; of one head, or of the whole width (``head`` 0)."""

    layer: int
    head: int
    start: int
    stop: int


def run_and_keep(problem: Problem, kind: Kind) -> tuple[float, Tensor]:
    """F of the input, and its states of this kind: (layer, token, head, width of a head); one head unless "head".

    Layers of "hidden" count from the embeddings, so there is one more of them.
    """
    model = problem.model
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

    with torch.no_grad(), work_threads(problem.length):
        value = float(problem.contrast(problem.logits(problem.embeddings, hooks))[0])
    states = torch.stack([kept[layer][0] for layer in sorted(kept)])
    return value, _by_head(states, model.attention_heads if kind == "head" else 1)


def changed(problem: Problem, kind: Kind, clean: Tensor, corrupted: Tensor, place: Place) -> bool:
    """Whether F can be another with this patch: its states differ, and the head of the decision can read them."""
    last = problem.model.layers - (kind != "hidden")
    reader = _reader(problem)
    if place.layer == last and reader is not None and not place.start <= reader < place.stop:
        return False  # from here on each token goes its own way, and the decision is read at another one
    where = (place.layer, slice(place.start, place.stop), place.head)
    return not torch.equal(clean[where], corrupted[where])


def patched_values(problem: Problem, kind: Kind, places: Sequence[Place], clean: Tensor) -> Array:
    """F of the problem's input with each of these places, sorted by layer, patched alone; one forward pass.

    Row 0 of the pass is the input as it is. The row of a patch splits off from it at the patch's layer, so the layers
    below are not computed again.
    """
    model, rows = problem.model, 1 + len(places)
    embeddings, inputs = problem.embeddings, batch(problem.model, [problem.encoded])
    explained = torch.full((rows,), problem.explained_position)
    problem.passes.add(rows)

    def work(device: str) -> Tensor:
        arguments = network_inputs(model, inputs, device, embeddings.to(device, model.network.dtype))
        with _patches(problem, kind, places, clean.to(device)):
            # not problem.logits(): that takes as many rows out of the network as it puts in
            return problem._scores(arguments, explained.to(device), attention=False)[0]

    with torch.no_grad(), work_threads(problem.length * rows):
        values: Array = problem.contrast(model.run(work))[1:].double().cpu().numpy()
    return values


@contextmanager
def _patches(problem: Problem, kind: Kind, places: Sequence[Place], clean: Tensor) -> Iterator[None]:
    network, last = problem.model.network, problem.model.layers - 1
    reader = _reader(problem)
    at: dict[int, list[Place]] = {}
    for place in places:
        at.setdefault(place.layer, []).append(place)

    def join(layer: int, states: Tensor) -> Tensor:
        joining = at.get(layer, [])
        if joining:
            states = torch.cat((states, states[:1].expand(len(joining), -1, -1)))
        return patch(layer, states) if kind == "hidden" else states

    def patch(layer: int, states: Tensor) -> Tensor:
        """Write into the rows that joined last; nobody else has seen these states yet, so in place."""
        mine = at.get(layer, [])
        if not mine:
            return states
        spans = [(place.start, place.stop) for place in mine]
        alone = reader is not None and states.shape[1] == 1  # only_reader() has been here
        if reader is not None and alone:
            spans = [(reader, reader + 1)] * len(mine)
        widths = [stop - start for start, stop in spans]
        rows = torch.arange(len(states) - len(mine), len(states)).repeat_interleave(torch.tensor(widths))
        heads = torch.tensor([place.head for place in mine]).repeat_interleave(torch.tensor(widths))
        tokens = torch.cat([torch.arange(*span) for span in spans])
        here = torch.zeros_like(tokens) if alone else tokens
        _by_head(states, clean.shape[2])[rows, here, heads] = clean[layer, tokens, heads].to(states.dtype)
        return states

    def only_reader(layer: int, states: Tensor) -> Tensor:
        """The last layer goes on, after its attention, with the one token that the decision is read at."""
        return states[:, reader : reader + 1] if layer == last and reader is not None else states

    def finish(layer: int, states: Tensor) -> Tensor:
        if layer != last:
            return states
        if reader is not None:
            states = states.expand(-1, problem.length, -1)
        return join(last + 1, states) if kind == "hidden" else states

    with ExitStack() as stack:
        stack.enter_context(change_input(network, "layer", join))
        if problem.model.checkpoint.family.post_norm:  # what LayerNorm gives is the state that goes on
            stack.enter_context(change_output(network, "norm", only_reader))
        stack.enter_context(change_output(network, "layer", finish))
        if kind == "head":
            stack.enter_context(change_input(network, "output", patch))
        elif kind == "attention":
            stack.enter_context(change_output(network, "output", patch))
        elif kind == "mlp":
            stack.enter_context(change_output(network, "feed_forward", patch))
        yield


def _reader(problem: Problem) -> int | None:
    """The one token whose last state decides; None for the edge of an answer, which is chosen among tokens."""
    return None if isinstance(problem.target, AnswerTarget) else problem.explained_position


def _by_head(states: Tensor, heads: int) -> Tensor:
    """(…, token, heads side by side) → (…, token, head, width of a head); a view."""
    return states.view(*states.shape[:-1], heads, states.shape[-1] // heads)
