"""The running app and a real browser, for benchmarks of what a visitor sees."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

__all__ = ["ROOT", "Server", "address", "browser", "free_port", "open_page", "run_app"]

ROOT = Path(__file__).resolve().parent.parent
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_SIZE = {"width": 1440, "height": 900}


class Server:
    """A running app: its port, and the resources its process uses."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, started: float) -> None:
        self.process, self.port, self.started = process, port, started

    def resident_bytes(self) -> int:
        """Current resident memory of the process (VmRSS)."""
        return self._status("VmRSS") * 1024

    def peak_bytes(self) -> int:
        """Peak resident memory (VmHWM)."""
        return self._status("VmHWM") * 1024

    def cpu_seconds(self) -> float:
        """Processor time used so far; unlike wall-clock time, hardly affected by other programs."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise RuntimeError(f"this system does not report {name}; these benchmarks need Linux")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], limit_seconds: float = 60) -> None:
    deadline = time.monotonic() + limit_seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"the app did not answer on port {port}")


@contextmanager
def run_app(*, trace: Path | None = None, python: str = sys.executable, served: bool = False) -> Iterator[Server]:
    """The app as started by ``streamlit run``; with ``trace``, it writes its timings to that file; ``served``: as
    started by ``make app``, behind its middleware, with the models loaded ahead."""
    port = free_port()
    options = ["--server.port", str(port)]
    command = [python, "-m", "streamlit", "run", "app.py", *options]
    if served:
        command = [python, "scripts/server.py", "run", "scripts/asgi.py", *options]
    if trace is not None:
        command = [python, str(ROOT / "benchmarks" / "_traced_server.py"), str(port), str(trace)]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for_port(port, process)
            yield Server(process, port, started)
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-3000:])
            raise
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def browser(*options: str) -> Iterator[Browser]:
    """The system's Chromium, with these options on its command line; CHROMIUM names another."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("These measurements need Chromium. Name one: CHROMIUM=/path/to/chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", *options],
        )
        try:
            yield opened
        finally:
            opened.close()


def address(server: Server, **parameters: str) -> str:
    return f"http://localhost:{server.port}/" + (f"?{urlencode(parameters)}" if parameters else "")


def open_page(
    opened: Browser,
    server: Server,
    parameters: Mapping[str, str] | None = None,
    on_socket: Callable[[WebSocket], None] | None = None,
) -> Page:
    """A page of a new visitor, after its first run has ended and its panels are visible."""
    page = opened.new_context(viewport=_SIZE).new_page()
    if on_socket is not None:
        page.on("websocket", on_socket)
    page.goto(address(server, **(parameters or {})))
    page.wait_for_selector('[data-testid="attention-heatmap"]', timeout=120_000)
    page.wait_for_selector(READY, timeout=120_000)
    return page
