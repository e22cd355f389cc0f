"""Definitions: what every number on screen is."""

from components.definitions import draw_definitions
from components.frame import load_models, open_page

load_models(open_page("definitions"))
draw_definitions()
