"""Nothing to see: what a page does with keys and around a change of page, in the browser alone.

P presses the button *Present*, and Escape leaves the presentation; in the tour the arrow keys and a projector's remote
control press *Back* and *Next*, or what shows the answer first. Where the sidebar covers the page (on a phone), it
closes once a page was chosen. A page that is chosen while a field holds typed text follows once that is submitted; what
was typed when a page goes away without that (Back, a reload) comes back with its field.

Hooks for tests: ``data-testid`` ``page-keys``, which is there once keys are heard.
"""

from __future__ import annotations

from pathlib import Path

from components.widgets import frontend

__all__ = ["page_keys"]

_mount = frontend.register(Path(__file__).parent)


def page_keys(page: str, *, presents: bool = False, key: str = "page_keys") -> None:
    """Draw nothing. Call it once a page, with the page's id, and whether it is a presentation."""
    _mount(key=key, data={"version": f"{page} {presents}", "page": page, "presents": presents})
