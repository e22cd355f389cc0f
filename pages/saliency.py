"""Saliency: which words drove the prediction, by several methods, each with its receipt."""

from components.shared.verdict_strip import verdict_strip
from components.shell.frame import open_page, read_text
from components.views.saliency import SaliencyFields, draw_saliency_page

frame = open_page("saliency", SaliencyFields)
opened = read_text(frame)
if opened:
    verdict_strip(opened)
    draw_saliency_page(opened)
