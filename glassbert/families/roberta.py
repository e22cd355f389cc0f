"""RoBERTa (Liu et al. 2019, arXiv:1907.11692): BERT's layers; positions start after the padding id."""

from __future__ import annotations

from glassbert.families._family import Family, Task, TaskHead
from glassbert.families.bert import INSIDE, TOKEN_HEADS

HEADS: dict[Task, TaskHead] = {
    **TOKEN_HEADS,
    "classification": TaskHead(("classifier.dense", "classifier.out_proj")),
    "masked_words": TaskHead(("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder"), modules=("lm_head",)),
}

FAMILY = Family(
    model_type="roberta",
    label="RoBERTa",
    class_prefix="Roberta",
    prefix="roberta",
    pooler="pooler",
    inside=INSIDE,
    task_heads=HEADS,
    positions_after_padding=True,
    fused_attention=True,
    one_position=True,
)
