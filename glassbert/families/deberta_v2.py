"""DeBERTa versions 2 and 3 (He et al. 2021, arXiv:2006.03654 and arXiv:2111.09543): disentangled attention.

A token is its content alone, in most checkpoints without a position. Attention scores add up three parts: content to
content, content to position and position to content, where positions are distances between tokens.

Masked words were trained with a decoder that reads absolute positions besides, which transformers does not have: as
there, the head reads the last states. In the files of version 2 it has a name of its own, and computes the same as the
head of the stock network. The files of version 3 contain one that was not trained, beside the head for replaced tokens.
"""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import DistanceNames, EmbeddingNames, Family, TaskHead
from glassbert.families.bert import INSIDE, TOKEN_HEADS, heads

FAMILY = Family(
    model_type="deberta-v2",
    label="DeBERTa v2/v3",
    class_prefix="DebertaV2",
    prefix="deberta",
    embeddings=EmbeddingNames(positions_if="position_biased_input"),
    distances=DistanceNames(
        table="encoder.rel_embeddings",
        query="attention.self.pos_query_proj",
        key="attention.self.pos_key_proj",
        norm="encoder.LayerNorm",
        shared="share_att_key",
    ),
    convolution="encoder.conv",
    undeclared=(
        *("share_att_key", "position_buckets", "norm_rel_ebd", "pooler_hidden_size"),
        *("conv_kernel_size", "conv_groups", "conv_act"),
    ),
    renamed={
        "lm_predictions.lm_head.dense.": "cls.predictions.transform.dense.",
        "lm_predictions.lm_head.LayerNorm.": "cls.predictions.transform.LayerNorm.",
        "lm_predictions.lm_head.": "cls.predictions.",
    },
    renamed_with={"legacy": True},
    discriminator="mask_predictions",
    inside=replace(
        INSIDE,
        query="attention.self.query_proj",
        key="attention.self.key_proj",
        value="attention.self.value_proj",
    ),
    task_heads={
        **TOKEN_HEADS,
        "classification": TaskHead(("pooler.dense", "classifier")),
        "masked_words": heads("deberta")["masked_words"],
    },
    weights_on_request=True,
)
