"""Infidelity: do the scores, added up over any set of tokens, foretell what leaving them out does? (Yeh et al. 2019)"""

from __future__ import annotations

import numpy as np
import torch

from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._examination import Examination, Subject, is_signed
from glassbert.results import Array

_HOLDS, _FAILS = 0.5, 0.8
_SMALLEST_CHANGE = 1e-5


def run(examination: Examination, subject: Subject) -> Finding:
    """Captum's infidelity with optimal scaling, as a share of the change: min over β ≥ 0 of E(β Σ I·φ − ΔF)² / E ΔF².

    The input is one gate per token, 1 where it is present; a perturbation I closes the gates of the sets that the
    random orderings remove (1 to 50% of the tokens), ΔF = F(x) − F(x without them). 0: sums of scores predict every
    change; 1: no better than predicting no change. β compensates for scores in other units; a negative β would reverse
    their meaning and counts as 0, so the number is 1.
    """
    if not is_signed(subject.scores):
        return not_applicable("unsigned scores have a size but no direction, so their sums cannot predict a change")
    if len(examination.removable) < 2:
        return not_applicable("fewer than two tokens can be removed, so there are no sets to predict")
    parts = examination.without(examination.orderings)
    shut = ~parts[..., examination.removable]
    changes = examination.value - examination.values(parts)
    shut, changes = shut.reshape(-1, shut.shape[-1]), changes.ravel()
    scores = subject.scores.scores[examination.removable].astype(np.float64)
    spread = float((changes**2).mean())
    if np.abs(changes).max() < _SMALLEST_CHANGE:
        return not_applicable("removing tokens changes nothing, so there is no change to predict")
    foretold = shut @ scores
    scale = float(foretold @ changes) / float(foretold @ foretold) if foretold.any() else 0.0
    unexplained = _captum(scores, shut, changes) / spread if scale > 0 else 1.0
    number = float(np.clip(unexplained, 0, 1))  # rounding may leave the interval by a hair
    details = {"foretold": (scale * foretold).tolist(), "changes": changes.tolist(), "scale": scale}
    way = "" if scale > 0 else "; the scores point the wrong way or are uninformative"
    sentence = f"even optimally scaled, summed scores miss {number:.0%} of the effect of removing sets of tokens{way}"
    return Finding(number, sentence, verdict(number, holds=_HOLDS, fails=_FAILS), details)


def _captum(scores: Array, shut: Array, changes: Array) -> float:
    from captum.metrics import infidelity

    gates = torch.ones(1, len(scores), dtype=torch.float64)
    perturbations = torch.from_numpy(shut.astype(np.float64))

    def perturb(repeated: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return perturbations, repeated - perturbations

    def forward(open_gates: torch.Tensor) -> torch.Tensor:
        """F less F(x), looked up: Captum asks about x itself, then about every perturbation in its order."""
        return torch.zeros(1, dtype=torch.float64) if len(open_gates) == 1 else torch.from_numpy(-changes)

    given = torch.from_numpy(scores)[None]
    return float(infidelity(forward, perturb, gates, given, n_perturb_samples=len(changes), normalize=True))


def variants(examination: Examination, _subject: Subject) -> Array:
    """The text without the top tokens of every random ordering: the same parts that comprehensiveness asks for."""
    return examination.without(examination.orderings)


CHECK = Check(
    id="infidelity",
    label="Infidelity",
    claim="Predicts the effect of deletions",
    group="faithfulness",
    question="Do summed scores predict the effect of removing a set of tokens?",
    paper="Yeh et al. 2019, arXiv:1901.09392",
    formula=r"\min_{\beta \ge 0} \frac{\mathbb{E}_I \big(\beta \sum_i I_i \varphi_i - (F(x) - F(x \setminus I))\big)^2}"
    r"{\mathbb{E}_I \big(F(x) - F(x \setminus I)\big)^2}",
    threshold="holds if at most 50% is missed, fails above 80%; scores of zero would miss 100%",
    run=run,
    variants=variants,
)
