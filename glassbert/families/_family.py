"""The record of an encoder family: where its stock network and its weights keep what GlassBERT reads.

Names and numbers only. A path is dotted, as ``named_modules`` of the stock network writes it; each field says where it
starts. What a family leaves out it cannot do: code that needs it asks for a :data:`CAPABILITIES` by name, or takes
the way that is always right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

__all__ = [
    "CAPABILITIES",
    "HEADS",
    "Capability",
    "EmbeddingNames",
    "Family",
    "Head",
    "LayerNames",
    "TaskHead",
    "Variant",
]

Head = Literal["masked_words", "next_sentence", "classification", "token_classification", "question_answering"]

#: Head id → what it answers, for messages and menus.
HEADS: dict[Head, str] = {
    "masked_words": "masked words",
    "next_sentence": "next sentence",
    "classification": "text classification",
    "token_classification": "token classification",
    "question_answering": "question answering",
}

Capability = Literal["known_layers", "post_norm", "plain_feed_forward", "plain_scores"]

#: What a method may need of a family → the words for it in a message.
CAPABILITIES: dict[Capability, str] = {
    "known_layers": "layers whose modules GlassBERT knows",
    "post_norm": "a LayerNorm after each residual connection",
    "plain_feed_forward": "a feed-forward part of two Linears with an activation in between",
    "plain_scores": "attention scores that come from queries and keys alone",
}

#: Stock class of a task → the heads it has. The first whose heads are all in the weights is taken.
_TASKS: dict[str, tuple[Head, ...]] = {
    "ForSequenceClassification": ("classification",),
    "ForTokenClassification": ("token_classification",),
    "ForQuestionAnswering": ("question_answering",),
    "ForPreTraining": ("masked_words", "next_sentence"),
    "ForMaskedLM": ("masked_words",),
    "ForNextSentencePrediction": ("next_sentence",),
}
#: Stock classes call the last Linear of several tasks this, whether it scores whole texts, single tokens or the
#: choices of an exam question.
_SHARED_NAME = "classifier"


@dataclass(frozen=True, slots=True)
class Variant:
    """One stock transformers class: the heads it has and the tensors that must be in the weights for them.

    ``tensors`` are names as :meth:`Family.canonical` writes them, ``label_tensor`` the one with a row a label, in
    variants that have labels. ``needs_architecture`` marks a head whose tensor names are shared by two tasks: only the
    config's ``architectures`` knows which.
    """

    class_name: str
    heads: tuple[Head, ...]
    tensors: tuple[str, ...]
    needs_architecture: bool = False
    label_tensor: str | None = None

    @property
    def task(self) -> str:
        """The class name without the family: "ForMaskedLM"."""
        return self.class_name[self.class_name.index("For") :]


@dataclass(frozen=True, slots=True)
class LayerNames:
    """Paths inside one layer."""

    attention: str  # hidden states → (heads side by side, weights)
    query: str  # Linear: hidden states → queries, heads side by side
    key: str  # Linear: hidden states → keys, the same
    value: str  # Linear: hidden states → values, the same
    output: str  # Linear: heads side by side → hidden
    norm: str  # LayerNorm that reads attention output + residual
    feed_forward: str  # Linear: the wide inner layer → hidden, what the feed-forward part adds
    #: Linear: hidden → the wide inner layer, read by the activation; None where the feed-forward part is gated (GLU).
    widen: str | None = None
    #: LayerNorm that reads feed-forward output + residual; None where LayerNorm comes before each part (pre-norm).
    last_norm: str | None = None

    def paths(self) -> dict[str, str | None]:
        return {part.name: getattr(self, part.name) for part in fields(self)}


@dataclass(frozen=True, slots=True)
class EmbeddingNames:
    """Paths inside the encoder, from ids to what the first layer reads."""

    words: str = "embeddings.word_embeddings"
    #: The table of absolute positions; None where there is none (relative or rotary positions).
    positions: str | None = "embeddings.position_embeddings"
    segments: str | None = "embeddings.token_type_embeddings"
    norm: str = "embeddings.LayerNorm"  # reads their sum


@dataclass(frozen=True, slots=True)
class TaskHead:
    """One head, in paths inside the task network.

    ``chain``: the Linears and LayerNorms between the last hidden state and the logits, in order; anything between two
    of them is an elementwise function. ``modules``: what is called in turn to run this head alone, on the last hidden
    states or, where the chain begins with the pooler, on what that returns; only where a head is run alone.
    """

    chain: tuple[str, ...]
    modules: tuple[str, ...] = ()

    def contains(self, path: str) -> bool:
        """Whether this module is a part of the head."""
        return any(f"{path}.".startswith(f"{own}.") for own in (*self.chain, *self.modules))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """One ``model_type`` of transformers. What is left at its default is absent, or as in the first BERT."""

    model_type: str
    label: str
    class_prefix: str  # of the stock classes: "Bert" in BertForMaskedLM
    prefix: str  # the encoder's path inside the task networks
    heads: Mapping[Head, TaskHead]

    embeddings: EmbeddingNames = field(default_factory=EmbeddingNames)
    pooler: str | None = None  # inside the encoder
    #: Inside the encoder: the table of biases, one a distance, that are added to attention scores.
    position_bias: str | None = None

    #: One layer, inside the encoder; "{layer}" is its number, "{group}" that of the layers it shares weights with.
    layer: str = "encoder.layer.{layer}"
    inside: LayerNames | None = None
    #: Config entries without which the names of ``layer`` and ``inside`` do not hold.
    only_with: tuple[tuple[str, int], ...] = ()
    layer_count: str = "num_hidden_layers"  # the config's name for it
    group_count: str | None = None

    #: Positions are counted from the padding id on, so the table has that many rows more than a text has tokens.
    positions_after_padding: bool = False
    #: Attention can run as torch's fused kernel (SDPA).
    fused_attention: bool = False
    #: Attention returns its weights only if it is called with ``output_attentions``.
    weights_on_request: bool = False
    #: The first layer can project each different embedding once and the last can stop at one position. That takes
    #: embeddings that depend on their own token, place and segment alone; scores q · k / √size plus what the layer gets
    #: as arguments; heads as wide as hidden / heads; a bias in the value projection.
    one_position: bool = False

    @property
    def known_layers(self) -> bool:
        return self.inside is not None

    @property
    def post_norm(self) -> bool:
        return self.inside is not None and self.inside.last_norm is not None

    @property
    def plain_feed_forward(self) -> bool:
        return self.inside is not None and self.inside.widen is not None

    @property
    def plain_scores(self) -> bool:
        return self.inside is not None and self.position_bias is None

    def layers(self, count: int, groups: int = 1) -> tuple[str, ...]:
        """The path of each of ``count`` layers in the encoder, in the order they run."""
        share = count / groups
        return tuple(self.layer.format(layer=number, group=int(number / share)) for number in range(count))

    def in_pooler(self, path: str) -> bool:
        """Whether this module or tensor, with or without the encoder's prefix, belongs to the pooler."""
        own = path.removeprefix(f"{self.prefix}.")
        return self.pooler is not None and f"{own}.".startswith(f"{self.pooler}.")

    def head_of(self, path: str, heads: Collection[Head]) -> Head | None:
        """The one of these heads that this module of the task network is a part of."""
        return next((head for head in heads if self.heads[head].contains(path)), None)

    def canonical(self, tensors: Collection[str]) -> dict[str, str]:
        """Canonical name → name in the file.

        Canonical means without the encoder's prefix (a bare encoder is stored without it), LayerNorm's ``gamma`` and
        ``beta`` of the first BERT files as ``weight`` and ``bias``, and the output bias under its short name (it is
        tied to ``decoder.bias``, and files hold either).
        """
        return {self._canonical(name): name for name in tensors}

    def _canonical(self, tensor: str) -> str:
        return (
            tensor.removeprefix(f"{self.prefix}.")
            .replace("LayerNorm.gamma", "LayerNorm.weight")
            .replace("LayerNorm.beta", "LayerNorm.bias")
            .replace(".decoder.bias", ".bias")
        )

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The stock classes of this family, the most telling first."""
        return tuple(
            Variant(
                class_name=self.class_prefix + task,
                heads=heads,
                tensors=tuple(dict.fromkeys(name for head in heads for name in self._tensors(head))),
                needs_architecture=any(self.heads[head].chain[-1] == _SHARED_NAME for head in heads),
                label_tensor=next((self._weight(head) for head in heads if head.endswith("classification")), None),
            )
            for task, heads in _TASKS.items()
            if all(head in self.heads for head in heads)
        )

    def _weight(self, head: Head) -> str:
        """The tensor with one row a logit."""
        return self._canonical(f"{self.heads[head].chain[-1]}.weight")

    def _tensors(self, head: Head) -> list[str]:
        """What must be in the weights; not the table of the masked-word head, which may be that of the embeddings."""
        names = [f"{module}.{tensor}" for module in self.heads[head].chain for tensor in ("weight", "bias")]
        if head == "masked_words":
            del names[-2]
        return [self._canonical(name) for name in names]

    def variant(self, tensors: Collection[str], architectures: Collection[str], *, tied: bool = True) -> Variant | None:
        """The first variant whose head tensors are all in the weights; None: an encoder without a head.

        ``tied`` is the config's ``tie_word_embeddings``: without it a masked-word head needs its own output table.
        """
        names = self.canonical(tensors)
        tasks = {name[name.index("For") :] for name in architectures if "For" in name}
        for variant in self.variants:
            if variant.needs_architecture and variant.task not in tasks:
                continue
            if "masked_words" in variant.heads and not tied and self._weight("masked_words") not in names:
                continue
            if all(name in names for name in variant.tensors):
                return variant
        return None
