"""Masked words: the words BERT predicts at a mask, and where the prediction forms."""

from components.shell.frame import open_page, read_text
from components.views.masked_words import MaskedWordsFields, draw_masked_page

frame = open_page("masked_words", MaskedWordsFields)
opened = read_text(frame)
if opened:
    draw_masked_page(opened)
