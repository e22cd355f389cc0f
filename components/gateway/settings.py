"""What whoever runs the server allows its visitors: read once, from a TOML file and the environment.

| setting | environment | default | meaning |
|---|---|---|---|
| `mode` | `GLASSBERT_MODE` | `auto` | `local`, `shared`, or `auto`: shared unless only this machine connects |
| `models` | `GLASSBERT_MODELS` | none | what a shared server also opens: hub ids or folders |
| `roots` | `GLASSBERT_ROOTS` | none | … and the folders whose model folders it opens |
| `characters` | `GLASSBERT_CHARACTERS` | 20000 | longest text, in characters |
| `seconds` | `GLASSBERT_SECONDS` | 600 | longest computation in the background |
| `memory` | `GLASSBERT_MEMORY` | 1000 | what results and models that are kept may take, all together, in MB |
| `precision` | `GLASSBERT_PRECISION` | `float32` | in what networks run; `bfloat16` takes half of the memory |
| `runs` | `GLASSBERT_RUNS` | none | where fine-tuning keeps its runs; without it, a folder of the user's data |
| `tables` | `GLASSBERT_TABLES` | none | folders whose tables visitors may train on without an upload |
| `upload` | `GLASSBERT_UPLOAD` | 50 | largest table that is uploaded, in MB |
| `rows` | `GLASSBERT_ROWS` | 100000 | most rows of a table that is trained on |
| `disk` | `GLASSBERT_DISK` | 20000 | what all runs may take on the disk, in MB |
| `most_runs` | `GLASSBERT_MOST_RUNS` | 100 | how many runs are kept |

The file is `glassbert.toml` in the working directory, or the one that `GLASSBERT_SETTINGS` names; the environment
overrides it. Lists in the environment are separated by commas.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components.gateway.library import import_library

__all__ = [
    "FORWARDED",
    "Settings",
    "is_shared",
    "not_offered",
    "permitted",
    "read",
    "runs_folder",
    "settings",
    "tuned_folder",
]

_MODES = ("auto", "local", "shared")
_PRECISIONS = ("float32", "bfloat16")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: What a proxy adds: behind one, every visitor comes from this machine.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Settings:
    """See the table of this module."""

    mode: Literal["auto", "local", "shared"] = "auto"
    models: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    characters: int = 20_000
    seconds: int = 600
    memory: int = 1_000
    precision: Literal["float32", "bfloat16"] = "float32"
    runs: str = ""
    tables: tuple[str, ...] = ()
    upload: int = 50
    rows: int = 100_000
    disk: int = 20_000
    most_runs: int = 100


def read(environment: Mapping[str, str], folder: Path) -> Settings:
    """The settings of this environment and working directory. Raises ValueError with what to mend."""
    named = environment.get("GLASSBERT_SETTINGS", "")
    path = Path(named) if named else folder / "glassbert.toml"
    values: dict[str, Any] = {}
    if named or path.is_file():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ValueError(f"the settings file {path} cannot be read: {error}") from error
    known = {field.name: type(field.default) for field in fields(Settings)}
    for name in values.keys() - known.keys():
        raise ValueError(f"{path}: unknown setting {name!r}; the settings are {', '.join(known)}")
    for name, kind in known.items():
        written = environment.get(f"GLASSBERT_{name.upper()}")
        if written is not None:
            values[name] = _from_environment(name, written, kind)
    return _checked({name: _checked_type(name, value, known[name]) for name, value in values.items()})


def _from_environment(name: str, written: str, kind: type) -> Any:
    if kind is tuple:
        return [part.strip() for part in written.split(",") if part.strip()]
    if kind is int:
        try:
            return int(written)
        except ValueError:
            raise ValueError(f"GLASSBERT_{name.upper()} must be an integer; got {written!r}") from None
    return written


def _checked_type(name: str, value: Any, kind: type) -> Any:
    if kind is tuple:
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise ValueError(f"the setting {name} must be a list of strings; got {value!r}")
        return tuple(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"the setting {name} must be {'an integer' if kind is int else 'a string'}; got {value!r}")
    return value


def _checked(values: dict[str, Any]) -> Settings:
    found = Settings(**values)
    if found.mode not in _MODES:
        raise ValueError(f"the setting mode must be one of {', '.join(_MODES)}; got {found.mode!r}")
    if found.precision not in _PRECISIONS:
        raise ValueError(f"the setting precision must be one of {', '.join(_PRECISIONS)}; got {found.precision!r}")
    least_values = {"characters": 100, "seconds": 1, "memory": 10, "upload": 1, "rows": 10, "disk": 10, "most_runs": 1}
    for name, least in least_values.items():
        if getattr(found, name) < least:
            raise ValueError(f"the setting {name} must be at least {least}; got {getattr(found, name)}")
    return found


@cache
def settings() -> Settings:
    """The settings of this server."""
    return read(os.environ, Path.cwd())


def runs_folder() -> Path:
    """Where the runs of fine-tuning are."""
    if settings().runs:
        return Path(settings().runs).expanduser().absolute()
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "glassbert" / "runs"


def tuned_folder() -> Path:
    """… and the models that came of them, each in a folder whose name is a secret."""
    return runs_folder() / "models"


def is_shared() -> bool:
    """Whether strangers may be using this server: what is right on one's own machine is not offered to them."""
    mode = settings().mode
    if mode != "auto":
        return mode == "shared"
    address, hosts = st.get_option("server.address"), st.get_option("server.allowedHosts") or []
    if address not in _LOOPBACK or any(host not in _LOOPBACK for host in hosts):
        return True
    if get_script_run_ctx(suppress_warning=True) is None:  # no visitor: the models that are opened ahead
        return False
    headers = st.context.headers  # a new object each time
    return any(name in headers for name in FORWARDED)


def permitted(source: str) -> bool:
    """Whether this visitor may open this model. On a shared server nothing is looked up to find out."""
    if not is_shared():
        return True
    import_library()
    from glassbert.models.checkpoint import EMBEDDED_IDS

    allowed = settings()
    if source in EMBEDDED_IDS or source in allowed.models:
        return True
    if "\0" in source:
        return False
    path = Path(os.path.normpath(source))
    if _is_tuned(path):
        return True
    below = [root for root in map(Path, allowed.roots) if path.is_absolute() and path.is_relative_to(root)]
    # only now the disk is asked: a link inside a root must not lead out of it
    return any(path.resolve().is_relative_to(root.resolve()) for root in below)


def _is_tuned(path: Path) -> bool:
    """Whether this is the folder of a fine-tuned model: only who started its run, or was given a link, knows its
    name."""
    folder = tuned_folder()
    return path.parent.parent == folder and re.fullmatch("[0-9a-f]{32}", path.parent.name) is not None


def not_offered() -> str:
    """Why a model that is not `permitted` does not open: the same words for whatever was asked."""
    return (
        "This server is shared and offers only the models in its list. Whoever runs it can add others with "
        "GLASSBERT_MODELS or GLASSBERT_ROOTS (see docs/deploy.md)."
    )
