"""Download the files of a hub model, in a process of its own that can be ended at any moment.

Run as a script with a JSON object on standard input; reports progress as lines of JSON. A download that breaks off or
is ended leaves its bytes behind, and the next one continues there. Each file is compared with its hash before it gets
its name in the cache: SHA-256 for large files, the SHA-1 of git for small ones; the hub sends either as the etag.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
from filelock import FileLock, Timeout
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

__all__ = ["WrongContentError", "causes", "failure", "has_hash", "timed_out"]

_ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ATTEMPTS = 3  # in a row without a new byte
_CHUNK_BYTES = 1 << 20


class IncompleteError(Exception):
    """The connection ended before the file did."""


class WrongContentError(Exception):
    """What arrived is not the file that the hub promised."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes: the HTTP client wraps socket errors in its own."""
    chain: BaseException | None = error
    while chain is not None:
        yield chain
        chain = chain.__cause__ or chain.__context__


def timed_out(error: BaseException) -> bool:
    """Whether a request timed out: a deadline may expire here or at the socket, whichever comes first."""
    return any(
        isinstance(cause, (TimeoutError, OfflineModeIsEnabled)) or type(cause).__name__.endswith("Timeout")
        for cause in causes(error)
    )


def failure(error: BaseException) -> dict[str, Any]:
    """An error as plain data: the names of its classes, the hub's status, the system's error number."""
    response = getattr(error, "response", None)
    return {
        "kinds": [kind.__name__ for kind in type(error).__mro__],
        "status": getattr(response, "status_code", None),
        "errno": getattr(error, "errno", None),
        "timed_out": timed_out(error),
        "cause": failure(error.__cause__) if error.__cause__ is not None else None,
    }


def has_hash(path: Path, etag: str, *, tick: Any = lambda: None) -> bool | None:
    """Whether a file has the content that its etag promises; None if the etag is no hash."""
    if not _ETAG.fullmatch(etag):
        return None
    if len(etag) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(16 * _CHUNK_BYTES):
            digest.update(chunk)
            tick()
    return digest.hexdigest() == etag


def report(**entries: object) -> None:
    print(json.dumps(entries), flush=True)  # noqa: T201


class Download:
    """The files of one model at one commit, into the cache folder of that commit."""

    def __init__(self, *, name: str, folder: str, cache: str, endpoint: str, timeout: float) -> None:
        self.name, self.folder, self.cache = name, Path(folder), cache
        self.endpoint, self.timeout = endpoint, timeout
        self.blobs = self.folder.parents[1] / "blobs"
        self.locks = Path(cache) / ".locks" / self.folder.parents[1].name
        self.reported = 0.0

    def fetch(self, file: str, size: int) -> None:
        url = huggingface_hub.hf_hub_url(self.name, file, revision=self.folder.name, endpoint=self.endpoint)
        promised = huggingface_hub.get_hf_file_metadata(url, timeout=self.timeout, endpoint=self.endpoint)
        etag = promised.etag or ""
        if promised.size is not None and size and promised.size != size:
            raise WrongContentError("size")
        if _ETAG.fullmatch(etag):
            blob = self.blobs / etag
            self.blobs.mkdir(parents=True, exist_ok=True)
            with self._locked(etag, file):
                if blob.exists() and not has_hash(blob, etag, tick=lambda: self._tick(file)):
                    blob.unlink()
                if not blob.exists():
                    self._get(promised.location, url, etag, promised.size or size, file)
        self._link(file, bool(_ETAG.fullmatch(etag)))

    @contextmanager
    def _locked(self, etag: str, file: str) -> Iterator[None]:
        """One download of a file at a time, also across processes; meanwhile the other one's progress is reported."""
        self.locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.locks / f"{etag}.lock", mode=0o664)
        while True:
            try:
                lock.acquire(timeout=0.2)
                break
            except Timeout:
                part = self.blobs / f"{etag}.part"
                report(file=file, bytes=part.stat().st_size if part.exists() else 0)
        try:
            yield
        finally:
            lock.release()

    def _get(self, location: str, url: str, etag: str, size: int, file: str) -> None:
        part = self.blobs / f"{etag}.part"
        headers = build_hf_headers()
        headers["Accept-Encoding"] = "identity"
        if urlsplit(location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # storage elsewhere has its own signature in the address
        for again in (True, False):
            self._stream(location, headers, part, size, file)
            if has_hash(part, etag, tick=lambda: self._tick(file)):
                part.replace(self.blobs / etag)
                return
            part.unlink()
            if not again:
                raise WrongContentError("hash")

    def _stream(self, location: str, headers: dict[str, str], part: Path, size: int, file: str) -> None:
        attempts = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                self._continue(location, headers, part, size, file)
                return
            except WrongContentError:
                part.unlink(missing_ok=True)
                raise
            except Exception as error:
                answered = getattr(error, "response", None) is not None
                arrived = (part.stat().st_size if part.exists() else 0) > before
                attempts = 0 if arrived else attempts + 1
                if answered or isinstance(error, OSError) or attempts >= _ATTEMPTS:
                    raise
                time.sleep(0.2)

    def _continue(self, location: str, headers: dict[str, str], part: Path, size: int, file: str) -> None:
        """Append what is missing. A server that ignores the range sends the whole file again."""
        done = part.stat().st_size if part.exists() else 0
        if done == size:
            return
        if done > size:
            raise WrongContentError("size")
        asked = headers | ({"Range": f"bytes={done}-"} if done else {})
        with get_session().stream(
            "GET", location, headers=asked, timeout=4 * self.timeout, follow_redirects=True
        ) as response:
            hf_raise_for_status(response)
            if response.status_code != 206:
                done = 0
            with part.open("r+b" if done else "wb") as target:
                target.seek(done)
                for chunk in response.iter_raw():
                    done += len(chunk)
                    if done > size:
                        raise WrongContentError("size")
                    target.write(chunk)
                    target.flush()
                    self._progress(file, done)
        if done < size:
            raise IncompleteError

    def _progress(self, file: str, done: int) -> None:
        now = time.monotonic()
        if now - self.reported > 0.1:
            self.reported = now
            report(file=file, bytes=done)

    def _tick(self, file: str) -> None:
        report(file=file)

    def _link(self, file: str, checked: bool) -> None:
        """Give the content its name in the folder of the commit, as the hub's own cache does."""
        place = self.folder / file
        if place.exists() and not place.is_symlink():
            place.unlink()  # a copy, on systems without links
        huggingface_hub.hf_hub_download(
            self.name,
            file,
            revision=self.folder.name,
            cache_dir=self.cache,
            endpoint=self.endpoint,
            etag_timeout=self.timeout,
            force_download=not checked and place.exists(),
        )


def main() -> None:
    request = json.loads(sys.stdin.readline())
    files = request.pop("files")
    try:
        download = Download(**request)
        for file, size in files.items():
            report(file=file, bytes=0)
            download.fetch(file, size)
            report(file=file, finished=True)
    except Exception as error:
        report(failure=failure(error))


if __name__ == "__main__":
    main()
