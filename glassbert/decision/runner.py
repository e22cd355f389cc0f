"""How a decision is run: its passes counted, batched by length and memory, hooked into, told of and cancelled.

A :class:`Runner` asks the network for F in three ways: of word embeddings, differentiably; of the input with some
tokens replaced; and of the input with some tokens left out. Everything that explains a decision stands on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.decision.decision import Decision
from glassbert.errors import StoppedError
from glassbert.network.batches import batches, inputs_with_gradients
from glassbert.network.model import Batch, Model, batch
from glassbert.network.run import Forward, run
from glassbert.network.single_position import read_at
from glassbert.network.task_heads import head_logits
from glassbert.results import Array, Encoded
from glassbert.targets import AnswerTarget, MaskTarget, TokenTarget

__all__ = ["Passes", "Runner"]

#: A context that puts hooks on the network for one pass.
Hooks = Callable[[], AbstractContextManager[None]]


@dataclass(slots=True)
class Passes:
    """How many inputs went through the network, the one that found the target included; stops when asked to.

    ``watch(count)`` is told before every pass.
    """

    count: int = 0
    watch: Callable[[int], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def add(self, inputs: int) -> None:
        if self.cancelled is not None and self.cancelled():
            raise StoppedError("this was stopped before it was done, so there is no result; start it again to get one")
        if self.watch is not None:
            self.watch(self.count)
        self.count += inputs

    def report(self, progress: Callable[[int, int], None] | None, expected: int) -> None:
        """Call ``progress(passes done, passes expected)`` as it goes; never more done than expected."""
        if progress is not None:
            self.watch = lambda done: progress(done, max(done, expected))


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """Asks one model for F of one decision. Not tied to a thread: each pass takes the model's lock."""

    decision: Decision
    passes: Passes = field(default_factory=Passes)
    #: What methods of one decision share, such as its first-order pass.
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    def on(self, model: Model) -> Runner:
        """The same decision of another model of the same shape, such as one without some heads; shares the count."""
        return Runner(replace(self.decision, model=model), self.passes)

    # --- F of embeddings ----------------------------------------------------------------------------------------

    def value(self, embeddings: Tensor) -> Tensor:
        """F for each row of word embeddings: (input, token, dimension) → (input,). Differentiable."""
        return self.decision.value(self.logits(embeddings))

    def logits(self, embeddings: Tensor, hooks: Hooks = nullcontext) -> Tensor:
        """(input, class) logits of the decision's head; ``hooks`` are on the network during this pass and no other.

        The classes of an AnswerTarget are the tokens of the input. Hooks may make more rows inside the network than
        went in; count those with :attr:`passes`.
        """
        return self.logits_and_attention(embeddings, hooks, attention=False)[0]

    def logits_and_attention(
        self, embeddings: Tensor, hooks: Hooks = nullcontext, *, attention: bool = True
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The logits, and the attention weights they were computed with: (input, head, query, key) a layer."""
        decision = self.decision
        self.passes.add(len(embeddings))
        one = batch(decision.model, [decision.encoded])
        inputs = one.repeated(len(embeddings))

        def work(device: str) -> tuple[Tensor, tuple[Tensor, ...]]:
            rows = embeddings.to(device, decision.model.network.dtype)
            forward = Forward(decision.model, inputs, device, rows)
            if hooks is nullcontext and not attention:
                return self.logits_of(forward, torch.tensor([decision.position])), ()
            with hooks():
                # one position for all: hooks may have made more rows inside the network than went in
                return self.read(forward, torch.tensor([decision.position]), attention=attention)

        return decision.model.run(work)

    # --- F of the input with tokens replaced or left out --------------------------------------------------------

    def values_replaced(self, present: Array, baseline: str = "mask") -> Array:
        """F with the baseline's token in place of those not present: (variant, token) of bool → (variant,) float64.

        Tokens that every baseline keeps are present whatever is asked. Equal variants are computed once.
        """
        decision = self.decision
        rows, back = np.unique(present | decision.kept, axis=0, return_inverse=True)
        there, filler = decision.embeddings[0], decision.baseline_embeddings(baseline)[0]
        values = np.empty(len(rows))
        with torch.no_grad():
            for chosen in batches(decision.model, [decision.length] * len(rows)):
                chunk = torch.from_numpy(rows[chosen]).to(there.device)
                mixed = torch.where(chunk[:, :, None], there, filler)
                values[chosen] = self.value(mixed).double().cpu().numpy()
        return values[back.ravel()]

    def values_without(self, present: Array) -> Array:
        """F of the input without the tokens not present: (variant, token) of bool → (variant,) float64.

        Tokens are left out by id: the rest closes up and takes the positions that follow from it; nothing is tokenised
        anew. Tokens that are not removable stay. Equal variants are computed once, those of similar length together.
        """
        rows, back = np.unique(present | ~self.decision.removable, axis=0, return_inverse=True)
        values = np.empty(len(rows))
        for chosen, logits in self.logits_without(rows):
            values[chosen] = self.decision.value(logits).double().cpu().numpy()
        return values[back.ravel()]

    def logits_without(self, present: Array) -> Iterator[tuple[list[int], Tensor]]:
        """The same as (variant, class) logits, batch by batch: which variants, and theirs. No variant is left out."""
        for chosen in batches(self.decision.model, present.sum(axis=1).tolist()):
            with torch.no_grad():
                logits = self._logits_without(present[chosen])
            yield chosen, logits

    def _logits_without(self, present: Array) -> Tensor:
        """(variant, class) logits, all variants in one pass."""
        decision = self.decision
        rows, places = np.nonzero(present)
        lengths = present.sum(axis=1)
        columns = np.concatenate([np.arange(length) for length in lengths])
        shape = (len(present), int(lengths.max()))
        filler = (decision.model.tokenizer.pad_token_id, 0, 0)
        source = (decision.encoded.input_ids, decision.encoded.attention_mask, decision.encoded.token_type_ids)
        tensors = []
        for values, fill in zip(source, filler, strict=True):
            padded = np.full(shape, fill, dtype=np.int64)
            padded[rows, columns] = values[places]
            tensors.append(torch.from_numpy(padded))
        inputs = Batch(*tensors)
        read = torch.from_numpy(present[:, : decision.position].sum(axis=1))
        self.passes.add(len(present))

        def work(device: str) -> Tensor:
            forward = Forward(decision.model, inputs, device)
            if decision.reads_one_position:
                with read_at(decision.model, inputs, read):
                    return self.read(forward, torch.zeros_like(read))[0]
            logits, _ = self.read(forward, read)
            if not isinstance(decision.target, AnswerTarget):
                return logits
            # the classes are tokens: back to the places they have in the whole input
            whole = logits.new_full((len(present), decision.length), -torch.inf)
            whole[torch.from_numpy(rows), torch.from_numpy(places)] = logits[
                torch.from_numpy(rows), torch.from_numpy(columns)
            ]
            return whole

        return decision.model.run(work)

    # --- the same decision about other inputs -------------------------------------------------------------------

    def logits_of_inputs(self, inputs: Sequence[Encoded], positions: Sequence[int]) -> Array:
        """(input, class) float32 logits of other inputs, read at these positions where the target has one.

        One pass an input, those of similar length together.
        """
        model, found = self.decision.model, dict[int, Array]()
        for chosen in batches(model, [len(one) for one in inputs]):
            self.passes.add(len(chosen))
            at = torch.tensor([positions[index] for index in chosen])
            padded = batch(model, [inputs[index] for index in chosen])
            logits = run(model, padded, partial(self._read_to_cpu, positions=at))
            found.update(zip(chosen, logits.numpy(), strict=True))
        return np.stack([found[index] for index in range(len(inputs))])

    def _read_to_cpu(self, forward: Forward, positions: Tensor) -> Tensor:
        return self.read(forward, positions)[0].cpu()

    # --- inside a pass ------------------------------------------------------------------------------------------

    def logits_of(self, forward: Forward, positions: Tensor) -> Tensor:
        """(input, class) logits of embeddings that are ready to run, inside the model's ``run``.

        ``positions``: the token read in each input, or in all. Where the head reads no other, the last layer stops
        there: a sixth less work in six layers, forward and back.
        """
        if not self.decision.reads_one_position:
            return self.read(forward, positions)[0]
        with read_at(forward.model, forward.inputs, positions.expand(forward.rows), embedded=True):
            return self.read(forward, torch.tensor([0]))[0]

    def read(
        self, forward: Forward, positions: Tensor, *, attention: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(input, class) logits at these positions, and the attention weights if asked for, inside a pass."""
        target = self.decision.target
        at = positions if isinstance(target, MaskTarget | TokenTarget) else None
        logits, weights = head_logits(forward, self.decision.head, at, attention=attention)
        if isinstance(target, AnswerTarget):
            logits = logits[:, ("start", "end").index(target.edge)]
        return logits, weights

    @property
    def inputs_with_gradients(self) -> int:
        """How many copies of this input one forward and backward pass may hold, from length and memory."""
        return inputs_with_gradients(self.decision.model, self.decision.length)
