"""Tour: BERT in five minutes, one sentence from the text to the decision."""

from components.shell.frame import open_page
from components.views.tour import TourFields, draw_tour

open_page("tour", TourFields, text=False)
draw_tour()
