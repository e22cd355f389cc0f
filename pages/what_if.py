"""What if: change a word and see what moves, find the smallest change that matters, and where a difference lives."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.what_if import WhatIfFields, draw_what_if_page

frame = open_page("what_if", WhatIfFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_what_if_page(opened)
