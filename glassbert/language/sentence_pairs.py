"""Next sentence: BERT's second pre-training task (Devlin et al. 2019)."""

from __future__ import annotations

from glassbert.arguments import checked
from glassbert.language.predictions import PairPrediction
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Encoded
from glassbert.text.inputs import encode


@checked
def next_sentence(model: Model, text: str, pair: str) -> PairPrediction:
    """How likely ``pair`` follows ``text``: a softmax over ("is next", "is not next"), in that order.

    One forward pass of the encoder. Raises TaskHeadError for a model without this task head, and TextErrors.
    """
    require_task_head(model, "next_sentence")
    return next_of_encoded(model, encode(model, text, pair))


def next_of_encoded(model: Model, encoded: Encoded) -> PairPrediction:
    """The same for a pair that is already encoded."""
    logits = task_logits(model, [encoded], "next_sentence")[0]
    return PairPrediction(encoded=encoded, logits=logits.numpy(), probabilities=logits.softmax(dim=-1).numpy())
