"""XLM-RoBERTa (Conneau et al. 2020, arXiv:1911.02116): RoBERTa in 100 languages."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families.roberta import FAMILY as ROBERTA

FAMILY = replace(ROBERTA, model_type="xlm-roberta", label="XLM-RoBERTa", class_prefix="XLMRoberta")
