"""A small model hub on this machine: the part of the Hugging Face API that a download needs, and its bad days.

    with FakeHub() as hub:
        hub.add("owner/name", folder)
        hub.faults["config.json"] = "hang"

``requests`` records what was asked, as "HEAD owner/name/config.json", "GET api/models/owner/name" and so on.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """The files of one model at one commit. ``access`` is "public", "gated" or "forbidden"."""

    files: dict[str, bytes]
    access: str = "public"
    parameters: int | None = None
    branches: tuple[str, ...] = ("main",)
    #: Sizes the listing claims, where they differ from the files.
    claimed: dict[str, int] = field(default_factory=dict)
    #: Whether the etags are git's hashes, as for small files, not those of large file storage.
    git: bool = False

    @property
    def commit(self) -> str:
        digest = hashlib.sha1()
        for name, content in sorted(self.files.items()):
            digest.update(name.encode() + content)
        return digest.hexdigest()


class FakeHub:
    """The server; ``url`` is its address.

    ``faults`` maps the end of a path ("" for every one, "api/models/owner/name", "model.safetensors") to what goes
    wrong there: "hang" (accepts and never answers), "drop" (sends no content and closes), "drop once" (sends half,
    then behaves), "stall" (sends half and then nothing more), "trickle" (half, then a byte now and then), "junk" (other
    content of the right size), "junk once", "slow" (thinks before it answers), a status code, or "html" (a login page).
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults: dict[str, str | int] = {}
        self.requests: list[str] = []
        #: File → the range that was asked for last.
        self.ranges: dict[str, str] = {}
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def add(self, name: str, files: Path | dict[str, bytes], **options: Any) -> Repository:
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes() for path in files.rglob("*") if path.is_file()
            }
        self.repositories[name] = Repository(files, **options)
        return self.repositories[name]

    def fetched(self) -> set[str]:
        """The names of the files whose content was asked for."""
        return {
            request.rpartition("/")[2]
            for request in self.requests
            if request.startswith("GET ") and not request.startswith("GET api/")
        }

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path).strip("/")
            name, revision, file = self._parse(path)
            hub.requests.append(f"{self.command} {path if path.startswith('api/') or not file else f'{name}/{file}'}")
            for end, fault in hub.faults.items():
                if path.endswith(end) and self._misbehave(fault):
                    return
            if not path:
                self._send(200, b"hub", {})
                return
            repository = hub.repositories.get(name)
            if repository is None:
                self._refuse(401, "RepoNotFound", "Invalid username or password.")
            elif revision not in (None, *repository.branches, repository.commit):
                self._refuse(404, "RevisionNotFound", "Invalid rev id")
            elif file is None:
                self._send(200, json.dumps(self._listing(name, repository)).encode(), {})
            elif repository.access == "gated":
                self._refuse(401, "GatedRepo", "Access to this model is restricted.")
            elif repository.access == "forbidden":
                self._refuse(403, "", "You may not.")
            elif file not in repository.files:
                self._refuse(404, "EntryNotFound", "Entry not found")
            else:
                self._send_file(repository, path, repository.files[file])

        def _parse(self, path: str) -> tuple[str, str | None, str | None]:
            """(model, revision, file) of ``api/models/NAME[/revision/REV]`` or ``NAME/resolve/REV/FILE``."""
            if path.startswith("api/models/"):
                name, _, revision = path.removeprefix("api/models/").partition("/revision/")
                return name, revision or None, None
            name, _, rest = path.partition("/resolve/")
            revision, _, file = rest.partition("/")
            return name, revision or None, file or None

        def _listing(self, name: str, repository: Repository) -> dict[str, Any]:
            listing: dict[str, Any] = {
                "id": name,
                "modelId": name,
                "sha": repository.commit,
                "private": False,
                "gated": "manual" if repository.access == "gated" else False,
                "siblings": [
                    {"rfilename": file, "size": repository.claimed.get(file, len(content))}
                    for file, content in repository.files.items()
                ],
            }
            if repository.parameters is not None:
                listing["safetensors"] = {"parameters": {"F32": repository.parameters}, "total": repository.parameters}
            return listing

        def _misbehave(self, fault: str | int) -> bool:
            if isinstance(fault, int):
                self._send(fault, b"no", {})
            elif fault == "hang":
                hub.released.wait()
                self.close_connection = True
            elif fault == "html":
                self._send(200, b"<html>Please log in to this network</html>", {"Content-Type": "text/html"})
            else:
                if fault == "slow":
                    hub.released.wait(0.4)
                return False  # the rest is up to _send_file
            return True

        def _send_file(self, repository: Repository, path: str, content: bytes) -> None:
            start = 0
            status = 200
            headers = {
                "ETag": f'"{_git_hash(content) if repository.git else hashlib.sha256(content).hexdigest()}"',
                "X-Repo-Commit": repository.commit,
                "Accept-Ranges": "bytes",
            }
            asked = self.headers.get("Range")
            if asked:
                hub.ranges[path.rpartition("/")[2]] = asked
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            end, fault = next(((end, fault) for end, fault in hub.faults.items() if path.endswith(end)), ("", ""))
            if self.command == "GET" and fault in ("drop", "drop once"):
                once = fault == "drop once"
                if once:
                    del hub.faults[end]
                self._send(status, content[start:], headers, stop_after=len(content) // 2 if once else 0)
                return
            if self.command == "GET" and fault in ("stall", "trickle"):
                self._send_half(status, content[start:], headers, trickle=fault == "trickle")
                return
            if self.command == "GET" and fault in ("junk", "junk once"):
                if fault == "junk once":
                    del hub.faults[end]
                content = bytes(len(content))
            self._send(status, content[start:], headers)

        def _send_half(self, status: int, content: bytes, headers: dict[str, str], *, trickle: bool) -> None:
            half = len(content) // 2
            self._send(status, content, headers, stop_after=half)
            while not hub.released.wait(0.2) and trickle:
                try:
                    self.wfile.write(content[half : half + 1])
                    self.wfile.flush()
                except OSError:  # the other side has left
                    return
                half += 1

        def _refuse(self, status: int, code: str, message: str) -> None:
            headers = {"X-Error-Message": message}
            if code:
                headers["X-Error-Code"] = code
            self._send(status, json.dumps({"error": message}).encode(), headers)

        def _send(self, status: int, content: bytes, headers: dict[str, str], *, stop_after: int | None = None) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(content[:stop_after])
            if stop_after is not None:
                self.wfile.flush()
                self.close_connection = True

    return Handler
