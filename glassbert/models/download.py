"""Download a model from the Hugging Face hub: short timeouts, only the files that are needed, progress reports.

Nothing here waits for a hub that does not respond: a two-second probe comes first, and every request that decides
whether the model is usable has a deadline, name resolution included.
"""

from __future__ import annotations

import errno
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from glassbert.errors import DamagedCheckpointError, GatedModelError, ModelError, ModelNotFoundError, NetworkError
from glassbert.models.checkpoint import TOKENIZER_FILES, check_files, check_memory
from glassbert.models.config import CONFIG, MAX_CONFIG_BYTES, check_config, no_config, read_config
from glassbert.models.files import megabytes, quoted
from glassbert.models.progress import Meter, Progress, byte_counter
from glassbert.models.suggestions import close_matches
from glassbert.models.weights import INDEX, MAX_INDEX_BYTES, SINGLE, shard_names, weight_map

__all__ = ["Snapshot", "cached", "endpoint", "fetch"]

PROBE_SECONDS = 2.0
ANSWER_SECONDS = 2.5
_LOCAL = "use a model on this machine: an embedded one or a local folder"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit of a hub model in the local cache."""

    folder: Path
    commit: str


def endpoint() -> str:
    """The hub's address: ``HF_ENDPOINT`` if set."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _cache() -> Path:
    return Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE).expanduser()


def _offline() -> bool:
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    asked = any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in names)
    return asked or bool(constants.is_offline_mode())


def cached(name: str, revision: str | None) -> Snapshot | None:
    """The model in the local cache, complete or partial; makes no request."""
    path = huggingface_hub.try_to_load_from_cache(name, CONFIG, cache_dir=_cache(), revision=revision)
    if not isinstance(path, str):  # None, or a marker for "known to be absent"
        return None
    folder = Path(path).parent
    return Snapshot(folder, folder.name)


def fetch(
    name: str, revision: str | None, *, source: str, progress: Callable[[Progress], None] | None = None
) -> Snapshot:
    """Download a model into the local cache, unless its metadata, a few kilobytes, shows that it is unusable.

    ``source`` is what the user requested, for messages. Raises a ModelError.
    """
    if _offline():
        raise NetworkError(
            f"{quoted(source)} is not in the local cache, and offline mode is on (HF_HUB_OFFLINE); switch it off or "
            f"{_LOCAL}"
        )
    try:
        _within(PROBE_SECONDS, lambda: get_session().head(endpoint(), timeout=PROBE_SECONDS))
        info = _info(name, revision)
        files = _top_level(info)
        _check_listed_config(files, source)
        folder = _get_config(name, revision)
        if folder.name != info.sha:  # the branch moved between the two requests
            files = _top_level(_info(name, folder.name))
        config = read_config(folder, files, source)
        check_config(config, source)
        check_files(files, source)
        wanted = _weights(name, folder, files, source)
        check_memory(_float32_bytes(info, config, sum(files[file] for file in wanted)), source)
        _download(
            name,
            folder,
            {file: files[file] for file in (*sorted(TOKENIZER_FILES & set(files)), *wanted)},
            source,
            progress,
        )
    except ModelError:
        raise
    except Exception as error:
        raise _explained(error, name, revision, source) from error
    return Snapshot(folder, folder.name)


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """``call()`` with a deadline that also covers steps without a timeout, such as name resolution.

    After the deadline the thread is abandoned; it is a daemon, so it does not keep the process alive.
    """
    outcome: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()
    abandoned = threading.Event()

    def run() -> None:
        while True:
            try:
                outcome.put((call(), None))
            except BaseException as error:
                if _closed_by_another(error) and not abandoned.is_set():
                    continue
                outcome.put((None, error))
            return

    threading.Thread(target=run, daemon=True, name="glassbert-hub").start()
    try:
        value, error = outcome.get(timeout=seconds)
    except queue.Empty:
        abandoned.set()
        raise TimeoutError from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes: the HTTP client wraps socket errors in its own."""
    chain: BaseException | None = error
    while chain is not None:
        yield chain
        chain = chain.__cause__ or chain.__context__


def _closed_by_another(error: BaseException) -> bool:
    """Whether another thread closed the session: huggingface_hub closes its shared session when it cannot connect."""
    return any(
        (isinstance(cause, OSError) and cause.errno == errno.EBADF)
        or (isinstance(cause, RuntimeError) and "client has been closed" in str(cause))
        for cause in _causes(error)
    )


def _timed_out(error: BaseException) -> bool:
    """Whether the request timed out: our deadline equals the socket's timeout, and either may expire first."""
    return any(isinstance(cause, (TimeoutError, OfflineModeIsEnabled)) for cause in _causes(error))


def _info(name: str, revision: str | None) -> Any:
    api = huggingface_hub.HfApi(endpoint=endpoint())
    return _within(
        ANSWER_SECONDS,
        lambda: api.model_info(name, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS),
    )


def _top_level(info: Any) -> dict[str, int]:
    """File → bytes, without files in subfolders, which no checkpoint needs."""
    return {file.rfilename: file.size or 0 for file in info.siblings if "/" not in file.rfilename}


def _check_listed_config(files: Mapping[str, int], source: str) -> None:
    if CONFIG not in files:
        raise no_config(files, source)
    if files[CONFIG] > MAX_CONFIG_BYTES:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} has {megabytes(files[CONFIG])}, so it is not a config; choose another model"
        )


def _get_config(name: str, revision: str | None) -> Path:
    """Requested by branch, not by commit, so that the cache records the commit of the branch."""
    path = _within(ANSWER_SECONDS, lambda: _get(name, CONFIG, revision or constants.DEFAULT_REVISION))
    return Path(path).parent


