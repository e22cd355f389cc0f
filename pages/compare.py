"""Compare: what differs between two models on one text, or two texts on one model."""

from components.compare_page import draw_compare_page
from components.frame import load_models, open_page
from components.text_check import text_is_readable

frame = open_page("compare")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_compare_page(opened)
