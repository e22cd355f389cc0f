"""Token classification, one label per token: named entities, parts of speech."""

from __future__ import annotations

from glassbert.arguments import checked
from glassbert.decision import token_logits
from glassbert.language.predictions import TokenLabels
from glassbert.network.model import Model, require_task_head
from glassbert.text.inputs import Text, encode
from glassbert.text.windows import Windows


@checked
def label_tokens(model: Model, text: Text, pair: str | None = None, *, windows: Windows | None = None) -> TokenLabels:
    """A token classifier's logits and softmax, (token, label). One forward pass.

    ``windows`` read a text that is longer than the model (:class:`glassbert.Windows`), one pass each: the labels of a
    token are those of the window in which it is most central. Raises TaskHeadError, TextErrors.
    """
    require_task_head(model, "token_classification")
    encoded = encode(model, text, pair, windows=windows)
    logits = token_logits(model, encoded, "token_classification")
    return TokenLabels(
        encoded=encoded,
        labels=model.labels,
        logits=logits.numpy(),
        probabilities=logits.softmax(dim=-1).numpy(),
    )
