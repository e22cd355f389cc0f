"""ModernBERT (Warner et al. 2024, arXiv:2412.13663), and what shares its network: mmBERT, Ettin, GTE-ModernBERT.

Rotary positions, LayerNorm before each block, a gated feed-forward block, and few biases. In most layers a token
attends only to those at most half a window away.
"""

from __future__ import annotations

from glassbert.families._family import EmbeddingNames, Family, LayerNames, LocalNames, TaskHead

_CLASSIFIER = TaskHead(("head.dense", "head.norm", "classifier"), biases=False)

FAMILY = Family(
    model_type="modernbert",
    label="ModernBERT",
    class_prefix="ModernBert",
    prefix="model",
    embeddings=EmbeddingNames(words="embeddings.tok_embeddings", positions=None, segments=None, norm="embeddings.norm"),
    rotary=True,
    local=LocalNames(kinds="layer_types", local="sliding_attention", window="local_attention"),
    # how the files of transformers 4 specify angles and which layers are local
    undeclared=("global_rope_theta", "local_rope_theta", "rope_scaling", "global_attn_every_n_layers"),
    final_norm="final_norm",
    mean_pooling=("classifier_pooling", "mean"),
    layer="layers.{layer}",
    inside=LayerNames(
        attention="attn",
        fused="attn.Wqkv",
        query="attn.Wqkv.query",
        key="attn.Wqkv.key",
        value="attn.Wqkv.value",
        output="attn.Wo",
        norm="mlp_norm",
        gated="mlp.Wi",
        feed_forward="mlp.Wo",
    ),
    task_heads={
        "classification": _CLASSIFIER,
        "token_classification": _CLASSIFIER,
        "question_answering": _CLASSIFIER,
        "masked_words": TaskHead(("head.dense", "head.norm", "decoder"), modules=("head", "decoder"), biases=False),
    },
    fused_attention=True,
)
