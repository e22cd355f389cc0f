"""Saliency: which words drove the prediction, by several methods, each with its receipt."""

from components.shared.verdict_strip import verdict_strip
from components.shell.frame import open_page, read_text
from components.views.saliency import SaliencyFields, draw_saliency_page

frame = open_page("saliency", SaliencyFields, verdict=True)
opened = read_text(frame)
if opened:
    draw_saliency_page(opened)
    # last: its work waits for the page
    verdict_strip(opened, frame.verdict)
