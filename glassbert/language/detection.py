"""Which tokens look replaced: the task on which ELECTRA's discriminators were trained."""

from __future__ import annotations

from glassbert.arguments import checked
from glassbert.decision import token_logits
from glassbert.language.predictions import ReplacedTokens
from glassbert.network.model import Model, require_task_head
from glassbert.text.inputs import Text, encode
from glassbert.text.windows import Windows


@checked
def replaced_tokens(
    model: Model, text: Text, pair: str | None = None, *, windows: Windows | None = None
) -> ReplacedTokens:
    """Which words look replaced: a discriminator's logit and probability for each token (Clark et al. 2020).

        gb.replaced_tokens(model, "The chef ate the meal that he had cooked.").frame()

    A discriminator was trained on texts in which a small model for masked words had replaced some of the tokens. A high
    probability says that a token is unlikely where it is, not that it is wrong. ``gb.attribute(model, text,
    target=gb.TokenTarget(position))`` explains why a token looks replaced. One forward pass. ``windows`` read a text
    that is longer than the model (:class:`glassbert.Windows`), one pass each: the answer about a token is that of the
    window in which it is most central. Raises TaskHeadError, TextErrors.
    """
    require_task_head(model, "replaced_tokens")
    encoded = encode(model, text, pair, windows=windows)
    logits = token_logits(model, encoded, "replaced_tokens")[:, 0]
    return ReplacedTokens(encoded=encoded, logits=logits.numpy(), probabilities=logits.sigmoid().numpy())
