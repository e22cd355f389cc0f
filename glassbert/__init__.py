"""GlassBERT: see inside a BERT.

    import glassbert as gb
    model = gb.load("pretrained")
    gb.fill_mask(model, "Paris is the capital of [MASK].").frame()

Read the folders in this order; each imports only from those before it: ``pictures``, the basic vocabulary
(``errors``, ``arguments``, ``targets``, ``saving``, ``results``), ``families``, ``models``, ``network``, ``text``,
``tables``, ``decision``, ``language``, ``maps``, ``heads``, ``attribution``, ``evaluation``, ``whatif``, ``verdicts``,
``intervention``, ``comparison``, ``similarities``, ``tuning``, ``suites``, ``compression``, ``analysis``, ``figures``,
``reports``, ``commands``. ``public`` lists the names that are offered here.
"""

import os
from typing import TYPE_CHECKING

#: The single source of the version; pyproject.toml reads it.
__version__ = "0.1.0"

# Waiting threads should sleep, not spin. On a busy two-core machine, spinning made integrated gradients 14 times
# slower (3.9 s instead of 0.28 s). libgomp reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if TYPE_CHECKING:
    # Every error can be caught as gb.Name; __all__ lists the branches.
    from glassbert.errors import *
    from glassbert.public import *
else:

    def __getattr__(name: str) -> object:
        """A name of the public face, all of which is imported at the first use of one; or a folder or module."""
        import importlib.util

        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if importlib.util.find_spec(f"{__name__}.{name}") is not None:
            return importlib.import_module(f"{__name__}.{name}")
        errors, public = (importlib.import_module(f"{__name__}.{face}") for face in ("errors", "public"))
        offered = {one: getattr(face, one) for face in (errors, public) for one in face.__all__}
        globals().update(offered, __all__=public.__all__)
        if name not in globals():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
