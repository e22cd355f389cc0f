"""DistilBERT (Sanh et al. 2019, arXiv:1910.01108): half of BERT's layers, no segments, no pooler."""

from __future__ import annotations

from glassbert.families._family import EmbeddingNames, Family, LayerNames, TaskHead
from glassbert.families.bert import TOKEN_HEADS

FAMILY = Family(
    model_type="distilbert",
    label="DistilBERT",
    class_prefix="DistilBert",
    prefix="distilbert",
    embeddings=EmbeddingNames(segments=None),
    layer="transformer.layer.{layer}",
    layer_count="n_layers",
    inside=LayerNames(
        attention="attention",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        output="attention.out_lin",
        norm="sa_layer_norm",
        widen="ffn.lin1",
        feed_forward="ffn.lin2",
        last_norm="output_layer_norm",
    ),
    task_heads={
        **TOKEN_HEADS,
        "classification": TaskHead(("pre_classifier", "classifier")),
        "masked_words": TaskHead(
            ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
            modules=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
        ),
    },
    fused_attention=True,
    one_position=True,
)
