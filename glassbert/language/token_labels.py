"""Token classification, one label per token: named entities, parts of speech."""

from __future__ import annotations

from glassbert.arguments import checked
from glassbert.language.predictions import TokenLabels
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.text.inputs import Text, encode


@checked
def label_tokens(model: Model, text: Text, pair: str | None = None) -> TokenLabels:
    """A token classifier's logits and softmax, (token, label). One forward pass. Raises TaskHeadError, TextErrors."""
    require_task_head(model, "token_classification")
    encoded = encode(model, text, pair)
    logits = task_logits(model, [encoded], "token_classification")[0]
    return TokenLabels(
        encoded=encoded,
        labels=model.labels,
        logits=logits.numpy(),
        probabilities=logits.softmax(dim=-1).numpy(),
    )
