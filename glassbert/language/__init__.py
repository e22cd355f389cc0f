"""BERT's own two tasks, and the task heads fine-tuned on top: one file a head."""

from glassbert.language.answers import answer
from glassbert.language.classes import classify, classify_many
from glassbert.language.masked_words import fill_mask
from glassbert.language.next_sentence import next_sentence
from glassbert.language.token_labels import label_tokens

__all__ = ["answer", "classify", "classify_many", "fill_mask", "label_tokens", "next_sentence"]
