"""MPNet (Song et al. 2020, arXiv:2004.09297): RoBERTa's heads, and a relative position bias in the attention scores."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import EmbeddingNames, Family
from glassbert.families.bert import INSIDE
from glassbert.families.roberta import HEADS

FAMILY = Family(
    model_type="mpnet",
    label="MPNet",
    class_prefix="MPNet",
    prefix="mpnet",
    embeddings=EmbeddingNames(segments=None),
    pooler="pooler",
    position_bias="encoder.relative_attention_bias",
    inside=replace(
        INSIDE,
        attention="attention.attn",
        query="attention.attn.q",
        key="attention.attn.k",
        value="attention.attn.v",
        output="attention.attn.o",
        norm="attention.LayerNorm",
    ),
    task_heads=HEADS,
    positions_after_padding=True,
    weights_on_request=True,
    one_position=True,
)
