"""The hidden state of every token after every layer."""

from __future__ import annotations

import torch

from glassbert.arguments import checked
from glassbert.network.batches import require_memory_for_states
from glassbert.network.model import Model
from glassbert.network.run import Forward, batch, run
from glassbert.text.inputs import Text, encode
from glassbert.text.results import HiddenStates

__all__ = ["hidden_states"]


@checked
def hidden_states(model: Model, text: Text, pair: str | None = None) -> HiddenStates:
    """The hidden states of a text: (layer + 1, token, hidden), in float32; one forward pass.

    Layer 0 is the input of the first layer: the embeddings after their LayerNorm (and, in ALBERT and ELECTRA, after
    their projection to the hidden size); layer n is the output of the n-th layer. They equal
    ``output_hidden_states=True`` of the stock network. Attention heads that :func:`glassbert.ablate` switched off are
    off here too. Raises TextErrors and NotEnoughMemoryError.
    """
    encoded = encode(model, text, pair)
    require_memory_for_states(model, len(encoded))
    inputs = batch(model, [encoded])

    def read(forward: Forward) -> torch.Tensor:
        output = forward.encoder(output_hidden_states=True)
        return torch.stack([states[0].float().cpu() for states in output.hidden_states])

    return HiddenStates(encoded=encoded, states=run(model, inputs, read).numpy())
