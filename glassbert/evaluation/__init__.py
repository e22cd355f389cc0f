"""Evaluation: how far an explanation can be trusted. One file per check.

A file of this folder that defines ``CHECK`` is a check; adding one requires no other change. ``_check`` says what
a check is and grades its number, ``_receipts`` runs them, ``_examination`` holds what the receipts of one input share,
``_rerun`` runs the method of an explanation again, on the networks of ``_copies`` where weights are replaced,
``_baseline`` compares the text with an empty one, ``_broken`` makes explanations that must fail, ``_scoreboard`` and
``_ranking`` compare methods.
"""

from glassbert.evaluation._agreement import method_agreement
from glassbert.evaluation._baseline import baseline_gap
from glassbert.evaluation._broken import BrokenKind, broken
from glassbert.evaluation._check import Check
from glassbert.evaluation._copies import forget_copies
from glassbert.evaluation._ranking import method_ranking, stored_ranking
from glassbert.evaluation._ranking_store import content_hash
from glassbert.evaluation._receipts import CHECKS, receipt, receipts
from glassbert.evaluation._scoreboard import scoreboard

__all__ = [
    "CHECKS",
    "BrokenKind",
    "Check",
    "baseline_gap",
    "broken",
    "content_hash",
    "forget_copies",
    "method_agreement",
    "method_ranking",
    "receipt",
    "receipts",
    "scoreboard",
    "stored_ranking",
]
