"""Attention heads: what they do, how important they are to a decision, and what changes without them."""

from glassbert.heads.ablation import ablate, ablation_sweep
from glassbert.heads.between import rank_heads
from glassbert.heads.distances import head_distances
from glassbert.heads.importance import head_importance
from glassbert.heads.profile import HEAD_LABELS, HeadLabel, head_profile

__all__ = [
    "HEAD_LABELS",
    "HeadLabel",
    "ablate",
    "ablation_sweep",
    "head_distances",
    "head_importance",
    "head_profile",
    "rank_heads",
]
