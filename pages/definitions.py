"""Definitions: what every number on screen means."""

from components.shell.frame import load_models, open_page
from components.views.definitions import DefinitionsFields, draw_definitions

load_models(open_page("definitions", DefinitionsFields))
draw_definitions()
