"""DeBERTa, version 1 (He et al. 2021, arXiv:2006.03654): as version 2, with Linears of their own for distances.

Queries, keys and values come from one Linear, head by head, and the biases of queries and values are beside it.
"""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import DistanceNames
from glassbert.families.bert import INSIDE
from glassbert.families.deberta_v2 import FAMILY as DEBERTA_V2

FAMILY = replace(
    DEBERTA_V2,
    model_type="deberta",
    label="DeBERTa",
    class_prefix="Deberta",
    distances=DistanceNames(
        table="encoder.rel_embeddings",
        query="attention.self.pos_q_proj",
        key="attention.self.pos_proj",
    ),
    convolution=None,
    undeclared=("pooler_hidden_size",),
    norm_class="DebertaLayerNorm",
    inside=replace(
        INSIDE,
        fused="attention.self.in_proj",
        query="attention.self.in_proj.query",
        key="attention.self.in_proj.key",
        value="attention.self.in_proj.value",
    ),
    biases_beside=("q_bias", None, "v_bias"),
)
