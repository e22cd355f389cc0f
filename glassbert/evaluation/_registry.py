"""Finds the checks: the files of this folder that define ``CHECK``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from glassbert.evaluation._check import Check, Group

__all__ = ["CHECKS"]

# The order of a receipt's lines.
_GROUPS: tuple[Group, ...] = ("arithmetic", "faithfulness", "agreement", "sanity", "stability")


def _discover() -> Mapping[str, Check]:
    folder = str(Path(__file__).parent)
    names = sorted(
        info.name for info in pkgutil.iter_modules([folder]) if not info.name.startswith("_") and info.name != "results"
    )
    checks = (importlib.import_module(f"glassbert.evaluation.{name}").CHECK for name in names)
    return MappingProxyType({check.id: check for check in sorted(checks, key=lambda one: _GROUPS.index(one.group))})


#: Check id → what the check declares about itself, in the order of a receipt's lines.
CHECKS: Mapping[str, Check] = _discover()
