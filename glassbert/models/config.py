"""What a model's config.json says it is, read as data: an encoder of a supported family, or why not."""

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
    """The error for a model of these files, none of which is a config."""
    hint = ""
    if "adapter_config.json" in files:
        hint = " It holds an adapter, which is only a part of a model: merge it into its base model and save that."
    return DamagedCheckpointError(
        f"{quoted(source)} has no {CONFIG}, so it is no transformers checkpoint; choose the folder or the model that "
        f"has one.{hint}"
    )


def check_config(config: Mapping[str, Any], source: str) -> Family:
    """The family of a config. Raises UnsupportedModelError, RemoteCodeError or DamagedCheckpointError.

    A config that maps classes to the model's own code is refused even where its ``model_type`` is a stock one: its
    weights were made for that code (another attention, another pooling), and the stock class would compute
    something else from them without a word.
    """
    advice = f"GlassBERT opens encoders of the families {labels()}: choose one of these"
    kind = config.get("model_type")
    architectures = strings(config.get("architectures"))
    if not isinstance(kind, str) or not kind:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} does not name its model_type; add it if you know it "
            f"(valid: {', '.join(FAMILIES)})"
        )
    if kind not in FAMILIES:
        if config.get("is_encoder_decoder") is True or kind.startswith(ENCODER_DECODERS):
            raise UnsupportedModelError(
                f"{quoted(source)} is an encoder-decoder model (type {quoted(kind)}), which writes text; {advice}"
            )
        if kind.startswith(DECODERS) or any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
            raise UnsupportedModelError(
                f"{quoted(source)} is a decoder-only language model (type {quoted(kind)}), which reads only to the "
                f"left; {advice}"
            )
    if config.get("auto_map"):
        raise RemoteCodeError(
            f"{quoted(source)} needs Python code from its own repository, which GlassBERT never runs; {advice}, "
            "without code of its own"
        )
    if kind not in FAMILIES:
        raise UnsupportedModelError(f"{quoted(source)} is of the type {quoted(kind)}; {advice}")
    if config.get("is_decoder") is True or config.get("add_cross_attention") is True:
        raise UnsupportedModelError(
            f"{quoted(source)} has the shape of {FAMILIES[kind].label} but is set up as a decoder, which reads only to "
            f"the left; {advice}"
        )
    if config.get("quantization_config") or config.get("compression_config"):
        raise UnsupportedModelError(
            f"{quoted(source)} has quantised weights; choose the original model with 32- or 16-bit weights"
        )
    if config.get("position_embedding_type") not in (None, "absolute"):
        raise UnsupportedModelError(
            f"{quoted(source)} uses relative positions ({quoted(config['position_embedding_type'])}), which "
            "transformers no longer computes; choose a model with absolute positions"
        )
    for name, limit in _limits().items():
        number = config.get(name, 1)
        if type(number) is not int or not 0 < number <= limit:
            raise DamagedCheckpointError(
                f"{CONFIG} of {quoted(source)} says {name} = {quoted(number)}; valid are 1 to {limit}; correct it"
            )
    return FAMILIES[kind]


def strings(value: object) -> tuple[str, ...]:
    """The strings in a JSON list; none if it is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, (list, tuple)) else ()


def _limits() -> dict[str, int]:
    """Config numbers that make as many Python objects as they say → the most accepted."""
    names = {"num_hidden_layers"}  # transformers reads it in every config, also where the family has a name of its own
    for family in FAMILIES.values():
        names |= {family.layer_count, *(name for name, _ in family.only_with)}
        if family.group_count:
            names.add(family.group_count)
    return dict.fromkeys(sorted(names), _MAX_LAYERS) | dict.fromkeys(("num_labels", "_num_labels"), _MAX_LABELS)
