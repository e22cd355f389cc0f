"""ALBERT (Lan et al. 2020, arXiv:1909.11942): all layers of a group share the same weights."""

from __future__ import annotations

from glassbert.families._family import Family, LayerNames, TaskHead
from glassbert.families.bert import TOKEN_HEADS

FAMILY = Family(
    model_type="albert",
    label="ALBERT",
    class_prefix="Albert",
    prefix="albert",
    pooler="pooler",
    layer="encoder.albert_layer_groups.{group}.albert_layers.0",
    only_with=(("inner_group_num", 1),),
    group_count="num_hidden_groups",
    inside=LayerNames(
        attention="attention",
        query="attention.query",
        key="attention.key",
        value="attention.value",
        output="attention.dense",
        norm="attention.LayerNorm",
        widen="ffn",
        feed_forward="ffn_output",
        last_norm="full_layer_layer_norm",
    ),
    task_heads={
        **TOKEN_HEADS,
        "classification": TaskHead(("albert.pooler", "classifier")),
        "masked_words": TaskHead(
            ("predictions.dense", "predictions.LayerNorm", "predictions.decoder"), modules=("predictions",)
        ),
    },
    fused_attention=True,
    one_position=True,
)
