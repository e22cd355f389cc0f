"""Megatron-BERT (Shoeybi et al. 2019, arXiv:1909.08053): BERT with LayerNorm before each block."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import EmbeddingNames
from glassbert.families.bert import FAMILY as BERT
from glassbert.families.bert import INSIDE

FAMILY = replace(
    BERT,
    model_type="megatron-bert",
    label="Megatron-BERT",
    class_prefix="MegatronBert",
    embeddings=EmbeddingNames(norm=None),
    inside=replace(INSIDE, norm="ln", last_norm=None),
    final_norm="encoder.ln",
    fused_attention=False,
    one_position=False,
)
