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
    """The only folder on PATH: plain tools, and the library that Playwright needs."""
    for tool in ("env", "mktemp", "rm", "tail", "chmod"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    put(tmp_path, "ldconfig", "echo libatomic.so.1")
    return tmp_path


def put(path: Path, name: str, body: str) -> str:
    file = path / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


def put_apt(path: Path) -> None:
    """An apt-get that writes down how it is called, and installs a browser that works where asked for one."""
    browser = path / "chromium"
    makes_browser = f'case "$*" in *chromium*) echo "#!/bin/sh" >{browser}; chmod 755 {browser} ;; esac'
    put(path, "apt-get", f'echo "$*" >>{path}/apt.log; {makes_browser}')


def installed(path: Path) -> list[str]:
    """What apt-get was asked to install, after an update."""
    update, install = (path / "apt.log").read_text().splitlines()
    assert update.endswith(" update")
    return install.partition(" install -y --no-install-recommends ")[2].split()


def find(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)], env={"PATH": str(path), **environment}, capture_output=True, text=True, check=False
    )


def test_the_first_that_runs_is_taken(path: Path) -> None:
    put(path, "chromium-browser", BREAKS)  # as Ubuntu's, which only asks for a snap
    chrome = put(path, "google-chrome", WORKS)
    assert find(path).stdout == f"{chrome}\n"


def test_a_named_browser_wins(path: Path) -> None:
    put(path, "chromium", WORKS)
    named = put(path, "my-chrome", WORKS)
    assert find(path, CHROMIUM=named).stdout == f"{named}\n"


def test_a_named_browser_that_does_not_run_is_refused(path: Path) -> None:
    put(path, "chromium", WORKS)
    done = find(path, CHROMIUM="/nowhere/chrome")
    assert (done.returncode, done.stdout) == (1, "")
    assert "CHROMIUM=/nowhere/chrome is not a browser that runs" in done.stderr


def test_root_installs_it_with_fonts(path: Path) -> None:
    put(path, "id", "echo 0")
    put_apt(path)
    done = find(path)
    assert (done.returncode, done.stdout) == (0, f"{path}/chromium\n")
    assert installed(path) == ["chromium", "fonts-dejavu-core", "fonts-wqy-microhei", "fonts-noto-color-emoji"]


def test_root_installs_only_the_library_beside_a_browser(path: Path) -> None:
    put(path, "id", "echo 0")
    put(path, "ldconfig", "echo libc.so.6")
    chrome = put(path, "google-chrome", WORKS)
    put_apt(path)
    done = find(path)
    assert (done.returncode, done.stdout) == (0, f"{chrome}\n")
    assert installed(path) == ["libatomic1"]


def test_an_installation_that_fails_is_said(path: Path) -> None:
    put(path, "id", "echo 0")
    put(path, "apt-get", "echo E: no such package; exit 100")
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "E: no such package" in done.stderr
    assert "This system's packages could not be installed" in done.stderr


@pytest.mark.parametrize("sudo", [None, BREAKS])
def test_without_root_it_is_one_line(path: Path, sudo: str | None) -> None:
    put(path, "id", "echo 1000")
    put(path, "apt-get", WORKS)
    if sudo:
        put(path, "sudo", sudo)
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Type: sudo apt install chromium " in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_apt_it_is_one_line(path: Path) -> None:
    done = find(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "need what is not here: chromium." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
