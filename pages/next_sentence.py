"""Next sentence: which sentence BERT expects after this one."""

from components.frame import load_models, open_page
from components.pair_page import draw_pair_page
from components.text_check import text_is_readable

frame = open_page("next_sentence")
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_pair_page(opened)
