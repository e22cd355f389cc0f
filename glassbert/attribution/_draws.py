"""Draws that repeat: Captum takes them from the generators that the whole process shares."""

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
    """torch's CPU generator and numpy's start from this seed inside, and go on after it as if nothing had been drawn.

    One thread at a time: two would take each other's numbers.
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
