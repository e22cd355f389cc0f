"""Similarity: how close two texts are for a sentence encoder, and what that is made of."""

from components.shell.frame import load_models, open_page
from components.views.similarity import SimilarityFields, draw_similarity_page

frame = open_page("similarity", SimilarityFields)
draw_similarity_page(load_models(frame))
