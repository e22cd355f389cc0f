"""Attention: every head at once, one head in full, and what raw weights leave out."""

from components.attention_page import draw_attention_page
from components.frame import load_models, open_page
from components.text_check import text_is_readable

frame = open_page("attention")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_attention_page(opened)
