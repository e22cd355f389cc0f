"""Masked words: the words BERT would put there, and where the answer forms."""

from components.frame import load_models, open_page
from components.masked_page import draw_masked_page
from components.text_check import text_is_readable

frame = open_page("masked_words")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_masked_page(opened)
