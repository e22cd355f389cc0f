"""The supported encoder families, one file per family.

Every file in this folder that defines ``FAMILY`` adds a family; nothing else needs to change. Loading, task heads,
hooks, relevance rules, neuron views and the architecture picture all read its record.

A model has a task head only if the tensors of that head are in the checkpoint: otherwise transformers would
initialise the head randomly and predict with it. Heads are therefore derived from the tensor names, never from the
config alone.
"""

from __future__ import annotations

import importlib
import pkgutil

from glassbert.errors import UnsupportedModelError
from glassbert.families._family import (
    CAPABILITIES,
    TASKS,
    Capability,
    DistanceNames,
    EmbeddingNames,
    Family,
    LayerNames,
    LocalNames,
    Task,
    TaskHead,
    Variant,
)
from glassbert.families._others import BUILT_IN, DECODERS, ENCODER_DECODERS

__all__ = [
    "BUILT_IN",
    "CAPABILITIES",
    "DECODERS",
    "ENCODER_DECODERS",
    "FAMILIES",
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
    "discover",
    "family_of",
    "labels",
    "require",
]


def discover() -> dict[str, Family]:
    """``model_type`` → family, for each file in this folder."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").FAMILY for name in names]
    return {family.model_type: family for family in found}


#: ``model_type`` of the config → family.
FAMILIES: dict[str, Family] = discover()


def labels(capability: Capability | None = None) -> str:
    """The families (with this capability) for a message: "ALBERT, BERT and DistilBERT"."""
    found = [one.label for one in FAMILIES.values() if capability is None or getattr(one, capability)]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found) or "none"


def family_of(model_type: str) -> Family:
    """The record of a family. Raises UnsupportedModelError."""
    if model_type not in FAMILIES:
        raise UnsupportedModelError(
            f"GlassBERT does not support networks of type {model_type!r}; choose a model of a supported family: "
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