def _get(
    name: str, file: str, revision: str, *, again: bool = False, advance: Callable[[int], None] = lambda count: None
) -> str:
    path: str = huggingface_hub.hf_hub_download(
        name,
        file,
        revision=revision,
        cache_dir=_cache(),
        endpoint=endpoint(),
        etag_timeout=ANSWER_SECONDS,
        force_download=again,
        tqdm_class=byte_counter(advance),
    )
    return path


def _weights(name: str, folder: Path, files: Mapping[str, int], source: str) -> tuple[str, ...]:
    """The weight files of a model, its index included."""
    if SINGLE in files:
        return (SINGLE,)
    if files[INDEX] > MAX_INDEX_BYTES:
        raise DamagedCheckpointError(
            f"{INDEX} of {quoted(source)} has {megabytes(files[INDEX])}, which is too large for an index; choose "
            "another model"
        )
    _within(ANSWER_SECONDS, lambda: _get(name, INDEX, folder.name))
    shards = shard_names(weight_map(folder, source), source)
    lost = [shard for shard in shards if shard not in files]
    if lost:
        raise DamagedCheckpointError(
            f"{INDEX} of {quoted(source)} lists the file {quoted(lost[0])}, which is missing on the hub; "
            "choose another model"
        )
    return (INDEX, *shards)


def _float32_bytes(info: Any, config: Mapping[str, Any], weight_bytes: int) -> int:
    """Memory for the weights: from the hub's parameter count, else from the stored size and precision."""
    total = getattr(info.safetensors, "total", None) if info.safetensors else None
    if isinstance(total, int) and total > 0:
        return 4 * total
    stored = config.get("dtype", config.get("torch_dtype"))
    return weight_bytes * (2 if stored in ("float16", "bfloat16") else 1)


def _download(
    name: str, folder: Path, wanted: Mapping[str, int], source: str, progress: Callable[[Progress], None] | None
) -> None:
    """Download files that are missing from the cache, and fetch a cached file of a different size again."""
    missing = {
        file: size
        for file, size in wanted.items()
        if not (folder / file).is_file() or (folder / file).stat().st_size != size
    }
    needed_bytes = sum(missing.values())
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise _disk_full(source, needed_bytes, free_bytes)
    meter = Meter(needed_bytes, progress)
    for file, size in missing.items():
        meter.start(file, size)
        _get(name, file, folder.name, again=(folder / file).exists(), advance=meter.advance)
        meter.finish()


def _disk_full(source: str, needed_bytes: int, free_bytes: int | None = None) -> ModelError:
    free = f"only {megabytes(free_bytes)} are free in" if free_bytes is not None else "there is no space left in"
    return ModelError(
        f"{quoted(source)} needs {megabytes(needed_bytes)} on disk, but {free} {_cache()}; free some space, or set "
        "HF_HUB_CACHE to a folder on another disk"
    )


def _explained(error: BaseException, name: str, revision: str | None, source: str) -> ModelError:
    """Translate an error of the hub, the network or the disk into a ModelError with a plain message."""
    what = quoted(source)
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return _explained(error.__cause__, name, revision, source)
    if isinstance(error, GatedRepoError):
        return GatedModelError(
            f"{what} is gated: accept its terms at {endpoint()}/{name} and log in (`hf auth login`, or set HF_TOKEN), "
            "then load it again"
        )
    if isinstance(error, RepositoryNotFoundError):
        return not_found(source)
    if isinstance(error, DisabledRepoError):
        return ModelNotFoundError(f"{what} has been disabled on the hub; choose another model")
    if isinstance(error, RevisionNotFoundError):
        return ModelNotFoundError(f"{what} has no revision {quoted(revision)}; pass an existing branch, tag or commit")
    if isinstance(error, EntryNotFoundError):
        return DamagedCheckpointError(
            f"{what} lists a file that is missing on the hub; try again or choose another model"
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return GatedModelError(
                f"the hub denies access to {what} (error {status}): log in with an account that has access "
                "(`hf auth login`, or set HF_TOKEN)"
            )
        if status == 404:
            return not_found(source)
        wait = "is limiting requests (too many requests)" if status == 429 else f"returned error {status}"
        return NetworkError(f"the hub {wait}, so {what} cannot be loaded now; try again later, or {_LOCAL}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(source, 0)
    if isinstance(error, PermissionError):
        return ModelError(
            f"{what} cannot be stored in {_cache()}: no permission to write there; "
            "set HF_HUB_CACHE to a folder where you have write permission"
        )
    if isinstance(error, (TypeError, ValueError, KeyError, AttributeError)) and not isinstance(error, OSError):
        return NetworkError(
            f"{endpoint()} does not respond like a model hub, so {what} cannot be loaded; check HF_ENDPOINT and "
            f"whether the network requires a login, or {_LOCAL}"
        )
    slow = "did not respond" if _timed_out(error) else "could not be reached"
    return NetworkError(
        f"{what} is not in the local cache, and the hub at {endpoint()} {slow} or closed the connection; check the "
        f"network and try again, or {_LOCAL}"
    )


def not_found(source: str) -> ModelNotFoundError:
    """The error for an unknown model, with suggestions."""
    close = close_matches(source)
    meant = f"; did you mean {' or '.join(close)}" if close else ""
    return ModelNotFoundError(
        f"the hub has no public model {quoted(source)}{meant}. Check the spelling; a private model requires a login "
        "(`hf auth login`, or set HF_TOKEN)"
    )
