"""Compare: what differs between two models on one text, or two texts on one model."""

from components.shell.frame import open_page, read_text
from components.views.compare import CompareFields, draw_compare_page

frame = open_page("compare", CompareFields)
opened = read_text(frame)
if opened:
    draw_compare_page(opened)
