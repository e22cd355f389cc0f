"""One thread imports what is heavy, and the objects of its imports stay out of the garbage collector's sight."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException

import glassbert as gb
from components.gateway import library
from components.shell.navigation import PAGES

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import gc, json, sys, weakref
from components.gateway import models
from components.gateway.library import import_library
from components.gateway.requests import ModelRequest

before = gc.get_freeze_count()
import_library()
imported = gc.get_freeze_count()
model = models.load(ModelRequest("sentiment"))
network = weakref.ref(model.network)
left = len(gc.get_objects())
models._load.clear()
del model
gc.collect()
print(json.dumps({
    "before": before, "imported": imported, "loaded": gc.get_freeze_count(), "left": left, "freed": network() is None,
}))
"""


@pytest.mark.slow
@pytest.mark.smoke
def test_imports_are_frozen_and_an_evicted_model_is_still_freed() -> None:
    """In a process of its own: the imports happen once."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    counted = json.loads(run.stdout.splitlines()[-1])
    assert counted["before"] == 0
    assert counted["imported"] > 100_000
    assert counted["loaded"] > counted["imported"]
    assert counted["left"] < counted["imported"] / 20
    assert counted["freed"]


#: Imports what every page opens with, then asks for a name of the library.
LAZY = """
import inspect, json, sys
from components.gateway.library import gb
from components.shell import frame

inspect.unwrap(gb)
first = [name for name in ("glassbert", "torch", "numpy") if name in sys.modules]
same = gb.encode is sys.modules["glassbert"].encode
print(json.dumps({"first": first, "same": same}))
"""


def test_the_shell_of_a_page_needs_no_torch_and_a_name_of_the_library_brings_it() -> None:
    run = subprocess.run([sys.executable, "-c", LAZY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == {"first": [], "same": True}


#: A page runs in a copy of a process that has imported Streamlit alone, up to the first thing that needs the library.
BEFORE_THE_DOOR = """
import os, sys
from streamlit.testing.v1 import AppTest
from components.gateway import library
from components.shell.navigation import PAGES

HEAVY = ("captum", "glassbert", "pandas", "pyarrow", "scipy", "torch", "transformers")

def at_the_door():
    print(name, *(module for module in HEAVY if module in sys.modules), flush=True)
    os._exit(0)

library.import_library = at_the_door
for name, page in PAGES.items():
    if not os.fork():
        app = AppTest.from_file("app.py", default_timeout=60)
        (app if name == "workbench" else app.switch_page(page.file)).run()
        print(name, "never asks", *[error.message for error in app.exception], flush=True)
        os._exit(1)
    os.wait()
"""


def test_no_page_imports_anything_heavy_itself() -> None:
    """Guards against modules imported by two visitors' threads at once: plotly takes pandas half imported."""
    script = BEFORE_THE_DOOR.replace('"app.py"', repr(str(ROOT / "app.py")))
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == list(PAGES)


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What there is to import: a module that takes 0.3 s and is whole only then."""
    path = tmp_path / "slow_to_import.py"
    path.write_text("import time, threading\nby = threading.current_thread().name\ntime.sleep(0.3)\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(library, "_HEAVY", ("slow_to_import",))
    monkeypatch.setattr(library, "_import", None)
    yield path
    sys.modules.pop("slow_to_import", None)


def in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


@pytest.mark.usefixtures("slow_module")
def test_all_wait_for_one_thread_that_imports() -> None:
    found: list[tuple[bool, str]] = []

    def use() -> None:
        assert library.import_library() is gb
        found.append((hasattr(sys.modules["slow_to_import"], "whole"), sys.modules["slow_to_import"].by))

    in_threads(5, use)
    assert found == [(True, "imports")] * 5


@pytest.mark.usefixtures("slow_module")
def test_a_run_that_nobody_waits_for_ends_and_the_import_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "run_is_over", lambda: True)
    with pytest.raises(StopException):
        library.import_library()
    assert not hasattr(sys.modules["slow_to_import"], "whole")
    monkeypatch.setattr(library, "run_is_over", lambda: False)
    assert library.import_library() is gb
    assert sys.modules["slow_to_import"].whole


def test_an_import_that_failed_tells_everyone_who_waits_and_is_tried_again(slow_module: Path) -> None:
    good = slow_module.read_text()
    slow_module.write_text("import time\ntime.sleep(0.1)\nraise ImportError('out of memory')\n")
    told: list[str] = []

    def use() -> None:
        with pytest.raises(ImportError) as caught:
            library.import_library()
        told.append(str(caught.value))

    in_threads(3, use)
    assert told == ["out of memory"] * 3
    slow_module.write_text(good)
    importlib.invalidate_caches()
    assert library.import_library() is gb
