"""ERNIE (Sun et al. 2019, 2020, arXiv:1904.09223, arXiv:1907.12412): BERT with a table of tasks in its embeddings."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import EmbeddingNames
from glassbert.families.bert import FAMILY as BERT
from glassbert.families.bert import heads

FAMILY = replace(
    BERT,
    model_type="ernie",
    label="ERNIE",
    class_prefix="Ernie",
    prefix="ernie",
    task_heads=heads("ernie"),
    embeddings=EmbeddingNames(constant="embeddings.task_type_embeddings"),
)
