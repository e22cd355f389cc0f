"""Stability: how much do the scores change under small noise on the embeddings? (Yeh et al. 2019, max-sensitivity)"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from glassbert.errors import GlassBERTError, StoppedError
from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._copies import seeded
from glassbert.evaluation._examination import Examination, Subject
from glassbert.evaluation._rerun import lean_settings, rerun, run_cost, settings_of

_HOLDS, _FAILS = 0.10, 0.25
# Noise is uniform in ± this share of the root mean square of the words' embeddings.
_RADIUS = 0.05
_THOROUGH_SAMPLES = 10
# Passes of this input's length for a quick receipt, how many noises it tries at most, and what one may cost: two for a
# method that takes one or two passes, one for a method that takes a pass for each of 24 tokens.
_QUICK_PASSES, _MOST_QUICK, _MOST_FOR_ONE = 30, 2, 60


def run(examination: Examination, subject: Subject) -> Finding:
    """Captum's max-sensitivity: max over noises δ of ‖φ(x + δ) − φ(x)‖₂ / ‖φ(x)‖₂.

    δ is uniform in ± 5% of the root mean square of the embeddings of the removable words, the same for
    every occurrence of a word; special tokens and the baseline stay. A quick receipt draws up to two, a thorough one
    ten, the same for all methods.
    """
    if not subject.can_run_again or subject.method is None:
        return not_applicable("there is no method to run again: no method of this version made these scores")
    if not len(examination.removable):
        return not_applicable("there is no word whose embedding could be perturbed")
    samples = _samples(examination, subject)
    settings = lean_settings(subject, thorough=examination.thorough)
    if not samples:
        passes = 2 * run_cost(examination, subject, settings)
        return not_applicable(f"skipped: it would cost {passes} passes; the thorough receipt runs it")
    try:
        moves = _moves(examination, subject, samples)
    except StoppedError:
        raise
    except GlassBERTError as error:
        return not_applicable(f"the method fails under noise: {error}")
    if moves is None:
        return not_applicable("all scores are zero, so there is nothing to compare")
    number = max(moves)
    if number == 0:
        return not_applicable("noise on the embeddings does not affect this method")
    tried = "1 sample" if samples == 1 else f"{samples} samples"
    with_steps = f", {settings['n_steps']} steps" if settings.get("n_steps") else ""
    sentence = f"embedding noise of up to {_RADIUS:.0%} changes the scores by {number:.1%} ({tried}{with_steps})"
    details = {"moves": moves, "radius": _RADIUS, "steps": settings.get("n_steps")}
    return Finding(number, sentence, verdict(number, holds=_HOLDS, fails=_FAILS), details)


def _moves(examination: Examination, subject: Subject, samples: int) -> list[float] | None:
    """The sensitivity of each noise; None if the scores are all zero."""
    from captum.metrics import sensitivity_max

    runner, noise = examination.runner, examination.noise
    embedded = noise.embeddings
    radius = _RADIUS * float(embedded.square().mean().sqrt())
    settings = lean_settings(subject, thorough=examination.thorough)
    if settings == settings_of(subject):  # then the scores without noise are those that were given
        before = subject.scores.scores.astype(np.float64)
    else:
        before = rerun(examination, subject, runner.decision.model, settings, ("itself", 0))
    if not before.any():
        return None

    def explanation(inputs: tuple[Tensor, ...] | Tensor) -> tuple[Tensor, ...]:
        """A tuple, always: Captum 0.9 takes the rows of a bare tensor for several inputs and gives another number."""
        (moved,) = inputs if isinstance(inputs, tuple) else (inputs,)
        if torch.equal(moved[0], embedded):
            return (torch.from_numpy(before)[None],)
        model, name = noise.model(moved[0] - embedded), ("noise", sample)
        with torch.enable_grad():  # Captum calls this where gradients are off
            return (torch.from_numpy(rerun(examination, subject, model, settings, name))[None],)

    moves = []
    for sample in range(samples):
        added = (2 * torch.rand(embedded.shape, generator=seeded(examination.seed, sample)) - 1) * radius

        def perturb(inputs: Tensor, _radius: float, added: Tensor = added) -> Tensor:
            return inputs + added

        moves.append(float(sensitivity_max(explanation, embedded[None], perturb_func=perturb, n_perturb_samples=1)))
    return moves


def _samples(examination: Examination, subject: Subject) -> int:
    if examination.thorough:
        return _THOROUGH_SAMPLES
    passes = max(1, run_cost(examination, subject, lean_settings(subject, thorough=False)))
    if passes > _MOST_FOR_ONE:
        return 0
    return max(1, min(_MOST_QUICK, _QUICK_PASSES // passes))


def cost(examination: Examination, subject: Subject) -> int:
    if not subject.can_run_again:
        return 0
    runs = _samples(examination, subject)
    settings = lean_settings(subject, thorough=examination.thorough)
    reference = 0 if settings == settings_of(subject) else 1
    return (reference + runs) * run_cost(examination, subject, settings) if runs else 0


CHECK = Check(
    id="stability",
    label="Stability",
    claim="Survives small changes",
    group="stability",
    question="How much do the scores change under small noise on the embeddings?",
    paper="Yeh et al. 2019, arXiv:1901.09392",
    formula=r"\max_{\|\delta\|_\infty \le r} \frac{\|\varphi(x + \delta) - \varphi(x)\|_2}{\|\varphi(x)\|_2}, \quad "
    r"r = 0.05\, \mathrm{rms}(x)",
    threshold="holds up to 10%, twice the noise; fails above 25%, five times the noise",
    run=run,
    cost=cost,
)
