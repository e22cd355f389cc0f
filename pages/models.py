"""Models: what is open, what ships with GlassBERT, and what else can be opened."""

from components.frame import load_models, open_page
from components.model_cards import draw_model_cards

frame = open_page("models")
draw_model_cards(load_models(frame))
