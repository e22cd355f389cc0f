"""ELECTRA (Clark et al. 2020, arXiv:2003.10555): BERT's layers, no pooler.

Generators predict masked words; discriminators, which are larger, detect the tokens that a generator has replaced.
"""

from __future__ import annotations

from glassbert.families._family import Family, TaskHead
from glassbert.families.bert import INSIDE, TOKEN_HEADS

FAMILY = Family(
    model_type="electra",
    label="ELECTRA",
    class_prefix="Electra",
    prefix="electra",
    inside=INSIDE,
    task_heads={
        **TOKEN_HEADS,
        "classification": TaskHead(("classifier.dense", "classifier.out_proj")),
        "masked_words": TaskHead(
            ("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head"),
            modules=("generator_predictions", "generator_lm_head"),
        ),
        "replaced_tokens": TaskHead(
            ("discriminator_predictions.dense", "discriminator_predictions.dense_prediction"),
        ),
    },
    discriminator="discriminator_predictions",
    fused_attention=True,
    one_position=True,
)
