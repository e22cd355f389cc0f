"""The objects of the imports stay out of the garbage collector's sight: it runs after every rerun of a page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
