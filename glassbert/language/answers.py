"""Extractive question answering: the answer is a span of the context (Devlin et al. 2019, SQuAD)."""

from __future__ import annotations

import torch

from glassbert.arguments import checked
from glassbert.decision import central_rows, span_scores_in_windows
from glassbert.decision.spans import LONGEST_ANSWER, can_answer, span_scores
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
    max_answer_tokens: int = LONGEST_ANSWER,
    no_answer: bool | None = None,
    windows: Windows | None = None,
) -> AnswerPrediction:
    """The ``top_k`` best spans of ``context`` that answer ``question``. One forward pass.

    A span's probability is P(start) × P(end), each a softmax over the context's tokens. Spans end at or after their
    start and have at most ``max_answer_tokens`` tokens. With ``no_answer``, the model may also find that the context
    has none, as models trained on SQuAD 2.0 do: the span (0, 0), at [CLS], with the answer "", competes like any other.
    None: if the name or the card of the checkpoint says SQuAD 2. ``windows`` read a context that is longer than the
    model (:class:`glassbert.Windows`), one pass each, with the question: a span is judged by the window in which its
    middle is most central, a token likewise, and no answer by the window that speaks least for it. Raises
    TaskHeadError, OptionError, TextErrors.
    """
    require_task_head(model, "question_answering")
    if top_k < 1 or max_answer_tokens < 1:
        raise OptionError("top_k and max_answer_tokens must be at least 1")
    encoded = encode(model, question, context, windows=windows)
    none = model.checkpoint.knows_no_answer if no_answer is None else no_answer
    if len(encoded.windows):
        each = [
            task_logits(model, [encoded.window(number)], "question_answering")[0].T
            for number in range(len(encoded.windows))
        ]
        both = central_rows(encoded, each).T
        both[:, 0] = min((one[0] for one in each), key=lambda ends: float(ends.sum()))
        scores = span_scores_in_windows(
            encoded, (one.T.numpy() for one in each), can_answer(encoded, no_answer=False), max_answer_tokens
        )
        if none:
            scores[0, 0] = both[:, 0].sum()
    else:
        both = task_logits(model, [encoded], "question_answering")[0]
        scores = span_scores(both[0].numpy(), both[1].numpy(), can_answer(encoded, no_answer=none), max_answer_tokens)
    start, end = both
    possible = torch.from_numpy(can_answer(encoded, no_answer=none))
    # in log space: a confident model's products underflow, and all spans would then be tied
    joint = torch.from_numpy(scores).double() - both.double().masked_fill(~possible, -torch.inf).logsumexp(dim=1).sum()
    best = joint.flatten().topk(min(top_k, int(joint.isfinite().sum())))
    first = best.indices // joint.shape[1]
    spans = torch.stack((first, first + best.indices % joint.shape[1]), dim=1)
    return AnswerPrediction(
        encoded=encoded,
        start_logits=start.numpy(),
        end_logits=end.numpy(),
        spans=spans.numpy(),
        span_probabilities=best.values.exp().numpy(),
        answers=tuple(
            encoded.texts[1][encoded.offsets[first, 0] : encoded.offsets[last, 1]] if last else ""
            for first, last in spans.tolist()
        ),
        no_answer=none,
    )
