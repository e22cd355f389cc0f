"""What if: edit a word, find the smallest edit that flips the prediction, and locate a difference in the layers."""

from components.shell.frame import open_page, read_text
from components.views.what_if import WhatIfFields, draw_what_if_page

frame = open_page("what_if", WhatIfFields)
opened = read_text(frame)
if opened:
    draw_what_if_page(opened)
