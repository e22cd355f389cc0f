"""Verdicts: one answer in plain sentences, with the words that carry it, how far to trust them, and what flips it.

Each part is a function of its own, so that they can be computed one after another and kept: ``decided_answer`` (one
pass), ``carrying_words`` (several attribution methods, one to about a dozen passes each, and a short one for each word
that is left out), ``trust_in`` (checks against random orderings and random weights, some hundred short passes) and
``smallest_flip`` (a search within a budget). ``verdict`` does all four. Every limit is in ``thresholds``, with its
reason.

Reading order: ``thresholds → voters → results → decided → agreed → trusted → flipped → combined``.
"""

from glassbert.verdicts.agreed import carrying_words, carrying_words_of
from glassbert.verdicts.combined import verdict, verdict_parts
from glassbert.verdicts.decided import decided_answer
from glassbert.verdicts.flipped import flip_budget, smallest_flip
from glassbert.verdicts.results import CarryingWords, DecidedAnswer, FlipFound, TrustFound, Verdict
from glassbert.verdicts.trusted import consensus_scores, trust_in
from glassbert.verdicts.voters import VERDICT_METHODS

__all__ = [
    "VERDICT_METHODS",
    "CarryingWords",
    "DecidedAnswer",
    "FlipFound",
    "TrustFound",
    "Verdict",
    "carrying_words",
    "carrying_words_of",
    "consensus_scores",
    "decided_answer",
    "flip_budget",
    "smallest_flip",
    "trust_in",
    "verdict",
    "verdict_parts",
]
