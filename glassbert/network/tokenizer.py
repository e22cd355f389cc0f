"""Open the tokenizer of a checkpoint: exactly the files that were validated, and first in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError, ModelError
from glassbert.models.characters import CHARACTER_FILES
from glassbert.models.checkpoint import Checkpoint
from glassbert.models.config import CONFIG, settled
from glassbert.models.files import parse_json, quoted
from glassbert.models.tokenizer import (
    TOKENIZER_FILES,
    check_pipeline,
    check_tokenizer,
    check_vocabulary,
    read_files,
    slow_tokenizer,
)
from glassbert.network import stock

__all__ = ["open_tokenizer"]

#: What a tokenizer may take: time of the processor, which a busy machine does not use up.
CPU_SECONDS, MEMORY_BYTES = 20, 2_000_000_000
#: Time of the clock, after which a machine stands still or a system without the limit above goes on for ever.
TRIAL_SECONDS = 600.0
_TRIAL = Path(__file__).with_name("tokenizer_trial.py")
_SETTINGS = "tokenizer_config.json"
#: Settings that name other files or bring code and templates.
_REDIRECTIONS = {
    *("auto_map", "chat_template", "fast_tokenizer_files", "init_inputs", "merges_file", "name_or_path"),
    *("processor_class", "tokenizer_file", "vocab_file"),
}

_MAX_REMEMBERED = 256
#: Digest of a tokenizer → what its trial found.
_found: dict[str, dict[str, Any]] = {}
_remembering = threading.Lock()


def open_tokenizer(checkpoint: Checkpoint) -> Any:
    """The fast tokenizer of a checkpoint. Raises a ModelError.

    Its files are read once, validated, and copied into a folder that contains nothing else, from which transformers
    reads them: neither a setting nor an exchanged file can lead to a tokenizer other than the validated one. A
    tokenizer that does not ship with GlassBERT is first opened and run by another process, with limits on memory and
    time; one with the same content is not tried twice.
    """
    if checkpoint.embedded:
        return stock.read_tokenizer(checkpoint.folder)
    names = {path.name for path in checkpoint.folder.iterdir()}
    files = _settled(read_files(checkpoint.folder, names, checkpoint.source), checkpoint)
    with tempfile.TemporaryDirectory(prefix="glassbert-tokenizer-") as copy:
        for name, content in files.items():
            (Path(copy) / name).write_bytes(content)
        _validate(checkpoint, files, Path(copy))
        tokenizer = stock.read_tokenizer(Path(copy))
    tokenizer.name_or_path = str(checkpoint.folder)
    return tokenizer


def _settled(files: dict[str, bytes], checkpoint: Checkpoint) -> dict[str, bytes]:
    """The tokenizer's files, without what leads away from them, and of the config what a tokenizer is chosen by."""
    config = settled(checkpoint.config)
    chosen_by = {name: config[name] for name in ("model_type", "tokenizer_class") if name in config}
    files = files | {CONFIG: json.dumps(chosen_by).encode()}
    instead = checkpoint.family.tokenizer_class
    if instead:
        files = {name: content for name, content in files.items() if name not in CHARACTER_FILES}
        files[CONFIG] = json.dumps({"tokenizer_class": instead}).encode()
    if _SETTINGS in files:
        settings = parse_json(files[_SETTINGS], _SETTINGS, checkpoint.source)
        if instead:
            files[_SETTINGS] = json.dumps(settings | {"tokenizer_class": instead}).encode()
        if _REDIRECTIONS & settings.keys():
            kept = {name: value for name, value in settings.items() if name not in _REDIRECTIONS}
            files[_SETTINGS] = json.dumps(kept).encode()
    return files


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _validate(checkpoint: Checkpoint, files: Mapping[str, bytes], copy: Path) -> None:
    source, rows = checkpoint.source, checkpoint.vocabulary_size
    types = checkpoint.segments
    own = {name: content for name, content in files.items() if name in TOKENIZER_FILES}
    check_tokenizer(own, rows, types, source)
    digest = _digest(files)
    with _remembering:
        known = _found.get(digest)
    found = known or _tried(copy, source)
    with _remembering:
        if len(_found) >= _MAX_REMEMBERED:
            _found.pop(next(iter(_found)))
        _found[digest] = found
    if not found["fast"]:
        raise slow_tokenizer(source, found["class"], found["missing"])
    check_pipeline(found["pipeline"], rows, types, source)
    check_vocabulary(found["tokens"], found["least_id"], found["most_id"], rows, source)
    if found["ids"][0] < 0 or found["ids"][1] >= rows or found["types"][0] < 0 or found["types"][1] >= max(types, 2):
        raise DamagedCheckpointError(
            f"the tokenizer of {quoted(source)} produces ids that its weights do not have; replace it with the one "
            "that the model was trained with"
        )
    if not found["placed"]:
        raise DamagedCheckpointError(
            f"the tokenizer of {quoted(source)} leaves texts out or does not tell the place of each token in them; "
            "replace it with the one that the model was trained with"
        )


def _tried(folder: Path, source: str) -> dict[str, Any]:
    """What the trial has found. Raises a ModelError for a tokenizer that does not survive it."""
    advice = "replace it with the tokenizer that the model was trained with, or choose another model"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_TRIAL), str(folder), str(MEMORY_BYTES), str(CPU_SECONDS)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"the tokenizer of {quoted(source)} was not tried within {TRIAL_SECONDS:.0f} seconds; if this machine is "
            f"very busy, try again later, else {advice}"
        ) from error
    except OSError as error:
        raise ModelError(
            f"the tokenizer of {quoted(source)} cannot be tried in a process of its own ({error.strerror}); close "
            "other programs and try again"
        ) from error
    if done.returncode in (-getattr(signal, "SIGXCPU", 0), -getattr(signal, "SIGKILL", 0)):
        raise _too_slow(source, advice)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise DamagedCheckpointError(
            f"the tokenizer of {quoted(source)} ends the process that opens it, or needs more memory than a tokenizer "
            f"may; {advice}"
        ) from error
    match found.get("error"):
        case None:
            return found
        case "memory":
            raise DamagedCheckpointError(
                f"the tokenizer of {quoted(source)} needs more memory than a tokenizer may; {advice}"
            )
        case kind:
            raise DamagedCheckpointError(
                f"the tokenizer of {quoted(source)} cannot be used ({kind}: {quoted(found['detail'])}); {advice}"
            )


def _too_slow(source: str, advice: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"the tokenizer of {quoted(source)} takes longer than {CPU_SECONDS} seconds for ordinary texts; {advice}"
    )
