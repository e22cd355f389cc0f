"""Nothing to see: what a page does with keys and after a change of page, in the browser alone.

P presses the button *Present*. Where the sidebar covers the page (on a phone), it closes once a page was chosen.
"""

from __future__ import annotations

from pathlib import Path

from components.widgets import frontend

__all__ = ["page_keys"]

_mount = frontend.register(Path(__file__).parent)


def page_keys(page: str, *, key: str = "page_keys") -> None:
    """Draw nothing. Call it once a page, with the page's id."""
    _mount(key=key, data={"version": page, "page": page})
