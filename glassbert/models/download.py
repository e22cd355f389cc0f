"""Download a model from the Hugging Face hub: short timeouts, only the files that are needed, progress reports.

Nothing here waits for a hub that does not respond: a two-second probe comes first, every request that decides whether
the model is usable has a deadline, name resolution included, and the files themselves are fetched by another process
(:mod:`glassbert.models.download_files`), which is ended when it stalls, trickles or is no longer wanted.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.utils import get_session

from glassbert.errors import (
    DamagedCheckpointError,
    GatedModelError,
    GlassBERTError,
    ModelError,
    ModelNotFoundError,
    NetworkError,
    StoppedError,
)
from glassbert.models.adapters import check_no_adapter
from glassbert.models.checkpoint import check_files, check_memory, tokenizer_names
from glassbert.models.config import CONFIG, MAX_CONFIG_BYTES, check_config, read_config, strings
from glassbert.models.download_files import causes, failure, has_hash
from glassbert.models.files import megabytes, quoted
from glassbert.models.missing import no_config
from glassbert.models.pooling import MODULES, pooling_folder
from glassbert.models.progress import Meter, Progress, byte_counter
from glassbert.models.suggestions import close_matches
from glassbert.models.tokenizer import TOKENIZER_FILES, check_tokenizer, read_files
from glassbert.models.weights import INDEX, MAX_INDEX_BYTES, SINGLE, shard_names, weight_map

__all__ = ["Snapshot", "cached", "damaged_file", "endpoint", "fetch"]

PROBE_SECONDS = 2.0
ANSWER_SECONDS = 2.5
#: A download ends after this long without a new byte, or if fewer than this many bytes arrive in each such window.
STALL_SECONDS = 20.0
WINDOW_SECONDS, WINDOW_BYTES = 40.0, 100_000
_POLL_SECONDS = 0.2
_SCRIPT = Path(__file__).with_name("download_files.py")
#: Stamps of cached files whose hash has been found right in this process.
_intact: set[tuple[str, int, int]] = set()
_LOCAL = "use a model on this machine: one that comes with GlassBERT or a local folder"
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


def damaged_file(folder: Path) -> str | None:
    """The name of a file in the folder of a commit whose content is not what its hash promises; it is removed.

    The cache names its files by their hash. Each is read once a process, as long as its size and time stay the same.
    """
    for place in sorted(folder.iterdir()):
        blob = place.resolve()
        if blob.parent.name != "blobs" or not blob.is_file():
            continue
        status = blob.stat()
        stamp = (str(blob), status.st_size, status.st_mtime_ns)
        if stamp in _intact:
            continue
        if has_hash(blob, blob.name) is False:
            with suppress(OSError):
                blob.unlink()
            return place.name
        _intact.add(stamp)
    return None


def fetch(
    name: str,
    revision: str | None,
    *,
    source: str,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    bytes_each: int = 4,
) -> Snapshot:
    """Download a model into the local cache, unless its metadata, a few kilobytes, shows that it is unusable.

    ``source`` is what the user requested, for messages, ``bytes_each`` what a weight takes in memory. ``progress`` is
    called as bytes arrive and may raise to end the download; ``cancelled()`` is asked several times a second. What has
    arrived by then is kept, and the next download continues there. Raises a ModelError, and StoppedError when
    cancelled.
    """
    if _offline():
        raise NetworkError(
            f"{quoted(source)} is not in the local cache, and offline mode is on (HF_HUB_OFFLINE); switch it off or "
            f"{_LOCAL}"
        )
    try:
        _within(PROBE_SECONDS, lambda: get_session().head(endpoint(), timeout=PROBE_SECONDS))
        info = _info(name, revision)
        files, nested = _listing(info)
        _check_listed_config(files, nested, source)
        folder = _get_config(name, revision)
        if folder.name != info.sha:  # the branch moved between the two requests
            files, nested = _listing(_info(name, folder.name))
        config = read_config(folder, files, source)
        family = check_config(config, source)
        check_files(files, source, nested=nested)
        check_no_adapter(source, files=files, architecture=next(iter(strings(config.get("architectures"))), None))
        weights = _weights(name, folder, files, source)
        parameters = _parameters(info, config, sum(files[file] for file in weights))
        check_memory(parameters, source, bytes_each=bytes_each)
    except GlassBERTError:
        raise
    except Exception as error:
        raise _explained(failure(error), name, revision, source) from error
    tokenizer = {file: files[file] for file in sorted(TOKENIZER_FILES & set(files))}
    missing = _missing(folder, tokenizer | {file: files[file] for file in weights}, source)
    meter = Meter(sum(missing.values()), progress)

    def get(wanted: Collection[str]) -> None:
        _download(name, folder, {file: missing[file] for file in wanted if file in missing}, source, meter, cancelled)

    get(tokenizer)
    if type(rows := config.get("vocab_size")) is int:  # without it, the weights say how many
        found, own = read_files(folder, set(tokenizer), source), tokenizer_names(family)
        check_tokenizer(found, rows, config.get("type_vocab_size", 2), source, own=own)
    get(weights)
    if files.get(MODULES, MAX_CONFIG_BYTES) < MAX_CONFIG_BYTES:
        _get_pooling(name, folder.name, source)
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


def _closed_by_another(error: BaseException) -> bool:
    """Whether another thread closed the session: huggingface_hub closes its shared session when it cannot connect."""
    return any(
        (isinstance(cause, OSError) and cause.errno == errno.EBADF)
        or (isinstance(cause, RuntimeError) and "client has been closed" in str(cause))
        for cause in causes(error)
    )


def _info(name: str, revision: str | None) -> Any:
    api = huggingface_hub.HfApi(endpoint=endpoint())
    return _within(
        ANSWER_SECONDS,
        lambda: api.model_info(name, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS),
    )


def _listing(info: Any) -> tuple[dict[str, int], tuple[str, ...]]:
    """File → bytes, and the names of the files in subfolders, which no checkpoint needs."""
    files = {file.rfilename: file.size or 0 for file in info.siblings if "/" not in file.rfilename}
    return files, tuple(file.rfilename for file in info.siblings if "/" in file.rfilename)


def _check_listed_config(files: Mapping[str, int], nested: tuple[str, ...], source: str) -> None:
    if CONFIG not in files:
        raise no_config(files, nested, None, source)
    if files[CONFIG] > MAX_CONFIG_BYTES:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} has {megabytes(files[CONFIG])}, so it is not a config; choose another model"
        )


def _get_config(name: str, revision: str | None) -> Path:
    """Requested by branch, not by commit, so that the cache records the commit of the branch."""
    path = _within(ANSWER_SECONDS, lambda: _get(name, CONFIG, revision or constants.DEFAULT_REVISION))
    return Path(path).parent


def _get_pooling(name: str, revision: str, source: str) -> None:
    """The two small files that say how a sentence encoder pools; without them the encoder works, and asks for it."""
    with suppress(Exception):
        modules = Path(_within(ANSWER_SECONDS, lambda: _get(name, MODULES, revision)))
        inner = pooling_folder(modules.read_bytes(), source)
        if inner is not None:
            _within(ANSWER_SECONDS, lambda: _get(name, f"{inner}/{CONFIG}", revision))


def _get(name: str, file: str, revision: str) -> str:
    """The path of a small file in the cache, downloaded if it is not there."""
    path: str = huggingface_hub.hf_hub_download(
        name,
        file,
        revision=revision,
        cache_dir=_cache(),
        endpoint=endpoint(),
        etag_timeout=ANSWER_SECONDS,
        tqdm_class=byte_counter(lambda count: None),
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


def _parameters(info: Any, config: Mapping[str, Any], weight_bytes: int) -> int:
    """The number of weights: as the hub counts them, else from the stored size and precision."""
    total = getattr(info.safetensors, "total", None) if info.safetensors else None
    if isinstance(total, int) and total > 0:
        return total
    stored = config.get("dtype", config.get("torch_dtype"))
    return weight_bytes // (2 if stored in ("float16", "bfloat16") else 4)


def _missing(folder: Path, wanted: Mapping[str, int], source: str) -> dict[str, int]:
    """The files that are not in the cache, or have another size there. Raises NetworkError if the disk is too full."""
    missing = {
        file: size
        for file, size in wanted.items()
        if not (folder / file).is_file() or (folder / file).stat().st_size != size
    }
    needed_bytes = sum(missing.values())
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise _disk_full(source, needed_bytes, free_bytes)
    return missing


def _download(
    name: str,
    folder: Path,
    missing: Mapping[str, int],
    source: str,
    meter: Meter,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Download these files into the cache."""
    if not missing:
        return
    request = {
        "name": name,
        "folder": str(folder),
        "cache": str(_cache()),
        "endpoint": endpoint(),
        "timeout": ANSWER_SECONDS,
        "files": missing,
    }
    patience, unfinished = _Patience(meter.done), set(missing)
    with _reports(request) as reports:
        while True:
            if cancelled is not None and cancelled():
                raise StoppedError(f"the download of {quoted(source)} was cancelled")
            try:
                report = reports.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                report = {}
            if report is None:
                if unfinished:
                    raise ModelError(
                        f"the process that downloads {quoted(source)} has ended before it was done; what has arrived "
                        "is kept: try again"
                    )
                return
            if "failure" in report:
                raise _explained(report["failure"], name, None, source)
            if "bytes" in report:
                meter.arrived(report["file"], missing[report["file"]], report["bytes"])
            if report.get("finished"):
                unfinished.discard(report["file"])
                meter.finish()
            if not patience.lasts(meter.done, alive=bool(report) and "bytes" not in report):
                raise NetworkError(
                    f"the hub at {endpoint()} stopped sending {quoted(source)} or sends it too slowly; what has "
                    f"arrived is kept: try again later, or {_LOCAL}"
                )


