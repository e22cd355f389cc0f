"""Models: what is open, what ships with GlassBERT, and what else can be opened."""

from components.shell.frame import load_models, open_page
from components.views.models import draw_model_cards

frame = open_page("models")
draw_model_cards(load_models(frame))
