"""Text classification with a fine-tuned head."""

from __future__ import annotations

from collections.abc import Sequence

from glassbert.arguments import checked
from glassbert.language.predictions import Classification
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Encoded
from glassbert.text.inputs import Text, encode, encode_many


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
    results: dict[int, Classification] = {}
    for chosen in batches(model, [len(one) for one in encoded]):
        results.update(zip(chosen, _classify(model, [encoded[index] for index in chosen]), strict=True))
    return tuple(results[index] for index in range(len(encoded)))


def _classify(model: Model, encoded: Sequence[Encoded]) -> list[Classification]:
    logits = task_logits(model, encoded, "classification")  # (input, label)
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
