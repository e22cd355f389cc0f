"""Read a model's config.json as data: is it an encoder of a supported family, and if not, why?"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from math import prod
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError, RemoteCodeError, UnsupportedModelError
from glassbert.families import BUILT_IN, DECODERS, ENCODER_DECODERS, FAMILIES, Family, labels
from glassbert.models.compressed import QUANTISED, is_int8, removed_heads
from glassbert.models.files import quoted, read_json
from glassbert.models.missing import below, no_config

__all__ = ["CONFIG", "MAX_CONFIG_BYTES", "check_config", "read_config", "settled", "strings"]

CONFIG = "config.json"
MAX_CONFIG_BYTES = 1_000_000
_MAX_LAYERS, _MAX_LABELS, _MAX_LABEL_CHARACTERS = 1000, 100_000, 1000
_MAX_KERNEL = 99  # its weights are larger than those of all layers, and are created before they are compared
_MAX_ROWS, _MAX_POSITIONS = 10_000_000, 10_000_000_000_000  # tables are compared with the weights
#: Entries that change how a network is run or what its calls return.
_HOW_IT_IS_RUN = {
    *("auto_map", "dtype", "torch_dtype", "return_dict", "output_attentions", "output_hidden_states"),
    *(
        "torchscript",
        "use_cache",
        "use_bfloat16",
        "chunk_size_feed_forward",
        "gradient_checkpointing",
        "attn_implementation",
    ),
    *(
        "_attn_implementation",
        "_attn_implementation_internal",
        "experts_implementation",
        "_experts_implementation_internal",
    ),
    *("_name_or_path", "name_or_path", "_commit_hash", "transformers_weights", "use_return_dict"),
    *("quantization_config", "adapters", "peft_config"),
}


def read_config(folder: Path, files: Collection[str], source: str) -> dict[str, Any]:
    """The config as data. Raises DamagedCheckpointError."""
    if CONFIG not in files:
        raise no_config(files, below(folder), folder, source)
    return read_json(folder / CONFIG, max_bytes=MAX_CONFIG_BYTES, source=source)


def check_config(config: Mapping[str, Any], source: str) -> Family:
    """The family of a config. Raises UnsupportedModelError, RemoteCodeError or DamagedCheckpointError.

    A config that maps classes to the model's own code is rejected even if its ``model_type`` is a standard one: its
    weights were trained for that code (different attention, different pooling), and the stock class would silently
    compute something else with them.
    """
    advice = f"choose an encoder of a supported family: {labels()}"
    kind = config.get("model_type")
    architectures = strings(config.get("architectures"))
    if not isinstance(kind, str) or not kind:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} does not specify a model_type; add it if you know it "
            f"(it must be one of {', '.join(FAMILIES)})"
        )
    if kind not in FAMILIES:
        if config.get("is_encoder_decoder") is True or kind.startswith(ENCODER_DECODERS):
            raise UnsupportedModelError(
                f"{quoted(source)} is an encoder-decoder model (type {quoted(kind)}), which generates text; {advice}"
            )
        leftwards = kind not in BUILT_IN and any(_reads_leftwards(name) for name in architectures)
        if kind.startswith(DECODERS) or leftwards:
            raise UnsupportedModelError(
                f"{quoted(source)} is a decoder-only language model (type {quoted(kind)}), which attends only to the "
                f"left; {advice}"
            )
    if config.get("auto_map") and not _only_built_in(config["auto_map"], kind):
        raise RemoteCodeError(
            f"{quoted(source)} needs Python code from its own repository, which GlassBERT never runs; choose a model "
            f"without custom code, of a supported family: {labels()}"
        )
    if kind not in FAMILIES:
        raise UnsupportedModelError(f"{quoted(source)} is of the type {quoted(kind)}; {advice}")
    unread = next((name for name in FAMILIES[kind].unread if name in config), None)
    if unread is not None:
        raise RemoteCodeError(
            f"{CONFIG} of {quoted(source)} is written for Python code from its own repository, which GlassBERT never "
            f"runs (it specifies {unread}): choose a revision for transformers, or save the model with save_pretrained "
            "of transformers, version 5"
        )
    if config.get("is_decoder") is True or config.get("add_cross_attention") is True:
        raise UnsupportedModelError(
            f"{quoted(source)} is a {FAMILIES[kind].label} configured as a decoder, which attends only to the left; "
            f"{advice}"
        )
    if (config.get(QUANTISED) and not is_int8(config)) or config.get("compression_config"):
        raise UnsupportedModelError(
            f"{quoted(source)} has quantised weights; choose the original model with 32- or 16-bit weights"
        )
    if config.get("position_embedding_type") not in (None, "absolute"):
        raise UnsupportedModelError(
            f"{quoted(source)} uses relative positions ({quoted(config['position_embedding_type'])}), which "
            "transformers no longer supports; choose a model with absolute positions"
        )
    for name, value in FAMILIES[kind].required.items():
        if config.get(name, value) != value:
            found = json.dumps(config[name])[:40]
            raise UnsupportedModelError(
                f"{CONFIG} of {quoted(source)} specifies {name} = {found}; of {FAMILIES[kind].label} networks, "
                f"GlassBERT supports those with {name} = {json.dumps(value)}; choose another model"
            )
    check_numbers(config, FAMILIES[kind], source)
    removed_heads(config, FAMILIES[kind], source)
    _check_labels(config, source)
    return FAMILIES[kind]


def _only_built_in(auto_map: object, kind: str) -> bool:
    """Whether all classes mapped to a repository's code are ones that transformers has under the same name.

    Some repositories ship the code of a class that transformers has included since. The same ``model_type`` with a
    class of another name is another network.
    """
    if kind not in FAMILIES:
        return kind in BUILT_IN
    prefix = FAMILIES[kind].class_prefix
    known = {prefix + suffix for suffix in ("Config", "Model", "Tokenizer", "TokenizerFast", "ForMultipleChoice")}
    known |= {variant.class_name for variant in FAMILIES[kind].variants}
    entries = auto_map.values() if isinstance(auto_map, dict) else ()
    named = [name for entry in entries for name in (entry if isinstance(entry, list) else [entry]) if name is not None]
    return bool(named) and all(isinstance(name, str) and name.rpartition(".")[2] in known for name in named)


def check_numbers(config: Mapping[str, Any], family: Family, source: str) -> None:
    """Check the numbers that decide how much is allocated and computed, one by one and multiplied.

    Raises DamagedCheckpointError.
    """
    for name, (least, most) in _limits().items():
        number = config.get(name, least)
        if type(number) is not int or not least <= number <= most:
            raise _out_of_range(source, name, number, f"a whole number from {least} to {most}")
    for name in sorted(name for name in config if name.endswith(("dropout", "dropout_prob", "layer_norm_eps"))):
        number = config[name]
        if number is not None and (type(number) not in (int, float) or not 0 <= number <= 1):
            raise _out_of_range(source, name, number, "a number from 0 to 1")
    _check_products(config, family, source)
    padding = config.get("pad_token_id")
    rows = config.get("vocab_size")
    if padding is not None or ("pad_token_id" in config and family.positions_after_padding):
        most = rows - 1 if isinstance(rows, int) else _MAX_ROWS
        if type(padding) is not int or not 0 <= padding <= most:
            raise _out_of_range(source, "pad_token_id", padding, f"a whole number from 0 to {most}")


def _check_products(config: Mapping[str, Any], family: Family, source: str) -> None:
    """Numbers that are fine alone: heads must divide the size, and layers × groups × inner groups add up."""
    for size, heads in (("hidden_size", "num_attention_heads"), ("dim", "n_heads")):
        if size in config and heads in config and config[size] % config[heads]:
            raise _out_of_range(source, heads, config[heads], f"a divisor of {size} = {config[size]}")
    layers = config.get(family.layer_count, 1)
    groups = config.get(family.group_count, 1) if family.group_count else 1
    inner = prod(config.get(name, 1) for name, _ in family.only_with)
    if groups > layers:
        raise _out_of_range(source, str(family.group_count), groups, f"at most the number of layers, {layers}")
    if layers * inner > _MAX_LAYERS:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} specifies {layers} layers of {inner} inner layers each, which is more than "
            f"{_MAX_LAYERS} in all; correct it"
        )


def _out_of_range(source: str, name: str, number: object, valid: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"{CONFIG} of {quoted(source)} specifies {name} = {quoted(number)}, which must be {valid}; correct it"
    )


def _check_labels(config: Mapping[str, Any], source: str) -> None:
    labels = config.get("id2label")
    if labels is None:
        return
    ids = {str(number) for number in range(len(labels))} if isinstance(labels, dict) else set()
    if not isinstance(labels, dict) or len(labels) > _MAX_LABELS or {str(id) for id in labels} != ids:
        raise DamagedCheckpointError(
            f"id2label in {CONFIG} of {quoted(source)} must map the ids 0, 1, 2, … to names; correct it"
        )
    long = [name for name in labels.values() if isinstance(name, str) and len(name) > _MAX_LABEL_CHARACTERS]
    if long:
        raise DamagedCheckpointError(
            f"id2label in {CONFIG} of {quoted(source)} has a name of {len(long[0])} characters; names may have up to "
            f"{_MAX_LABEL_CHARACTERS}"
        )


def _reads_leftwards(architecture: str) -> bool:
    """Whether a class is a left-to-right language model; "WithLMHeadModel" of XLM and FlauBERT is none."""
    return architecture.endswith(("ForCausalLM", "LMHeadModel")) and not architecture.endswith("WithLMHeadModel")


def strings(value: object) -> tuple[str, ...]:
    """The strings in a JSON list; empty if it is not a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, (list, tuple)) else ()


