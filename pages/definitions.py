"""Definitions: what every number on screen means."""

from components.shell.frame import load_models, open_page
from components.views.definitions import draw_definitions

load_models(open_page("definitions"))
draw_definitions()
