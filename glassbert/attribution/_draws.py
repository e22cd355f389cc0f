"""Draws that repeat: Captum takes them from the generators that the whole process shares."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from glassbert.errors import OptionError

__all__ = ["check_draws", "seeded"]

_one_at_a_time = threading.Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's CPU generator and numpy's start from this seed inside, and go on after it as if nothing had been drawn.

    One thread at a time: two would take each other's numbers.
    """
    with _one_at_a_time, torch.random.fork_rng(devices=()):
        before = np.random.get_state()
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)


def check_draws(options: Mapping[str, Any]) -> None:
    """Raise OptionError for ``n_samples``, ``stdev``, ``seed`` or ``internal_batch_size`` that make no sense."""
    samples, seed, rows = options["n_samples"], options["seed"], options["internal_batch_size"]
    stdev = options["stdev"]
    if not (_whole(samples) and 1 <= samples <= 10_000):
        raise OptionError(f"n_samples {samples}: valid are 1 to 10000")
    if not (isinstance(stdev, int | float) and not isinstance(stdev, bool) and 0 <= stdev <= 10):
        raise OptionError(f"stdev {stdev}: valid is 0 to 10, a share of the embeddings' own standard deviation")
    if not (_whole(seed) and 0 <= seed < 2**32):
        raise OptionError(f"seed {seed}: valid is a whole number from 0 to {2**32 - 1}")
    if rows is not None and not (_whole(rows) and rows >= 1):
        raise OptionError(f"internal_batch_size {rows}: valid is 1 or more, or None to choose it from the length")


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
