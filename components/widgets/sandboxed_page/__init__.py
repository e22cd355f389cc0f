"""A whole HTML page in a frame that can run its own scripts and nothing else.

Streamlit's ``st.iframe`` gives a page the origin of the app: its scripts could read the app and act in its place. In
this frame they have an origin of their own, without storage, and of scripts run only those whose hashes the server's
content-security policy names.

Hooks for tests: ``data-testid`` ``sandboxed-page`` on the ``iframe``.
"""

from __future__ import annotations

from pathlib import Path

from components.widgets import frontend

__all__ = ["sandboxed_page"]

_mount = frontend.register(Path(__file__).parent)


def sandboxed_page(html: str, *, title: str, height: int, key: str) -> None:
    """Draw the page, ``height`` CSS pixels high; ``title`` names the frame for screen readers."""
    _mount(key=key, data={"version": key, "html": html, "title": title, "height": height})
