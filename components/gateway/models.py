"""Which models there are, and opening one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from components.gateway.cache import shared
from components.gateway.library import exempt_from_gc, gb, import_library
from components.gateway.requests import ModelRequest
from components.gateway.settings import not_offered, permitted

if TYPE_CHECKING:
    from glassbert.models.checkpoint import EmbeddedCheckpoint
    from glassbert.models.progress import Progress
    from glassbert.models.suggestions import Suggestion

__all__ = ["device_of", "devices", "embedded", "heads_of", "is_here", "is_quick", "load", "prepare", "suggestions"]

# Parameters × tokens. The embedded model reads 16,000 tokens in about a second.
_QUICK_WORK = 16_000 * 23_000_000


def devices() -> dict[str, str]:
    """Device id → name, "auto" first, of the devices on this machine."""
    import_library()
    from glassbert.network.device import available_devices, choose_device, device_label

    names = {device: device_label(device) for device in available_devices()}
    return {"auto": f"Automatic: {names[choose_device()]}", **names}


def device_of(model: gb.Model) -> str:
    """The name of the device that the model runs on, "CPU" or "GPU 0: …"."""
    import_library()
    from glassbert.network.device import device_label

    return device_label(model.device)


def suggestions() -> dict[str, Suggestion]:
    """Model id → suggestion, the embedded ones first, of what this visitor may open."""
    import_library()
    from glassbert.models.suggestions import SUGGESTIONS

    return {suggestion.id: suggestion for suggestion in SUGGESTIONS if permitted(suggestion.id)}


@shared(1)
def embedded() -> tuple[EmbeddedCheckpoint, ...]:
    """The bundled models, with their cards."""
    return tuple(gb.embedded())


def is_here(source: str) -> bool:
    """Whether this model opens without a download."""
    _permit(source)
    import_library()
    from glassbert.models.hub import is_local

    return is_local(source)


def is_quick(model: gb.Model, passes: int, tokens: int) -> bool:
    """Whether a page computes this many passes of this length without being asked: about a second on two cores."""
    return passes * tokens * model.parameters <= _QUICK_WORK


def prepare(source: str, progress: Callable[[Progress], None]) -> None:
    """Find a model and download what is missing; free if it is already here. Raises a ModelError."""
    _permit(source)
    import_library()
    from glassbert.models.hub import locate

    locate(source, progress=progress)


def _permit(source: str) -> None:
    if not permitted(source):
        raise gb.ModelError(not_offered())


def load(request: ModelRequest) -> gb.Model:
    """One copy for all visitors; without some heads, a view of that copy. Raises a ModelError."""
    _permit(request.source)
    model = _load(request.source, request.device)
    return gb.ablate(model, request.off) if request.off else model


@shared(4)
def _load(source: str, device: str) -> gb.Model:
    import_library()
    with exempt_from_gc():  # the first model of a family brings its modelling code
        model = gb.load(source, device)
        gc.collect()  # a traceback that still refers to the model would keep it in memory forever
    return model


def heads_of(model: gb.Model) -> str:
    """The model's trained task heads, "masked words, next sentence"; "" for an encoder alone. Plain text."""
    import_library()
    from glassbert.families import TASKS

    return ", ".join(TASKS[head] for head in model.task_heads)
