"""The project's own files agree with each other: pins, the lock, Streamlit's configuration, the README's paths."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)$")


def pins(file: str) -> dict[str, str]:
    """Name, spelled as package indexes compare it → version; every line that is no comment must be an exact pin."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = PIN.match(line)
        assert pin, f"{file}: {line!r} is not name==version"
        found[re.sub(r"[-_.]+", "-", pin[1]).lower()] = pin[2]
    return found


def test_torch_is_installed_first() -> None:
    assert next(iter(pins("requirements.txt"))) == "torch"


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_has_every_direct_pin(file: str) -> None:
    lock = pins("requirements.lock")
    assert {name: lock.get(name) for name in pins(file)} == pins(file)


def test_the_lock_is_for_every_build_of_torch() -> None:
    bound = [name for name in pins("requirements.lock") if re.match(r"(nvidia|cuda|triton|pip$)", name)]
    assert bound == []


def options(table: dict[str, Any], prefix: str = "") -> set[str]:
    """Dotted names, as Streamlit has them: a table in a table is a section of its own (theme.dark)."""
    found: set[str] = set()
    for name, value in table.items():
        found |= options(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_streamlit_knows_every_option_we_set() -> None:
    ours = options(tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")))
    assert "browser.gatherUsageStats" in ours
    assert ours - set(config.get_config_options()) == set()


def test_the_configuration_keeps_to_this_machine() -> None:
    sections = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    assert sections["browser"]["gatherUsageStats"] is False
    assert sections["server"]["address"] == "localhost"
    assert sections["server"]["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert sections["client"]["showErrorDetails"] == "none"


def test_the_readme_names_files_that_exist() -> None:
    """Whole paths or their ends: after "views/what_if/__init__.py" the README says "editor.py"."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    layout = readme[readme.index("## How the code is laid out") :]
    named = set(re.findall(r"`([\w./]+(?:\.py|/))`", layout))
    assert {"network/run.py", "editor.py", "components/views/"} <= named
    folders = [ROOT / name for name in ("components", "glassbert", "pages", "tests", "training", "benchmarks")]
    found = [ROOT / "app.py", *folders, *(path for folder in folders for path in folder.rglob("*"))]
    paths = [f"/{path.relative_to(ROOT).as_posix()}{'/' * path.is_dir()}" for path in found]
    assert [name for name in sorted(named) if not any(path.endswith(f"/{name}") for path in paths)] == []
