"""The workbench's three panels: one file each, each a fragment that redraws alone when only it changes."""

from components.views.workbench.attention import attention_panel
from components.views.workbench.predictions import predictions_panel
from components.views.workbench.saliency import saliency_panel

__all__ = ["attention_panel", "predictions_panel", "saliency_panel"]
