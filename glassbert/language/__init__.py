"""The tasks of pre-training, and the fine-tuned task heads: one file per function."""

from glassbert.language.answers import answer
from glassbert.language.classes import classify, classify_many
from glassbert.language.continuations import rank_continuations
from glassbert.language.detection import replaced_tokens
from glassbert.language.lens import logit_lens
from glassbert.language.masked_words import fill_mask
from glassbert.language.pseudo_likelihood import surprise
from glassbert.language.sentence_pairs import next_sentence
from glassbert.language.spans import entities
from glassbert.language.template_probes import probe_template
from glassbert.language.token_labels import label_tokens
from glassbert.language.word_scores import score_words

__all__ = [
    "answer",
    "classify",
    "classify_many",
    "entities",
    "fill_mask",
    "label_tokens",
    "logit_lens",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "replaced_tokens",
    "score_words",
    "surprise",
]
