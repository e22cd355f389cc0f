"""MobileBERT (Sun et al. 2020, arXiv:2004.02984): thin layers between bottlenecks, several feed-forward blocks in each.

A token's first state is made of its own embedding and those of its two neighbours. Layers have a scale and a shift per
neuron where others have a LayerNorm. What is published for BERT's layers (AttnLRP, DecompX, the norms of 2021, and the
feed-forward block as one module) has no form for these.
"""

from __future__ import annotations

from glassbert.families._family import EmbeddingNames, Family, LayerNames, TaskHead
from glassbert.families.bert import TOKEN_HEADS, heads

FAMILY = Family(
    model_type="mobilebert",
    label="MobileBERT",
    class_prefix="MobileBert",
    prefix="mobilebert",
    embeddings=EmbeddingNames(trigrams="embeddings.embedding_transformation"),
    pooler="pooler",
    required={"use_bottleneck": True, "trigram_input": True},
    inside=LayerNames(
        attention="attention.self",
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
        output="attention.output.dense",
        norm="attention.output.LayerNorm",
        feed_forward="output.dense",
    ),
    bottleneck=True,
    task_heads={
        **TOKEN_HEADS,
        # with some configs, the pooler returns the state of [CLS] as it is
        "classification": TaskHead(("classifier",)),
        "next_sentence": TaskHead(("cls.seq_relationship",), modules=("cls.seq_relationship",)),
        "masked_words": heads("mobilebert")["masked_words"],
    },
    fused_attention=True,
)
