"""BERT's own two tasks, and the task heads fine-tuned on top: one file a function."""

from glassbert.language.answers import answer
from glassbert.language.classes import classify, classify_many
from glassbert.language.logit_lens import logit_lens
from glassbert.language.masked_words import fill_mask
from glassbert.language.next_sentence import next_sentence
from glassbert.language.probe_template import probe_template
from glassbert.language.rank_continuations import rank_continuations
from glassbert.language.score_words import score_words
from glassbert.language.surprise import surprise
from glassbert.language.token_labels import label_tokens

__all__ = [
    "answer",
    "classify",
    "classify_many",
    "fill_mask",
    "label_tokens",
    "logit_lens",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "score_words",
    "surprise",
]
