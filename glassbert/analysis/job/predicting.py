"""One pass over the texts of a part: logits, and what the network makes of each text as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.errors import StoppedError
from glassbert.network.batches import batches
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, encoder_of, run
from glassbert.network.task_heads import head_logits
from glassbert.results import Array, Encoded

__all__ = ["MOST_STATE", "Predictions", "predictions_of", "probabilities_of", "state_width"]

#: Numbers of a state that are kept. A random projection to so few keeps cosines within some hundredths.
MOST_STATE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Of each text: logits (text, label) in float64, and its state (text, width) in float16."""

    logits: Array
    states: Array


def state_width(model: Model) -> int:
    return min(MOST_STATE, model.hidden_size)


def predictions_of(
    model: Model, encoded: Sequence[Encoded], cancelled: Callable[[], bool] | None = None
) -> Predictions:
    """Classify texts, by length. A state is the mean of the last hidden states over the tokens that are not special.

    States wider than 256 are projected by a random orthonormal matrix, the same for every model of that size. Raises
    StoppedError.
    """
    logits = np.zeros((len(encoded), len(model.labels)))
    states = np.zeros((len(encoded), state_width(model)), dtype=np.float16)
    for places in batches(model, [len(one) for one in encoded]):
        if cancelled is not None and cancelled():
            raise StoppedError("the analysis was stopped; the same call goes on with it")
        chosen = [encoded[place] for place in places]
        inputs = batch(model, chosen)
        words = torch.zeros(inputs.input_ids.shape)
        for row, one in enumerate(chosen):
            words[row, : len(one)] = torch.from_numpy(1.0 - one.special_tokens_mask)

        def read(forward: Forward, words: Tensor = words) -> tuple[Tensor, Tensor]:
            kept: list[Tensor] = []

            def keep(_module: object, _given: object, output: Any) -> None:
                kept.append(output if isinstance(output, Tensor) else output[0])

            hook = encoder_of(model).register_forward_hook(keep)
            try:
                found, _ = head_logits(forward, "classification")
            finally:
                hook.remove()
            last = kept[-1].float()
            weights = words.to(last.device)[..., None]
            mean = (last * weights).sum(1) / weights.sum(1).clamp(min=1)
            return found.cpu(), mean.cpu()

        found, mean = run(model, inputs, read)
        logits[places] = found.double().numpy()
        states[places] = _narrowed(mean).numpy().astype(np.float16)
    return Predictions(logits, states)


def _narrowed(states: Tensor) -> Tensor:
    if states.shape[1] <= MOST_STATE:
        return states
    return states @ _projection(states.shape[1])


@lru_cache(maxsize=4)
def _projection(width: int) -> Tensor:
    """(width, 256) with orthonormal columns, scaled so that lengths stay the same on average."""
    drawn = torch.randn(width, MOST_STATE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found: Tensor = (torch.linalg.qr(drawn).Q * (width / MOST_STATE) ** 0.5).float()
    return found


def probabilities_of(model: Model, logits: Array) -> Array:
    """(text, label): a softmax, sigmoids of independent labels, or the scores themselves."""
    found = torch.from_numpy(logits)
    if model.regression:
        return logits
    shares: Array = (found.sigmoid() if model.multi_label else found.softmax(dim=-1)).numpy()
    return shares
