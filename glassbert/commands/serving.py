"""The app: its server, in the place of this process."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from glassbert.commands._command import Command
from glassbert.commands._console import Console
from glassbert.errors import GlassBERTError

__all__ = ["COMMANDS", "app_folder"]

_PACKAGE = Path(__file__).resolve().parents[1]


def app_folder() -> Path:
    """Where the app's files are: inside the installed package, or beside it in a checkout of the repository.

    Installed, they are in a folder of their own, because their names (``components``, ``pages``, ``scripts``) would be
    too common among the packages of an environment. Raises GlassBERTError if they are in neither place.
    """
    for folder in (_PACKAGE / "_app", _PACKAGE.parent):
        if all((folder / name).is_file() for name in ("app.py", "scripts/serve.py", "components/state.py")):
            return folder
    raise GlassBERTError("the files of the app are not installed beside the library: install the wheel of glassbert")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        default="localhost",
        metavar="ADDRESS",
        help="where to listen: localhost (only this machine) or 0.0.0.0 (everyone who can reach it; there is no login) "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--port", default="", metavar="PORT", help="a port from 1 to 65535 (default: the first free one from 8501 on)"
    )


def _run(arguments: argparse.Namespace, _console: Console) -> int:
    script = app_folder() / "scripts" / "serve.py"
    if importlib.util.find_spec("streamlit") is None:
        raise GlassBERTError("the app needs Streamlit, which is not installed here: pip install streamlit")
    command = [sys.executable, str(script), "--host", arguments.host, "--port", arguments.port, "--installed"]
    sys.stderr.flush()
    os.execv(command[0], command)  # so that Ctrl-C and signals reach the server itself


COMMANDS = (
    Command(
        "app",
        "start the app in the browser",
        "Start the app and print its address. It serves this machine alone, unless --host says otherwise; then it is\n"
        "shared: visitors open the embedded models and those that the settings list. Settings are read from\n"
        "glassbert.toml in the working directory and from GLASSBERT_MODE, GLASSBERT_MODELS, GLASSBERT_ROOTS,\n"
        "GLASSBERT_CHARACTERS, GLASSBERT_SECONDS and GLASSBERT_MEMORY (docs/deploy.md).",
        ("glassbert app", "glassbert app --port 8600", "glassbert app --host 0.0.0.0 --port 8501"),
        _options,
        _run,
        has_results=False,
    ),
)
