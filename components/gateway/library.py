"""glassbert, typed, and not imported before it is used: it brings torch, which takes seconds in a cold process.

    from components.gateway.library import gb

For a type checker and an editor ``gb`` is the module itself, so that one can jump to any function of it. At run time it
imports glassbert at the first use of a name. A function that needs a module of glassbert beyond its public face calls
`import_library` before it imports that module.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from streamlit.runtime.scriptrunner import StopException

from components.gateway.visitors import run_is_over

if TYPE_CHECKING:
    import glassbert as gb

__all__ = ["exempt_from_gc", "gb", "import_library", "version"]

#: Complete before anything is computed or drawn, in this order. pandas is among them because plotly takes it from
#: ``sys.modules`` if it is there, even while another thread is still importing it.
_HEAVY = ("pandas", "captum.attr", "glassbert.public")
_LOOK_SECONDS = 0.05


class _Import(threading.Thread):
    """The only thread that imports heavy modules: a cold import by several threads at once can fail, and so can one
    that a visitor's next click interrupts."""

    def __init__(self) -> None:
        super().__init__(name="imports", daemon=True)
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with exempt_from_gc():
                for name in _HEAVY:
                    importlib.import_module(name)
        except BaseException as error:  # raised to whoever waits
            self.error = error


_lock = threading.Lock()
_import: _Import | None = None


def import_library() -> ModuleType:
    """glassbert, once it and what it needs are imported; the run of a page that nobody waits for any more ends here."""
    global _import
    with _lock:
        over = _import is not None and not _import.is_alive()
        if _import is None or (over and (_import.error or "glassbert.public" not in sys.modules)):
            _import = _Import()
            _import.start()
        current = _import
    while current.is_alive():
        current.join(_LOOK_SECONDS)
        if current.is_alive() and run_is_over():
            raise StopException
    if current.error is not None:
        raise current.error
    return sys.modules["glassbert"]


def version() -> str:
    """The version of glassbert, without what takes seconds to import."""
    from glassbert import __version__

    return __version__


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
