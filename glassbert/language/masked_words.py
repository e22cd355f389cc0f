"""Masked words: what the model predicts at a mask (Devlin et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.errors import OptionError, TargetError
from glassbert.language.predictions import MaskPrediction
from glassbert.network.model import Model, require_task_head
from glassbert.network.run import Forward, batch, run
from glassbert.network.task_heads import vocabulary_logits
from glassbert.results import Encoded
from glassbert.text.inputs import Text, encode, mask_positions, token_name, with_masks


@checked
def fill_mask(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    positions: Sequence[int] | None = None,
    top_k: int = 10,
) -> MaskPrediction:
    """The ``top_k`` candidates at each mask: ``fill_mask(model, "Paris is the capital of [MASK].")``.

    ``positions`` (token indices, special tokens included) are masked first, all together; ``None`` uses the masks typed
    in the text. One forward pass of the encoder; the vocabulary head runs only at the masks. Probabilities are a
    softmax over the whole vocabulary. Raises TaskHeadError, TargetError, OptionError, TextErrors.
    """
    masked = mask(model, text, pair, positions, top_k)
    inputs = batch(model, [masked.encoded])
    chosen, originals = list(masked.positions), masked.originals

    def read(forward: Forward) -> torch.Tensor:
        return vocabulary_logits(model, forward.encoder().last_hidden_state[0, chosen]).float().cpu()

    logits = run(model, inputs, read)  # (mask, vocabulary)
    log_probabilities = logits.log_softmax(dim=-1)
    probabilities = log_probabilities.exp()
    best = logits.topk(top_k, dim=-1)
    ranks, original_probabilities = [], []
    for row, original in enumerate(originals):
        known = original >= 0
        ranks.append(int((logits[row] > logits[row, original]).sum()) + 1 if known else 0)
        original_probabilities.append(float(probabilities[row, original]) if known else 0.0)
    return MaskPrediction(
        encoded=masked.encoded,
        positions=np.asarray(chosen),
        candidate_ids=best.indices.numpy(),
        candidates=tuple(tuple(token_name(model, token) for token in row) for row in best.indices.tolist()),
        logits=best.values.numpy(),
        probabilities=probabilities.gather(-1, best.indices).numpy(),
        entropy=(-(probabilities * log_probabilities).sum(dim=-1) / torch.log(torch.tensor(2.0))).numpy(),
        original_ids=np.asarray(originals),
        original_tokens=tuple(token_name(model, original) if original >= 0 else "" for original in originals),
        original_ranks=np.asarray(ranks),
        original_probabilities=np.asarray(original_probabilities),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A text with its masks in place."""

    encoded: Encoded
    positions: tuple[int, ...]  # (mask,)
    originals: tuple[int, ...]  # (mask,), the original ids; −1 for a typed mask


def mask(model: Model, text: Text, pair: str | None, positions: Sequence[int] | None, top_k: int) -> Masked:
    """The text masked at these positions, or at the masks typed in it. Raises the errors of :func:`fill_mask`."""
    require_task_head(model, "masked_words")
    check_top_k(model, top_k)
    encoded = encode(model, text, pair)
    typed = mask_positions(model, encoded)
    chosen = sorted(set(typed if positions is None else positions))
    if not chosen:
        raise TargetError(
            f"there is no {model.mask_token} in the text: type one in place of a word, or choose a token to mask"
        )
    masked = with_masks(model, encoded, chosen)  # raises if a position cannot be masked
    originals = tuple(-1 if position in typed else int(encoded.input_ids[position]) for position in chosen)
    return Masked(masked, tuple(int(position) for position in chosen), originals)


def check_top_k(model: Model, top_k: int) -> None:
    """Raise OptionError unless the vocabulary has this many tokens."""
    vocabulary = int(model.network.config.vocab_size)
    if not 1 <= top_k <= vocabulary:
        raise OptionError(f"top_k must be from 1 to {vocabulary}, the size of the vocabulary; got {top_k}")
