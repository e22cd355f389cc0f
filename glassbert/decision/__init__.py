"""The heart of the library: one decision of a model, as a function that can be asked.

Every explanation explains the same thing: F, a number that one model gives to one target on one input. This package
says what F is, apart from how it is run, and every method, map, receipt and search of the library stands on it.

**What is decided** is a :class:`Decision`: model, input, target, unit; the task head that decides and the token whose
state it reads; the classes, target first, then foil; which tokens may go and which every baseline keeps; and F itself,
from logits: ``decision.value(logits)``.

**How it is run** is a :class:`Runner`: it asks the network for F

- of word embeddings, differentiably: ``runner.value(embeddings)``,
- of the input with some tokens replaced by a baseline's: ``runner.values_replaced(present)``,
- of the input with some tokens left out by id: ``runner.values_without(present)``,
- of other inputs, such as edited texts: ``runner.logits_of_inputs(inputs, positions)``,

batched by length and memory (:mod:`glassbert.network.batches`), through the model's lock, moved to the CPU where a GPU
runs out of memory, counted in :class:`Passes`, which also tell the progress and stop the work when asked to.

    from glassbert.decision import decide
    runner = decide(model, gb.encode(model, "A superb cast."), gb.ClassTarget("POSITIVE"), "logit")
    runner.value(runner.decision.embeddings)          # F(x), differentiable
    runner.values_without(present)                    # F without some tokens, (variant,)

To read: ``decision``, ``runner``, ``settle`` (from a target as people name it to a decision), ``gradients`` (many
points of F at once), ``by_layer`` (gradients by attention weights, in the memory of one layer).
"""

from glassbert.decision.decision import BASELINES, HEAD_OF, PAIR_NAMES, Decision
from glassbert.decision.runner import Passes, Runner
from glassbert.decision.settle import decide

__all__ = ["BASELINES", "HEAD_OF", "PAIR_NAMES", "Decision", "Passes", "Runner", "decide"]
