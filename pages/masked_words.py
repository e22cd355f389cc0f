"""Masked words: the words BERT predicts at a mask, and where the prediction forms."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.masked_words import MaskedWordsFields, draw_masked_page

frame = open_page("masked_words", MaskedWordsFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_masked_page(opened)
