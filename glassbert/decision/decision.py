"""What an explanation explains: F, one decision of one model about one input.

F is the logit (or the probability) of a target, or its difference from a foil: "NEGATIVE", "he rather than she at token
3", "B follows A". A :class:`Decision` defines it (which task head, which classes, which tokens can be removed, which
baseline represents an empty text) and turns logits into F. It runs nothing: :class:`Runner` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glassbert.errors import OptionError, TaskHeadError, UnsupportedModelError
from glassbert.families import Task
from glassbert.models.pooling import Pooling
from glassbert.network.blocks import has_known_blocks
from glassbert.network.model import Model, word_embeddings
from glassbert.network.own_head import OwnNetwork
from glassbert.network.task_heads import pooled, reads_all_positions
from glassbert.pictures.formats import readable
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    MaskTarget,
    NextSentenceTarget,
    Output,
    SimilarityTarget,
    Target,
    TokenTarget,
)
from glassbert.text.inputs import readable_name

__all__ = ["BASELINES", "PAIR_NAMES", "TASK_OF", "Decision"]

BASELINES = ("pad", "mask", "zero")
PAIR_NAMES = ("B follows A", "B does not follow A")

#: Kind of target → the task head that decides it. A similarity needs none. A discriminator decides a TokenTarget with
#: its head for replaced tokens.
TASK_OF: dict[type[Target], Task] = {
    ClassTarget: "classification",
    NextSentenceTarget: "next_sentence",
    MaskTarget: "masked_words",
    TokenTarget: "token_classification",
    AnswerTarget: "question_answering",
}


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One input and one target, in one unit. Create one with :func:`decide`."""

    model: Model
    encoded: Encoded  # with the mask in place, for a masked word
    target: Target
    target_label: str  # for display: "POSITIVE", "he rather than she"
    output: Output
    class_ids: tuple[int, ...]  # the target's id, then the foil's if there is one
    anchors: Tensor | None = None  # (class, hidden): embeddings of length 1 of the texts that a similarity is to
    #: Whether the length of the embedding counts as a constant in gradients, as AttnLRP asks for (as in a LayerNorm).
    constant_length: bool = False

    # --- the input ----------------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """Tokens, special ones included."""
        return len(self.encoded)

    @property
    def in_windows(self) -> bool:
        """Whether the text is longer than the model reads at once, and read window by window."""
        return len(self.encoded.windows) > 0

    @property
    def kept(self) -> Array:
        """(token,) True where every baseline keeps the token: special tokens and the masked word to predict."""
        kept = self.encoded.special_tokens_mask.astype(bool)
        if isinstance(self.target, MaskTarget):
            kept = kept.copy()
            kept[self.target.position] = True
        return kept

    @property
    def removable(self) -> Array:
        """(token,) True where the token can be removed: the decision can still be made without it."""
        removable = ~self.kept
        if isinstance(self.target, TokenTarget):
            removable[self.target.position] = False
        if isinstance(self.target, AnswerTarget):
            removable[list(self.class_ids)] = False
        return removable

    @property
    def embeddings(self) -> Tensor:
        """(1, token, dimension) in float32, on the model's device: half precision is too coarse for steps and sums.

        Rows of the word-embedding table, before positions, segments and LayerNorm are added.
        """
        return word_embeddings(self.model, torch.tensor(self.encoded.input_ids)[None]).detach().float()

    def baseline_embeddings(self, baseline: str) -> Tensor:
        """(1, token, dimension): [PAD], [MASK] or zero replaces every token that is not kept. Raises OptionError."""
        if baseline not in BASELINES:
            raise OptionError(f"baseline must be one of {', '.join(BASELINES)}; got {baseline!r}")
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

    # --- the head that decides ----------------------------------------------------------------------------------

    @property
    def head(self) -> Task:
        """The task head whose logits these are. Raises TaskHeadError for a similarity, which has none."""
        if isinstance(self.target, SimilarityTarget):
            raise TaskHeadError("a similarity is the cosine of two embeddings: no task head decides it")
        if isinstance(self.target, TokenTarget) and "replaced_tokens" in self.model.task_heads:
            return "replaced_tokens"
        return TASK_OF[type(self.target)]

    @property
    def pooling(self) -> Pooling:
        """How the last states become the embedding that a similarity compares."""
        assert isinstance(self.target, SimilarityTarget)
        assert self.target.pooling is not None
        return self.target.pooling

    @property
    def position(self) -> int:
        """The token whose last state the head reads: the mask, the labelled token, the answer's end point, or [CLS]."""
        if isinstance(self.target, AnswerTarget):
            return self.target.position or 0  # None only while the most likely position is being determined
        return self.target.position if isinstance(self.target, MaskTarget | TokenTarget) else 0

    @property
    def reads_all(self) -> bool:
        """Whether the head reads all last states, usually their mean, as in many sentence encoders."""
        if isinstance(self.target, SimilarityTarget):
            return self.pooling == "mean"
        return isinstance(self.target, ClassTarget) and reads_all_positions(self.model)

    @property
    def readers(self) -> Array:
        """(token,): the share that each last state has in what the head reads; 1 for the token at ``position``.

        Raises UnsupportedModelError for a head of the user's own that weights them otherwise.
        """
        if self.own_head is not None and self.own_head.reads == "other":
            raise UnsupportedModelError(
                "this needs to know which last states the head reads, and a head of your own is known to read that of "
                "[CLS], or the mean of all, only if it does nothing else: choose a gradient or a perturbation method"
            )
        if self.reads_all:
            return np.full(self.length, 1 / self.length, dtype=np.float32)
        shares = np.zeros(self.length, dtype=np.float32)
        shares[self.position] = 1
        return shares

    @property
    def own_head(self) -> OwnNetwork | None:
        """The network, if a head of the user's own decides."""
        own = self.model.network
        return own if isinstance(own, OwnNetwork) and isinstance(self.target, ClassTarget) else None

    def require_last_layer_only(self, what: str) -> None:
        """Raise UnsupportedModelError if a head of the user's own reads states of other layers as well."""
        if self.own_head is not None and not self.own_head.last_layer_only:
            raise UnsupportedModelError(
                f"{what} follows the answer back from the last layer, and this head of your own is not known to read "
                "that one alone: choose a gradient or a perturbation method, or compare with gb.ablate(model, heads)"
            )

    @property
    def reads_one_position(self) -> bool:
        """Whether the last layer needs that token only: the head of this target reads no other state."""
        if not isinstance(self.target, ClassTarget | MaskTarget | NextSentenceTarget) or self.model.ablated_heads:
            return False
        if self.reads_all or self.own_head is not None:
            return False
        return has_known_blocks(self.model.network)

    @property
    def is_independent(self) -> bool:
        """Whether the class is decided independently of all others: a label of a multi-label classifier, "replaced"."""
        if isinstance(self.target, TokenTarget):
            return self.head == "replaced_tokens"
        return self.model.multi_label and isinstance(self.target, ClassTarget)

    @property
    def is_regression(self) -> bool:
        """Whether the value is a score, of a regression or a cosine, which has no probability and decides nothing."""
        if isinstance(self.target, SimilarityTarget):
            return True
        return self.model.regression and isinstance(self.target, ClassTarget)

    @property
    def threshold(self) -> float:
        """The probability above which the second of two classes is the answer; 0.5 where the largest logit decides."""
        between_two = len(self.model.labels) == 2 and not self.model.multi_label and not self.model.regression
        return self.target.threshold if isinstance(self.target, ClassTarget) and between_two else 0.5

    def class_name(self, index: int) -> str:
        """The name of a class of this target's head: a label, a vocabulary string, "B follows A"."""
        match self.target:
            case ClassTarget() | TokenTarget():
                return self.model.labels[index]
            case MaskTarget():
                return readable_name(self.model, index)
            case AnswerTarget():
                return readable(self.encoded.tokens[index], self.encoded.spelling)
            case SimilarityTarget() as target:
                return f"similarity to “{clipped((target.other, target.foil or '')[index], 60)}”"
            case _:
                return PAIR_NAMES[index]

    def cosines(self, states: Tensor, mask: Tensor) -> Tensor:
        """The "logits" of a similarity: cosines of the embedding with the anchors, (input, class).

        ``states`` (input, token, hidden) are the last ones; ``mask`` as for `network.task_heads.pooled`.
        """
        assert self.anchors is not None
        embedding = pooled(states, mask, self.pooling)
        length = embedding.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        unit: Tensor = embedding / (length.detach() if self.constant_length else length)
        return unit @ self.anchors.to(embedding.device).T

    # --- from logits to F ---------------------------------------------------------------------------------------

    def value(self, logits: Tensor) -> Tensor:
        """(input, class) logits → F, (input,). Differentiable. The classes of an AnswerTarget are the tokens."""
        if self.output == "probability":
            if isinstance(self.target, AnswerTarget):  # answers are in the second text only
                context = torch.from_numpy(self.encoded.sequence_ids == 1).to(logits.device)
                logits = logits.masked_fill(~context, -torch.inf)
            logits = logits.sigmoid() if self.is_independent else logits.softmax(dim=-1)
        value = logits[:, self.class_ids[0]]
        return value - logits[:, self.class_ids[1]] if len(self.class_ids) > 1 else value

    def deciding(self, logits: Array) -> Array:
        """(input, class) logits of which the largest decides: those of the second of two classes are lowered by the
        log odds of the threshold."""
        if self.threshold == 0.5:
            return logits
        lowered = logits.copy()
        lowered[:, 1] -= np.log(self.threshold / (1 - self.threshold))
        return lowered

    def answers(self, logits: Array) -> tuple[str, ...]:
        """The predictions, (input,): the class with the highest of the (input, class) logits, or by the threshold.

        A multi-label classifier decides each label independently: the target label, or "not" that label. A regression
        decides nothing: its answer is always the target.
        """
        if self.is_regression:
            return (self.class_name(self.class_ids[0]),) * len(logits)
        if not self.is_independent:
            return tuple(self.class_name(int(index)) for index in self.deciding(logits).argmax(axis=1))
        asked = self.class_ids[0]
        name = self.class_name(asked)
        return tuple(name if logit > 0 else f"not {name}" for logit in logits[:, asked])

    def leads(self, logits: Array, original: Array) -> Array:
        """The margin of the prediction of ``original`` (class,), (input,), in logits: below 0, it has flipped."""
        asked, decided = self.class_ids[0], int(self.deciding(original[None])[0].argmax())
        ahead: Array
        if self.is_independent:
            ahead = logits[:, asked] * (1.0 if original[asked] > 0 else -1.0)
        else:
            logits = self.deciding(logits)
            ahead = logits[:, decided] - np.delete(logits, decided, axis=1).max(axis=1)
        return ahead
