"""What if: edit a word, find the smallest edit that flips the prediction, and locate a difference in the layers."""

from components.shell.frame import load_models, open_page
from components.shell.text_check import text_is_readable
from components.views.what_if import WhatIfFields, draw_what_if_page

frame = open_page("what_if", WhatIfFields)
opened = load_models(frame)
if opened and text_is_readable(opened):
    draw_what_if_page(opened)
