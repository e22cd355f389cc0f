"""The core of the library: one decision of a model, as a function that can be evaluated.

Every explanation explains the same thing: F, the number that a model assigns to a target on an input. This package
defines F separately from how it is computed, and every method, map, receipt and search of the library builds on it.

**What is decided** is a :class:`Decision`: model, input, target and unit; the task head that decides and the token
whose state it reads; the classes, target first, then foil; which tokens can be removed and which every baseline keeps;
and F itself, from logits: ``decision.value(logits)``.

**How it is run** is a :class:`Runner`: it evaluates F

- on word embeddings, differentiably: ``runner.value(embeddings)``,
- on the input with some tokens replaced by a baseline: ``runner.values_replaced(present)``, or
- on the input with some tokens removed by id: ``runner.values_without(present)``,

batched by length and memory (:mod:`glassbert.network.batches`), under the model's lock, on the CPU if a GPU runs out of
memory. :class:`Passes` counts the passes, reports progress and cancels the work on request.

    from glassbert.decision import decide, pooling_of
    runner = decide(model, gb.encode(model, "A superb cast."), gb.ClassTarget("POSITIVE"), "logit")
    runner.value(runner.decision.embeddings)          # F(x), differentiable
    runner.values_without(present)                    # F without some tokens, (variant,)

Reading order: ``decision`` (with ``spans``: entities and answers), ``runner``, ``settle`` (from a user's target to a
decision), ``gradients`` (F at many points at once), ``by_layer`` (gradients with respect to attention weights, in the
memory of one layer).
"""

from glassbert.decision._windows import central_rows, parts, span_scores_in_windows, strongest, token_logits
from glassbert.decision.decision import BASELINES, NO_ANSWER, PAIR_NAMES, TASK_OF, Decision
from glassbert.decision.runner import Passes, Runner
from glassbert.decision.settle import decide, pooling_of

__all__ = [
    "BASELINES",
    "NO_ANSWER",
    "PAIR_NAMES",
    "TASK_OF",
    "Decision",
    "Passes",
    "Runner",
    "central_rows",
    "decide",
    "parts",
    "pooling_of",
    "span_scores_in_windows",
    "strongest",
    "token_logits",
]
