"""Data set: a model judged, explained and searched over a whole table."""

from components.shell.frame import open_page
from components.views.data_set import DataSetFields, draw_data_set_page

open_page("data_set", DataSetFields, text=False)
draw_data_set_page()
