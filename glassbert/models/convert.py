"""Make a checkpoint with safetensors weights of one whose weights are pickle."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError, ModelError, ModelNotFoundError, UnsafeWeightsError
from glassbert.models.checkpoint import Checkpoint, inferred_architecture, vet
from glassbert.models.config import CONFIG, check_config, read_config, strings
from glassbert.models.files import quoted, read_json
from glassbert.models.missing import no_tokenizer, pickles
from glassbert.models.tokenizer import TOKENIZER_FILES, has_tokenizer, read_files
from glassbert.models.weights import SINGLE, read_weights

__all__ = ["convert", "default_target"]

_SCRIPT = Path(__file__).with_name("unpickle.py")
_INDEX = "pytorch_model.bin.index.json"
_PREFERRED = ("pytorch_model.bin", "model.bin", "pytorch_model.pt", "model.pt")
_MAX_SECONDS = 4 * 3600.0


def default_target(folder: Path) -> Path:
    """``models/mine`` → ``models/mine-safetensors``."""
    absolute = folder.expanduser().absolute()
    return absolute.with_name(f"{absolute.name}-safetensors")


def convert(folder: Path, target: Path | None = None) -> Checkpoint:
    """Write the checkpoint in ``folder`` with safetensors weights into a new folder, and validate it.

    Pickle is read by another process, restricted to tensors and plain containers, so no code in it is run. Config and
    tokenizer are copied; a config that does not name its class gets the one that the tensors show, because transformers
    would otherwise drop the task head. Raises a ModelError; then nothing is left behind.
    """
    folder = folder.expanduser()
    source, target = str(folder), (target.expanduser() if target is not None else default_target(folder))
    if not folder.is_dir():
        raise ModelNotFoundError(f"there is no folder {quoted(source)}; check the path")
    if target.exists():
        raise ModelError(f"{quoted(target)} exists already; delete it or name another folder for the result")
    files = {path.name for path in folder.iterdir()}
    config = read_config(folder, files, source)
    family = check_config(config, source)
    if not has_tokenizer(files):
        raise no_tokenizer(files, source)
    weights = _weight_files(folder, files, source)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
            made = Path(name) / "converted"
            made.mkdir()
            for file, content in read_files(folder, files & TOKENIZER_FILES, source).items():
                (made / file).write_bytes(content)
            _unpickle(weights, made / SINGLE, config.get("tie_word_embeddings") is not False, source)
            if not strings(config.get("architectures")):
                stored = read_weights(made, source=source)
                config["architectures"] = list(inferred_architecture(config, family, stored, source))
            (made / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            vet(made, source=source, available=lambda: None)
            made.rename(target)
    except OSError as error:
        raise ModelError(
            f"{quoted(target)} cannot be written ({error.strerror or 'no access'}); name another folder for the result"
        ) from error
    return vet(target, source=str(target), available=lambda: None)


def _weight_files(folder: Path, files: set[str], source: str) -> list[Path]:
    if SINGLE in files:
        raise ModelError(f"{quoted(source)} has {SINGLE} already, so there is nothing to convert; open it as it is")
    if _INDEX in files:
        parts = read_json(folder / _INDEX, max_bytes=16_000_000, source=source).get("weight_map")
        names = sorted({str(part) for part in parts.values()}) if isinstance(parts, dict) else []
    else:
        found = [name for name in pickles(files) if not name.endswith(".json")]
        names = [name for name in _PREFERRED if name in found][:1] or found
        if len(names) > 1:
            raise DamagedCheckpointError(
                f"{quoted(source)} has several files that may be its weights ({', '.join(map(quoted, names[:4]))}); "
                "rename the right one to pytorch_model.bin"
            )
    lost = [name for name in names if name not in files]
    if lost or not names:
        missing = f"lacks the file {quoted(lost[0])} of its weights" if lost else "has no pickle weights to convert"
        raise DamagedCheckpointError(f"{quoted(source)} {missing}; download or copy the model again")
    return [folder / name for name in names]


def _unpickle(files: list[Path], target: Path, tied: bool, source: str) -> None:
    request = {"files": [str(file.absolute()) for file in files], "target": str(target), "tied": tied}
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_SCRIPT)],
            input=json.dumps(request) + "\n",
            text=True,
            capture_output=True,
            timeout=_MAX_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise DamagedCheckpointError(
            f"the weights of {quoted(source)} end the process that reads them, or take too long; download them again"
        ) from error
    if found.get("error") == "memory":
        raise DamagedCheckpointError(
            f"the weights of {quoted(source)} need several times the memory of their file size"
        )
    if found.get("needs"):
        raise UnsafeWeightsError(
            f"the weights of {quoted(source)} need code to be read ({quoted(found['needs'])}), which GlassBERT never "
            "runs; get them from a source that you trust, in safetensors"
        )
    if found.get("error"):
        raise DamagedCheckpointError(
            f"the weights of {quoted(source)} cannot be read as tensors alone ({found['error']}); download them again, "
            "or save the model once more with save_pretrained"
        )
