"""Compress: smaller and faster, and still deciding for the same reasons?"""

from components.shell.frame import load_models, open_page
from components.views.compress import CompressFields, draw_compress_page

frame = open_page("compress", CompressFields, text=False)
draw_compress_page(load_models(frame))
