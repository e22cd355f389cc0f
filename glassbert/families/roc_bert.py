"""RoCBERT (Su et al. 2022, ACL): BERT for Chinese that also reads the shape and the pronunciation of characters."""

from __future__ import annotations

from dataclasses import replace

from glassbert.families._family import CharacterNames
from glassbert.families.bert import FAMILY as BERT
from glassbert.families.bert import heads

FAMILY = replace(
    BERT,
    model_type="roc_bert",
    label="RoCBERT",
    class_prefix="RoCBert",
    prefix="roc_bert",
    task_heads={task: head for task, head in heads("roc_bert").items() if task != "next_sentence"},
    characters=CharacterNames(
        tables={
            "embeddings.shape_embed": ("enable_shape", "word_shape.json", "input_shape_ids"),
            "embeddings.pronunciation_embed": (
                "enable_pronunciation",
                "word_pronunciation.json",
                "input_pronunciation_ids",
            ),
        },
        mix="embeddings.map_inputs_layer",
    ),
    tokenizer_class="BertTokenizer",
    required={"concat_input": True},  # else both are added after the LayerNorm
)
