"""Which models there are, and opening one."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.gateway.cache import shared
from components.gateway.library import exempt_from_gc, gb, import_library
from components.gateway.requests import ModelRequest, version_of
from components.gateway.settings import is_shared, not_offered, permitted, settings
from components.gateway.visitors import run_is_over

if TYPE_CHECKING:
    from glassbert.models.checkpoint import EmbeddedCheckpoint
    from glassbert.models.progress import Progress
    from glassbert.models.suggestions import Suggestion

__all__ = [
    "device_of",
    "devices",
    "duration",
    "embedded",
    "heads_of",
    "in_words",
    "is_here",
    "is_quick",
    "is_slow",
    "load",
    "precision_of",
    "prepare",
    "reload",
    "request_of",
    "short_hash",
    "suggestions",
    "waiting",
]

# Floating-point operations: about two seconds of one core, see `glassbert.verdicts._work`.
_QUICK_OPERATIONS = 1.6e11
_SLOW_SECONDS = 1.0


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

    every = not is_shared()
    return {suggestion.id: suggestion for suggestion in SUGGESTIONS if every or permitted(suggestion.id)}


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


def is_quick(model: gb.Model, passes: float, tokens: int) -> bool:
    """Whether a page computes this many passes of this length without being asked: about a second on two cores."""
    from glassbert.verdicts._work import operations

    return passes * operations(model, tokens) <= _QUICK_OPERATIONS


def duration(model: gb.Model, passes: float, tokens: int, *, may_end_early: bool = False) -> str:
    """How long this many passes take, roughly: "about 12 s", "about 3 min", longer the busier this machine is; "up to
    12 s" where it may be fewer passes."""
    from glassbert.verdicts._work import seconds

    takes = in_words(passes * seconds(model, tokens) * waiting())
    return takes.replace("about", "up to") if may_end_early else takes


def is_slow(model: gb.Model, tokens: int) -> bool:
    """Whether one pass of this length takes a second and more of a core: of a large network, or a very long text."""
    from glassbert.verdicts._work import seconds

    return seconds(model, tokens) >= _SLOW_SECONDS


def waiting() -> float:
    """How many times as long everything takes because of what else wants the cores, over the last minute."""
    try:
        wanted = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows
        return 1.0
    return max(1.0, wanted / (os.cpu_count() or 1))


def in_words(seconds: float) -> str:
    """A rough duration: "less than a second", "about 12 s", "about 3 min"."""
    if seconds < 1:
        return "less than a second"
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def precision_of(request: ModelRequest) -> Literal["float32", "bfloat16"]:
    """In what the network runs: half precision if that was asked for, else what the server is set to."""
    return "bfloat16" if request.half else settings().precision


def prepare(source: str, progress: Callable[[Progress], None], *, half: bool = False) -> None:
    """Find a model and download what is missing; free if it is already here. Raises a ModelError."""
    _permit(source)
    import_library()
    from glassbert.models.hub import locate

    size = 4 if precision_of(ModelRequest(source, half=half)) == "float32" else 2
    locate(source, progress=progress, cancelled=run_is_over, bytes_each=size)


#: How often each folder was read again because a visitor asked for it.
_reloads: Counter[str] = Counter()
#: The files that the copy in memory was read from, by source, device and precision.
_read_from: dict[tuple[str, str, str], str] = {}
_ENDINGS = (".json", ".txt", ".model", ".safetensors")


def request_of(source: str, device: str, *, half: bool = False) -> ModelRequest:
    """The request for this model as its files are now."""
    return ModelRequest(source, device, files=_files_now(source), half=half)


def reload(source: str) -> None:
    """Read this folder again, whether or not a change of its files can be noticed."""
    _reloads[source] += 1


def _files_now(source: str) -> str:
    """What identifies the files of a local folder: names, sizes and times, no contents; "" for any other model."""
    import_library()
    from glassbert.models.checkpoint import EMBEDDED_IDS

    if not source or source in EMBEDDED_IDS or not permitted(source):
        return ""
    try:
        files = sorted(path for path in Path(source.strip()).expanduser().iterdir() if path.name.endswith(_ENDINGS))
        states = [(path.name, path.stat()) for path in files]
    except (OSError, ValueError, RuntimeError):  # not a folder, or not one that can be read: loading says why
        return ""
    # ctime and inode too: a copy that keeps the old time is still another file
    stamps = [(name, at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino) for name, at in states]
    return version_of(stamps, _reloads[source])


def _permit(source: str) -> None:
    if not permitted(source):
        raise gb.ModelError(not_offered())


def load(request: ModelRequest) -> gb.Model:
    """One copy for all visitors; without some heads, a view of that copy. Raises a ModelError.

    A folder whose files have changed is read again, and the old copy is dropped. A page that was drawn before the
    change is told: its other numbers belong to the old weights.
    """
    _permit(request.source)
    files, key = _files_now(request.source), (request.source, request.device, precision_of(request))
    if request.files and request.files != files:
        raise gb.ModelError(
            f"the files of {request.source!r} have changed since this page opened them: reload the page to use the new "
            "ones"
        )
    old = _read_from.get(key, files)
    if old != files:
        _load.clear(*key, old)  # type: ignore[attr-defined]
    _read_from[key] = files
    model = _load(*key, files)
    return gb.ablate(model, request.off) if request.off else model


def _is_embedded(source: str, *_: str) -> bool:
    from glassbert.models.checkpoint import EMBEDDED_IDS

    return source in EMBEDDED_IDS


@shared(4, models=True, stays=_is_embedded)
def _load(source: str, device: str, precision: Literal["float32", "bfloat16"], files: str) -> gb.Model:  # noqa: ARG001 — files is part of the key
    import_library()
    with exempt_from_gc():  # the first model of a family brings its modelling code
        model = gb.load(source, device) if precision == "float32" else gb.load(source, device, precision=precision)
        gc.collect()  # a traceback that still refers to the model would keep it in memory forever
    return model


@shared(16)
def short_hash(request: ModelRequest) -> str:
    """What tells the weights of a model from others of its name, as in the passport of a report; "" if they cannot be
    read."""
    import_library()
    from glassbert.reports import identity_of

    try:
        return identity_of(load(request)).short_hash
    except gb.GlassBERTError:
        return ""


def heads_of(model: gb.Model) -> str:
    """The model's trained task heads, "masked words, next sentence"; "" for an encoder alone. Plain text."""
    import_library()
    from glassbert.families import TASKS

    return ", ".join(TASKS[head] for head in model.task_heads)
