"""Inputs: what BERT reads, one step a row."""

from components.frame import load_models, open_page
from components.inputs_page import draw_inputs_page
from components.text_check import text_is_readable

frame = open_page("inputs")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_inputs_page(opened)