class _Patience:
    """Decides when a download has taken too long: no new byte for a while, or too few in a window of time."""

    def __init__(self, done: int) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), done)])
        self._last = time.monotonic()

    def lasts(self, done: int, *, alive: bool = False) -> bool:
        """Whether to go on, with ``done`` bytes so far; ``alive`` while the other process checks a file."""
        now = time.monotonic()
        if done > self._seen[-1][1] or alive:
            self._last = now
        if alive:
            self._seen.clear()
        if not self._seen or done > self._seen[-1][1]:
            self._seen.append((now, done))
        while len(self._seen) > 1 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        start, before = self._seen[0]
        trickles = now - start >= WINDOW_SECONDS and done - before < WINDOW_BYTES
        return now - self._last < STALL_SECONDS and not trickles


@contextmanager
def _reports(request: Mapping[str, Any]) -> Iterator[queue.SimpleQueue[dict[str, Any] | None]]:
    """What the process that downloads reports, None at its end. It is killed when the context ends."""
    environment = os.environ | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-P", str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    reports: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def read() -> None:
        assert child.stdout is not None
        with suppress(ValueError, OSError):  # ended in the middle of a line
            for line in child.stdout:
                reports.put(json.loads(line))
        reports.put(None)

    try:
        assert child.stdin is not None
        with suppress(OSError), child.stdin:
            child.stdin.write(json.dumps(request) + "\n")
        threading.Thread(target=read, daemon=True, name="glassbert-download").start()
        yield reports
    finally:
        child.kill()
        child.wait()


