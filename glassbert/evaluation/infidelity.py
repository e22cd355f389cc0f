"""Infidelity: do the scores, added up over any set of tokens, foretell what leaving them out does? (Yeh et al. 2019)"""

from __future__ import annotations

import numpy as np
import torch

from glassbert.evaluation._check import Check, Finding, not_applicable, verdict
from glassbert.evaluation._examination import Examination, Subject
from glassbert.evaluation._ordering import is_signed
from glassbert.results import Array

_HOLDS, _FAILS = 0.5, 0.8
_SMALLEST_CHANGE = 1e-5


def run(examination: Examination, subject: Subject) -> Finding:
    """Captum's infidelity with optimal scaling, as a share of the change: min over β ≥ 0 of E(β Σ I·φ − ΔF)² / E ΔF².

    The input is one gate a token, 1 where it is there; a perturbation I shuts the gates of the sets that the random
    orderings leave out (1 to 50 % of the tokens), ΔF = F(x) − F(x without them). 0: sums of scores foretell every
    change; 1: no better than foretelling none. β makes up for scores in other units; a negative one would read them
    backwards and counts as 0, so the number is 1.
    """
    if not is_signed(subject.scores):
        return not_applicable("scores without a sign say how much, not which way, so their sums foretell no change")
    if len(examination.removable) < 2:
        return not_applicable("fewer than two tokens can be left out, so there are no sets of them to foretell")
    parts = examination.without(examination.orderings)
    shut = ~parts[..., examination.removable]
    changes = examination.value - examination.values(parts)
    shut, changes = shut.reshape(-1, shut.shape[-1]), changes.ravel()
    scores = subject.scores.scores[examination.removable].astype(np.float64)
    spread = float((changes**2).mean())
    if np.abs(changes).max() < _SMALLEST_CHANGE:
        return not_applicable("leaving tokens out changes nothing, so there is no change to foretell")
    foretold = shut @ scores
    scale = float(foretold @ changes) / float(foretold @ foretold) if foretold.any() else 0.0
    unexplained = _captum(scores, shut, changes) / spread if scale > 0 else 1.0
    number = float(np.clip(unexplained, 0, 1))  # rounding may leave the interval by a hair
    details = {"foretold": (scale * foretold).tolist(), "changes": changes.tolist(), "scale": scale}
    way = "" if scale > 0 else "; the scores point the wrong way or nowhere"
    sentence = (
        f"sums of scores, scaled as well as can be, miss {number:.0%} of what leaving sets of tokens out does{way}"
    )
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
    group="faithfulness",
    question="Do the scores, added up over any set of tokens, foretell what leaving the set out does?",
    paper="Yeh et al. 2019, arXiv:1901.09392",
    formula=r"\min_{\beta \ge 0} \frac{\mathbb{E}_I \big(\beta \sum_i I_i \varphi_i - (F(x) - F(x \setminus I))\big)^2}"
    r"{\mathbb{E}_I \big(F(x) - F(x \setminus I)\big)^2}",
    threshold="holds up to 50 % missed, fails above 80 %; 100 % is what scores of zero would miss",
    run=run,
    variants=variants,
)
