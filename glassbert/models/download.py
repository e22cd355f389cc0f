"""Fetch a model from the Hugging Face hub: with short patience, only the files that are needed, with progress.

Nothing here waits for a hub that does not answer: a probe of two seconds goes first, and every question that
decides whether the model is of any use has a deadline, name resolution included.
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
_LOCAL = "use a model that is already here: an embedded one or a local folder"
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
    """The model in the local cache, whole or in part; asks nobody."""
    path = huggingface_hub.try_to_load_from_cache(name, CONFIG, cache_dir=_cache(), revision=revision)
    if not isinstance(path, str):  # None, or a marker for "known to be absent"
        return None
    folder = Path(path).parent
    return Snapshot(folder, folder.name)


def fetch(
    name: str, revision: str | None, *, source: str, progress: Callable[[Progress], None] | None = None
) -> Snapshot:
    """Download a model into the local cache, unless its few leading kilobytes say that it is of no use.

    ``source`` is what the user asked for, for messages. Raises a ModelError.
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
        if folder.name != info.sha:  # the branch moved on between the two questions
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
    """``call()`` with a deadline that also holds where no timeout reaches, as in name resolution.

    The thread is left to end by itself; it is a daemon, so it does not keep the process alive.
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
    """An error and what led to it: the HTTP client wraps what the socket said in errors of its own."""
    chain: BaseException | None = error
    while chain is not None:
        yield chain
        chain = chain.__cause__ or chain.__context__


def _closed_by_another(error: BaseException) -> bool:
    """huggingface_hub closes its one session when it cannot connect, under the hands of every thread that uses it."""
    return any(
        (isinstance(cause, OSError) and cause.errno == errno.EBADF)
        or (isinstance(cause, RuntimeError) and "client has been closed" in str(cause))
        for cause in _causes(error)
    )


def _timed_out(error: BaseException) -> bool:
    """Whether the wait was too long: our deadline and the socket's timeout are equal, and either may notice first."""
    return any(isinstance(cause, (TimeoutError, OfflineModeIsEnabled)) for cause in _causes(error))


def _info(name: str, revision: str | None) -> Any:
    api = huggingface_hub.HfApi(endpoint=endpoint())
    return _within(
        ANSWER_SECONDS,
        lambda: api.model_info(name, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS),
    )


def _top_level(info: Any) -> dict[str, int]:
    """File → bytes, without the files in folders, which no checkpoint needs."""
    return {file.rfilename: file.size or 0 for file in info.siblings if "/" not in file.rfilename}


def _check_listed_config(files: Mapping[str, int], source: str) -> None:
    if CONFIG not in files:
        raise no_config(files, source)
    if files[CONFIG] > MAX_CONFIG_BYTES:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} is {megabytes(files[CONFIG])}, so it is something else; choose another model"
        )


def _get_config(name: str, revision: str | None) -> Path:
    """Asked by branch, not by commit, so that the cache remembers where the branch stood."""
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
        raise DamagedCheckpointError(f"{INDEX} of {quoted(source)} is {megabytes(files[INDEX])}; choose another model")
    _within(ANSWER_SECONDS, lambda: _get(name, INDEX, folder.name))
    shards = shard_names(weight_map(folder, source), source)
    lost = [shard for shard in shards if shard not in files]
    if lost:
        raise DamagedCheckpointError(
            f"{INDEX} of {quoted(source)} names the file {quoted(lost[0])}, which the hub does not have; "
            "choose another model"
        )
    return (INDEX, *shards)


def _float32_bytes(info: Any, config: Mapping[str, Any], weight_bytes: int) -> int:
    """What the weights take in memory: the hub's count of parameters, else from the stored size and precision."""
    total = getattr(info.safetensors, "total", None) if info.safetensors else None
    if isinstance(total, int) and total > 0:
        return 4 * total
    stored = config.get("dtype", config.get("torch_dtype"))
    return weight_bytes * (2 if stored in ("float16", "bfloat16") else 1)


def _download(
    name: str, folder: Path, wanted: Mapping[str, int], source: str, progress: Callable[[Progress], None] | None
) -> None:
    """Get what the cache does not hold whole: a cached file of another size is fetched again."""
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
    free = f"{megabytes(free_bytes)} are free in" if free_bytes is not None else "there is no space left in"
    return ModelError(
        f"{quoted(source)} needs {megabytes(needed_bytes)} on disk, and {free} {_cache()}; free some space, or set "
        "HF_HUB_CACHE to a folder on another disk"
    )


def _explained(error: BaseException, name: str, revision: str | None, source: str) -> ModelError:
    """The plain sentence for whatever the hub, the network or the disk did."""
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
        return ModelNotFoundError(
            f"{what} has no revision {quoted(revision)}; give a branch, tag or commit that it has"
        )
    if isinstance(error, EntryNotFoundError):
        return DamagedCheckpointError(
            f"{what} lists a file that the hub does not have; try again or choose another model"
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return GatedModelError(
                f"the hub refuses access to {what} (error {status}): log in with an account that may read it "
                "(`hf auth login`, or set HF_TOKEN)"
            )
        if status == 404:
            return not_found(source)
        wait = "asks to wait (too many requests)" if status == 429 else f"answers with error {status}"
        return NetworkError(f"the hub {wait}, so {what} cannot be loaded now; try again later, or {_LOCAL}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(source, 0)
    if isinstance(error, PermissionError):
        return ModelError(
            f"{what} cannot be stored in {_cache()}: no permission to write there; "
            "set HF_HUB_CACHE to a folder of yours"
        )
    if isinstance(error, (TypeError, ValueError, KeyError, AttributeError)) and not isinstance(error, OSError):
        return NetworkError(
            f"{endpoint()} does not answer like a model hub, so {what} cannot be loaded; check HF_ENDPOINT and whether "
            f"the network asks for a login, or {_LOCAL}"
        )
    slow = "does not answer" if _timed_out(error) else "cannot be reached"
    return NetworkError(
        f"{what} is not in the local cache, and the hub at {endpoint()} {slow} or broke off; check the network and try "
        f"again, or {_LOCAL}"
    )


def not_found(source: str) -> ModelNotFoundError:
    """No such model, with what may have been meant."""
    close = close_matches(source)
    meant = f"; did you mean {' or '.join(close)}" if close else ""
    return ModelNotFoundError(
        f"the hub has no public model {quoted(source)}{meant}. Check the spelling; a private model needs a login first "
        "(`hf auth login`, or set HF_TOKEN)"
    )
