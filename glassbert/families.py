"""The encoder families GlassBERT opens, and how each names its heads in the weights.

A head is *real* only when its tensors are in the checkpoint: transformers would otherwise fill it with
random numbers and predict with them. So heads are read off the tensor names, never off the config alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

__all__ = ["FAMILIES", "HEADS", "Family", "Head", "Variant"]

Head = Literal[
    "masked_words", "next_sentence", "classification", "token_classification", "question_answering"
]

#: Head id → what it answers, for messages and menus.
HEADS: dict[Head, str] = {
    "masked_words": "masked words",
    "next_sentence": "next sentence",
    "classification": "text classification",
    "token_classification": "token classification",
    "question_answering": "question answering",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One stock transformers class: the heads it has and the tensors that must be in the weights for them.

    ``tensors`` are names without the biases that some checkpoints tie; ``architectures`` says which entry of the
    config's ``architectures`` confirms a head whose tensor names are shared by two tasks (a ``classifier.weight``
    scores whole texts or single tokens; only the config knows which).
    """

    class_name: str
    heads: tuple[Head, ...]
    tensors: tuple[str, ...]
    needs_architecture: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """One ``model_type`` of transformers. ``prefix`` is the encoder's name inside the task models."""

    model_type: str
    label: str
    prefix: str
    variants: tuple[Variant, ...]

    def variant(self, tensors: Collection[str], architectures: Collection[str]) -> Variant | None:
        """The first variant whose head tensors are all in the weights; None: an encoder without a head."""
        for variant in self.variants:
            if variant.needs_architecture and variant.class_name not in architectures:
                continue
            if all(name in tensors for name in variant.tensors):
                return variant
        return None


def _family(
    model_type: str,
    label: str,
    prefix: str,
    class_prefix: str,
    masked: str,
    classifier: str = "classifier.weight",
    *,
    next_sentence: bool = False,
) -> Family:
    def variant(task: str, heads: tuple[Head, ...], *tensors: str, needs_architecture: bool = False) -> Variant:
        return Variant(class_prefix + task, heads, tensors, needs_architecture)

    pretraining: tuple[Variant, ...] = ()
    if next_sentence:
        pretraining = (
            variant("ForPreTraining", ("masked_words", "next_sentence"), masked, "cls.seq_relationship.weight"),
        )
    return Family(
        model_type,
        label,
        prefix,
        (
            variant("ForSequenceClassification", ("classification",), classifier, needs_architecture=True),
            variant(
                "ForTokenClassification", ("token_classification",), "classifier.weight", needs_architecture=True
            ),
            variant("ForQuestionAnswering", ("question_answering",), "qa_outputs.weight"),
            *pretraining,
            variant("ForMaskedLM", ("masked_words",), masked),
            *(
                (variant("ForNextSentencePrediction", ("next_sentence",), "cls.seq_relationship.weight"),)
                if next_sentence
                else ()
            ),
        ),
    )


_ROBERTA_CLASSIFIER = "classifier.out_proj.weight"

#: ``model_type`` of the config → family.
FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        _family("bert", "BERT", "bert", "Bert", "cls.predictions.transform.dense.weight", next_sentence=True),
        _family("distilbert", "DistilBERT", "distilbert", "DistilBert", "vocab_transform.weight"),
        _family("roberta", "RoBERTa", "roberta", "Roberta", "lm_head.dense.weight", _ROBERTA_CLASSIFIER),
        _family("xlm-roberta", "XLM-RoBERTa", "roberta", "XLMRoberta", "lm_head.dense.weight", _ROBERTA_CLASSIFIER),
        _family("albert", "ALBERT", "albert", "Albert", "predictions.dense.weight"),
        _family("electra", "ELECTRA", "electra", "Electra", "generator_predictions.dense.weight", _ROBERTA_CLASSIFIER),
        _family("mpnet", "MPNet", "mpnet", "MPNet", "lm_head.dense.weight", _ROBERTA_CLASSIFIER),
    )
}
