"""Fine-tune: teach a model your own labels, and see what it learns."""

from components.shell.frame import open_page
from components.views.fine_tuning import FineTuningFields, draw_fine_tuning_page

open_page("fine_tuning", FineTuningFields, text=False)
draw_fine_tuning_page()
