"""Attention: every head at once, one head in full, and what raw weights leave out."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.attention import AttentionFields, draw_attention_page

frame = open_page("attention", AttentionFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_attention_page(opened)
