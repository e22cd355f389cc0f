"""Inputs: what BERT reads, one row per step."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.inputs import InputsFields, draw_inputs_page

frame = open_page("inputs", InputsFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_inputs_page(opened)
