"""The precision of matrix products; weights, losses and optimiser are always float32."""

from __future__ import annotations

import argparse
from typing import Any

import torch

from training.errors import RecipeError

__all__ = ["PRECISIONS", "add_precision_option", "autocast", "check_precision"]

PRECISIONS = ("bfloat16", "float32")


def check_precision(precision: str) -> None:
    """Raise `RecipeError` for an unknown precision."""
    if precision not in PRECISIONS:
        raise RecipeError(f"there is no precision {precision}; choose {' or '.join(PRECISIONS)}")


def autocast(device: str, precision: str) -> Any:
    """The context of a forward pass: bfloat16 products, as for the shipped checkpoints, or float32 only.

    GPUs and CPUs with AMX or AVX-512 BF16 compute bfloat16 several times faster than float32; other CPUs emulate it
    several times slower and round in a different order, so that figures differ in the last digit.
    """
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def add_precision_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--precision``."""
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0])
