"""RoFormer (Su et al. 2021, arXiv:2104.09864): BERT's layers with rotary positions, and no pooler.

The angles are a table that is computed, not trained: files may leave it out.
"""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import EmbeddingNames, TaskHead
from glassbert.families.bert import FAMILY as BERT
from glassbert.families.bert import TOKEN_HEADS, heads

FAMILY = replace(
    BERT,
    model_type="roformer",
    label="RoFormer",
    class_prefix="RoFormer",
    prefix="roformer",
    embeddings=EmbeddingNames(positions=None),
    pooler=None,
    rotary=True,
    computed=("encoder.embed_positions.weight",),
    tokenizer_in_python="splits texts with jieba",
    # the values of attention would depend on positions as well
    required={"rotary_value": False},
    task_heads={
        **TOKEN_HEADS,
        "classification": TaskHead(("classifier.dense", "classifier.out_proj")),
        "masked_words": heads("roformer")["masked_words"],
    },
    fused_attention=False,
    one_position=False,
)
