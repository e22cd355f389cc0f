"""The function F that an attribution explains: one input, one target.

F is the target's logit (or probability), or the difference from a foil. It can be asked in three ways: of word
embeddings (the table's rows, before positions, segments and LayerNorm are added), differentiably; of the input with
some tokens replaced; and of the input with some tokens left out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.errors import OptionError, StoppedError
from glassbert.network.batches import batches
from glassbert.network.blocks import has_known_blocks
from glassbert.network.model import (
    Batch,
    Model,
    batch,
    encoder_of,
    network_inputs,
    next_sentence_logits,
    vocabulary_logits,
    word_embeddings,
)
from glassbert.network.single_position import read_at
from glassbert.results import Array, Encoded
from glassbert.targets import AnswerTarget, ClassTarget, MaskTarget, NextSentenceTarget, Output, Target, TokenTarget
from glassbert.text.inputs import token_name

BASELINES = ("pad", "mask", "zero")
PAIR_NAMES = ("B follows A", "B does not follow A")

# Activations kept for the backward pass, in floats per token: about 34 hidden vectors a layer (Korthikanti et al.
# 2022 count 34 bytes in half precision) and 5 attention maps a head.
_HIDDEN_COPIES, _ATTENTION_COPIES = 17, 5
_MEMORY_BYTES = 512 * 2**20


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


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One input and one target, ready to be explained. Make one with :func:`glassbert.decision.pose.pose`."""

    model: Model
    encoded: Encoded
    target: Target
    target_label: str
    output: Output
    class_ids: tuple[int, ...]  # the target's id, then the foil's if there is one
    passes: Passes = field(default_factory=Passes)
    #: What methods of one problem share, such as its first-order pass; never taken over by ``replace``.
    memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def length(self) -> int:
        return len(self.encoded)

    @property
    def embeddings(self) -> Tensor:
        """(1, token, dimension) in float32, on the model's device: steps and sums need more digits than half has."""
        return word_embeddings(self.model, torch.tensor(self.encoded.input_ids)[None]).detach().float()

    @property
    def kept(self) -> Array:
        """(token,) True where every baseline keeps the token: special tokens and the masked word asked about."""
        kept = self.encoded.special_tokens_mask.astype(bool)
        if isinstance(self.target, MaskTarget):
            kept = kept.copy()
            kept[self.target.position] = True
        return kept

    @property
    def removable(self) -> Array:
        """(token,) True where the token can be left out: the decision is still made without it."""
        removable = ~self.kept
        if isinstance(self.target, TokenTarget):
            removable[self.target.position] = False
        if isinstance(self.target, AnswerTarget):
            removable[list(self.class_ids)] = False
        return removable

    @property
    def explained_position(self) -> int:
        """The position whose state the head reads: the mask, the labelled token, the answer's edge, or [CLS]."""
        if isinstance(self.target, AnswerTarget):
            return self.target.position or 0  # left open only while the likeliest is being sought
        return self.target.position if isinstance(self.target, MaskTarget | TokenTarget) else 0

    def baseline_embeddings(self, baseline: str) -> Tensor:
        """(1, token, dimension): [PAD], [MASK] or zero in place of every token that is not kept."""
        if baseline not in BASELINES:
            raise OptionError(f"baseline {baseline!r} is not known; valid are {', '.join(BASELINES)}")
        kept = torch.from_numpy(self.kept)
        tokenizer = self.model.tokenizer
        if baseline == "mask" and tokenizer.mask_token_id is None:
            raise OptionError(f"{self.model.source!r} has no mask token: choose the baseline pad or zero")
        filler = tokenizer.mask_token_id if baseline == "mask" else tokenizer.pad_token_id
        ids = torch.where(kept, torch.tensor(self.encoded.input_ids), torch.tensor(filler))
        embedded = word_embeddings(self.model, ids[None]).detach().float()
        if baseline == "zero":
            embedded = embedded * kept[None, :, None].to(embedded.device, embedded.dtype)
        return embedded

    # --- F of embeddings ----------------------------------------------------------------------------------------

    def value(self, embeddings: Tensor) -> Tensor:
        """F for each row of word embeddings: (input, token, dimension) → (input,). Differentiable."""
        return self.contrast(self.logits(embeddings))

    def value_and_attention(self, embeddings: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """F and the attention weights it was computed with, a (input, head, query, key) tensor a layer."""
        logits, weights = self._run(embeddings, nullcontext, attention=True)
        return self.contrast(logits), weights

    def logits(self, embeddings: Tensor, hooks: Callable[[], AbstractContextManager[None]] = nullcontext) -> Tensor:
        """(input, class) logits of the target's head; ``hooks`` are on the network during this pass and no other.

        The classes of an AnswerTarget are the tokens of the input.
        """
        return self._run(embeddings, hooks, attention=False)[0]

    def contrast(self, logits: Tensor) -> Tensor:
        """(input, class) logits → F, (input,)."""
        if self.output == "probability":
            if isinstance(self.target, AnswerTarget):  # answers are sought in the second text only
                context = torch.from_numpy(self.encoded.sequence_ids == 1).to(logits.device)
                logits = logits.masked_fill(~context, -torch.inf)
            many = self.model.multi_label and isinstance(self.target, ClassTarget)
            logits = logits.sigmoid() if many else logits.softmax(dim=-1)
        value = logits[:, self.class_ids[0]]
        return value - logits[:, self.class_ids[1]] if len(self.class_ids) > 1 else value

    def class_name(self, index: int) -> str:
        """What the head of this target calls its class: a label, a vocabulary string, "B follows A"."""
        match self.target:
            case ClassTarget() | TokenTarget():
                return self.model.labels[index]
            case MaskTarget():
                return token_name(self.model, index)
            case AnswerTarget():
                return self.encoded.tokens[index]
            case _:
                return PAIR_NAMES[index]

    # --- F of the input with tokens replaced or left out --------------------------------------------------------

    def values_replaced(self, present: Array, baseline: str = "mask") -> Array:
        """F with the baseline's token in place of those not present: (variant, token) of bool → (variant,) float64.

        Tokens that every baseline keeps are present whatever is asked. Equal variants are computed once.
        """
        rows, back = np.unique(present | self.kept, axis=0, return_inverse=True)
        there, filler = self.embeddings[0], self.baseline_embeddings(baseline)[0]
        values = np.empty(len(rows))
        with torch.no_grad():
            for chosen in batches(self.model, [self.length] * len(rows)):
                chunk = torch.from_numpy(rows[chosen]).to(there.device)
                mixed = torch.where(chunk[:, :, None], there, filler)
                values[chosen] = self.value(mixed).double().cpu().numpy()
        return values[back.ravel()]

    def values_without(self, present: Array) -> Array:
        """F of the input without the tokens not present: (variant, token) of bool → (variant,) float64.

        Tokens are left out by id: the rest closes up and takes the positions that follow from it; nothing is tokenised
        anew. Tokens that are not removable stay. Equal variants are computed once, those of similar length together.
        """
        rows, back = np.unique(present | ~self.removable, axis=0, return_inverse=True)
        values = np.empty(len(rows))
        with torch.no_grad():
            for chosen in batches(self.model, rows.sum(axis=1).tolist()):
                values[chosen] = self.contrast(self.logits_without(rows[chosen])).double().cpu().numpy()
        return values[back.ravel()]

    def logits_without(self, present: Array) -> Tensor:
        """(variant, class) logits of the input without the tokens that are not present, all variants in one pass."""
        rows, places = np.nonzero(present)
        lengths = present.sum(axis=1)
        columns = np.concatenate([np.arange(length) for length in lengths])
        shape = (len(present), int(lengths.max()))
        filler = (self.model.tokenizer.pad_token_id, 0, 0)
        source = (self.encoded.input_ids, self.encoded.attention_mask, self.encoded.token_type_ids)
        tensors = []
        for values, fill in zip(source, filler, strict=True):
            padded = np.full(shape, fill, dtype=np.int64)
            padded[rows, columns] = values[places]
            tensors.append(torch.from_numpy(padded))
        inputs = Batch(*tensors)
        explained = torch.from_numpy(present[:, : self.explained_position].sum(axis=1))
        self.passes.add(len(present))

        def work(device: str) -> Tensor:
            arguments = network_inputs(self.model, inputs, device)
            if self.reads_one_position:
                with read_at(self.model, inputs, explained):
                    return self._scores(arguments, torch.zeros_like(explained).to(device), attention=False)[0]
            logits, _ = self._scores(arguments, explained.to(device), attention=False)
            if not isinstance(self.target, AnswerTarget):
                return logits
            # the classes are tokens: back to the places they have in the whole input
            whole = logits.new_full((len(present), self.length), -torch.inf)
            whole[torch.from_numpy(rows), torch.from_numpy(places)] = logits[
                torch.from_numpy(rows), torch.from_numpy(columns)
            ]
            return whole

        return self.model.run(work)

    @property
    def reads_one_position(self) -> bool:
        """Whether a pass may end at the position explained: the head of this target reads the state of no other."""
        if not isinstance(self.target, ClassTarget | MaskTarget | NextSentenceTarget) or self.model.ablated_heads:
            return False
        return has_known_blocks(self.model.network)

    # --- forward passes -----------------------------------------------------------------------------------------

    def _run(
        self, embeddings: Tensor, hooks: Callable[[], AbstractContextManager[None]], *, attention: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        count = len(embeddings)
        self.passes.add(count)
        one = batch(self.model, [self.encoded])
        inputs = Batch(
            *(tensor.expand(count, -1) for tensor in (one.input_ids, one.attention_mask, one.token_type_ids))
        )

        def work(device: str) -> tuple[Tensor, tuple[Tensor, ...]]:
            rows = embeddings.to(device, self.model.network.dtype)
            if hooks is nullcontext and not attention:
                return self.scores_of_embeddings(inputs, rows, torch.tensor([self.explained_position])), ()
            with hooks():
                arguments = network_inputs(self.model, inputs, device, rows)
                # one position for all: hooks may have made more rows inside the network than went in
                return self._scores(arguments, torch.tensor([self.explained_position]), attention=attention)

        return self.model.run(work)

    def scores_of_embeddings(self, inputs: Batch, embeddings: Tensor, explained: Tensor) -> Tensor:
        """(input, class) logits of ``embeddings`` in place of the tokens, on the model's device, inside its ``run``.

        ``explained``: the position read in each input, or in all. Where the head reads no other, the last layer stops
        there: a sixth less work in six layers, forward and back.
        """
        arguments = network_inputs(self.model, inputs, str(embeddings.device), embeddings)
        if not self.reads_one_position:
            return self._scores(arguments, explained, attention=False)[0]
        with read_at(self.model, inputs, explained.expand(len(embeddings)), embedded=True):
            return self._scores(arguments, torch.tensor([0]), attention=False)[0]

    def _scores(
        self, arguments: dict[str, Tensor], explained: Tensor, *, attention: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(input, class) logits of the head the target belongs to, and the attention weights.

        ``explained`` is the position read in each input, or the one that is read in all.
        """
        model = self.model
        if isinstance(self.target, ClassTarget | TokenTarget | AnswerTarget):
            output = model.network(**arguments, output_attentions=attention)
            if isinstance(self.target, AnswerTarget):
                logits = output.start_logits if self.target.edge == "start" else output.end_logits
            else:
                logits = output.logits
                logits = logits if isinstance(self.target, ClassTarget) else _at(logits, explained)
        else:
            output = encoder_of(model)(**arguments, output_attentions=attention)
            if isinstance(self.target, MaskTarget):
                # the vocabulary head at the masked position only: half the cost, the same numbers
                logits = vocabulary_logits(model, _at(output.last_hidden_state, explained))
            else:
                logits = next_sentence_logits(model, output.pooler_output)
        return logits.float(), tuple(output.attentions) if attention else ()

    def rows_that_fit(self) -> int:
        """How many copies of this input one forward and backward pass may hold, from length and memory."""
        tokens, model = self.length, self.model
        floats = (
            model.layers
            * tokens
            * (_HIDDEN_COPIES * model.hidden_size + _ATTENTION_COPIES * model.attention_heads * tokens)
        )
        return max(1, _MEMORY_BYTES // (4 * floats))


def _at(states: Tensor, positions: Tensor) -> Tensor:
    """(input, token, …) → (input, …): the row at each input's position, or at the one position given for all."""
    rows = torch.arange(len(states), device=states.device)
    return states[rows, positions.to(states.device).expand(len(states))]
