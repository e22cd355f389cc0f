"""Attention: every head at once, one head in full, and what raw weights leave out."""

from components.shell.frame import open_page, read_text
from components.views.attention import AttentionFields, draw_attention_page

frame = open_page("attention", AttentionFields)
opened = read_text(frame)
if opened:
    draw_attention_page(opened)
