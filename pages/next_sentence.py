"""Next sentence: whether BERT expects text B to follow text A."""

from components.shell.frame import open_page, read_text
from components.views.next_sentence import NextSentenceFields, draw_pair_page

frame = open_page("next_sentence", NextSentenceFields)
opened = read_text(frame)
if opened:
    draw_pair_page(opened)
