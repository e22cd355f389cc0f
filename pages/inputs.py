"""Inputs: what BERT reads, one row per step."""

from components.shell.frame import open_page, read_text
from components.views.inputs import InputsFields, draw_inputs_page

frame = open_page("inputs", InputsFields)
opened = read_text(frame)
if opened:
    draw_inputs_page(opened)
