"""Which sentence comes next? Next-sentence prediction for a list of candidates in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.language.results import ContinuationRanking
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.text.inputs import encode


@checked
def rank_continuations(
    model: Model, text: str, candidates: Sequence[str], *, swap: bool = False
) -> ContinuationRanking:
    """How likely each candidate follows ``text``; with ``swap``, how likely ``text`` follows each candidate.

    BERT's next-sentence task (Devlin et al. 2019), with the numbers of :func:`glassbert.next_sentence`, in
    memory-bounded batches. The model learnt to distinguish the next sentence from a sentence of another document, so
    topic matters a lot. Raises TaskHeadError, OptionError for an empty list, TextErrors.
    """
    require_task_head(model, "next_sentence")
    if isinstance(candidates, str) or len(candidates) == 0:
        raise OptionError("candidates must be a list with at least one sentence")
    pairs = [encode(model, *((candidate, text) if swap else (text, candidate))) for candidate in candidates]
    logits = torch.empty(len(pairs), 2)
    for chunk in batches(model, [len(pair) for pair in pairs]):
        logits[chunk] = task_logits(model, [pairs[number] for number in chunk], "next_sentence")
    return ContinuationRanking(
        text=text,
        candidates=tuple(candidates),
        swapped=swap,
        logits=logits.numpy(),
        probabilities=logits.softmax(dim=-1).numpy(),
    )
