"""Load a model: its tokenizer and network, once checked. `network.run` runs it.

One :class:`Model` is shared by all threads: its network never changes after loading, and each forward pass holds the
model's lock, because reading attention weights and switching heads off use hooks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import (
    DamagedCheckpointError,
    DeviceError,
    ModelError,
    OptionError,
    TaskHeadError,
    UnsupportedModelError,
)
from glassbert.families import TASKS, Family, Task
from glassbert.models.checkpoint import Checkpoint
from glassbert.models.config import CONFIG
from glassbert.models.files import quoted
from glassbert.models.hub import Progress, locate
from glassbert.models.weights import stored_tensors
from glassbert.network import stock
from glassbert.network.device import choose_device
from glassbert.network.fused import join_characters, rearrange
from glassbert.network.int8 import decoded, quantise_layers, scales
from glassbert.network.removed_heads import padded, remove_heads
from glassbert.network.special_tokens import name_special_tokens
from glassbert.network.tokenizer import open_tokenizer

__all__ = ["Model", "Precision", "load", "padding_index", "read_whole", "require_task_head", "word_embeddings"]

Precision = Literal["float32", "bfloat16", "float16"]

#: The label of the one logit that a head for replaced tokens has.
REPLACED = "replaced"


@dataclass(slots=True)
class Placement:
    """The current device of the network. It moves at most once: from a GPU that ran out of memory to the CPU."""

    device: str
    notice: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded encoder. Create one with :func:`load`; the public functions take it as their first argument."""

    checkpoint: Checkpoint
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)
    precision: Precision
    layers: int
    attention_heads: int
    hidden_size: int
    parameters: int
    max_tokens: int
    labels: tuple[str, ...]
    multi_label: bool
    uses_segments: bool
    placement: Placement = field(repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    #: (layer, head) of the heads that are switched off in this view of the model; see :func:`glassbert.ablate`.
    ablated_heads: tuple[tuple[int, int], ...] = ()
    #: The classifier's outputs are measured quantities, not classes: they have no probability.
    regression: bool = False

    @property
    def source(self) -> str:
        return self.checkpoint.source

    @property
    def removed_heads(self) -> tuple[tuple[int, int], ...]:
        """(layer, head) that the weights do not contain; they keep their numbers, and their attention is zero."""
        return self.checkpoint.removed_heads

    @property
    def task_heads(self) -> tuple[Task, ...]:
        """The task heads that are in the weights."""
        return self.checkpoint.task_heads

    @property
    def device(self) -> str:
        return self.placement.device

    @property
    def notice(self) -> str | None:
        """A sentence about a change at run time, such as a move to the CPU."""
        return self.placement.notice

    @property
    def reach(self) -> tuple[int, ...]:
        """How many tokens away each layer attends, half of its window; 0: to all tokens. Empty if every layer does."""
        names, config = self.checkpoint.family.local, self.network.config
        kinds = () if names is None else getattr(config, names.kinds)
        if names is None or names.local not in kinds:
            return ()
        half = getattr(config, names.window) // 2
        return tuple(half if kind == names.local else 0 for kind in kinds)

    @property
    def mask_token(self) -> str | None:
        token: str | None = self.tokenizer.mask_token
        return token


@checked
def load(
    source: str | os.PathLike[str] = "pretrained",
    device: str = "auto",
    *,
    precision: Precision = "float32",
    revision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Model:
    """Load a model: an embedded id, a hub id or a local folder (a string or a path).

    ``device`` is "auto", "cpu", "cuda", "cuda:1" or "mps". ``progress`` is called while a hub model downloads;
    ``cancelled()`` is asked several times a second, and what has arrived is kept for the next download.
    Only safetensors weights are read, and no code of the model is ever run. Raises a ModelError that describes what is
    wrong with the model, DeviceError, OptionError, or StoppedError when cancelled.
    """
    if precision not in stock.DTYPES:
        raise OptionError(f"precision must be one of {', '.join(stock.DTYPES)}; got {precision!r}")
    chosen = choose_device(device)
    size = stock.DTYPES[precision].itemsize
    checkpoint = locate(os.fspath(source), revision=revision, progress=progress, cancelled=cancelled, bytes_each=size)
    tokenizer, network = _read(checkpoint, precision)
    placement = Placement("cpu")
    if chosen != "cpu":
        placement = _place(network, chosen)
    config = network.config
    problem = getattr(config, "problem_type", None)
    if "replaced_tokens" in checkpoint.task_heads:
        labels: tuple[str, ...] = (REPLACED,)  # its head has no names of its own: one logit per token
    elif {"classification", "token_classification"} & set(checkpoint.task_heads):
        labels = tuple(str(config.id2label.get(index, f"LABEL_{index}")) for index in range(config.num_labels))
    else:
        labels = ()
    return Model(
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        network=network,
        precision=precision,
        layers=config.num_hidden_layers,
        attention_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        parameters=sum(parameter.numel() for parameter in network.parameters()) - scales(network),
        max_tokens=_max_tokens(checkpoint.family, network, tokenizer),
        labels=labels,
        # as transformers' text-classification pipeline decides; a softmax over a single score would always be 1
        multi_label=problem != "regression" and (problem == "multi_label_classification" or len(labels) == 1),
        regression=problem == "regression" and "classification" in checkpoint.task_heads,
        uses_segments=getattr(config, "type_vocab_size", 0) > 1,
        placement=placement,
    )


def _read(checkpoint: Checkpoint, precision: Precision) -> tuple[Any, Any]:
    class_name = checkpoint.variant.class_name if checkpoint.variant else None
    try:
        tokenizer = open_tokenizer(checkpoint)
        config = stock.read_config(checkpoint.config, checkpoint.source, checkpoint.family)
        network, differences = stock.read_network(
            checkpoint.folder,
            class_name,
            precision,
            config=config,
            renamed=checkpoint.renamed,
            tensors=_whole_tensors(checkpoint, config.num_attention_heads),
        )
    except ModelError:
        raise
    except Exception as error:
        raise DamagedCheckpointError(
            f"{checkpoint.source!r} passed validation, but transformers cannot load it "
            f"({type(error).__name__}: {quoted(' '.join(str(error).split()), characters=200)}); correct its "
            "config.json or choose another model"
        ) from error
    _check_weights(checkpoint, network, differences)
    rearrange(network, checkpoint.family)
    if checkpoint.removed_heads:
        remove_heads(network, checkpoint.family, set(checkpoint.removed_heads))
    if checkpoint.int8:
        quantise_layers(network, checkpoint.family)
    if checkpoint.family.characters is not None:
        join_characters(network, checkpoint.family, checkpoint.folder, tokenizer.get_vocab(), checkpoint.source)
    if len(tokenizer) > network.config.vocab_size:
        raise DamagedCheckpointError(
            f"the tokenizer of {checkpoint.source!r} has {len(tokenizer)} tokens, but its weights only "
            f"{network.config.vocab_size}: the files do not belong together; download it again or choose another model"
        )
    name_special_tokens(tokenizer, network.config.pad_token_id)
    if checkpoint.family.positions_after_padding and network.get_input_embeddings().padding_idx is None:
        raise UnsupportedModelError(
            f"{checkpoint.source!r} has no pad_token_id in its config, from which {checkpoint.family.label} networks "
            "count positions: add the one that it was trained with (usually 1)"
        )
    needed = {"padding": tokenizer.pad_token_id}
    if "masked_words" in checkpoint.task_heads:
        needed["mask"] = tokenizer.mask_token_id
    lacking = [kind for kind, token in needed.items() if token is None]
    if lacking:
        raise UnsupportedModelError(
            f"the tokenizer of {checkpoint.source!r} names no {lacking[0]} token, and none can be found in its "
            "vocabulary: name the one that the model was trained with in its tokenizer_config.json "
            f'(as "{"pad" if lacking[0] == "padding" else "mask"}_token")'
        )
    strange = None if checkpoint.embedded else stock.not_finite(network)
    if strange is not None:
        raise DamagedCheckpointError(
            f"the weights of {checkpoint.source!r} contain values that are not finite (NaN or infinity, in "
            f"{quoted(strange)}), so every result would be NaN: {_not_finite_advice(precision)}"
        )
    return tokenizer, network


def read_whole(checkpoint: Checkpoint) -> Any:
    """The stock network of a checkpoint in float32, with zeros for removed heads. Raises a ModelError."""
    config = stock.read_config(checkpoint.config, checkpoint.source, checkpoint.family)
    network, differences = stock.read_network(
        checkpoint.folder,
        checkpoint.variant.class_name if checkpoint.variant else None,
        "float32",
        config=config,
        renamed=checkpoint.renamed,
        tensors=_whole_tensors(checkpoint, config.num_attention_heads),
    )
    _check_weights(checkpoint, network, differences)
    return network


def _whole_tensors(checkpoint: Checkpoint, heads: int) -> dict[str, Tensor] | None:
    """The tensors of a checkpoint that stock transformers cannot read, as those of a network that it can make."""
    if not (checkpoint.removed_heads or checkpoint.int8):
        return None
    tensors = decoded(stored_tensors(checkpoint.folder, checkpoint.source))
    return padded(tensors, checkpoint.family, set(checkpoint.removed_heads), heads)


def _check_weights(checkpoint: Checkpoint, network: Any, differences: stock.Differences) -> None:
    """Check that the network consists of the stored weights and of nothing else. Raises a ModelError."""
    source, family = checkpoint.source, checkpoint.family
    if differences.sizes:
        name, (stored, wanted) = min(differences.sizes.items())
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} does not fit its weights: {quoted(name)} has the shape {stored} in them, "
            f"but {wanted} by the config ({len(differences.sizes)} such tensors): the files do not belong together; "
            "download or copy the model again"
        )
    # The pooler of a bare encoder feeds no task head; any other missing weights would be randomly initialised.
    pooled = bool({"classification", "next_sentence"} & set(checkpoint.task_heads))
    computed = {name for one in family.computed for name in (one, f"{family.prefix}.{one}")}
    missing = {name for name in differences.missing - computed if pooled or not family.in_pooler(name)}
    if missing:
        raise DamagedCheckpointError(
            f"{source!r} lacks {len(missing)} of its weights ({sorted(missing)[0]} among them), which would "
            "be randomly initialised, so it is not loaded: download it again or choose another model"
        )
    parts = {name for name, _ in network.base_model.named_children()}
    ignored = {
        name
        for name in differences.unexpected - checkpoint.counters
        if not family.in_pooler(name)
        and (name.startswith(f"{family.prefix}.") or name.partition(".")[0] in parts - {family.prefix})
    }
    if ignored:
        raise UnsupportedModelError(
            f"the encoder of {quoted(source)} has weights that a {family.label} network does not have "
            f"({quoted(min(ignored))}, {len(ignored)} in all), such as those of an adapter or of another kind of "
            "layer; without them the model would compute something else. Merge an adapter into the weights where the "
            "model was trained, or choose another model"
        )


