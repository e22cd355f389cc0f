"""A small × that hides the container it stands in, for this browser.

The container starts hidden, by the page's own style, and is shown once the script finds that it was not dismissed; no
server is told. Where the browser keeps nothing, it stays dismissed until the page is loaded again.

Hooks for tests: ``data-testid`` ``dismiss-button``; the container has ``data-offered`` while it is shown.
"""

from __future__ import annotations

from pathlib import Path

from components.widgets import frontend

__all__ = ["dismiss_button"]

_mount = frontend.register(Path(__file__).parent)


def dismiss_button(container: str, *, label: str, key: str) -> None:
    """Draw the ×, named by ``label``, which hides the container of this key around it."""
    _mount(key=key, data={"version": key, "container": container, "label": label})
