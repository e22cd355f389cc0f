"""Read a model's config.json as data: is it an encoder of a supported family, and if not, why?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError, RemoteCodeError, UnsupportedModelError
from glassbert.families import DECODERS, ENCODER_DECODERS, FAMILIES, Family, labels
from glassbert.models.files import quoted, read_json

__all__ = ["CONFIG", "MAX_CONFIG_BYTES", "check_config", "no_config", "read_config", "strings"]

CONFIG = "config.json"
MAX_CONFIG_BYTES = 1_000_000
_MAX_LAYERS, _MAX_LABELS = 1000, 100_000


def read_config(folder: Path, files: Collection[str], source: str) -> dict[str, Any]:
    """The config as data. Raises DamagedCheckpointError."""
    if CONFIG not in files:
        raise no_config(files, source)
    return read_json(folder / CONFIG, max_bytes=MAX_CONFIG_BYTES, source=source)


def no_config(files: Collection[str], source: str) -> DamagedCheckpointError:
    """The error for a model whose files do not include a config."""
    hint = ""
    if "adapter_config.json" in files:
        hint = " It contains an adapter, which is only part of a model: merge it into its base model and save that."
    return DamagedCheckpointError(
        f"{quoted(source)} has no {CONFIG}, so it is not a transformers checkpoint; choose a folder or model that has "
        f"one.{hint}"
    )


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
        if kind.startswith(DECODERS) or any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
            raise UnsupportedModelError(
                f"{quoted(source)} is a decoder-only language model (type {quoted(kind)}), which attends only to the "
                f"left; {advice}"
            )
    if config.get("auto_map"):
        raise RemoteCodeError(
            f"{quoted(source)} needs Python code from its own repository, which GlassBERT never runs; choose a model "
            f"without custom code, of a supported family: {labels()}"
        )
    if kind not in FAMILIES:
        raise UnsupportedModelError(f"{quoted(source)} is of the type {quoted(kind)}; {advice}")
    if config.get("is_decoder") is True or config.get("add_cross_attention") is True:
        raise UnsupportedModelError(
            f"{quoted(source)} is a {FAMILIES[kind].label} configured as a decoder, which attends only to the left; "
            f"{advice}"
        )
    if config.get("quantization_config") or config.get("compression_config"):
        raise UnsupportedModelError(
            f"{quoted(source)} has quantised weights; choose the original model with 32- or 16-bit weights"
        )
    if config.get("position_embedding_type") not in (None, "absolute"):
        raise UnsupportedModelError(
            f"{quoted(source)} uses relative positions ({quoted(config['position_embedding_type'])}), which "
            "transformers no longer supports; choose a model with absolute positions"
        )
    for name, limit in _limits().items():
        number = config.get(name, 1)
        if type(number) is not int or not 0 < number <= limit:
            raise DamagedCheckpointError(
                f"{CONFIG} of {quoted(source)} specifies {name} = {quoted(number)}, which must be from 1 to {limit}; "
                "correct it"
            )
    return FAMILIES[kind]


def strings(value: object) -> tuple[str, ...]:
    """The strings in a JSON list; empty if it is not a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, (list, tuple)) else ()


def _limits() -> dict[str, int]:
    """Config entries that determine how many Python objects are created → the largest accepted value."""
    names = {"num_hidden_layers"}  # transformers reads it in every config, even if the family uses another name
    for family in FAMILIES.values():
        names |= {family.layer_count, *(name for name, _ in family.only_with)}
        if family.group_count:
            names.add(family.group_count)
    return dict.fromkeys(sorted(names), _MAX_LAYERS) | dict.fromkeys(("num_labels", "_num_labels"), _MAX_LABELS)
