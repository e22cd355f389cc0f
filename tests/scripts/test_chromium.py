"""Which browser the tests get, on a PATH that holds only what each test puts there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/chromium.sh"
WORKS = "exit 0"
BREAKS = "exit 1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for tool in ("env", "mktemp", "rm", "tail", "cat", "chmod"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def put(path: Path, name: str, body: str) -> str:
    file = path / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


def find(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)], env={"PATH": str(path), **environment}, capture_output=True, text=True, check=False
    )


def test_the_first_that_runs_is_taken(path: Path) -> None:
    put(path, "chromium-browser", BREAKS)  # as Ubuntu's, which only asks for a snap
    chrome = put(path, "google-chrome", WORKS)
    assert find(path).stdout == f"{chrome}\n"


def test_a_named_browser_wins(path: Path, tmp_path: Path) -> None:
    put(path, "chromium", WORKS)
    named = put(tmp_path, "my-chrome", WORKS)
    assert find(path, CHROMIUM=named).stdout == f"{named}\n"


def test_a_named_browser_that_does_not_run_is_refused(path: Path) -> None:
    put(path, "chromium", WORKS)
    done = find(path, CHROMIUM="/nowhere/chrome")
    assert (done.returncode, done.stdout) == (1, "")
    assert "CHROMIUM=/nowhere/chrome is not a browser that runs" in done.stderr


def test_root_installs_it_with_fonts(path: Path) -> None:
    put(path, "id", "echo 0")
    # installs a browser that works, as apt would
    browser = path / "chromium"
    put(path, "apt-get", f'echo "$*" >>{path}/apt.log; echo "#!/bin/sh" >{browser}; chmod 755 {browser}')
    done = find(path)
    assert (done.returncode, done.stdout) == (0, f"{browser}\n")
    update, install = (path / "apt.log").read_text().splitlines()
    assert update.endswith(" update")
    assert " install -y --no-install-recommends chromium fonts-" in install


def test_an_installation_that_fails_is_said(path: Path) -> None:
    put(path, "id", "echo 0")
    put(path, "apt-get", "echo E: no such package; exit 100")
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "E: no such package" in done.stderr
    assert "Chromium could not be installed from this system's packages." in done.stderr


@pytest.mark.parametrize("sudo", [None, BREAKS])
def test_without_root_it_is_one_line(path: Path, sudo: str | None) -> None:
    put(path, "id", "echo 1000")
    put(path, "apt-get", WORKS)
    if sudo:
        put(path, "sudo", sudo)
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().startswith("The browser tests need Chromium, and installing it needs root. Type: sudo")
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_apt_it_is_one_line(path: Path) -> None:
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is none here" in done.stderr
