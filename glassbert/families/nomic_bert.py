"""Nomic BERT (Nussbaum et al. 2024, arXiv:2402.01613), the network of nomic-embed-text.

Rotary positions, a gated feed-forward block, no biases in the layers, and LayerNorm after each block as in BERT.
"""

from __future__ import annotations

from glassbert.families._family import EmbeddingNames, Family, LayerNames, TaskHead

INSIDE = LayerNames(
    attention="self_attn",
    query="self_attn.q_proj",
    key="self_attn.k_proj",
    value="self_attn.v_proj",
    output="self_attn.o_proj",
    norm="post_attention_layernorm",
    gated="mlp.gate_proj",
    factor="mlp.up_proj",
    feed_forward="mlp.down_proj",
    last_norm="post_mlp_layernorm",
)

FAMILY = Family(
    model_type="nomic_bert",
    label="Nomic BERT",
    class_prefix="NomicBert",
    prefix="nomic_bert",
    embeddings=EmbeddingNames(positions=None),
    pooler="pooler",
    rotary=True,
    undeclared=("rope_theta", "rope_scaling"),
    unread=("n_layer", "n_embd", "rotary_emb_base"),
    renamed={"encoder.layers.": "layers.", "emb_ln.": "embeddings.LayerNorm."},
    layer="layers.{layer}",
    inside=INSIDE,
    task_heads={
        "classification": TaskHead(("nomic_bert.pooler.dense", "classifier")),
        "token_classification": TaskHead(("classifier",)),
        "masked_words": TaskHead(
            (
                "cls.predictions.transform.dense",
                "cls.predictions.transform.layer_norm",
                "cls.predictions.decoder",
            ),
            modules=("cls.predictions",),
        ),
    },
    fused_attention=True,
)
