"""Comparisons: two models on a text, or two texts on a model. One file per part; ``both`` combines them."""

from glassbert.comparison._sides import Sides, sides_of_models, sides_of_texts
from glassbert.comparison.attributions import compare_attributions
from glassbert.comparison.both import compare_models, compare_texts
from glassbert.comparison.changes import largest_changes
from glassbert.comparison.masked_words import compare_masked_words
from glassbert.comparison.predictions import compare_predictions
from glassbert.comparison.states import compare_hidden_states
from glassbert.comparison.weights import compare_attention
from glassbert.text.alignment import align_words, same_length_hint

__all__ = [
    "Sides",
    "align_words",
    "compare_attention",
    "compare_attributions",
    "compare_hidden_states",
    "compare_masked_words",
    "compare_models",
    "compare_predictions",
    "compare_texts",
    "largest_changes",
    "same_length_hint",
    "sides_of_models",
    "sides_of_texts",
]
