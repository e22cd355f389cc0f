"""The record of an encoder family: module paths and tensor names of its stock network and its weights.

Names and numbers only. Paths are dotted, as in ``named_modules`` of the stock network; each field documents what its
path is relative to. A family lacks the capabilities whose fields it leaves out: code that needs one requires it by
name (:data:`CAPABILITIES`) or falls back to a general implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

__all__ = [
    "CAPABILITIES",
    "TASKS",
    "Capability",
    "DistanceNames",
    "EmbeddingNames",
    "Family",
    "LayerNames",
    "LocalNames",
    "Task",
    "TaskHead",
    "Variant",
]

Task = Literal[
    "masked_words",
    "next_sentence",
    "classification",
    "token_classification",
    "question_answering",
    "replaced_tokens",
]

#: Task id → its name, for messages and menus.
TASKS: dict[Task, str] = {
    "masked_words": "masked words",
    "next_sentence": "next sentence",
    "classification": "text classification",
    "token_classification": "token classification",
    "question_answering": "question answering",
    "replaced_tokens": "replaced tokens",
}

Capability = Literal[
    "known_layers",
    "post_norm",
    "known_feed_forward",
    "plain_feed_forward",
    "plain_scores",
    "disentangled_attention",
    "removable_heads",
]

#: What a method may require of a family → its wording in messages.
CAPABILITIES: dict[Capability, str] = {
    "known_layers": "layers whose modules GlassBERT knows",
    "post_norm": "a LayerNorm after each residual connection",
    "known_feed_forward": "a feed-forward block of Linears with an activation or a gate in between",
    "plain_feed_forward": "a feed-forward block of two Linears with an activation in between",
    "plain_scores": "attention scores computed from the layer's input by queries and keys alone",
    "disentangled_attention": "disentangled attention, with scores of their own for content and distance",
    "removable_heads": "attention whose layers may have different numbers of heads",
}

#: Suffix of a stock class → its task heads. The first class whose heads are all in the weights is used.
_CLASSES: tuple[tuple[str, tuple[Task, ...]], ...] = (
    ("ForSequenceClassification", ("classification",)),
    ("ForTokenClassification", ("token_classification",)),
    ("ForQuestionAnswering", ("question_answering",)),
    ("ForPreTraining", ("masked_words", "next_sentence")),
    ("ForPreTraining", ("replaced_tokens",)),
    ("ForMaskedLM", ("masked_words",)),
    ("ForNextSentencePrediction", ("next_sentence",)),
)
#: Several stock classes use this name for their last Linear, whether it scores whole texts, single tokens or the
#: options of a multiple-choice question.
_SHARED_NAME = "classifier"


@dataclass(frozen=True, slots=True)
class Variant:
    """One stock transformers class: its heads and the tensors that they need in the weights.

    ``tensors`` are canonical names (:meth:`Family.canonical`); ``label_tensor`` is the one with one row per label, in
    variants that have labels. ``needs_architecture`` marks a head whose tensor names are shared by several tasks: only
    the config's ``architectures`` tells which one it is.
    """

    class_name: str
    task_heads: tuple[Task, ...]
    tensors: tuple[str, ...]
    needs_architecture: bool = False
    label_tensor: str | None = None

    @property
    def class_suffix(self) -> str:
        """The class name without the family: "ForMaskedLM"."""
        return self.class_name[self.class_name.index("For") :]


@dataclass(frozen=True, slots=True)
class LayerNames:
    """Paths inside one layer."""

    attention: str  # hidden states → (heads side by side, weights)
    query: str  # Linear: hidden states → queries, heads side by side
    key: str  # Linear: hidden states → keys, heads side by side
    value: str  # Linear: hidden states → values, heads side by side
    output: str  # Linear: heads side by side → hidden
    norm: str  # LayerNorm that reads attention output + residual
    feed_forward: str  # Linear: intermediate → hidden; its output is added to the residual stream
    #: Linear: hidden → intermediate, read by the activation; None if the feed-forward block is gated.
    widen: str | None = None
    #: Gated (GLU): Linear: hidden → what is activated and what it is multiplied by, side by side.
    gated: str | None = None
    #: Gated: Linear: hidden → what it is multiplied by, if ``gated`` gives only what is activated.
    factor: str | None = None
    #: LayerNorm that reads feed-forward output + residual; None if LayerNorm precedes each block (pre-norm).
    last_norm: str | None = None
    #: A Linear that is the query, key and value projections side by side. It is split into the three at load.
    fused: str | None = None

    def paths(self) -> dict[str, str | None]:
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "fused"}


@dataclass(frozen=True, slots=True)
class EmbeddingNames:
    """Paths inside the encoder, from token ids to the input of the first layer."""

    words: str = "embeddings.word_embeddings"
    #: The table of absolute positions; None if there is none (relative or rotary positions).
    positions: str | None = "embeddings.position_embeddings"
    #: The config's entry that says whether there is one, in families of which only some networks have it.
    positions_if: str | None = None
    segments: str | None = "embeddings.token_type_embeddings"
    #: Linear: the rows of a token and of its two neighbours, side by side → hidden. Beyond the text's ends are zeros.
    trigrams: str | None = None
    #: A table of which every token reads the same row, the first one.
    constant: str | None = None
    norm: str | None = "embeddings.LayerNorm"  # reads their sum; None if there is none


@dataclass(frozen=True, slots=True)
class DistanceNames:
    """Disentangled attention (He et al. 2021, arXiv:2006.03654): distances have queries and keys of their own.

    A score is q · k + q · k_d + q_d · k, where k_d and q_d are the key and the query of the distance between the two
    tokens.
    """

    table: str  # inside the encoder: one vector per distance
    query: str  # inside one layer; Linear: vectors of distances → queries, heads side by side
    key: str  # inside one layer; Linear: vectors of distances → keys, heads side by side
    norm: str | None = None  # inside the encoder: the LayerNorm that reads all of them, in some networks
    shared: str | None = None  # the attention module's flag: distances are projected with the Linears of the tokens


@dataclass(frozen=True, slots=True)
class CharacterNames:
    """Tables of what a network reads of each token besides its id, such as the shape and the pronunciation of a
    character: all of them follow from the token, so that they are joined with the table of words at load."""

    #: Inside the encoder: the table → its flag in the config, the file that says the row of each token, and the
    #: argument of the stock network for these rows.
    tables: Mapping[str, tuple[str, str, str]]
    mix: str  # inside the encoder, Linear: a word's row and those of the tables, side by side → what is read


@dataclass(frozen=True, slots=True)
class LocalNames:
    """Entries of the config for layers in which a token attends only to those at most half a window away."""

    kinds: str  # the kind of each layer
    local: str  # the kind of the local ones
    window: str  # in tokens


@dataclass(frozen=True, slots=True)
class TaskHead:
    """One task head, as paths inside the task network.

    ``chain``: the Linears and LayerNorms between the last hidden state and the logits, in order; anything between two
    of them is an elementwise function. ``biases``: whether all of them have one. ``modules``: the modules called in
    turn to run this head alone, on the last hidden states or, if the chain begins with the pooler, on the pooler's
    output; given only for heads that are run alone.
    """

    chain: tuple[str, ...]
    modules: tuple[str, ...] = ()
    biases: bool = True

    def contains(self, path: str) -> bool:
        """Whether this module is part of the head."""
        return any(f"{path}.".startswith(f"{own}.") for own in (*self.chain, *self.modules))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """One ``model_type`` of transformers. A field left at its default is absent, or as in the original BERT."""

    model_type: str
    label: str
    class_prefix: str  # of the stock classes: "Bert" in BertForMaskedLM
    prefix: str  # the encoder's path inside the task networks
    task_heads: Mapping[Task, TaskHead]

    embeddings: EmbeddingNames = field(default_factory=EmbeddingNames)
    pooler: str | None = None  # inside the encoder
    #: Inside the encoder: the table of biases added to the attention scores, one per distance.
    position_bias: str | None = None
    distances: DistanceNames | None = None
    #: The fused projection has query, key and value of each head side by side, and these parameters of the attention
    #: module are their biases.
    biases_beside: tuple[str | None, str | None, str | None] | None = None
    #: The name of the network's own class for what torch.nn.LayerNorm computes.
    norm_class: str | None = None
    #: Inside the encoder: a convolution over neighbouring tokens, added to the first layer's output, in some networks.
    convolution: str | None = None
    #: Queries and keys are rotated by an angle that grows with the position (Su et al. 2021, arXiv:2104.09864).
    rotary: bool = False
    #: Queries and keys are made of a projection of the layer's input, not of the input itself.
    bottleneck: bool = False
    #: Some layers are local.
    local: LocalNames | None = None
    characters: CharacterNames | None = None
    #: Inside the encoder: the LayerNorm after the last layer, in pre-norm networks. Of the hidden states, only the last
    #: one has passed it.
    final_norm: str | None = None
    #: The config's entry, and its value, with which the classification head reads the mean of all states.
    mean_pooling: tuple[str, str] | None = None

    #: What the stock tokenizer does in Python, if it does: it cannot be checked as data. Others can be used.
    tokenizer_in_python: str = ""
    #: The stock tokenizer with the same vocabulary and rules, where that of the family itself works in Python.
    tokenizer_class: str = ""

    #: The stock class reads these entries of the config without declaring them.
    undeclared: tuple[str, ...] = ()
    #: Entries of configs for code from elsewhere, which the stock class does not read: it would make another network.
    unread: tuple[str, ...] = ()
    #: Entries of the config that must have this value, if they are there: with another one, the stock network computes
    #: something that the paths and formulas here are not about.
    required: Mapping[str, Any] = field(default_factory=dict)
    #: Inside the encoder: tensors that the stock network computes by itself where the files leave them out.
    computed: tuple[str, ...] = ()
    #: Tensors that files contain under another name: the start of that name → of the one in the stock network, which
    #: has it with these entries of the config, whatever the file of the config says.
    renamed: Mapping[str, str] = field(default_factory=dict)
    renamed_with: Mapping[str, Any] = field(default_factory=dict)
    #: The head that detects replaced tokens. Weights that contain it have no trained head for masked words.
    discriminator: str | None = None

    #: One layer, inside the encoder; "{layer}" is its index, "{group}" that of the group it shares weights with.
    layer: str = "encoder.layer.{layer}"
    inside: LayerNames | None = None
    #: Config entries that the names in ``layer`` and ``inside`` require.
    only_with: tuple[tuple[str, int], ...] = ()
    layer_count: str = "num_hidden_layers"  # the config's name for it
    group_count: str | None = None

    #: Positions start after the padding id, so the table has that many rows more than a text can have tokens.
    positions_after_padding: bool = False
    #: Attention can run as torch's fused kernel (SDPA).
    fused_attention: bool = False
    #: Attention returns its weights only when called with ``output_attentions``.
    weights_on_request: bool = False
    #: The first layer can project each distinct embedding once, and the last can compute a single position. This
    #: requires embeddings that depend only on their own token, position and segment; scores q · k / √size plus what
    #: the layer receives as arguments; heads of size hidden / heads; and a bias in the value projection.
    one_position: bool = False

    @property
    def known_layers(self) -> bool:
        return self.inside is not None

    @property
    def post_norm(self) -> bool:
        return self.inside is not None and self.inside.last_norm is not None

    @property
    def known_feed_forward(self) -> bool:
        return self.inside is not None and (self.inside.widen is not None or self.inside.gated is not None)

    @property
    def plain_feed_forward(self) -> bool:
        return self.inside is not None and self.inside.widen is not None

    @property
    def plain_scores(self) -> bool:
        others = (self.position_bias, self.distances, self.rotary or None, self.bottleneck or None)
        return self.inside is not None and all(one is None for one in others)

    @property
    def disentangled_attention(self) -> bool:
        return self.distances is not None

    @property
    def removable_heads(self) -> bool:
        """The stock attention takes as many heads as its projections have, and no layer shares weights with another."""
        return self.fused_attention and self.one_position and self.group_count is None

    def layers(self, count: int, groups: int = 1) -> tuple[str, ...]:
        """The path of each of ``count`` layers in the encoder, in the order in which they run."""
        share = count / groups
        return tuple(self.layer.format(layer=number, group=int(number / share)) for number in range(count))

    def in_pooler(self, path: str) -> bool:
        """Whether this module or tensor, with or without the encoder's prefix, belongs to the pooler."""
        own = path.removeprefix(f"{self.prefix}.")
        return self.pooler is not None and f"{own}.".startswith(f"{self.pooler}.")

    def discriminates(self, tensors: Collection[str]) -> bool:
        """Whether these weights are those of a discriminator: they were trained to detect replaced tokens."""
        return self.discriminator is not None and any(name.startswith(f"{self.discriminator}.") for name in tensors)

    def head_of(self, path: str, heads: Collection[Task]) -> Task | None:
        """The one of these heads that contains this module of the task network."""
        return next((head for head in heads if self.task_heads[head].contains(path)), None)

    def canonical(self, tensors: Collection[str]) -> dict[str, str]:
        """Canonical name → name in the file.

        Canonical means: without the encoder's prefix (a bare encoder is stored without it), with LayerNorm's ``gamma``
        and ``beta`` of the first BERT files renamed to ``weight`` and ``bias``, with the output bias under its short
        name (it is tied to ``decoder.bias``, and files contain either), and as the stock network has it where files
        have another name.
        """
        return {self._canonical(name): name for name in tensors}

    def stock_name(self, tensor: str) -> str:
        """The name of a stored tensor in the stock network."""
        own = tensor.removeprefix(f"{self.prefix}.")
        before = tensor.removesuffix(own)
        for stored, name in self.renamed.items():
            if own.startswith(stored):
                own = name + own.removeprefix(stored)
        return before + own

    def _canonical(self, tensor: str) -> str:
        return (
            self.stock_name(tensor)
            .removeprefix(f"{self.prefix}.")
            .replace("LayerNorm.gamma", "LayerNorm.weight")
            .replace("LayerNorm.beta", "LayerNorm.bias")
            .replace(".decoder.bias", ".bias")
        )

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The stock classes of this family, in the order in which they are tried."""
        return tuple(
            Variant(
                class_name=self.class_prefix + suffix,
                task_heads=heads,
                tensors=tuple(dict.fromkeys(name for head in heads for name in self._tensors(head))),
                needs_architecture=any(self.task_heads[head].chain[-1] == _SHARED_NAME for head in heads),
                label_tensor=next((self._weight(head) for head in heads if head.endswith("classification")), None),
            )
            for suffix, heads in _CLASSES
            if all(head in self.task_heads for head in heads)
        )

    def _weight(self, head: Task) -> str:
        """The tensor with one row per logit."""
        return self._canonical(f"{self.task_heads[head].chain[-1]}.weight")

    def _tensors(self, head: Task) -> list[str]:
        """Tensors that must be in the weights, except the masked-word output table, which may be tied."""
        chain, stored = self.task_heads[head].chain, ("weight", "bias") if self.task_heads[head].biases else ("weight",)
        names = [f"{module}.{tensor}" for module in chain for tensor in stored]
        if head == "masked_words":
            names.remove(f"{chain[-1]}.weight")
        return [self._canonical(name) for name in names]

    def variant(self, tensors: Collection[str], architectures: Collection[str], *, tied: bool = True) -> Variant | None:
        """The first variant whose head tensors are all in the weights; None for an encoder without a task head.

        ``tied`` is the config's ``tie_word_embeddings``: if False, a masked-word head needs its own output table.
        """
        names = self.canonical(tensors)
        suffixes = {name[name.index("For") :] for name in architectures if "For" in name}
        for variant in self.variants:
            if "masked_words" in variant.task_heads and self.discriminates(names):
                continue
            if variant.needs_architecture and variant.class_suffix not in suffixes:
                continue
            if "masked_words" in variant.task_heads and not tied and self._weight("masked_words") not in names:
                continue
            if all(name in names for name in variant.tensors):
                return variant
        return None
