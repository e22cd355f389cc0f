"""Token classification, one label per token: named entities, parts of speech."""

from __future__ import annotations

from glassbert.arguments import checked
from glassbert.decision import central_rows
from glassbert.language.predictions import TokenLabels
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
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
    if len(encoded.windows):
        each = (encoded.window(number) for number in range(len(encoded.windows)))
        logits = central_rows(encoded, (task_logits(model, [one], "token_classification")[0] for one in each))
    else:
        logits = task_logits(model, [encoded], "token_classification")[0]
    return TokenLabels(
        encoded=encoded,
        labels=model.labels,
        logits=logits.numpy(),
        probabilities=logits.softmax(dim=-1).numpy(),
    )
