"""Entities: the names in a text, and why each is taken for a person, an organisation, a place or something else."""

from components.shell.frame import load_models, open_page
from components.views.entities import MODEL, EntitiesFields, draw_entities_page

frame = open_page("entities", EntitiesFields)
draw_entities_page(load_models(frame, MODEL))
