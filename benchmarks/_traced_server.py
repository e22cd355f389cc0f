"""The app with timers around its parts: ``_traced_server.py PORT TRACE`` writes one JSON line per call to TRACE.

The app itself is not changed: the functions that pages and panels call by name are replaced by timed ones.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner import script_runner
from streamlit.web import bootstrap

ROOT = Path(__file__).resolve().parent.parent
COMPUTED = {
    "inputs": ("encode",),
    "attention": ("maps", "thumbnails"),
    "language": ("fill_mask", "classify", "next_sentence"),
    "saliency": ("attribute",),
    "models": ("is_here", "devices"),
}
PANELS = ("attention_panel", "predictions_panel", "saliency_panel")


def main() -> None:
    port, trace = int(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(ROOT))
    lock = threading.Lock()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            start, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **options)
            finally:
                record = {
                    "name": name,
                    "ms": 1000 * (time.perf_counter() - start),
                    "cpu_ms": 1000 * (time.thread_time() - cpu),
                }
                with lock, trace.open("a") as file:
                    file.write(json.dumps(record) + "\n")

        return wrapper

    def wrap(owner: Any, names: tuple[str, ...], prefix: str = "") -> None:
        for name in names:
            setattr(owner, name, timed(prefix + name.lstrip("_"), getattr(owner, name)))

    from components.shell import frame
    from components.views import workbench as panels

    for module, names in COMPUTED.items():
        wrap(importlib.import_module(f"components.gateway.{module}"), names, f"{module}.")
    wrap(frame, ("open_page", "load_models"), "frame.")
    wrap(panels, PANELS, "panels.")
    wrap(script_runner.ScriptRunner, ("_run_script",), "run.")

    bootstrap.load_config_options({"server_port": port})
    bootstrap.run(str(ROOT / "app.py"), False, [], {})


if __name__ == "__main__":
    main()