def _limits() -> dict[str, tuple[int, int]]:
    """Config entries that determine what is created → the smallest and the largest accepted value."""
    layers = {"num_hidden_layers"}  # transformers reads it in every config, even if the family uses another name
    for family in FAMILIES.values():
        layers |= {family.layer_count, *(name for name, _ in family.only_with)}
        if family.group_count:
            layers.add(family.group_count)
    return {
        **dict.fromkeys(sorted(layers), (1, _MAX_LAYERS)),
        **dict.fromkeys(("num_labels", "_num_labels"), (1, _MAX_LABELS)),
        **dict.fromkeys(("num_attention_heads", "n_heads"), (1, _MAX_LAYERS)),
        **dict.fromkeys(("hidden_size", "dim", "embedding_size", "intermediate_size", "hidden_dim"), (1, _MAX_ROWS)),
        **dict.fromkeys(("vocab_size", "max_position_embeddings"), (1, _MAX_POSITIONS)),
        "type_vocab_size": (0, _MAX_ROWS),
        "chunk_size_feed_forward": (0, _MAX_ROWS),
        "relative_attention_num_buckets": (1, _MAX_ROWS),
        **dict.fromkeys(("position_buckets", "max_relative_positions"), (-1, _MAX_ROWS)),
        "pooler_hidden_size": (1, _MAX_ROWS),
        "conv_kernel_size": (0, _MAX_KERNEL),
        "conv_groups": (1, _MAX_ROWS),
    }


def settled(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without entries that say how the network is to be run, not what it is.

    GlassBERT decides these itself: precision, what a call returns, chunks of the feed-forward block.
    """
    return {name: value for name, value in config.items() if name not in _HOW_IT_IS_RUN}
