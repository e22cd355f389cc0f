"""Saliency: which words drove the decision, by several methods, each with its receipt."""

from components.frame import load_models, open_page
from components.saliency_page import draw_saliency_page
from components.text_check import text_is_readable

frame = open_page("saliency")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_saliency_page(opened)
