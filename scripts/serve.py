"""Start the app on a free port: what ``make app`` does once everything is installed, and ``glassbert app``.

Only the standard library is imported here, so that this adds nothing to the start.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

FIRST_PORT = 8501
PORTS_TRIED = 100
WILDCARDS = ("0.0.0.0", "::")
ROOT = Path(__file__).resolve().parent.parent
#: How a user chooses a port and an address, as the messages say it.
BY_MAKE = {"port": "PORT={}", "host": "HOST={}", "again": "make app PORT={}"}
BY_COMMAND = {"port": "--port {}", "host": "--host {}", "again": "glassbert app --port {}"}
spelt = BY_MAKE


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen there, tried as Streamlit does it. Raises OSError unless it is merely in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def take(host: str, port: int) -> bool:
    """Whether this process may have the port: it is free, and no other start of the app has chosen it a moment ago.

    The lock on a file named after the port is held until the server ends; without one, two starts at once would both
    find the same port free, and the second one would fail when Streamlit listens there.
    """
    if not is_free(host, port):
        return False
    try:
        import fcntl
    except ImportError:  # Windows: the race stays, as it is with Streamlit itself
        return True
    path = Path(tempfile.gettempdir()) / f"glassbert-{os.getuid()}-{port}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    os.set_inheritable(lock, True)  # the server takes the place of this process
    return True


def next_free(host: str, first: int) -> int:
    """The first free port from ``first`` on."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        if take(host, port):
            return port
    raise SystemExit(f"No port from {first} on is free. Choose another: {spelt['again'].format(9000)}")


def choose_port(host: str, wanted: str) -> int:
    """The requested port or, without one, the first free port, with a message if it is not the usual one.

    Raises SystemExit with a message if the port or the host cannot be used.
    """
    if wanted and not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 65535):
        raise SystemExit(
            f"{spelt['port'].format(wanted)} is not a port. Ports are integers from 1 to 65535: "
            f"{spelt['again'].format(8600)}"
        )
    try:
        if not wanted:
            port = next_free(host, FIRST_PORT)
            if port != FIRST_PORT:
                print(f"Port {FIRST_PORT} is taken, perhaps by another GlassBERT; this one uses {port}.", flush=True)
            return port
        if take(host, int(wanted)):
            return int(wanted)
        other = next_free(host, max(int(wanted), 1024))
        raise SystemExit(
            f"Port {wanted} is taken by another program. Stop that one, or choose another: "
            f"{spelt['again'].format(other)}"
        )
    except PermissionError:
        raise SystemExit(
            f"Port {wanted} is reserved for the administrator. Choose one from 1024 on: {spelt['again'].format(8600)}"
        ) from None
    except OSError:
        raise SystemExit(
            f"{spelt['host'].format(host)} is not an address of this machine. "
            "Use localhost (only this machine) or 0.0.0.0 (everyone who can reach it)."
        ) from None


def network_address() -> str:
    """This machine's address on its network. Connecting a datagram socket looks up the route and sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "localhost"
        return str(probe.getsockname()[0])


def streamlit_command(host: str, port: int, *, watch: bool) -> list[str]:
    """The command line of the server. Beyond localhost it answers to every host name, and never asks an
    external service for this machine's public address, as Streamlit does when it prints one itself."""
    server, app = (str(ROOT / "scripts" / name) for name in ("server.py", "asgi.py"))
    command = [
        sys.executable,
        server,
        "run",
        app,
        "--server.address",
        host,
        "--server.port",
        str(port),
    ]
    if host not in ("localhost", "127.0.0.1"):
        command += ["--server.allowedHosts", "*"]
    if host in WILDCARDS:
        command += ["--browser.serverAddress", network_address()]
    if watch:
        command += ["--server.fileWatcherType", "auto", "--server.runOnSave", "true"]
    return command


def open_browser(port: int, *, seconds: float = 60.0) -> None:
    """Show the app in the user's browser as soon as it answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(f"http://localhost:{port}")
            return


def has_screen() -> bool:
    """Whether this machine seems to have a screen."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", default="", help="without it: the first free one from 8501 on")
    parser.add_argument("--watch", action="store_true", help="reload when a file changes")
    parser.add_argument("--open", type=int, metavar="PORT", help="only open the browser once PORT answers")
    parser.add_argument("--installed", action="store_true", help="messages name the command glassbert app")
    arguments = parser.parse_args()
    if arguments.open:
        open_browser(arguments.open)
        return

    if arguments.installed:
        global spelt
        spelt = BY_COMMAND
    os.environ["GLASSBERT_STARTED_IN"] = str(Path.cwd())  # asgi.py returns there
    os.chdir(ROOT)  # where Streamlit looks for its configuration
    host = arguments.host.strip() or "localhost"  # an empty address would be every address
    port = choose_port(host, arguments.port)
    if host in WILDCARDS:
        print("Everyone who can reach this machine on its network can use this app: it has no login.", flush=True)
    elif has_screen():
        subprocess.Popen(
            [sys.executable, __file__, "--open", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    command = streamlit_command(host, port, watch=arguments.watch)
    # replaces this process, so that Ctrl+C and signals reach the server itself
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
