"""Streamlit's own command line, with the first page's models loaded before the first visit.

    python scripts/server.py run scripts/asgi.py --server.port 8501

Importing torch and transformers is most of a first visitor's wait. This script does it in the background, once the
server has been up for a while without a visitor; a visitor who connects at once loads the models as usual.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import click
from streamlit.web.cli import main

ROOT = Path(__file__).resolve().parent.parent
#: By then, the page of a browser opened by `make app` itself has been painted.
QUIET_SECONDS = 3.0


def open_ahead(host: str, port: int) -> None:
    """Wait for the server, let a first visitor go first, and load the models of the Workbench."""
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            break
    time.sleep(QUIET_SECONDS)
    if "components.gateway.models" in sys.modules:  # a visitor's page is being drawn and loads them itself
        return
    from components.gateway import models
    from components.gateway.requests import ModelRequest
    from components.state import View

    view = View()
    for source in (view.model, view.beside):
        models.load(ModelRequest(source))


def option(name: str, default: str) -> str:
    """The value of a command line option of Streamlit's."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def serve() -> int:
    """Streamlit's command line; returns the exit status, which is 0 after Ctrl-C: that is how a server ends."""
    try:
        main(prog_name="streamlit", standalone_mode=False)
    except click.Abort:
        return 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    host = option("--server.address", "localhost")
    where = "localhost" if host in ("0.0.0.0", "::") else host
    threading.Thread(target=open_ahead, args=(where, int(option("--server.port", "8501"))), daemon=True).start()
    sys.exit(serve())
