"""How a decision is run: counting, batching, hooks, progress and cancellation.

A :class:`Runner` evaluates F in three ways: on word embeddings, differentiably; on the input with some tokens replaced;
and on the input with some tokens removed. Everything that explains a decision builds on one. Where the task head reads
a single token, `network/single_position.py` computes the last layer there only: the same numbers up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.decision import _windows
from glassbert.decision.decision import Decision
from glassbert.errors import StoppedError
from glassbert.network.batches import batches, inputs_with_gradients
from glassbert.network.model import Model
from glassbert.network.run import Batch, Forward, batch, forward_pass
from glassbert.network.single_position import only_positions
from glassbert.network.task_heads import head_logits
from glassbert.results import Array
from glassbert.targets import AnswerTarget, EntityTarget, MaskTarget, SimilarityTarget, SpanTarget, TokenTarget

__all__ = ["Passes", "Runner"]

#: A context that installs hooks on the network for one pass.
Hooks = Callable[[], AbstractContextManager[None]]


@dataclass(slots=True)
class Passes:
    """Counts the inputs that went through the network, including the one that found the target; can be cancelled.

    ``watch(count)`` is called before every pass.
    """

    count: int = 0
    watch: Callable[[int], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def add(self, inputs: int) -> None:
        if self.cancelled is not None and self.cancelled():
            raise StoppedError("the computation was cancelled, so there is no result; start it again to get one")
        if self.watch is not None:
            self.watch(self.count)
        self.count += inputs

    def report(self, progress: Callable[[int, int], None] | None, expected: int) -> None:
        """Call ``progress(passes done, passes expected)`` before every pass; never more done than expected."""
        if progress is not None:
            self.watch = lambda done: progress(done, max(done, expected))


@dataclass(frozen=True, slots=True, eq=False)
class Runner:
    """Evaluates F of one decision with one model. Thread-safe: each pass takes the model's lock."""

    decision: Decision
    passes: Passes = field(default_factory=Passes)
    #: Intermediate results that methods share for one decision, such as its first-order pass.
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    def on(self, model: Model) -> Runner:
        """The same decision on another model of the same shape, such as one with ablated heads; shares the count."""
        return Runner(replace(self.decision, model=model), self.passes)

    # --- F of embeddings ----------------------------------------------------------------------------------------

    def value(self, embeddings: Tensor) -> Tensor:
        """F for each row of word embeddings: (input, token, dimension) → (input,). Differentiable."""
        return self.decision.value(self.logits(embeddings))

    def values(self, embeddings: Tensor) -> list[float]:
        """F for each row without gradients, as many rows in a pass as fit."""
        found: dict[int, float] = {}
        with torch.no_grad():
            for chosen in batches(self.decision.model, [embeddings.shape[1]] * len(embeddings)):
                found.update(zip(chosen, self.value(embeddings[chosen]).tolist(), strict=True))
        return [found[row] for row in range(len(embeddings))]

    def logits(self, embeddings: Tensor, hooks: Hooks = nullcontext) -> Tensor:
        """(input, class) logits of the decision's head; ``hooks`` are active only during this pass.

        The classes of an AnswerTarget are the tokens of the input; the logits of an entity and of an answer have three
        axes (:meth:`Decision.value`). Hooks may add rows inside the network; count those
        with :attr:`passes`. A text in windows is read window by window.
        """
        if self.decision.in_windows:
            return _windows.logits(self, embeddings, hooks)
        return self.logits_and_attention(embeddings, hooks, attention=False)[0]

    def logits_and_attention(
        self, embeddings: Tensor, hooks: Hooks = nullcontext, *, attention: bool = True
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The logits, and the attention weights of the same pass: (input, head, query, key) per layer."""
        decision = self.decision
        self.passes.add(len(embeddings))
        one = batch(decision.model, [decision.encoded])
        inputs = one.repeated(len(embeddings))

        def read(forward: Forward) -> tuple[Tensor, tuple[Tensor, ...]]:
            if hooks is nullcontext and not attention:
                return self.logits_of(forward, decision.read_at), ()
            with hooks():
                # one position for all: hooks may have added rows inside the network
                return self.read(forward, decision.read_at, attention=attention)

        return forward_pass(decision.model, inputs, read, embeddings=embeddings)

    # --- F of the input with tokens replaced or left out --------------------------------------------------------

    def values_replaced(self, present: Array, baseline: str = "mask") -> Array:
        """F with absent tokens replaced by the baseline: (variant, token) of bool → (variant,) float64.

        Tokens that every baseline keeps are always present. Equal variants are computed once.
        """
        decision = self.decision
        if decision.in_windows:
            return _windows.values_replaced(self, present, baseline)
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
        """F of the input without the absent tokens: (variant, token) of bool → (variant,) float64.

        Tokens are removed by id: the remaining tokens get consecutive positions, and nothing is tokenised again. Tokens
        that are not removable stay. Equal variants are computed once, and variants of similar length share a pass.
        """
        rows, back = np.unique(present | ~self.decision.removable, axis=0, return_inverse=True)
        values = np.empty(len(rows))
        for chosen, logits in self.logits_without(rows):
            values[chosen] = self.decision.value(logits).double().cpu().numpy()
        return values[back.ravel()]

    def logits_without(self, present: Array) -> Iterator[tuple[list[int], Tensor]]:
        """The same as (variant, class) logits, batch by batch: the indices of the variants, and their logits."""
        if self.decision.in_windows:
            yield list(range(len(present))), _windows.logits_without(self, present)
            return
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
        before = [present[:, :place].sum(axis=1) for place in decision.read_at[0].flatten().tolist()]
        at = torch.from_numpy(np.stack(before, axis=1) if decision.read_at.ndim == 2 else before[0])
        self.passes.add(len(present))

        def read(forward: Forward) -> Tensor:
            if decision.reads_one_position:
                with only_positions(decision.model, inputs, at):
                    return self.read(forward, torch.zeros_like(at))[0]
            logits, _ = self.read(forward, at)
            if not isinstance(decision.target, AnswerTarget | SpanTarget):
                return logits
            # the classes are tokens: scatter them to their positions in the whole input
            whole = logits.new_full((*logits.shape[:-1], decision.length), -torch.inf)
            whole[torch.from_numpy(rows), ..., torch.from_numpy(places)] = logits[
                torch.from_numpy(rows), ..., torch.from_numpy(columns)
            ]
            return whole

        return forward_pass(decision.model, inputs, read)

    # --- inside a pass ------------------------------------------------------------------------------------------

    def logits_of(self, forward: Forward, positions: Tensor) -> Tensor:
        """(input, class) logits of the embeddings in ``forward``, inside the model's ``run``.

        ``positions``: the token read in each input, or in all. If the head reads no other, the last layer computes only
        that one: in six layers, a sixth less work, forward and backward.
        """
        if not self.decision.reads_one_position:
            return self.read(forward, positions)[0]
        with only_positions(forward.model, forward.inputs, positions.expand(forward.rows), embedded=True):
            return self.read(forward, torch.tensor([0]))[0]

    def read(
        self, forward: Forward, positions: Tensor, *, attention: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(input, class) logits at these positions, and the attention weights if requested, inside a pass."""
        target = self.decision.target
        if isinstance(target, SimilarityTarget):
            output = forward.encoder(output_attentions=attention)
            mask = forward.inputs.attention_mask
            if len(mask) != len(output.last_hidden_state):  # hooks have added rows of the one input
                mask = mask[:1]
            return self.decision.cosines(output.last_hidden_state, mask), tuple(output.attentions) if attention else ()
        at = positions if isinstance(target, MaskTarget | TokenTarget | EntityTarget) else None
        logits, weights = head_logits(forward, self.decision.head, at, attention=attention)
        if isinstance(target, AnswerTarget):
            logits = logits[:, ("start", "end").index(target.edge)]
        return logits, weights

    @property
    def inputs_with_gradients(self) -> int:
        """How many copies of this input fit in one forward and backward pass, from length and memory."""
        return inputs_with_gradients(self.decision.model, self.decision.length)
