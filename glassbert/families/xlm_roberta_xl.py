"""XLM-RoBERTa-XL (Goyal et al. 2021, arXiv:2105.00572): XLM-RoBERTa with LayerNorm before each block."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import EmbeddingNames
from glassbert.families.bert import INSIDE
from glassbert.families.roberta import FAMILY as ROBERTA

FAMILY = replace(
    ROBERTA,
    model_type="xlm-roberta-xl",
    label="XLM-RoBERTa-XL",
    class_prefix="XLMRobertaXL",
    embeddings=EmbeddingNames(norm=None),
    inside=replace(INSIDE, norm="LayerNorm", last_norm=None),
    final_norm="encoder.LayerNorm",
    one_position=False,
)
