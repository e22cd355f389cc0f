"""CamemBERT (Martin et al. 2020, arXiv:1911.03894): RoBERTa in French, and in other languages since."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families.roberta import FAMILY as ROBERTA

FAMILY = replace(ROBERTA, model_type="camembert", label="CamemBERT", class_prefix="Camembert")