def _disk_full(source: str, needed_bytes: int | None = None, free_bytes: int | None = None) -> ModelError:
    space = "free some space, or set HF_HUB_CACHE to a folder on another disk"
    if needed_bytes is None or free_bytes is None:
        return ModelError(f"{quoted(source)} cannot be stored: there is no space left in {_cache()}; {space}")
    return ModelError(
        f"{quoted(source)} needs {megabytes(needed_bytes)} on disk, but only {megabytes(free_bytes)} are free in "
        f"{_cache()}; {space}"
    )


def _explained(error: Mapping[str, Any], name: str, revision: str | None, source: str) -> ModelError:
    """Translate a failure of the hub, the network or the disk into a ModelError with a plain message."""
    what, kinds, number = quoted(source), set(error["kinds"]), error["errno"]
    if "LocalEntryNotFoundError" in kinds and error.get("cause"):
        return _explained(error["cause"], name, revision, source)
    if "GatedRepoError" in kinds:
        return GatedModelError(
            f"{what} is gated: accept its terms at {endpoint()}/{name} and log in (`hf auth login`, or set HF_TOKEN), "
            "then load it again"
        )
    if "RepositoryNotFoundError" in kinds:
        return not_found(source)
    if "DisabledRepoError" in kinds:
        return ModelNotFoundError(f"{what} has been disabled on the hub; choose another model")
    if "RevisionNotFoundError" in kinds:
        return ModelNotFoundError(f"{what} has no revision {quoted(revision)}; pass an existing branch, tag or commit")
    if "EntryNotFoundError" in kinds and "LocalEntryNotFoundError" not in kinds:
        return DamagedCheckpointError(
            f"{what} lists a file that is missing on the hub; try again or choose another model"
        )
    if "HfHubHTTPError" in kinds:
        status = error["status"]
        if status in (401, 403):
            return GatedModelError(
                f"the hub denies access to {what} (error {status}): log in with an account that has access "
                "(`hf auth login`, or set HF_TOKEN)"
            )
        if status == 404:
            return not_found(source)
        wait = "is limiting requests (too many requests)" if status == 429 else f"returned error {status}"
        return NetworkError(f"the hub {wait}, so {what} cannot be loaded now; try again later, or {_LOCAL}")
    if "WrongContentError" in kinds:
        return NetworkError(
            f"the hub at {endpoint()} sent a file of {what} whose content is not what it promised (wrong hash or "
            f"size), twice; nothing of it was kept: try again later, or {_LOCAL}"
        )
    if "OSError" in kinds and number in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(source)
    if "PermissionError" in kinds:
        return ModelError(
            f"{what} cannot be stored in {_cache()}: no permission to write there; "
            "set HF_HUB_CACHE to a folder where you have write permission"
        )
    if kinds & {"TypeError", "ValueError", "KeyError", "AttributeError"} and "OSError" not in kinds:
        return NetworkError(
            f"{endpoint()} does not respond like a model hub, so {what} cannot be loaded; check HF_ENDPOINT and "
            f"whether the network requires a login, or {_LOCAL}"
        )
    slow = "did not respond" if error["timed_out"] else "could not be reached"
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
