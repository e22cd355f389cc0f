"""Extractive question answering: the answer is a span of the context (Devlin et al. 2019, SQuAD)."""

from __future__ import annotations

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.decision import central_rows
from glassbert.errors import OptionError
from glassbert.language.predictions import AnswerPrediction
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.text.inputs import encode
from glassbert.text.windows import Windows


@checked
def answer(
    model: Model,
    question: str,
    context: str,
    *,
    top_k: int = 5,
    max_answer_tokens: int = 30,
    windows: Windows | None = None,
) -> AnswerPrediction:
    """The ``top_k`` best spans of ``context`` that answer ``question``. One forward pass.

    A span's probability is P(start) × P(end), each a softmax over the context's tokens. Spans end at or after their
    start and have at most ``max_answer_tokens`` tokens. ``windows`` read a context
    that is longer than the model (:class:`glassbert.Windows`), one pass each, with the question: the logits of a token
    are those of the window in which it is most central. Raises TaskHeadError, OptionError, TextErrors.
    """
    require_task_head(model, "question_answering")
    if top_k < 1 or max_answer_tokens < 1:
        raise OptionError("top_k and max_answer_tokens must be at least 1")
    encoded = encode(model, question, context, windows=windows)
    if len(encoded.windows):
        each = (encoded.window(number) for number in range(len(encoded.windows)))
        both = central_rows(encoded, (task_logits(model, [one], "question_answering")[0].T for one in each)).T
    else:
        both = task_logits(model, [encoded], "question_answering")[0]
    start, end = both
    context_tokens = torch.from_numpy(np.flatnonzero(encoded.sequence_ids == 1))
    # in log space: a confident model's products underflow, and all spans would then be tied
    joint = start[context_tokens].log_softmax(0)[:, None] + end[context_tokens].log_softmax(0)[None, :]
    allowed = torch.ones_like(joint, dtype=torch.bool).triu().tril(max_answer_tokens - 1)  # forwards, not too long
    best = joint.masked_fill(~allowed, -torch.inf).flatten().topk(min(top_k, int(allowed.sum())))
    spans = torch.stack((best.indices // len(context_tokens), best.indices % len(context_tokens)), dim=1)
    spans = context_tokens[spans]
    return AnswerPrediction(
        encoded=encoded,
        start_logits=start.numpy(),
        end_logits=end.numpy(),
        spans=spans.numpy(),
        span_probabilities=best.values.exp().numpy(),
        answers=tuple(
            encoded.texts[1][encoded.offsets[first, 0] : encoded.offsets[last, 1]] for first, last in spans.tolist()
        ),
    )
