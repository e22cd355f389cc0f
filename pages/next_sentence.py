"""Next sentence: whether BERT expects text B to follow text A."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.next_sentence import draw_pair_page

frame = open_page("next_sentence")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_pair_page(opened)
