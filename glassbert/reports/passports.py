"""Which model computed this: hashes of its files, versions, device, settings."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from glassbert.errors import ModelError, UnsupportedModelError
from glassbert.models.checkpoint import EMBEDDED_FOLDER, EMBEDDED_IDS, IDENTIFYING, TOKENIZER_FILES, Checkpoint
from glassbert.models.config import CONFIG
from glassbert.models.files import quoted
from glassbert.models.weights import fingerprint, read_weights
from glassbert.network.device import device_label
from glassbert.network.model import Model
from glassbert.network.own_head import OwnNetwork
from glassbert.reports.findings import ModelIdentity, Passport

__all__ = ["identity_of", "name_of", "passport_of"]

_PACKAGES = ("torch", "transformers", "tokenizers", "numpy")


def passport_of(model: Model, *, seed: int, settings: Mapping[str, Any], proposer: Model | None = None) -> Passport:
    """The passport of what is computed now. Raises ModelError."""
    # the package itself, which need not be installed to run
    own = str(sys.modules[__name__.partition(".")[0]].__version__)
    versions = {"glassbert": own} | {package: _version(package) for package in _PACKAGES}
    return Passport(
        model=identity_of(model),
        proposer=None if proposer is None else identity_of(proposer),
        versions={**versions, "Python": platform.python_version()},
        system=f"{platform.system()} {platform.machine()}".strip(),
        threads=torch.get_num_threads(),
        seed=seed,
        settings=dict(settings),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def identity_of(model: Model) -> ModelIdentity:
    """What identifies a model: its name without a path, and the SHA-256 of its files.

    Raises ModelError if the files are no longer the ones that were loaded.
    """
    checkpoint = model.checkpoint
    if isinstance(model.network, OwnNetwork):
        raise UnsupportedModelError(
            "a report names the files that compute its numbers again, and a head of your own has none: save the "
            "results themselves, with their save(path)"
        )
    weights, tokenizer, config = _hashes(checkpoint)
    return ModelIdentity(
        name=name_of(model),
        id=checkpoint.source if _origin(checkpoint) != "folder" else name_of(model),
        origin=_origin(checkpoint),
        revision=checkpoint.revision,
        family=checkpoint.family.label,
        task_heads=tuple(model.task_heads),
        parameters=model.parameters,
        weights=weights,
        tokenizer=tokenizer,
        config=config,
        device=model.device,
        device_label=device_label(model.device),
        precision=model.precision,
        ablated_heads=tuple((int(layer), int(head)) for layer, head in model.ablated_heads),
    )


def name_of(model: Model) -> str:
    """Its display name; of a folder only the last part, because the path is nobody else's business."""
    checkpoint = model.checkpoint
    if checkpoint.embedded:
        return EMBEDDED_IDS[checkpoint.source][0]
    if _origin(checkpoint) == "hub":
        return checkpoint.source
    return Path(checkpoint.source).expanduser().resolve().name or "a folder"


def _origin(checkpoint: Checkpoint) -> str:
    if checkpoint.embedded:
        return "embedded"
    return "folder" if checkpoint.revision is None else "hub"


def _hashes(checkpoint: Checkpoint) -> tuple[dict[str, str], dict[str, str], str]:
    """File → SHA-256 of the weights and of the tokenizer, and that of the config."""
    folder = checkpoint.folder
    try:
        shared = folder.resolve().parent == EMBEDDED_FOLDER.resolve()
        stored = read_weights(folder, source=checkpoint.source, root=EMBEDDED_FOLDER if shared else None)
        others = [path for path in sorted(folder.iterdir()) if path.name in IDENTIFYING]
        same = fingerprint(stored, others) == checkpoint.weights_hash
        digests = {path.name: _sha256(path) for path in (*stored.files, *others)}
    except (OSError, ModelError) as error:
        raise _changed(checkpoint) from error
    if not same:
        raise _changed(checkpoint)
    tokenizer = {path.name: digests[path.name] for path in others if path.name in TOKENIZER_FILES}
    return {path.name: digests[path.name] for path in stored.files}, tokenizer, digests[CONFIG]


def _changed(checkpoint: Checkpoint) -> ModelError:
    return ModelError(
        f"the files of {quoted(checkpoint.source)} have changed since it was loaded, so they cannot be identified: "
        "load the model again"
    )


def _sha256(path: Path) -> str:
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=256)
def _digest(path: Path, *_stamp: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
