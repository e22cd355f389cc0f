"""What an explanation explains: F, one decision of one model about one input.

F is the logit (or the probability) of a target, or its difference from a foil: "NEGATIVE", "he rather than she at token
3", "B follows A". A :class:`Decision` defines it (which task head, which classes, which tokens can be removed, which
baseline represents an empty text) and turns logits into F. It runs nothing: :class:`Runner` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from glassbert.decision.spans import best_span, can_answer, lead_of_span, of_types
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
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    Output,
    SimilarityTarget,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.text.entity_labels import types_of
from glassbert.text.inputs import readable_name

__all__ = ["BASELINES", "NO_ANSWER", "PAIR_NAMES", "TASK_OF", "Decision"]

BASELINES = ("pad", "mask", "zero")
PAIR_NAMES = ("B follows A", "B does not follow A")
NO_ANSWER = "no answer"

#: Kind of target → the task head that decides it. A similarity needs none. A discriminator decides a TokenTarget with
#: its head for replaced tokens.
TASK_OF: dict[type[Target], Task] = {
    ClassTarget: "classification",
    NextSentenceTarget: "next_sentence",
    MaskTarget: "masked_words",
    TokenTarget: "token_classification",
    EntityTarget: "token_classification",
    SpanTarget: "question_answering",
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
    #: (token, type) of an entity: the label of each type at each of its tokens.
    labels_by_type: Array | None = None

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
        if isinstance(self.target, EntityTarget):
            removable[self.target.start : self.target.end] = False
        if isinstance(self.target, AnswerTarget):
            removable[list(self.class_ids)] = False
        if isinstance(self.target, SpanTarget):
            removable[[place for one in self.class_ids for place in self.span(one)]] = False
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
        """The token whose last state the head reads: the mask, the labelled token, the answer's end point, or [CLS].

        Of an entity or an answer, the first of :attr:`positions`.
        """
        if isinstance(self.target, AnswerTarget):
            return self.target.position or 0  # None only while the most likely position is being determined
        if isinstance(self.target, EntityTarget | SpanTarget):
            return self.target.start or 0
        return self.target.position if isinstance(self.target, MaskTarget | TokenTarget) else 0

    @property
    def positions(self) -> tuple[int, ...]:
        """The tokens whose last states F is read from: all of an entity, the two ends of an answer, or one."""
        if isinstance(self.target, EntityTarget):
            return tuple(range(self.target.start, self.target.end))
        if isinstance(self.target, SpanTarget):
            return (self.target.start or 0, self.target.end or 0)
        return (self.position,)

    @property
    def read_at(self) -> Tensor:
        """Where the head's logits are read, as `network.task_heads` takes it: (1,), those of an entity (1, token)."""
        if isinstance(self.target, EntityTarget):
            return torch.tensor([self.positions])
        return torch.tensor([self.position])

    @property
    def reads_all(self) -> bool:
        """Whether the head reads all last states, usually their mean, as in many sentence encoders."""
        if isinstance(self.target, SimilarityTarget):
            return self.pooling == "mean"
        return isinstance(self.target, ClassTarget) and reads_all_positions(self.model)

    @property
    def readers(self) -> Array:
        """(token,): the share that each last state has in what the head reads; of :attr:`positions`, equal ones.

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
        np.add.at(shares, list(self.positions), 1 / len(self.positions))
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
            case EntityTarget():
                return types_of(self.model.labels)[index]
            case SpanTarget():
                return self.text_of(*self.span(index)) if index else NO_ANSWER
            case MaskTarget():
                return readable_name(self.model, index)
            case AnswerTarget():
                return readable(self.encoded.tokens[index], self.encoded.spelling)
            case SimilarityTarget() as target:
                return f"similarity to “{clipped((target.other, target.foil or '')[index], 60)}”"
            case _:
                return PAIR_NAMES[index]

    def span(self, index: int) -> tuple[int, int]:
        """The first and last token of a class of a SpanTarget."""
        return divmod(index, self.length)

    def class_of_span(self, first: int, last: int) -> int:
        """The class of a SpanTarget that is this span."""
        return first * self.length + last

    def text_of(self, first: int, last: int) -> str:
        """What the text has from the first to the last of these tokens."""
        text = self.encoded.texts[int(self.encoded.sequence_ids[first])]
        return text[self.encoded.offsets[first, 0] : self.encoded.offsets[last, 1]]

    @property
    def possible(self) -> Array:
        """(token,) bool: where the answer of a SpanTarget can start or end."""
        assert isinstance(self.target, SpanTarget)
        return can_answer(self.encoded, no_answer=bool(self.target.no_answer))

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
        """(input, class) logits → F, (input,). Differentiable. The classes of an AnswerTarget are the tokens.

        The logits of an EntityTarget are (input, token of the entity, label), those of a SpanTarget (input, 2, token).
        """
        if self.output == "probability":
            if isinstance(self.target, AnswerTarget | SpanTarget):  # answers are in the second text only
                context = self.encoded.sequence_ids == 1 if isinstance(self.target, AnswerTarget) else self.possible
                logits = logits.masked_fill(~torch.from_numpy(context).to(logits.device), -torch.inf)
            logits = logits.sigmoid() if self.is_independent else logits.softmax(dim=-1)
        value, *foil = (self._of_class(logits, index) for index in self.class_ids)
        return value - foil[0] if foil else value

    def _of_class(self, scores: Tensor, index: int) -> Tensor:
        """(input,): the logit or probability of one class."""
        match self.target:
            case EntityTarget():
                assert self.labels_by_type is not None
                labels = self.labels_by_type[:, index]
                return scores[:, torch.arange(len(labels)), torch.from_numpy(labels)].mean(dim=1)
            case SpanTarget():
                first, last = self.span(index)
                start, end = scores[:, 0, first], scores[:, 1, last]
                return start * end if self.output == "probability" else start + end
            case _:
                return scores[:, index]

    def probability(self, logits: Array, index: int | None = None) -> Array:
        """The probability of a class, None: of the target, (input,) float64. That of an entity's type is the mean over
        its tokens of its likeliest label."""
        asked = self.class_ids[0] if index is None else index
        if isinstance(self.target, EntityTarget):
            shares = torch.tensor(logits).double().softmax(dim=-1).numpy()
            likeliest: Array = of_types(shares, self.model.labels)[:, asked]
            return likeliest
        found = replace(self, output="probability", class_ids=(asked,)).value(torch.from_numpy(logits))
        return found.double().numpy()

    def deciding(self, logits: Array) -> Array:
        """(input, class) logits of which the largest decides: those of the second of two classes are lowered by the
        log odds of the threshold; the types of an entity have the mean over its tokens of their highest label."""
        if isinstance(self.target, EntityTarget):
            return of_types(logits, self.model.labels)
        if self.threshold == 0.5:
            return logits
        lowered = logits.copy()
        lowered[:, 1] -= np.log(self.threshold / (1 - self.threshold))
        return lowered

    def decided(self, logits: Array) -> Array:
        """The class that is predicted, (input,): that with the highest logit, by the threshold, or the best span."""
        if isinstance(self.target, SpanTarget):
            best = (best_span(row, self.possible) for row in logits)
            return np.asarray([self.class_of_span(first, last) for first, last, _ in best], dtype=np.int64)
        found: Array = self.deciding(logits).argmax(axis=1)
        return found

    def runner_up(self, logits: Array) -> int | None:
        """The class after the predicted one, of the logits of one input; None where there is no other."""
        decided = int(self.decided(logits[None])[0])
        if isinstance(self.target, SpanTarget):
            first, last, score = best_span(logits, self.possible, beside=self.span(decided))
            return self.class_of_span(first, last) if np.isfinite(score) else None
        rows = logits if not isinstance(self.target, EntityTarget) else self.deciding(logits[None])[0]
        order = np.argsort(-rows, kind="stable")
        return next((int(one) for one in order if one != decided), None)

    def answers(self, logits: Array) -> tuple[str, ...]:
        """The predictions, (input,): the class with the highest of the (input, class) logits, or by the threshold.

        A multi-label classifier decides each label independently: the target label, or "not" that label. A regression
        decides nothing: its answer is always the target.
        """
        if self.is_regression:
            return (self.class_name(self.class_ids[0]),) * len(logits)
        if not self.is_independent:
            return tuple(self.class_name(int(index)) for index in self.decided(logits))
        asked = self.class_ids[0]
        name = self.class_name(asked)
        return tuple(name if logit > 0 else f"not {name}" for logit in logits[:, asked])

    def leads(self, logits: Array, original: Array) -> Array:
        """The margin of the prediction of ``original`` (class,), (input,), in logits: below 0, it has flipped."""
        ahead: Array
        if self.is_independent:
            asked = self.class_ids[0]
            ahead = logits[:, asked] * (1.0 if original[asked] > 0 else -1.0)
            return ahead
        return self.ahead(logits, int(self.decided(original[None])[0]))

    def ahead(self, logits: Array, index: int) -> Array:
        """The margin of a class over the best other one, (input,), in logits; infinite where there is no other. Answers
        that overlap are one: "in 1891" is not another answer than "1891".
        """
        if isinstance(self.target, SpanTarget):
            margins: Array = np.asarray([lead_of_span(row, self.possible, self.span(index)) for row in logits])
            return margins
        logits = self.deciding(logits)
        others_of = np.delete(logits, index, axis=1)
        found: Array = logits[:, index] - others_of.max(axis=1, initial=-np.inf)
        return found
