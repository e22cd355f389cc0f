"""GTE (Zhang et al. 2024, arXiv:2407.19669), as in gte-multilingual and gte-en-v1.5: Nomic BERT with biases."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import TaskHead
from glassbert.families.nomic_bert import FAMILY as NOMIC_BERT

FAMILY = replace(
    NOMIC_BERT,
    model_type="gte",
    label="GTE",
    class_prefix="Gte",
    prefix="gte",
    unread=(),
    renamed={"new.": "", "encoder.layer.": "layers.", "lm_head.norm.": "lm_head.layer_norm."},
    task_heads={
        "classification": TaskHead(("gte.pooler.dense", "classifier")),
        "token_classification": TaskHead(("classifier",)),
        "masked_words": TaskHead(("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder"), modules=("lm_head",)),
    },
)
