"""Text classification with a fine-tuned head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import torch
from torch import Tensor

from glassbert.arguments import checked
from glassbert.decision import strongest
from glassbert.language.predictions import Classification
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Encoded
from glassbert.text.inputs import Text, encode, encode_many, require_no_pair
from glassbert.text.windows import Windows, decided_in


@overload
def classify(
    model: Model, text: Text, pair: str | None = None, *, windows: Windows | None = None
) -> Classification: ...
@overload
def classify(
    model: Model, text: list[Text | tuple[str, str]], *, windows: Windows | None = None
) -> tuple[Classification, ...]: ...
@checked
def classify(
    model: Model,
    text: Text | list[Text | tuple[str, str]],
    pair: str | None = None,
    *,
    windows: Windows | None = None,
) -> Classification | tuple[Classification, ...]:
    """The classifier's logits and probabilities for one text or a pair of texts. One forward pass.

    Probabilities are a softmax over the labels, or one sigmoid per label for a multi-label checkpoint or one with a
    single label. A regression (``problem_type`` in its config) has scores, in ``logits``, and no probabilities. A list
    of texts gives the results of :func:`classify_many`. ``windows`` read a text that is longer than the model
    (:class:`glassbert.Windows`), one pass each; the logits are those of the whole. Raises TaskHeadError and TextErrors.
    """
    if isinstance(text, list):
        require_no_pair(pair)
        return classify_many(model, text, windows=windows)
    require_task_head(model, "classification")
    return _classify(model, [encode(model, text, pair, windows=windows)])[0]


@checked
def classify_many(
    model: Model, texts: Sequence[Text | tuple[str, str]], *, windows: Windows | None = None
) -> tuple[Classification, ...]:
    """:func:`classify` for a list of texts, pairs as tuples, batched by length; in the order of the texts."""
    require_task_head(model, "classification")
    return tuple(_classify(model, encode_many(model, texts, windows=windows)))


def _classify(model: Model, encoded: Sequence[Encoded]) -> list[Classification]:
    """Windows of long texts share passes with each other and with short texts, by length."""
    read = [
        (number, window)
        for number, one in enumerate(encoded)
        for window in ([one.window(k) for k in range(len(one.windows))] or [one])
    ]
    rows: dict[int, Tensor] = {}
    for chosen in batches(model, [len(window) for _, window in read]):
        rows.update(zip(chosen, task_logits(model, [read[k][1] for k in chosen], "classification"), strict=True))
    of_each: list[list[Tensor]] = [[] for _ in encoded]
    for k, (number, _) in enumerate(read):
        of_each[number].append(rows[k])
    encoded = [_settled(model, one, found) for one, found in zip(encoded, of_each, strict=True)]
    shares = [torch.tensor(one.window_weights if len(one.windows) else [1.0]).float() for one in encoded]
    logits = torch.stack([share @ torch.stack(found) for share, found in zip(shares, of_each, strict=True)])
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


def _settled(model: Model, encoded: Encoded, logits: Sequence[Tensor]) -> Encoded:
    """The input with the share of each of its windows, from their logits, (label,) each."""
    if not len(encoded.windows) or encoded.window_weights.any():
        return encoded
    return decided_in(encoded, strongest(logits, independent=model.multi_label))
