"""data2vec for text (Baevski et al. 2022, arXiv:2202.03555): RoBERTa's network, trained to predict its own states."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families.roberta import FAMILY as ROBERTA

FAMILY = replace(
    ROBERTA,
    model_type="data2vec-text",
    label="data2vec",
    class_prefix="Data2VecText",
    prefix="data2vec_text",
)