def _not_finite_advice(precision: Precision) -> str:
    if precision == "float16":
        return 'float16 has no numbers above 65504; load it with precision="float32", or download the weights again'
    return "download the weights again or choose an earlier checkpoint"


def _place(network: Any, device: str) -> Placement:
    try:
        network.to(device)
    except torch.OutOfMemoryError:
        network.to("cpu")
        return Placement("cpu", f"{device} has too little free memory for this model, so it runs on the CPU")
    except RuntimeError as error:
        raise DeviceError(f"device {device!r} cannot be used: {error}; choose the CPU") from error
    return Placement(device)


def _max_tokens(family: Family, network: Any, tokenizer: Any) -> int:
    positions = int(network.config.max_position_embeddings)
    if family.positions_after_padding:
        positions -= padding_index(network) + 1
    limit = int(tokenizer.model_max_length)
    return min(positions, limit)  # a tokenizer without a limit has 10^30


def require_task_head(model: Model, head: Task) -> None:
    """Raise TaskHeadError unless this task head is in the model's weights."""
    if head not in model.task_heads:
        has = ", ".join(TASKS[name] for name in model.task_heads) or "none, only the encoder"
        if model.checkpoint.other_head:
            has = f"none that GlassBERT runs; it is {model.checkpoint.other_head}"
        raise TaskHeadError(
            f"{model.source!r} has no trained head for {TASKS[head]} (its heads: {has}); choose a model trained for it"
        )


def padding_index(network: Any) -> int:
    """The token id that the network itself takes for padding; the tokenizer may have another one.

    Read off the table: MPNet's code has it as a constant, whatever its config says.
    """
    return int(network.get_input_embeddings().padding_idx)


def word_embeddings(model: Model, input_ids: Tensor) -> Tensor:
    """Rows of the word-embedding table, before positions, segments and LayerNorm are added.

    Without the model's lock, so without the hooks that another thread may have on the table for its own pass.
    """
    table = model.network.get_input_embeddings()
    embedded: Tensor = table.forward(input_ids.to(table.weight.device))
    return embedded
