"""The encoder families GlassBERT opens, and how each names its heads in the weights.

A head is *real* only when its tensors are in the checkpoint: transformers would otherwise fill it with
random numbers and predict with them. So heads are read off the tensor names, never off the config alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["DECODERS", "ENCODER_DECODERS", "FAMILIES", "HEADS", "Family", "Head", "Variant"]

Head = Literal["masked_words", "next_sentence", "classification", "token_classification", "question_answering"]

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

    ``tensors`` are names as :func:`canonical` writes them. ``needs_architecture`` marks a head whose tensor
    names are shared by two tasks (a ``classifier.weight`` scores whole texts, single tokens or the choices of
    an exam question): only the config's ``architectures`` knows which.
    """

    class_name: str
    heads: tuple[Head, ...]
    tensors: tuple[str, ...]
    needs_architecture: bool = False

    @property
    def task(self) -> str:
        """The class name without the family: "ForMaskedLM"."""
        return self.class_name[self.class_name.index("For") :]

    @property
    def label_tensor(self) -> str | None:
        """The tensor with one row a label, in variants that have labels."""
        return self.tensors[-2] if set(self.heads) & {"classification", "token_classification"} else None


@dataclass(frozen=True, slots=True)
class Family:
    """One ``model_type`` of transformers.

    ``prefix`` is the encoder's name inside the task models; ``decoder`` the output table of the masked-word head,
    which is the word-embedding table itself unless the config unties them.
    """

    model_type: str
    label: str
    prefix: str
    decoder: str
    variants: tuple[Variant, ...]

    def canonical(self, tensors: Collection[str]) -> dict[str, str]:
        """Canonical name → name in the file.

        Canonical means without the encoder's prefix (a bare encoder is stored without it), LayerNorm's ``gamma`` and
        ``beta`` of the first BERT files as ``weight`` and ``bias``, and the output bias under its short name (it is
        tied to ``decoder.bias``, and files hold either).
        """
        return {
            name.removeprefix(f"{self.prefix}.")
            .replace("LayerNorm.gamma", "LayerNorm.weight")
            .replace("LayerNorm.beta", "LayerNorm.bias")
            .replace(".decoder.bias", ".bias"): name
            for name in tensors
        }

    def variant(self, tensors: Collection[str], architectures: Collection[str], *, tied: bool = True) -> Variant | None:
        """The first variant whose head tensors are all in the weights; None: an encoder without a head.

        ``tied`` is the config's ``tie_word_embeddings``: without it a masked-word head needs its own output table.
        """
        names = self.canonical(tensors)
        tasks = {name[name.index("For") :] for name in architectures if "For" in name}
        for variant in self.variants:
            if variant.needs_architecture and variant.task not in tasks:
                continue
            if "masked_words" in variant.heads and not tied and self.decoder not in names:
                continue
            if all(name in names for name in variant.tensors):
                return variant
        return None


def _both(*modules: str) -> Iterator[str]:
    for module in modules:
        yield f"{module}.weight"
        yield f"{module}.bias"


def _family(
    model_type: str,
    label: str,
    prefix: str,
    class_prefix: str,
    *,
    masked: tuple[str, ...],
    masked_bias: str,
    decoder: str,
    classifier: tuple[str, ...],
    classifier_is_shared: bool = False,
    next_sentence: bool = False,
) -> Family:
    """``masked`` and ``classifier`` are the modules of these heads, the one with the labels last."""

    def variant(task: str, heads: tuple[Head, ...], *tensors: str, shared: bool = False) -> Variant:
        return Variant(class_prefix + task, heads, tensors, shared)

    masked_tensors = (*_both(*masked), masked_bias)
    pair_tensors = tuple(_both("pooler.dense", "cls.seq_relationship"))
    pretraining = variant("ForPreTraining", ("masked_words", "next_sentence"), *masked_tensors, *pair_tensors)
    pair_only = variant("ForNextSentencePrediction", ("next_sentence",), *pair_tensors)
    variants = (
        variant("ForSequenceClassification", ("classification",), *_both(*classifier), shared=classifier_is_shared),
        variant("ForTokenClassification", ("token_classification",), *_both("classifier"), shared=True),
        variant("ForQuestionAnswering", ("question_answering",), *_both("qa_outputs")),
        *((pretraining,) if next_sentence else ()),
        variant("ForMaskedLM", ("masked_words",), *masked_tensors),
        *((pair_only,) if next_sentence else ()),
    )
    return Family(model_type, label, prefix, decoder, variants)


def _roberta_like(model_type: str, label: str, prefix: str, class_prefix: str) -> Family:
    return _family(
        model_type,
        label,
        prefix,
        class_prefix,
        masked=("lm_head.dense", "lm_head.layer_norm"),
        masked_bias="lm_head.bias",
        decoder="lm_head.decoder.weight",
        classifier=("classifier.dense", "classifier.out_proj"),
    )


#: ``model_type`` of the config → family.
FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        _family(
            "bert",
            "BERT",
            "bert",
            "Bert",
            masked=("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm"),
            masked_bias="cls.predictions.bias",
            decoder="cls.predictions.decoder.weight",
            classifier=("pooler.dense", "classifier"),
            classifier_is_shared=True,
            next_sentence=True,
        ),
        _family(
            "distilbert",
            "DistilBERT",
            "distilbert",
            "DistilBert",
            masked=("vocab_transform", "vocab_layer_norm"),
            masked_bias="vocab_projector.bias",
            decoder="vocab_projector.weight",
            classifier=("pre_classifier", "classifier"),
            classifier_is_shared=True,
        ),
        _roberta_like("roberta", "RoBERTa", "roberta", "Roberta"),
        _roberta_like("xlm-roberta", "XLM-RoBERTa", "roberta", "XLMRoberta"),
        _family(
            "albert",
            "ALBERT",
            "albert",
            "Albert",
            masked=("predictions.dense", "predictions.LayerNorm"),
            masked_bias="predictions.bias",
            decoder="predictions.decoder.weight",
            classifier=("pooler", "classifier"),
            classifier_is_shared=True,
        ),
        _family(
            "electra",
            "ELECTRA",
            "electra",
            "Electra",
            masked=("generator_predictions.dense", "generator_predictions.LayerNorm"),
            masked_bias="generator_lm_head.bias",
            decoder="generator_lm_head.weight",
            classifier=("classifier.dense", "classifier.out_proj"),
        ),
        _roberta_like("mpnet", "MPNet", "mpnet", "MPNet"),
    )
}

#: How the ``model_type`` of a language model that reads only to the left begins.
DECODERS = (
    *("gpt", "openai-gpt", "biogpt", "codegen", "ctrl", "opt", "bloom", "falcon", "mpt", "llama", "mistral", "mixtral"),
    *("ministral", "gemma", "phi", "qwen", "stablelm", "starcoder", "olmo", "cohere", "deepseek", "granite", "smollm"),
    *("mamba", "rwkv", "jamba", "xglm", "persimmon", "dbrx", "xlnet", "exaone", "glm", "transfo-xl"),
    *("bert-generation", "modernbert-decoder"),
)

#: How the ``model_type`` of a model that reads with an encoder and writes with a decoder begins.
ENCODER_DECODERS = (
    *("t5", "mt5", "umt5", "byt5", "longt5", "switch_transformers", "bart", "mbart", "plbart", "pegasus", "marian"),
    *("m2m_100", "nllb", "blenderbot", "led", "fsmt", "prophetnet", "bigbird_pegasus", "encoder-decoder", "whisper"),
)
