"""Find a model: one that ships with GlassBERT, a local folder, or the Hugging Face hub, in this order.

The hub comes last, with short timeouts: first the local cache, then a probe, then the few kilobytes that show whether
the model is usable, and only then its weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from glassbert.errors import DamagedCheckpointError, ModelError, ModelNotFoundError, NetworkError, UnsafeWeightsError
from glassbert.models.checkpoint import EMBEDDED_FOLDER, EMBEDDED_IDS, Checkpoint, vet
from glassbert.models.download import cached, damaged_file, endpoint, fetch
from glassbert.models.files import quoted
from glassbert.models.progress import Progress
from glassbert.models.suggestions import canonical_id

__all__ = ["Progress", "is_local", "locate"]

#: A name, or an owner and a name, as the hub allows them.
_REPOSITORY = re.compile(r"(?:\w[\w.-]{0,95}/)?\w(?:[\w.-]{0,94}\w)?", re.ASCII)
_HUB_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co"}
_MAX_SOURCE_CHARACTERS = 1000
_VALID = (
    f"pass an embedded model ({', '.join(EMBEDDED_IDS)}), a local folder or a hub model such as "
    '"google-bert/bert-base-uncased"'
)


def locate(
    source: str,
    *,
    revision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    bytes_each: int = 4,
) -> Checkpoint:
    """Find a model, download what is missing, and validate it.

    ``source`` is an embedded id ("pretrained"), a folder (absolute, relative or with ~; a folder with the name of an
    embedded id needs "./"), a hub id ("bert-base-uncased", "owner/name") or the URL of its page. ``revision`` is a
    branch, tag or commit of a hub model. A hub model in the local cache is used without any request. ``progress`` is
    called during downloads and may raise to end them, and ``cancelled()`` is asked several times a second.
    ``bytes_each`` is what a weight takes in memory. Raises a ModelError, and StoppedError when cancelled.
    """
    wanted = source.strip()
    if wanted in EMBEDDED_IDS:
        return vet(EMBEDDED_FOLDER / wanted, source=wanted, root=EMBEDDED_FOLDER, embedded=True)
    folder = _folder(wanted)
    if folder is not None:
        # a path to an embedded checkpoint may use the shard that all embedded checkpoints share
        root = EMBEDDED_FOLDER if folder.resolve().parent == EMBEDDED_FOLDER.resolve() else None
        return vet(folder, source=wanted, root=root, bytes_each=bytes_each)
    name, linked_revision = _repository(wanted)
    return _from_hub(wanted, name, revision or linked_revision, progress, cancelled, bytes_each)


def _folder(source: str) -> Path | None:
    """The local path that ``source`` refers to, or None for a hub id. A source that looks like a path must exist."""
    if not source:
        raise ModelNotFoundError(f"the model name is empty; {_VALID}")
    if len(source) > _MAX_SOURCE_CHARACTERS or not source.isprintable():
        raise ModelNotFoundError(f"{quoted(source)} is not a valid model name; {_VALID}")
    try:
        path = Path(source).expanduser()
        if path.exists():
            return path
    except (OSError, ValueError, RuntimeError) as error:  # the name is too long, or there is no such home folder
        raise ModelNotFoundError(f"{quoted(source)} is not a valid path on this machine; {_VALID}") from error
    if source.startswith(("/", ".", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", source) or "\\" in source:
        raise ModelNotFoundError(f"there is no folder {quoted(source)}; check the path")
    return None


def _repository(source: str) -> tuple[str, str | None]:
    """The hub id in ``source``, and the revision if its URL contains one. Raises ModelNotFoundError."""
    name, revision = source, None
    if "://" in source or source.partition("/")[0] in _HUB_HOSTS:
        try:
            address = urlsplit(source if "://" in source else f"https://{source}")
            host = address.hostname
        except ValueError as error:
            raise ModelNotFoundError(f"{quoted(source)} is not a valid web address; {_VALID}") from error
        if address.scheme == "file":
            raise ModelNotFoundError(
                f"{quoted(source)} is the address of a folder on this machine: pass its path, "
                f"{quoted(unquote(address.path))}"
            )
        ours = _HUB_HOSTS | {urlsplit(endpoint()).hostname}
        if host not in ours or address.scheme not in ("http", "https"):
            raise ModelNotFoundError(f"{quoted(source)} is not an address on the hub; {_VALID}")
        parts = [unquote(part) for part in address.path.split("/") if part]
        if parts[:1] in (["datasets"], ["spaces"]):
            raise ModelNotFoundError(f"{quoted(source)} is the address of a {parts[0][:-1]}, not of a model; {_VALID}")
        end = next((place for place, part in enumerate(parts) if part in ("tree", "blob", "resolve")), len(parts))
        revision = parts[end + 1] if end + 1 < len(parts) else None
        name = "/".join(parts[: min(end, 2)])
    if not _REPOSITORY.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git"):
        raise ModelNotFoundError(f"{quoted(source)} is not a valid model name; {_VALID}")
    return name, revision


def _from_hub(
    source: str,
    name: str,
    revision: str | None,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
    bytes_each: int,
) -> Checkpoint:
    checkpoint, flaw = _from_cache(source, name, revision, bytes_each)
    if checkpoint is not None and (damaged := damaged_file(checkpoint.folder)):
        checkpoint, flaw = None, DamagedCheckpointError(f"{quoted(damaged)} is damaged there (its hash is wrong)")
    if checkpoint is not None:
        return checkpoint
    try:
        snapshot = fetch(
            canonical_id(name), revision, source=source, progress=progress, cancelled=cancelled, bytes_each=bytes_each
        )
    except NetworkError as error:
        if flaw is None:
            raise
        raise NetworkError(f"{error}. Part of it is in the local cache, but: {flaw}") from error
    return vet(snapshot.folder, source=source, revision=snapshot.commit, bytes_each=bytes_each)


def _from_cache(
    source: str, name: str, revision: str | None, bytes_each: int = 4
) -> tuple[Checkpoint | None, ModelError | None]:
    """The model in the local cache, under the id as given or its full id; else what is wrong with the cached files.

    A flaw that a download can fix (an interrupted download, or a partial one by another program) is returned; a model
    that no download can make usable raises its ModelError.
    """
    flaw: ModelError | None = None
    for id in dict.fromkeys((name, canonical_id(name))):
        snapshot = cached(id, revision)
        if snapshot is None:
            continue
        try:
            return vet(snapshot.folder, source=source, revision=snapshot.commit, bytes_each=bytes_each), None
        except (DamagedCheckpointError, UnsafeWeightsError) as error:
            flaw = error
    return None, flaw


def is_local(source: str) -> bool:
    """Whether :func:`locate` needs no network for this source; also True for one that it rejects immediately."""
    wanted = source.strip()
    if wanted in EMBEDDED_IDS:
        return True
    try:
        return _folder(wanted) is not None or _from_cache(wanted, *_repository(wanted))[0] is not None
    except ModelError:
        return True
