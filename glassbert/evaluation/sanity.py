"""Sanity: do the scores change when the model's weights are random? (Adebayo et al. 2018)"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbert.errors import GlassBERTError, ModelTooLargeError, StoppedError
from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._copies import randomised, stages
from glassbert.evaluation._examination import Examination, Subject, is_signed, spearman
from glassbert.evaluation._rerun import lean_settings, rerun, run_cost

_HOLDS, _FAILS = 0.5, 0.7
# Passes of this input's length for a quick receipt: two stages of a method that takes one or two passes, one stage of a
# method that takes a pass for each of 24 tokens, none of a sampling method with hundreds.
_QUICK_PASSES, _MOST_FOR_ONE = 30, 90
_FEWEST_TOKENS = 6


def run(examination: Examination, subject: Subject) -> Finding:
    """|Spearman's ρ| between the scores and those of the same method on the same model with every weight random.

    The cascade (details) randomises from the top down: head, last layer, … to the embeddings. A quick receipt runs
    up to two stages: the head with the upper half of the layers; everything. Integrated gradients and similar methods
    then take at most four steps. Only removable tokens are compared, unsigned scores by their magnitude.
    """
    if not subject.can_run_again or subject.method is None:
        return not_applicable("there is no method to run again: no method of this version made these scores")
    tokens = len(examination.removable)
    if tokens < _FEWEST_TOKENS:
        return not_applicable(f"removable tokens: {tokens}, too few: two orders of them are often similar by chance")
    if np.ptp(subject.evidence) == 0:
        return not_applicable("all scores are equal, so there is no order that could change")
    chosen = _stages(examination, subject)
    settings = lean_settings(subject, thorough=examination.thorough)
    if not chosen:
        passes = run_cost(examination, subject, settings)
        return not_applicable(f"skipped: it would cost {passes} passes; the thorough receipt runs it")
    names = stages(examination.runner.decision.model)
    correlations = []
    try:
        for stage in chosen:
            other = randomised(examination.runner.decision.model, stage, examination.seed)
            again = rerun(examination, subject, other, settings, ("stage", stage))[examination.removable]
            correlations.append(spearman(subject.evidence, again if is_signed(subject.scores) else np.abs(again)))
    except StoppedError:
        raise
    except ModelTooLargeError as error:
        return not_applicable(str(error))
    except GlassBERTError as error:
        return not_applicable(f"the method fails on a model with random weights: {error}")
    number = abs(correlations[-1])
    details = {
        "stages": [names[stage] for stage in chosen],
        "correlations": correlations,
        "all_stages": list(names),
        "steps": settings.get("n_steps"),
    }
    sentence = (
        f"with all weights random, the same method ranks the tokens "
        f"{'as before' if number > _FAILS else 'differently' if number <= _HOLDS else 'partly as before'} "
        f"(rank correlation {correlations[-1]:.2f}; {len(chosen)} of {len(names)} stages run"
    )
    sentence += f", {settings['n_steps']} steps)" if settings.get("n_steps") else ")"
    return Finding(number, sentence, verdict(number, holds=_HOLDS, fails=_FAILS), details)


def _stages(examination: Examination, subject: Subject) -> Sequence[int]:
    """The stages that are worth their passes, everything random the last; none for a method that costs too much."""
    every = range(len(stages(examination.runner.decision.model)))
    if examination.thorough:
        return every
    passes = max(1, run_cost(examination, subject, lean_settings(subject, thorough=False)))
    if passes > _MOST_FOR_ONE:
        return ()
    wanted = sorted({(len(every) - 1) // 2, every[-1]})
    return wanted[-max(1, _QUICK_PASSES // passes) :]


def cost(examination: Examination, subject: Subject) -> int:
    if not subject.can_run_again:
        return 0
    settings = lean_settings(subject, thorough=examination.thorough)
    return len(_stages(examination, subject)) * run_cost(examination, subject, settings)


CHECK = Check(
    id="sanity",
    label="Sanity",
    claim="Depends on the trained weights",
    group="sanity",
    question="Do the scores change when the model's weights are random?",
    paper="Adebayo et al. 2018, arXiv:1810.03292",
    formula=r"\big|\rho\big(\varphi(\text{model}),\; \varphi(\text{model with random weights})\big)\big|",
    threshold="holds up to |ρ| = 0.5, fails above 0.7; scores that do not change reveal nothing the model has learned",
    run=run,
    cost=cost,
)
