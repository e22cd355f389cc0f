"""AttnLRP: relevance propagated back from the decision to the words, layer by layer (Achtibat et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from glassbert.attribution._lrp import Ledger, lrp_rules, relevances
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """Relevance R with Σ R = F at the head, propagated back by the paper's rules with ε → 0; signed.

    A token's score is what reaches its row of the word-embedding table. ``options["unattributed"]`` of the result lists
    where the rest went, in units of F: positions, segments, biases, and the constant part of the softmax, which its
    first-order rule cannot propagate; Σ scores + Σ unattributed = F(x) to rounding error. Own implementation from the
    paper; Captum's LRP has no rules for attention. Raises UnsupportedModelError.
    """
    runner = replace(runner, decision=replace(runner.decision, constant_length=True))  # of a sentence embedding
    decision = runner.decision
    network, ledger = decision.model.network, Ledger()
    words = decision.embeddings.requires_grad_()
    logits = runner.logits(words, lambda: lrp_rules(network, decision.target, ledger))
    value = decision.value(logits)
    relevance, unattributed = relevances(value, logits, words, ledger)
    return Attribution(
        scores=relevance.sum(dim=-1)[0].cpu().numpy(),
        value=float(value.detach()),
        options={**options, "unattributed": unattributed},
    )


METHOD = Method(
    id="attn_lrp",
    label="AttnLRP",
    in_words="Trace the answer back",
    paper="Achtibat et al. 2024, arXiv:2402.05602",
    family="decomposition",
    signed=True,
    complete=False,  # conserved instead: options["unattributed"] accounts for what does not reach the words
    meaning="how much of the value is propagated back to this token's word embedding, layer by layer; the relevance of "
    "positions and biases is reported separately",
    cost=lambda tokens, options: 1,
    compute=compute,
)
