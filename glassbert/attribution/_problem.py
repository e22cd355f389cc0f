"""The function F that an attribution explains: one input, one target, as a function of word embeddings.

F is the target's logit (or probability), or the difference from a foil. Word embeddings are the table's rows, before
positions, segments and LayerNorm are added.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.encoder import (
    Batch,
    Model,
    batch,
    encoder_of,
    network_inputs,
    next_sentence_logits,
    require_head,
    vocabulary_logits,
    word_embeddings,
)
from glassbert.errors import OptionError, TargetError
from glassbert.inputs import mask_positions, token_name, with_masks
from glassbert.results import Encoded, Output
from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget, Target

BASELINES = ("pad", "mask", "zero")
_PAIR_NAMES = ("B follows A", "B does not follow A")

# Activations kept for the backward pass, in floats per token: about 34 hidden vectors a layer (Korthikanti et al.
# 2022 count 34 bytes in half precision) and 5 attention maps a head.
_HIDDEN_COPIES, _ATTENTION_COPIES = 17, 5
_MEMORY_BYTES = 512 * 2**20


@dataclass(slots=True)
class _Passes:
    """How many inputs went through the network, the one that found the target included."""

    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One input and one target, ready to be explained. Make one with :func:`pose`."""

    model: Model
    encoded: Encoded
    target: Target
    target_label: str
    output: Output
    class_ids: tuple[int, ...]  # the target's id, then the foil's if there is one
    passes: _Passes = field(default_factory=_Passes)

    @property
    def length(self) -> int:
        return len(self.encoded)

    @property
    def embeddings(self) -> Tensor:
        """(1, token, dimension) in float32, on the model's device: steps and sums need more digits than half has."""
        return word_embeddings(self.model, torch.tensor(self.encoded.input_ids)[None]).detach().float()

    @property
    def kept(self) -> np.ndarray[Any, Any]:
        """(token,) True where every baseline keeps the token: special tokens and the masked word asked about."""
        kept = self.encoded.special_tokens_mask.astype(bool)
        if isinstance(self.target, MaskTarget):
            kept = kept.copy()
            kept[self.target.position] = True
        return kept

    @property
    def explained_position(self) -> int:
        """The position whose state the head reads: the mask, or [CLS]."""
        return self.target.position if isinstance(self.target, MaskTarget) else 0

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

    def value(self, embeddings: Tensor) -> Tensor:
        """F for each row of word embeddings: (input, token, dimension) → (input,). Differentiable."""
        return self.contrast(self.logits(embeddings))

    def value_and_attention(self, embeddings: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """F and the attention weights it was computed with, a (input, head, query, key) tensor a layer."""
        logits, weights = self._run(embeddings, nullcontext, attention=True)
        return self.contrast(logits), weights

    def logits(self, embeddings: Tensor, hooks: Callable[[], AbstractContextManager[None]] = nullcontext) -> Tensor:
        """(input, class) logits of the target's head; ``hooks`` are on the network during this pass and no other."""
        return self._run(embeddings, hooks, attention=False)[0]

    def contrast(self, logits: Tensor) -> Tensor:
        """(input, class) logits → F, (input,)."""
        if self.output == "probability":
            many = self.model.multi_label and isinstance(self.target, ClassTarget)
            logits = logits.sigmoid() if many else logits.softmax(dim=-1)
        value = logits[:, self.class_ids[0]]
        return value - logits[:, self.class_ids[1]] if len(self.class_ids) > 1 else value

    def class_name(self, index: int) -> str:
        """What the head of this target calls its class: a label, a vocabulary string, "B follows A"."""
        if isinstance(self.target, ClassTarget):
            return self.model.labels[index]
        return token_name(self.model, index) if isinstance(self.target, MaskTarget) else _PAIR_NAMES[index]

    def _run(
        self, embeddings: Tensor, hooks: Callable[[], AbstractContextManager[None]], *, attention: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        count = len(embeddings)
        self.passes.count += count
        one = batch(self.model, [self.encoded])
        inputs = Batch(
            *(tensor.expand(count, -1) for tensor in (one.input_ids, one.attention_mask, one.token_type_ids))
        )

        def work(device: str) -> tuple[Tensor, tuple[Tensor, ...]]:
            rows = embeddings.to(device, self.model.network.dtype)
            with hooks():
                return self._scores(network_inputs(self.model, inputs, device, rows), attention)

        return self.model.run(work)

    def _scores(self, arguments: dict[str, Tensor], attention: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(input, class) logits of the head the target belongs to, and the attention weights."""
        if isinstance(self.target, ClassTarget):
            output = self.model.network(**arguments, output_attentions=attention)
            logits = output.logits
        else:
            output = encoder_of(self.model)(**arguments, output_attentions=attention)
            if isinstance(self.target, MaskTarget):
                # the vocabulary head at the masked position only: half the cost, the same numbers
                logits = vocabulary_logits(self.model, output.last_hidden_state[:, self.target.position])
            else:
                logits = next_sentence_logits(self.model, output.pooler_output)
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


def pose(model: Model, encoded: Encoded, target: Target | int | str | None, output: Output) -> Problem:
    """Check the target against the model and fill in what was left open.

    ``None`` is the predicted class; without a classifier the first typed mask; without one the next sentence of a
    pair. Raises TargetError, HeadError, OptionError.
    """
    if output not in ("logit", "probability"):
        raise OptionError(f"output {output!r} is not known; valid are logit, probability")
    if target is None:
        target = _default_target(model, encoded)
    if isinstance(target, str | Integral):
        target = ClassTarget(target)
    if isinstance(target, MaskTarget):
        return _pose_mask(model, encoded, target, output)
    if isinstance(target, ClassTarget):
        return _pose_class(model, encoded, target, output)
    if not isinstance(target, NextSentenceTarget):
        raise TargetError(
            f"{target!r} is no target; valid are a class id or name, ClassTarget, MaskTarget and NextSentenceTarget"
        )
    require_head(model, "next_sentence")
    if len(encoded.texts) != 2:
        raise TargetError("the next-sentence target needs two texts: give a second one")
    index = 0 if target.is_next else 1
    return Problem(model, encoded, target, _PAIR_NAMES[index], output, (index,))


def _default_target(model: Model, encoded: Encoded) -> Target:
    if "classification" in model.heads:
        return ClassTarget()
    masks = mask_positions(model, encoded)
    if "masked_words" in model.heads and masks:
        return MaskTarget(masks[0])
    if "next_sentence" in model.heads and len(encoded.texts) == 2:
        return NextSentenceTarget()
    if "masked_words" in model.heads:
        raise TargetError(
            f"there is nothing to explain yet: type a {model.mask_token} in the text or name a position to mask "
            "(target=MaskTarget(position))"
        )
    raise TargetError(f"{model.source!r} has no head whose decision could be explained; choose a classifier")


def _pose_class(model: Model, encoded: Encoded, target: ClassTarget, output: Output) -> Problem:
    require_head(model, "classification")
    label = _predicted_class(model, encoded) if target.label is None else _label_id(model, target.label)
    foil = None if target.foil is None else _label_id(model, target.foil)
    names, ids = _contrasted(label, foil, lambda index: model.labels[index])
    passes = _Passes(1 if target.label is None else 0)
    return Problem(model, encoded, ClassTarget(label, foil), names, output, ids, passes)


def _predicted_class(model: Model, encoded: Encoded) -> int:
    inputs = batch(model, [encoded])
    with torch.no_grad():
        return model.run(lambda device: int(model.network(**network_inputs(model, inputs, device)).logits.argmax()))


def _pose_mask(model: Model, encoded: Encoded, target: MaskTarget, output: Output) -> Problem:
    masked = with_masks(model, encoded, [target.position])
    token = _first_choice(model, masked, target.position) if target.token is None else _token_id(model, target.token)
    foil = None if target.foil is None else _token_id(model, target.foil)
    names, ids = _contrasted(token, foil, lambda index: token_name(model, index))
    passes = _Passes(1 if target.token is None else 0)
    return Problem(model, masked, MaskTarget(int(target.position), token, foil), names, output, ids, passes)


def _first_choice(model: Model, masked: Encoded, position: int) -> int:
    inputs = batch(model, [masked])

    def work(device: str) -> int:
        hidden = encoder_of(model)(**network_inputs(model, inputs, device)).last_hidden_state
        return int(vocabulary_logits(model, hidden[:, position]).argmax())

    with torch.no_grad():
        return model.run(work)


def _contrasted(target: int, foil: int | None, name: Callable[[int], str]) -> tuple[str, tuple[int, ...]]:
    """How the target is called, "A rather than B", and its ids."""
    if foil is None:
        return name(target), (target,)
    if foil == target:
        raise TargetError(f"target and foil are both {name(target)!r}: choose two different ones")
    return f"{name(target)} rather than {name(foil)}", (target, foil)


def _label_id(model: Model, label: int | str) -> int:
    if not isinstance(label, str):
        if 0 <= label < len(model.labels):
            return int(label)
        raise TargetError(f"class {label}: this model has classes 0 to {len(model.labels) - 1}")
    if label in model.labels:
        return model.labels.index(label)
    raise TargetError(f"class {label!r}: this model's classes are {', '.join(model.labels)}")


def _token_id(model: Model, token: int | str) -> int:
    vocabulary = int(model.network.config.vocab_size)
    if not isinstance(token, str):
        if 0 <= token < vocabulary:
            return int(token)
        raise TargetError(f"token id {token}: this model's vocabulary has ids 0 to {vocabulary - 1}")
    known = model.tokenizer.get_vocab().get(token)
    if known is not None:
        return int(known)
    # not a vocabulary string: read it as a word inside a sentence, so that "He" is lower-cased, " he" gets its Ġ
    pieces = model.tokenizer(" " + token.strip(), add_special_tokens=False)["input_ids"]
    if model.tokenizer.unk_token_id in pieces:
        raise TargetError(f"{token!r} has characters that this model's vocabulary does not know: choose another word")
    if len(pieces) != 1:
        raise TargetError(
            f"{token!r} is {len(pieces)} tokens of this model's vocabulary: choose a word that is one token"
        )
    return int(pieces[0])
