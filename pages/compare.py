"""Compare: what differs between two models on one text, or two texts on one model."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.compare import CompareFields, draw_compare_page

frame = open_page("compare", CompareFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_compare_page(opened)
