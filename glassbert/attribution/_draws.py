"""Reproducible random draws for Captum, which uses the global generators of the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from glassbert.attribution._options import Option, batch_rows, seed

__all__ = ["draws", "seeded"]

_one_at_a_time = threading.Lock()


@contextmanager
def seeded(start: int) -> Iterator[None]:
    """Seed torch's CPU generator and numpy's inside this context; afterwards they continue from their earlier state.

    One thread at a time: two would draw from each other's sequence.
    """
    with _one_at_a_time, torch.random.fork_rng(devices=()):
        before = np.random.get_state()
        np.random.seed(start)
        torch.default_generator.manual_seed(start)
        try:
            yield
        finally:
            np.random.set_state(before)


def draws(n_samples: int, stdev: float) -> tuple[Option, ...]:
    """The options of methods that draw noisy or random inputs, with these defaults."""
    return (
        Option(
            "n_samples",
            "int",
            n_samples,
            "Number of random inputs.",
            unit="inputs",
            minimum=1,
            maximum=10_000,
        ),
        Option(
            "stdev",
            "float",
            stdev,
            "Strength of the noise on the embeddings.",
            unit="standard deviations of the embedding values",
            minimum=0,
            maximum=10,
        ),
        seed(2**32 - 1),
        batch_rows(),
    )
