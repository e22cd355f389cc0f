"""Logit lens: the masked-word head on every layer's state (nostalgebraist 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from glassbert.device import work_threads
from glassbert.encoder import Model, batch, encoder_of, network_inputs, vocabulary_logits
from glassbert.errors import OptionError
from glassbert.inputs import Text, token_name
from glassbert.language._masks import entropy_bits
from glassbert.language.masked_words import mask
from glassbert.language_results import LogitLens
from glassbert.vocabulary import piece_in_place


def logit_lens(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    positions: Sequence[int] | None = None,
    top_k: int = 5,
    words: Sequence[str] = (),
) -> LogitLens:
    """What each layer would answer: ``logit_lens(model, "Paris is the capital of [MASK].", words=["france"])``.

    The head was trained on the last layer's state only; applied to the others it shows how far the answer has formed,
    not what those layers "think". ``positions`` and ``top_k`` as in :func:`glassbert.fill_mask`, whose numbers the last
    layer has. ``words`` of one piece are followed through the layers. One forward pass of the encoder and the head on
    L + 1 states a mask. Raises HeadError, TargetError, OptionError, TextErrors.
    """
    masked = mask(model, text, pair, positions, top_k)
    chosen = list(masked.positions)
    if isinstance(words, str):
        raise OptionError("words is a list: give it as one, even for a single word")
    word_ids = torch.tensor(
        [[piece_in_place(model, masked.encoded, position, word) for word in words] for position in chosen]
    ).reshape(len(chosen), len(words))
    inputs = batch(model, [masked.encoded])

    def work(device: str) -> Tensor:
        with torch.no_grad(), work_threads(inputs.token_rows):
            arguments = network_inputs(model, inputs, device)
            states = encoder_of(model)(**arguments, output_hidden_states=True).hidden_states
            rows = torch.stack([state[0, chosen] for state in states])  # (layer, mask, hidden)
            below = vocabulary_logits(model, rows[:-1].flatten(0, 1))
            # by itself, as fill_mask runs it: the same product in a larger batch may differ in the last bit
            last = vocabulary_logits(model, rows[-1])
            return torch.cat([below, last]).float().view(len(states), len(chosen), -1).cpu()

    logits = model.run(work)  # (layer, mask, vocabulary)
    log_probabilities = logits.log_softmax(dim=-1)
    best = logits.topk(top_k, dim=-1)
    word_probabilities, word_ranks = _followed(logits, log_probabilities, word_ids)
    known = torch.tensor(masked.originals)
    original_probabilities, original_ranks = _followed(logits, log_probabilities, known.clamp(min=0)[:, None])
    return LogitLens(
        encoded=masked.encoded,
        positions=np.asarray(chosen),
        candidate_ids=best.indices.numpy(),
        candidates=tuple(
            tuple(tuple(token_name(model, token) for token in row) for row in rows) for rows in best.indices.tolist()
        ),
        logits=best.values.numpy(),
        probabilities=log_probabilities.exp().gather(-1, best.indices).numpy(),
        entropy=entropy_bits(log_probabilities).numpy(),
        words=tuple(words),
        word_ids=word_ids.numpy(),
        word_probabilities=word_probabilities.numpy(),
        word_ranks=word_ranks.numpy(),
        original_ids=known.numpy(),
        original_tokens=tuple(token_name(model, token) if token >= 0 else "" for token in masked.originals),
        original_probabilities=(original_probabilities[..., 0] * (known >= 0)).numpy(),
        original_ranks=(original_ranks[..., 0] * (known >= 0)).numpy(),
    )


def _followed(logits: Tensor, log_probabilities: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities and ranks of chosen ids in every layer: ids (mask, word) → two (layer, mask, word)."""
    at = ids.expand(len(logits), *ids.shape)
    ranks = [(logits > one[..., None]).sum(dim=-1) + 1 for one in logits.gather(-1, at).unbind(-1)]
    found = torch.stack(ranks, dim=-1) if ranks else torch.empty_like(at)
    return log_probabilities.gather(-1, at).exp(), found
