"""The encoder families GlassBERT opens. One file a family.

A file of this folder that defines ``FAMILY`` is a family; nothing else has to be touched to add one. Loading, task
heads, hooks, relevance rules, neuron views and the architecture picture all read its record.

A head is *real* only when its tensors are in the checkpoint: transformers would otherwise fill it with random numbers
and predict with them. So heads are read off the tensor names, never off the config alone.
"""

from __future__ import annotations

import importlib
import pkgutil

from glassbert.errors import UnsupportedModelError
from glassbert.families._family import (
    CAPABILITIES,
    HEADS,
    Capability,
    EmbeddingNames,
    Family,
    Head,
    LayerNames,
    TaskHead,
    Variant,
)
from glassbert.families._others import DECODERS, ENCODER_DECODERS

__all__ = [
    "CAPABILITIES",
    "DECODERS",
    "ENCODER_DECODERS",
    "FAMILIES",
    "HEADS",
    "Capability",
    "EmbeddingNames",
    "Family",
    "Head",
    "LayerNames",
    "TaskHead",
    "Variant",
    "discover",
    "family_of",
    "labels",
    "require",
]


def discover() -> dict[str, Family]:
    """The family of each file in this folder, by its ``model_type``."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").FAMILY for name in names]
    return {family.model_type: family for family in found}


#: ``model_type`` of the config → family.
FAMILIES: dict[str, Family] = discover()


def labels(capability: Capability | None = None) -> str:
    """The families (of this capability) for a message: "ALBERT, BERT and DistilBERT"."""
    found = [one.label for one in FAMILIES.values() if capability is None or getattr(one, capability)]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found) or "none"


def family_of(model_type: str) -> Family:
    """The record of a family. Raises UnsupportedModelError."""
    if model_type not in FAMILIES:
        raise UnsupportedModelError(
            f"GlassBERT does not know networks of the type {model_type!r}; choose a model of one of the families "
            f"{labels()}"
        )
    return FAMILIES[model_type]


def require(family: Family, capability: Capability, what: str) -> None:
    """Raise UnsupportedModelError unless the family has what ``what`` ("DecompX") needs."""
    if not getattr(family, capability):
        raise UnsupportedModelError(
            f"{what} needs {CAPABILITIES[capability]}, which {family.label} networks do not have; choose a model of "
            f"another family: {labels(capability)}"
        )
