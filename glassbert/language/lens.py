"""Logit lens: the masked-word head on every layer's state (nostalgebraist 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.language.masked_copies import entropy_bits
from glassbert.language.masked_words import Masked, mask
from glassbert.language.results import LogitLens
from glassbert.network.batches import rows_of_vocabulary
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, final_norm, run
from glassbert.network.task_heads import vocabulary_scores
from glassbert.text.inputs import Text, token_name
from glassbert.text.vocabulary import piece_in_place


@checked
def logit_lens(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    positions: Sequence[int] | None = None,
    top_k: int = 5,
    words: Sequence[str | int] = (),
) -> LogitLens:
    """What each layer would predict: ``logit_lens(model, "Paris is the capital of [MASK].", words=["france"])``.

    The head was trained on the last layer's state only; applied to the others, it shows how far the prediction has
    formed, not what those layers "think". ``positions`` and ``top_k`` are as in :func:`glassbert.fill_mask`, whose
    numbers are those of the last layer. ``words``, of one piece each, are tracked through the layers. One forward pass
    of the encoder, and the head on L + 1 states per mask. Raises TaskHeadError, TargetError, OptionError, TextErrors.
    """
    masked = mask(model, text, pair, positions, top_k)
    if isinstance(words, str):
        raise OptionError("words must be a list, even for a single word")
    word_ids = torch.tensor(
        [[piece_in_place(model, masked.encoded, position, word) for word in words] for position in masked.positions],
        dtype=torch.int64,
    ).reshape(len(masked.positions), len(words))
    originals = torch.tensor(masked.originals)
    followed = torch.cat([word_ids, originals.clamp(min=0)[:, None]], dim=-1)
    layers = [_read(logits, followed, top_k) for logits in _logits(model, masked)]
    ids, logits, probabilities, entropy, found, ranks = (torch.cat(parts) for parts in zip(*layers, strict=True))
    known = originals >= 0
    return LogitLens(
        encoded=masked.encoded,
        positions=np.asarray(masked.positions),
        candidate_ids=ids.numpy(),
        candidates=tuple(
            tuple(tuple(token_name(model, token) for token in row) for row in rows) for rows in ids.tolist()
        ),
        logits=logits.numpy(),
        probabilities=probabilities.numpy(),
        entropy=entropy.numpy(),
        words=tuple(word if isinstance(word, str) else token_name(model, int(word)) for word in words),
        word_ids=word_ids.numpy(),
        word_probabilities=found[..., :-1].numpy(),
        word_ranks=ranks[..., :-1].numpy(),
        original_ids=originals.numpy(),
        original_tokens=tuple(token_name(model, token) if token >= 0 else "" for token in masked.originals),
        original_probabilities=(found[..., -1] * known).numpy(),
        original_ranks=(ranks[..., -1] * known).numpy(),
    )


def _logits(model: Model, masked: Masked) -> Iterator[Tensor]:
    """(layer, mask, vocabulary) logits in float32, in order, several layers at a time; the last one separately."""
    inputs, chosen = batch(model, [masked.encoded]), list(masked.positions)

    def read(forward: Forward) -> Tensor:
        states = forward.encoder(output_hidden_states=True).hidden_states
        *before, last = (state[0, chosen] for state in states)
        norm = final_norm(model)
        if norm is not None:  # the head reads states after it, and only the last one is
            before = [norm(state) for state in before]
        return torch.stack([*before, last])  # (layer, mask, hidden)

    rows = run(model, inputs, read)
    # the last layer separately, as fill_mask runs it: in a larger product its numbers may differ in the last bit
    for some in (*torch.split(rows[:-1], rows_of_vocabulary(model, len(chosen))), rows[-1:]):
        scores = vocabulary_scores(model, some.flatten(0, 1), token_rows=inputs.token_rows)
        yield scores.view(len(some), len(chosen), -1)


def _read(logits: Tensor, followed: Tensor, top_k: int) -> tuple[Tensor, ...]:
    """Candidates' ids, logits and probabilities, the entropy, and probabilities and ranks of the followed ids."""
    log_probabilities = logits.log_softmax(dim=-1)
    best = logits.topk(top_k, dim=-1)
    at = followed.expand(len(logits), *followed.shape)  # (layer, mask, word)
    own = logits.gather(-1, at)
    ranks = torch.stack([(logits > one[..., None]).sum(dim=-1) + 1 for one in own.unbind(-1)], dim=-1)
    probabilities = log_probabilities.exp().gather(-1, best.indices)
    found = log_probabilities.gather(-1, at).exp()
    return best.indices, best.values, probabilities, entropy_bits(log_probabilities), found, ranks
