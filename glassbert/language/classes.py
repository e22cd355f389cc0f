"""Text classification with a fine-tuned head."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from glassbert.arguments import checked
from glassbert.language.predictions import Classification
from glassbert.network.device import work_threads
from glassbert.network.model import Model, batch, network_inputs, require_head
from glassbert.results import Encoded
from glassbert.text.inputs import Text, encode, encode_many

# Padded token rows a forward pass: bounds memory (about 200 MB of activations for a base-size model).
_TOKEN_ROWS = 4096


@checked
def classify(model: Model, text: Text, pair: str | None = None) -> Classification:
    """The classifier's logits and probabilities for one text, or a pair. One forward pass.

    Probabilities are a softmax over the labels, or one sigmoid a label for a multi-label checkpoint. Raises HeadError
    and the TextErrors.
    """
    require_head(model, "classification")
    return _classify(model, [encode(model, text, pair)])[0]


@checked
def classify_many(model: Model, texts: Sequence[Text]) -> tuple[Classification, ...]:
    """:func:`classify` for a list, batched by length; the order of the results is that of the texts."""
    require_head(model, "classification")
    encoded = encode_many(model, texts)
    by_length = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    results: dict[int, Classification] = {}
    start = 0
    while start < len(by_length):
        end = start + 1
        while end < len(by_length) and (end + 1 - start) * len(encoded[by_length[end]]) <= _TOKEN_ROWS:
            end += 1
        chunk = by_length[start:end]
        results.update(zip(chunk, _classify(model, [encoded[index] for index in chunk]), strict=True))
        start = end
    return tuple(results[index] for index in range(len(encoded)))


def _classify(model: Model, encoded: Sequence[Encoded]) -> list[Classification]:
    inputs = batch(model, encoded)

    def work(device: str) -> torch.Tensor:
        with torch.no_grad(), work_threads(inputs.token_rows):
            logits: torch.Tensor = model.network(**network_inputs(model, inputs, device)).logits
            return logits.float().cpu()

    logits = model.run(work)  # (input, label)
    probabilities = logits.sigmoid() if model.multi_label else logits.softmax(dim=-1)
    return [
        Classification(
            encoded=item,
            labels=model.labels,
            logits=logits[row].numpy(),
            probabilities=probabilities[row].numpy(),
            multi_label=model.multi_label,
        )
        for row, item in enumerate(encoded)
    ]
