"""Text classification with a fine-tuned head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from glassbert.arguments import checked
from glassbert.language.predictions import Classification
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Encoded
from glassbert.text.inputs import Text, encode, encode_many, require_no_pair


@overload
def classify(model: Model, text: Text, pair: str | None = None) -> Classification: ...
@overload
def classify(model: Model, text: list[Text | tuple[str, str]]) -> tuple[Classification, ...]: ...
@checked
def classify(
    model: Model, text: Text | list[Text | tuple[str, str]], pair: str | None = None
) -> Classification | tuple[Classification, ...]:
    """The classifier's logits and probabilities for one text or a pair of texts. One forward pass.

    Probabilities are a softmax over the labels, or one sigmoid per label for a multi-label checkpoint or one with a
    single label. A regression (``problem_type`` in its config) has scores, in ``logits``, and no probabilities. A list
    of texts gives the results of :func:`classify_many`. Raises TaskHeadError and TextErrors.
    """
    if isinstance(text, list):
        require_no_pair(pair)
        return classify_many(model, text)
    require_task_head(model, "classification")
    return _classify(model, [encode(model, text, pair)])[0]


@checked
def classify_many(model: Model, texts: Sequence[Text | tuple[str, str]]) -> tuple[Classification, ...]:
    """:func:`classify` for a list of texts, pairs as tuples, batched by length; in the order of the texts."""
    require_task_head(model, "classification")
    encoded = encode_many(model, texts)
    results: dict[int, Classification] = {}
    for chosen in batches(model, [len(one) for one in encoded]):
        results.update(zip(chosen, _classify(model, [encoded[index] for index in chosen]), strict=True))
    return tuple(results[index] for index in range(len(encoded)))


def _classify(model: Model, encoded: Sequence[Encoded]) -> list[Classification]:
    logits = task_logits(model, encoded, "classification")  # (input, label)
    if model.regression:
        probabilities = logits[:, :0]
    else:
        probabilities = logits.sigmoid() if model.multi_label else logits.softmax(dim=-1)
    return [
        Classification(
            encoded=item,
            labels=model.labels,
            logits=logits[row].numpy(),
            probabilities=probabilities[row].numpy(),
            multi_label=model.multi_label,
            regression=model.regression,
        )
        for row, item in enumerate(encoded)
    ]
