"""How a sentence encoder makes one vector of a text: what the files of sentence-transformers say about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from glassbert.errors import DamagedCheckpointError, GlassBERTError
from glassbert.models.files import parse_json, quoted, read_bytes, read_json

__all__ = ["MODULES", "Pooling", "pooling_folder", "read_pooling"]

#: The mean of all last states, or that of the first token ([CLS]).
Pooling = Literal["mean", "cls"]

#: The list of a sentence encoder's steps.
MODULES = "modules.json"
_MOST_BYTES = 100_000
_SETTING = "pooling_mode_"


def read_pooling(folder: Path, source: str) -> tuple[Pooling | None, str]:
    """The pooling of the sentence encoder in a folder; None with the reason if there is none that can be run.

    Read are ``modules.json`` and the config of its pooling step. The cosine of two vectors needs no normalising step,
    and the mean divided by the root of the length has the same direction as the mean.
    """
    if not (folder / MODULES).is_file():
        return None, f"{quoted(source)} does not say how it pools (it has no {MODULES})"
    try:
        return _read(folder, source)
    except GlassBERTError as error:
        return None, str(error)


def pooling_folder(content: bytes, source: str) -> str | None:
    """The folder of the pooling step in the content of a ``modules.json``; None if there is none."""
    return next((path for kind, path in _steps(content, source) if kind == "Pooling" and path), None)


def _read(folder: Path, source: str) -> tuple[Pooling | None, str]:
    steps = _steps(read_bytes(folder / MODULES, max_bytes=_MOST_BYTES, source=source), source)
    other = next((kind for kind, _ in steps if kind not in ("Transformer", "Pooling", "Normalize")), None)
    if other is not None:
        return None, f"{quoted(source)} has a step after its encoder that GlassBERT does not run ({quoted(other)})"
    path = next((path for kind, path in steps if kind == "Pooling"), "")
    if not path or not (folder / path / "config.json").is_file():
        return None, f"{quoted(source)} does not say how it pools (its {MODULES} names no pooling step with a config)"
    config = read_json(folder / path / "config.json", max_bytes=_MOST_BYTES, source=source)
    modes = {name.removeprefix(_SETTING) for name, on in config.items() if name.startswith(_SETTING) and on is True}
    if isinstance(config.get("pooling_mode"), str):
        modes = {config["pooling_mode"]}
    if modes == {"cls_token"} or modes == {"cls"}:
        return "cls", ""
    if modes and modes <= {"mean_tokens", "mean_sqrt_len_tokens", "mean", "mean_sqrt_len"} and len(modes) == 1:
        return "mean", ""
    return None, (
        f"{quoted(source)} pools by {quoted(', '.join(sorted(modes)) or 'nothing')}, and GlassBERT only by the mean "
        "of all tokens or by the first one"
    )


def _steps(content: bytes, source: str) -> list[tuple[str, str]]:
    """(class, folder) of each step. Raises DamagedCheckpointError."""
    # parse_json reads objects, and this file holds a list
    found: Any = parse_json(b'{"steps": ' + content + b"}", MODULES, source)["steps"]
    steps = [step for step in found if isinstance(step, dict)] if isinstance(found, list) else []
    named = [(str(step.get("type", "")).rpartition(".")[2], str(step.get("path", ""))) for step in steps]
    if not named or any(_leads_out(path) for _, path in named):
        raise DamagedCheckpointError(f"{MODULES} of {quoted(source)} does not list the steps of a sentence encoder")
    return named


def _leads_out(path: str) -> bool:
    parts = Path(path).parts
    return Path(path).is_absolute() or ".." in parts or len(parts) > 1
