"""Saliency: which words drove the prediction, by several methods, each with its receipt."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.saliency import SaliencyFields, draw_saliency_page

frame = open_page("saliency", SaliencyFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_saliency_page(opened)
