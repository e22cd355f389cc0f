"""glassbert, typed, and not imported before it is used: it brings torch, which takes seconds in a cold process.

    from components.gateway.library import gb

For a type checker and an editor ``gb`` is the module itself, so that one can jump to any function of it. At run time it
imports glassbert at the first use of a name. A function that needs a module of glassbert beyond its public face calls
`import_library` before it imports that module.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import glassbert as gb

__all__ = ["exempt_from_gc", "gb", "import_library"]

_first_import = threading.Lock()


def import_library() -> ModuleType:
    """Import glassbert in one thread while the others wait: a cold import from several threads can fail."""
    with _first_import:
        if "glassbert" not in sys.modules:
            with exempt_from_gc():
                import glassbert  # noqa: F401
        return sys.modules["glassbert"]


@contextmanager
def exempt_from_gc() -> Iterator[None]:
    """Exempt objects created in this context from garbage collection for good; reference counting still frees them.

    torch, transformers and the models are half a million objects. Walking them again and again took a second of a cold
    start, and 230 ms after every run of a page, when Streamlit collects while the last panel is still on its way.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


if not TYPE_CHECKING:

    class _Library(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # tools look up __wrapped__ and the like on any object: not worth importing torch
                raise AttributeError(name)
            return getattr(import_library(), name)

    gb = _Library("glassbert")
