"""One label a token: named entities, parts of speech."""

from __future__ import annotations

import torch

from glassbert.arguments import checked
from glassbert.language.predictions import TokenLabels
from glassbert.network.device import work_threads
from glassbert.network.model import Model, batch, network_inputs, require_head
from glassbert.text.inputs import Text, encode


@checked
def label_tokens(model: Model, text: Text, pair: str | None = None) -> TokenLabels:
    """A token classifier's logits and softmax, (token, label). One forward pass. Raises HeadError, TextErrors."""
    require_head(model, "token_classification")
    encoded = encode(model, text, pair)
    inputs = batch(model, [encoded])

    def work(device: str) -> torch.Tensor:
        with torch.no_grad(), work_threads(inputs.token_rows):
            logits: torch.Tensor = model.network(**network_inputs(model, inputs, device)).logits
            return logits[0].float().cpu()

    logits = model.run(work)
    return TokenLabels(
        encoded=encoded,
        labels=model.labels,
        logits=logits.numpy(),
        probabilities=logits.softmax(dim=-1).numpy(),
    )
